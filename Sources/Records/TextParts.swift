/// The parts of a text that can be left out to see what they do: words, or sentences where there are many words.
package struct TextParts: Sendable, Equatable {
  /// Bytes of each part, in order.
  package let ranges: [Range<Int>]
  /// Whether they are sentences.
  package let areSentences: Bool

  /// With more words than this a text is cut into sentences.
  package static let mostWords = 512

  /// - Parameter text: UTF-8, already valid.
  package init(_ text: [UInt8], mostWords: Int = mostWords) {
    let words = Self.words(text)
    areSentences = words.count > mostWords
    ranges = areSentences ? Self.sentences(text, words) : words
  }

  /// Stretches without blanks; a character of Chinese, Japanese or Korean writing is a word by itself.
  private static func words(_ text: [UInt8]) -> [Range<Int>] {
    var words: [Range<Int>] = []
    var start: Int?
    var position = 0
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      let end = position + UTF8.width(scalar)
      let standsAlone = isIdeograph(scalar)
      if standsAlone || scalar.properties.isWhitespace {
        if let begin = start { words.append(begin..<position) }
        start = nil
        if standsAlone { words.append(position..<end) }
      } else if start == nil {
        start = position
      }
      position = end
    }
    if let begin = start { words.append(begin..<position) }
    return words
  }

  private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x3040...0x30FF, 0x31F0...0x31FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7AF, 0xF900...0xFAFF, 0x20000...0x3FFFF: true
    default: false
    }
  }

  /// Words up to one that ends with a mark that ends sentences, or with a line; no more than so many, whatever the text.
  private static func sentences(_ text: [UInt8], _ words: [Range<Int>]) -> [Range<Int>] {
    var sentences: [Range<Int>] = []
    var start = words.first?.lowerBound ?? 0
    // A text without marks, or of marks alone, is cut all the same.
    let (fewest, most) = (words.count / mostWords + 1, max(64, words.count / 64))
    var count = 0
    for (index, word) in words.enumerated() {
      count += 1
      let next = index + 1 < words.count ? words[index + 1].lowerBound : text.count
      let endsHere = endsSentence(text[word]) || text[word.upperBound..<next].contains(UInt8(ascii: "\n"))
      guard index + 1 == words.count || count >= most || count >= fewest && endsHere else { continue }
      sentences.append(start..<word.upperBound)
      start = next
      count = 0
    }
    return sentences
  }

  private static func endsSentence(_ word: ArraySlice<UInt8>) -> Bool {
    let closing = Array("\"')]".utf8)
    var word = word
    while let last = word.last, closing.contains(last) { word.removeLast() }
    return [".", "!", "?", "…", "。", "！", "？"].contains { mark in word.suffix(mark.utf8.count).elementsEqual(mark.utf8) }
  }

  /// The text without a part and without one blank beside it: the one behind it, or else the one before it.
  package func text(_ text: [UInt8], without part: Int) -> [UInt8] {
    var range = ranges[part]
    let blanks: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
    if range.upperBound < text.count, blanks.contains(text[range.upperBound]) {
      range = range.lowerBound..<range.upperBound + 1
    } else if range.lowerBound > 0, blanks.contains(text[range.lowerBound - 1]) {
      range = range.lowerBound - 1..<range.upperBound
    }
    return Array(text[..<range.lowerBound] + text[range.upperBound...])
  }
}

/// What a part of a text does to an answer.
package struct PartShare: Sendable, Equatable {
  /// Of the part in the text's bytes.
  package let range: Range<Int>
  /// For each output that was asked for: its score with the part, less its score without it.
  package let shares: [Float]

  package init(range: Range<Int>, shares: [Float]) { (self.range, self.shares) = (range, shares) }
}
