import Storage
import TestSupport
import Testing
import Tokenizers

@Suite struct HTMLTextTests {
  private func plain(_ html: String, _ text: inout HTMLText) -> String {
    Array(html.utf8).withUnsafeBufferPointer { text.withText($0) { String(decoding: $0, as: UTF8.self) } }
  }

  /// Every named reference, and texts of pieces of HTML, against Python's `html.unescape` (`tools/fixtures/html_text.py`).
  @Test func asPythonHasIt() throws {
    let golden = try fixtureJSON("tokenizer/html.json")
    let texts = try #require(golden["texts"]?.array).compactMap(\.string)
    let expected = try #require(golden["plain"]?.array).compactMap(\.string)
    #expect(texts.count == expected.count && texts.count > 3000)
    // One for all: what is left of a text must not come into the next.
    var text = HTMLText()
    for (html, expected) in zip(texts, expected) {
      let found = plain(html, &text)
      #expect(found.utf8.elementsEqual(expected.utf8), "\(html.debugDescription): \(found.debugDescription), not \(expected.debugDescription)")
      let isMarked = Array(html.utf8).withUnsafeBufferPointer { text.isMarked($0) }
      #expect(isMarked || html.utf8.elementsEqual(expected.utf8), "\(html.debugDescription)")
    }
  }

  /// Texts that a careless reader takes minutes for.
  @Test func hostileTextsTakeNoTime() {
    var text = HTMLText()
    let start = Machine.monotonicSeconds()
    for piece in ["<!--", "<!-- -", "<a", "<", "&", "&#", "&#x", "&amp", "<a ", "</", "&CounterClockwiseContourIntegra"] {
      let html = String(repeating: piece, count: 1_000_000 / piece.utf8.count)
      #expect(plain(html, &text).utf8.count <= html.utf8.count)
    }
    #expect(Machine.monotonicSeconds() - start < 30)
  }
}
