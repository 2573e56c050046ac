import Records
import Testing

@Suite struct TextPartsTests {
  private func parts(_ text: String) -> [String] {
    let bytes = Array(text.utf8)
    return TextParts(bytes).ranges.map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  @Test func wordsAreStretchesWithoutBlanks() {
    #expect(parts("not bad, really!") == ["not", "bad,", "really!"])
    #expect(parts("  a\tb\u{A0}c\n") == ["a", "b", "c"])
    #expect(parts("很好 film好") == ["很", "好", "film", "好"])
    #expect(parts("😡 é") == ["😡", "é"])
    #expect(parts("") == [] && parts(" \n ") == [])
  }

  @Test func leavingOutTakesOneBlank() {
    func without(_ text: String) -> [String] {
      let bytes = Array(text.utf8)
      let parts = TextParts(bytes)
      return parts.ranges.indices.map { String(decoding: parts.text(bytes, without: $0), as: UTF8.self) }
    }
    #expect(without("not  bad") == [" bad", "not "])
    #expect(without("a b c") == ["b c", "a c", "a b"])
    #expect(without("one") == [""])
    #expect(without("很好") == ["好", "很"])
  }

  @Test func manyWordsAreSentences() {
    #expect(!TextParts(Array(String(repeating: "a ", count: 512).utf8)).areSentences)
    let text = String(repeating: "one two three. ", count: 200) + "the end"
    let sentences = TextParts(Array(text.utf8))
    #expect(sentences.areSentences && sentences.ranges.count == 201)
    #expect(parts(text)[0] == "one two three." && parts(text).last == "the end")
    // Without any mark too; never more than there may be words.
    for text in [String(repeating: "a ", count: 5000), String(repeating: "a. ", count: 5000), String(repeating: "好", count: 3000)] {
      let parts = TextParts(Array(text.utf8))
      #expect(parts.areSentences && (2...TextParts.mostWords).contains(parts.ranges.count), "\(parts.ranges.count)")
      #expect(zip(parts.ranges, parts.ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
    }
  }
}
