import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

@Suite struct CompiledTests {
  private static let texts = [
    "", "Né naïve [MASK] a", "\u{0}É\u{301}\u{FF}각一 ab-cd", "ﬃ İ \u{1D15E}\u{FFFD} Ω",
  ].map { Array($0.utf8) }

  /// No normaliser, so that it is small.
  private func small() throws -> Tokenizer {
    try Tokenizer(
      tokenizerJSON: smallTokenizerJSON().setting("normalizer", to: nil)
        .setting(
          "added_tokens",
          to: [["id": 4, "content": "[MASK]", "lstrip": true], ["id": 5, "content": "a", "single_word": true]]),
      configuration: ["model_max_length": 64, "truncation_side": "left", "pad_token": "[PAD]"])
  }

  private func withNormalizer() throws -> Tokenizer {
    try Tokenizer(
      tokenizerJSON: smallTokenizerJSON().setting("added_tokens", to: [["id": 23, "content": "Né"]]))
  }

  private func fault(_ bytes: [UInt8]) -> TokenizerError? {
    do { _ = try Tokenizer(compiled: bytes) } catch { return error as? TokenizerError }
    return nil
  }

  /// Refused, or safe: whatever it answers, it answers within the limit, with ids of its vocabulary.
  private func use(_ bytes: [UInt8]) -> Bool {
    guard let tokenizer = try? Tokenizer(compiled: bytes) else { return true }
    var workspace = TokenizerWorkspace()
    let known = 0..<Int32(tokenizer.vocabularySize)
    guard known.contains(tokenizer.emptyTextID) || known.isEmpty else { return false }
    return Self.texts.allSatisfy { text in
      let pair = tokenizer.encode(text, Self.texts[1], 9, &workspace)
      let ids = tokenizer.encode(text, 7, &workspace).ids
      return ids.count <= 7 && pair.ids.count <= 9 && pair.ids.count == pair.typeIDs.count && (ids + pair.ids).allSatisfy(known.contains)
    }
  }

  @Test func roundTrip() throws {
    let folder = try fixtureJSON("tokenizer/tokenizer.json")
    let tokenizers = [
      try small(), try withNormalizer(), try Tokenizer(tokenizerJSON: folder), try Tokenizer(vocabularyIn: "tiny-bert"),
      try Tokenizer(tokenizerJSON: folder.setting("normalizer", "strip_accents", to: false)),
      try Tokenizer(tokenizerJSON: folder.setting("post_processor", to: nil)),
    ]
    for (number, tokenizer) in tokenizers.enumerated() {
      let bytes = tokenizer.compiled()
      let again = try Tokenizer(compiled: bytes)
      #expect(again == tokenizer, "tokenizer \(number)")
      #expect(again.compiled() == bytes && tokenizer.compiled() == bytes, "tokenizer \(number)")
      #expect(tokenizers.indices.allSatisfy { ($0 == number) == (tokenizers[$0] == again) }, "tokenizer \(number)")
      for text in Self.texts { #expect(again.content(text) == tokenizer.content(text)) }
    }
  }

  @Test func theFaultIsNamed() throws {
    let bytes = try small().compiled()
    #expect(fault(bytes) == nil)
    #expect(fault([]) == .notCompiled(offset: 0, what: "expected a number, found the end"))
    #expect(fault(Array("no tokenizer".utf8)) == .notCompiled(offset: 0, what: "not a compiled tokenizer"))
    var newer = bytes
    newer[4] = 2
    #expect(fault(newer).map { "\($0)" } == "compiled tokenizer: byte 4: expected version 1, found 2")
    #expect(fault(bytes + [0]) == .notCompiled(offset: bytes.count, what: "expected the end"))
    // It would stand for texts without any token.
    var padded = bytes
    padded[bytes.count - 10] = 0x10
    #expect(fault(padded) == .notCompiled(offset: bytes.count, what: "padding token: no such id"))
  }

  @Test func everyTruncationIsRefused() throws {
    for (tokenizer, step) in [(try small(), 1), (try withNormalizer(), 211)] {
      let bytes = tokenizer.compiled()
      let opened = stride(from: 0, to: bytes.count, by: step).filter { fault(Array(bytes[..<$0])) == nil }
      #expect(opened.isEmpty, "of \(bytes.count)")
    }
  }

  @Test func everyChangedByteIsSafe() throws {
    let bytes = try small().compiled()
    for position in bytes.indices {
      for change: UInt8 in [1, 0x80, 0xFF] {
        var damaged = bytes
        damaged[position] ^= change
        #expect(use(damaged), "byte \(position) changed by \(change)")
      }
    }
  }

  /// Tables that are checked for what their bytes may grow to: all of the parts that are read for every text, and samples.
  @Test func changedBytesOfTheNormalizerAreSafe() throws {
    let bytes = try withNormalizer().compiled()
    let actions = 12 + 4 + 2 * 4352 + 4
    let positions = Set(0..<40).union(actions..<actions + 256).union(stride(from: 40, to: bytes.count, by: 173))
    for position in positions {
      for change: UInt8 in [1, 0x80, 0xFF] {
        var damaged = bytes
        damaged[position] ^= change
        #expect(use(damaged), "byte \(position) changed by \(change)")
      }
    }
  }
}
