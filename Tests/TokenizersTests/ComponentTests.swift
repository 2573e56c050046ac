import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

/// Normalisers, pre-tokenizers and models besides BERT's, as the reference has them (`tools/fixtures/tokenizer_components.py`), from
/// the JSON and from the compiled form.
@Suite struct ComponentTests {
  private static func golden() throws -> JSONValue { try fixtureJSON("tokenizer/components.json") }

  @Test func normalizers() throws {
    let sequences = try #require(fixtureJSON("tokenizer/parts.json")["sequences"])
    let ranges = try #require(sequences["ranges"]?.array).map { UInt32($0.ids[0])...UInt32($0.ids[1]) }
    let blockSize = try #require(sequences["block"]?.int)
    let entries = try #require(Self.golden()["normalizers"]?.array)
    #expect(entries.count == 14)
    for entry in entries {
      let json = try smallTokenizerJSON().setting("normalizer", to: entry["normalizer"])
      let tokenizer = try Tokenizer(compiled: Tokenizer(tokenizerJSON: json).compiled())
      var generator = Generator(seed: try #require(sequences["seed"]?.int))
      for (number, expected) in try #require(entry["checksums"]?.array).enumerated() {
        var checksum = CRC32()
        for _ in 0..<blockSize {
          var text = ""
          for _ in 0...generator.below(12) {
            let range = ranges[generator.below(ranges.count)]
            text.unicodeScalars.append(Unicode.Scalar(range.lowerBound + UInt32(generator.below(range.count)))!)
          }
          checksum.add(tokenizer.normalForm(of: text))
          checksum.add([UInt8(ascii: "\n")])
        }
        #expect(checksum.value == expected.int, "\(entry["name"]?.string ?? "") block \(number)")
      }
    }
  }

  /// Every word that the reference cuts has an id of its own.
  @Test func preTokenizers() throws { try compare("words", count: 21) }

  @Test func models() throws { try compare("models", count: 9) }

  private func compare(_ key: String, count: Int) throws {
    let golden = try Self.golden()
    let texts = try #require(golden["texts"]?.array).compactMap(\.string)
    let entries = try #require(golden[key]?.array)
    #expect(entries.count == count && texts.count > 100)
    for entry in entries {
      let name = entry["name"]?.string ?? ""
      let tokenizer = try Tokenizer(tokenizerJSON: #require(entry["tokenizer"]))
      let compiled = try Tokenizer(compiled: tokenizer.compiled())
      #expect(compiled == tokenizer && compiled.compiled() == tokenizer.compiled(), "\(name)")
      let expected = try #require(entry["input_ids"]?.array).map(\.ids)
      #expect(expected.count == texts.count)
      // Twice with one workspace: what it has kept must not change anything.
      var workspace = TokenizerWorkspace()
      for (text, ids) in Array(zip(texts, expected)) + Array(zip(texts, expected)) {
        #expect(compiled.encode(Array(text.utf8), .max, &workspace).ids == ids, "\(name): \(text.debugDescription)")
        #expect(tokenizer.encode(Array(text.utf8), .max, &workspace).ids == ids, "\(name): \(text.debugDescription)")
      }
    }
  }

  private func tokenizers() throws -> [(name: String, tokenizer: Tokenizer)] {
    try #require(Self.golden()["models"]?.array).map { (($0["name"]?.string ?? ""), try Tokenizer(tokenizerJSON: $0["tokenizer"] ?? .null)) }
  }

  /// Of one long word and of many: joined by a queue, kept out of the cache, cut at a limit.
  @Test func longWords() throws {
    for (name, tokenizer) in try tokenizers() {
      var workspace = TokenizerWorkspace()
      for text in ["ab", "the film", " ", "é", "ſ'S"] {
        let bytes = Array(String(repeating: text, count: 5000).utf8)
        let ids = tokenizer.encode(bytes, .max, &workspace).ids
        // A text of blanks may have no words.
        #expect(ids.count > 1 || text == " ", "\(name)")
        #expect(Array(ids.prefix(50)) == Array(tokenizer.encode(bytes, .max, &workspace).ids.prefix(50)), "\(name)")
        let specials = tokenizer.specialTokenCount()
        #expect(tokenizer.encode(bytes, 20, &workspace).ids.count == min(20, ids.count), "\(name) \(specials)")
      }
    }
  }

  @Test func tokensAndIDs() throws {
    for (name, tokenizer) in try tokenizers() {
      for id in 0..<tokenizer.vocabularySize {
        guard let token = tokenizer.token(of: id) else { continue }
        #expect(tokenizer.id(of: token) == id, "\(name): \(token)")
      }
      #expect(tokenizer.token(of: 20) != nil, "\(name)")
    }
  }

  /// What is not UTF-8 is U+FFFD, one for each maximal subpart, in every pipeline.
  @Test func bytesThatAreNotUTF8() throws {
    for (name, tokenizer) in try tokenizers() {
      var workspace = TokenizerWorkspace()
      for broken in [[0x61, 0xFF, 0x62, 0xC3], [0x61, 0xE2, 0x82, 0x62, 0xF0, 0x9F, 0x98], [0xED, 0xA0, 0x80, 0x20, 0xC0, 0x80]] as [[UInt8]] {
        #expect(tokenizer.encode(broken, .max, &workspace).ids == tokenizer.ids(String(decoding: broken, as: UTF8.self)), "\(name): \(broken)")
      }
    }
  }

  /// Damaged compiled bytes are refused, or give a tokenizer that stays within its limits.
  @Test func damagedBytesAreSafe() throws {
    for (name, tokenizer) in try tokenizers() where ["byte level", "fallback", "unigram with bytes"].contains(name) {
      let bytes = tokenizer.compiled()
      var generator = Generator(seed: 3)
      for _ in 0..<400 {
        var damaged = bytes
        damaged[generator.below(bytes.count)] ^= UInt8(1 + generator.below(255))
        guard let other = try? Tokenizer(compiled: damaged) else { continue }
        for text in ["the film é 각 naïve", "\u{1D15E}\u{301}\u{316} ``x''"] { #expect(other.ids(text, maximumLength: 7).count <= 7) }
      }
      for end in stride(from: 0, to: bytes.count, by: 997) {
        #expect(throws: TokenizerError.self) { try Tokenizer(compiled: Array(bytes[..<end])) }
      }
    }
  }
}
