import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

@Suite struct PropertyTests {
  private static let pieces = [
    "a", "b", "ab", "film", "The", "É", "naïve", "e\u{301}", "\u{316}\u{301}", "[MASK]", "Né", "[", "-", ".", " ", "  ", "\n",
    "\u{3000}", "一", "각", "\u{0}", "\u{200D}", "\u{FFFD}", "ß", "İ", "😀", "1234567890", "unforgettable",
  ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xE4, 0xB8], [0xF0, 0x9F]]

  private func tokenizers() throws -> [Tokenizer] {
    let json = try fixtureJSON("tokenizer/tokenizer.json")
    let added: JSONValue = [
      ["id": 4, "content": "[MASK]", "lstrip": true, "special": true], ["id": 0, "content": "Né", "rstrip": true],
    ]
    return [
      try Tokenizer(tokenizerJSON: json),
      try Tokenizer(tokenizerJSON: json, configuration: ["truncation_side": "left"]),
      try Tokenizer(tokenizerJSON: json.setting("normalizer", to: nil)),
      try Tokenizer(
        tokenizerJSON: smallTokenizerJSON().setting("added_tokens", to: added).setting("normalizer", "lowercase", to: false)),
    ]
  }

  private func text(_ generator: inout Generator, pieces count: Int) -> [UInt8] {
    (0..<generator.below(count)).flatMap { _ in Self.pieces[generator.below(Self.pieces.count)] }
  }

  /// A text cut at any limit is its whole encoding cut there; the compiled tokenizer and a used workspace answer the same.
  @Test func randomTexts() throws {
    for (number, tokenizer) in try tokenizers().enumerated() {
      let compiled = try Tokenizer(compiled: tokenizer.compiled())
      var generator = Generator(seed: number + 1)
      var used = TokenizerWorkspace()
      for round in 0..<400 {
        let text = text(&generator, pieces: round % 20 == 0 ? 400 : 30)
        let content = tokenizer.content(text)
        for limit in [0, 1, 2, 3, 4, 7, 16, 64, .max] {
          let room = max(0, limit - 2)
          let kept = tokenizer.truncationSide == .right ? content.prefix(room) : content.suffix(room)
          let expected = Array(([2] + kept + [3]).prefix(limit))
          var fresh = TokenizerWorkspace()
          let place = "tokenizer \(number) round \(round) limit \(limit)"
          let found = tokenizer.encode(text, limit, &fresh)
          #expect(found.ids == expected, "\(place)")
          #expect(found.summary.tokenCount == found.ids.count && found.summary.wasTruncated == (content.count > room), "\(place)")
          #expect(tokenizer.encode(text, limit, &used) == found, "\(place): used workspace")
          #expect(compiled.encode(text, limit, &used) == found, "\(place): compiled")
        }
      }
    }
  }

  @Test func randomPairs() throws {
    for (number, tokenizer) in try tokenizers().enumerated() {
      let compiled = try Tokenizer(compiled: tokenizer.compiled())
      var generator = Generator(seed: number + 1)
      var used = TokenizerWorkspace()
      for round in 0..<200 {
        let first = text(&generator, pieces: 20)
        let second = text(&generator, pieces: 20)
        let counts = (tokenizer.content(first).count, tokenizer.content(second).count)
        for limit in [0, 2, 3, 4, 5, 8, 13, 64, .max] {
          let found = tokenizer.encode(first, second, limit, &used)
          let place = "tokenizer \(number) round \(round) limit \(limit)"
          #expect(found.ids.count == min(counts.0 + counts.1 + 3, limit), "\(place)")
          #expect(found.typeIDs.count == found.ids.count, "\(place)")
          var fresh = TokenizerWorkspace()
          #expect(compiled.encode(first, second, limit, &fresh) == found, "\(place)")
        }
      }
    }
  }

  @Test func encodingAppends() throws {
    let tokenizer = try tokenizers()[0]
    var workspace = TokenizerWorkspace()
    var ids: [Int32] = [-1, -2]
    var typeIDs: [Int32] = [-3]
    let text = Array("the film is a film".utf8)
    text.withUnsafeBufferPointer { text in
      _ = tokenizer.encode(text, maximumLength: 4, workspace: &workspace, into: &ids)
      _ = tokenizer.encodePair(text, text, maximumLength: 6, workspace: &workspace, into: &ids, typeIDs: &typeIDs)
    }
    let single = tokenizer.encode(text, 4, &workspace).ids
    let pair = tokenizer.encode(text, text, 6, &workspace)
    #expect(single.count == 4 && pair.ids.count == 6)
    #expect(ids == [-1, -2] + single + pair.ids && typeIDs == [-3] + pair.typeIDs)
  }

  /// Long texts are normalised in stretches: where one ends must not show.
  @Test func longTextsAreTheirWords() throws {
    let words = ["film", "É\u{301}\u{316}", "unforgettable", "x", "一", "각", "[MASK]", "naïve-", "1234567890"]
    for (number, tokenizer) in try tokenizers().enumerated() where number != 3 {
      var generator = Generator(seed: number + 1)
      for shift in 0..<16 {
        var text = [UInt8](repeating: UInt8(ascii: "\n"), count: shift)
        var expected: [Int32] = []
        while text.count < 9000 {
          // Now and then a word longer than a stretch.
          let isLong = generator.below(400) == 0
          let word = Array((isLong ? String(repeating: "z", count: 5000) : words[generator.below(words.count)]).utf8)
          text += word + [UInt8(ascii: " ")]
          expected += tokenizer.content(word)
        }
        #expect(tokenizer.content(text) == expected, "tokenizer \(number) shift \(shift)")
      }
    }
  }
}
