import Storage
import Tokenizers

/// Finds out, from texts as they come by, whether many of them hold HTML that a model reads as it is.
struct HTMLNotice {
  private var html = HTMLText()
  private var texts = 0
  private var marked = 0
  /// So many texts are looked at.
  private let mostTexts: Int
  private var isDone = false

  /// Of fewer nothing is said.
  private static let fewestTexts = 20

  init(mostTexts: Int = 1000) { self.mostTexts = mostTexts }

  /// - Returns: what is to be said, once, when enough texts have come.
  mutating func look(at text: UnsafeBufferPointer<UInt8>) -> String? {
    guard !isDone else { return nil }
    texts += 1
    if html.isMarked(text) { marked += 1 }
    guard texts >= mostTexts || marked >= Self.fewestTexts && isMany else { return nil }
    return end()
  }

  /// - Returns: what is to be said if no more texts come.
  mutating func end() -> String? {
    guard !isDone else { return nil }
    isDone = true
    guard texts >= Self.fewestTexts, isMany else { return nil }
    return "\(marked) of the first \(texts) texts hold tags or entities of HTML, which this model reads as they are: `--unescape-html` of tune or pack makes it read plain text"
  }

  private var isMany: Bool { marked * 20 >= texts }
}
