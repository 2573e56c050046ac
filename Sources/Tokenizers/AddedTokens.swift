/// A token that is found in the text itself, before the model sees the rest.
package struct AddedToken: Sendable, Equatable {
  package struct Flags: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Must not touch a word character on either side.
    package static let singleWord = Flags(rawValue: 1)
    /// Takes the whitespace before it, or after it.
    package static let stripsLeft = Flags(rawValue: 2)
    package static let stripsRight = Flags(rawValue: 4)
    /// Looked for in the normalised text instead of the raw text.
    package static let normalized = Flags(rawValue: 8)
    package static let special = Flags(rawValue: 16)
    /// Found and left in the text, as `split_special_tokens` wants it.
    package static let passedOver = Flags(rawValue: 32)
    static let all: Flags = [.singleWord, .stripsLeft, .stripsRight, .normalized, .special, .passedOver]
  }

  package let id: Int
  package let content: [UInt8]
  /// What is looked for: the content, or its normal form.
  package let pattern: [UInt8]
  package let flags: Flags

  package init(id: Int, content: [UInt8], pattern: [UInt8], flags: Flags) {
    self.id = id
    self.content = content
    self.pattern = pattern
    self.flags = flags
  }
}

/// Finds the longest of some patterns that starts leftmost.
struct PatternSet: Sendable, Equatable {
  /// Rising by bytes, so that those with a common start are neighbours.
  private let tokens: [AddedToken]
  /// For each first byte, the tokens that start with it.
  private let ranges: [Range<Int>]
  /// The one first byte, if all share it.
  private let onlyFirstByte: UInt8?

  var isEmpty: Bool { tokens.isEmpty }

  /// - Parameter tokens: patterns are not empty and differ.
  init(_ tokens: [AddedToken]) {
    let sorted = tokens.sorted { $0.pattern.lexicographicallyPrecedes($1.pattern) }
    var ranges = Array(repeating: 0..<0, count: 256)
    for (index, token) in sorted.enumerated() {
      let first = Int(token.pattern[0])
      ranges[first] = (ranges[first].isEmpty ? index : ranges[first].lowerBound)..<index + 1
    }
    let firstBytes = ranges.indices.filter { !ranges[$0].isEmpty }
    self.tokens = sorted
    self.ranges = ranges
    onlyFirstByte = firstBytes.count == 1 ? UInt8(firstBytes[0]) : nil
  }

  /// The first match at or after `position`, the longest of those that start there.
  func next(in text: UnsafeBufferPointer<UInt8>, from position: Int) -> (range: Range<Int>, token: AddedToken)? {
    var position = position
    while true {
      if let onlyFirstByte {
        while position < text.count, text[position] != onlyFirstByte { position += 1 }
      } else {
        while position < text.count, ranges[Int(text[position])].isEmpty { position += 1 }
      }
      guard position < text.count else { return nil }
      if let token = longest(at: position, in: text) {
        return (position..<position + token.pattern.count, token)
      }
      position += 1
    }
  }

  /// Narrows the range of candidates byte by byte; the shortest of a range comes first in it.
  private func longest(at position: Int, in text: UnsafeBufferPointer<UInt8>) -> AddedToken? {
    var range = ranges[Int(text[position])]
    var depth = 1
    var found: AddedToken?
    while true {
      while !range.isEmpty, tokens[range.lowerBound].pattern.count == depth {
        found = tokens[range.lowerBound]
        range = range.lowerBound + 1..<range.upperBound
      }
      guard !range.isEmpty, position + depth < text.count else { return found }
      let byte = text[position + depth]
      let low = firstIndex(in: range, depth: depth) { $0 >= byte }
      range = low..<firstIndex(in: low..<range.upperBound, depth: depth) { $0 > byte }
      depth += 1
    }
  }

  private func firstIndex(in range: Range<Int>, depth: Int, where holds: (UInt8) -> Bool) -> Int {
    var low = range.lowerBound
    var high = range.upperBound
    while low < high {
      let middle = (low + high) / 2
      if holds(tokens[middle].pattern[depth]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// Splits a text at the added tokens in it, as Hugging Face's tokenizers 0.23 does (`AddedVocabulary::find_matches`).
package struct AddedTokens: Sendable, Equatable {
  /// Vocabularies in use have a few thousand.
  package static let maximumCount = 1 << 18

  package let tokens: [AddedToken]
  let raw: PatternSet
  let normalized: PatternSet

  package init(_ tokens: [AddedToken]) {
    self.tokens = tokens
    raw = PatternSet(tokens.filter { !$0.flags.contains(.normalized) })
    normalized = PatternSet(tokens.filter { $0.flags.contains(.normalized) })
  }

  package func id(of text: String) -> Int? {
    let content = Array(text.utf8)
    return tokens.first { $0.content == content }?.id
  }

  /// Calls `body` with each stretch of text between tokens, in order, and `token` with each token's id.
  ///
  /// Both return false to stop.
  static func split(
    _ text: UnsafeBufferPointer<UInt8>, at patterns: PatternSet, classes: CharacterClasses,
    text body: (UnsafeBufferPointer<UInt8>) -> Bool, token: (Int) -> Bool
  ) -> Bool {
    var done = 0
    var searchFrom = 0
    while let (match, found) = patterns.next(in: text, from: searchFrom) {
      // A match that is dropped still uses up its bytes.
      searchFrom = match.upperBound
      if found.flags.contains(.passedOver) { continue }
      if found.flags.contains(.singleWord), touchesWord(text, match, classes) { continue }
      var start = match.lowerBound
      var end = match.upperBound
      if found.flags.contains(.stripsLeft) { start = max(done, whitespaceStart(text, before: start, classes)) }
      if found.flags.contains(.stripsRight) { end = whitespaceEnd(text, from: end, classes) }
      if done < start {
        guard body(UnsafeBufferPointer(rebasing: text[done..<start])) else { return false }
      }
      guard token(found.id) else { return false }
      done = end
    }
    guard done < text.count else { return true }
    return body(UnsafeBufferPointer(rebasing: text[done...]))
  }

  private static func touchesWord(
    _ text: UnsafeBufferPointer<UInt8>, _ match: Range<Int>, _ classes: CharacterClasses
  ) -> Bool {
    let bytes = text.baseAddress!
    if match.upperBound < text.count,
      classes.isWord(decodeScalar(bytes, at: match.upperBound, count: text.count).scalar)
    {
      return true
    }
    guard match.lowerBound > 0 else { return false }
    return classes.isWord(decodeScalar(bytes, at: previous(text, match.lowerBound), count: text.count).scalar)
  }

  static func whitespaceStart(
    _ text: UnsafeBufferPointer<UInt8>, before position: Int, _ classes: CharacterClasses
  ) -> Int {
    var position = position
    while position > 0 {
      let before = previous(text, position)
      guard classes.isWhitespace(decodeScalar(text.baseAddress!, at: before, count: text.count).scalar) else { break }
      position = before
    }
    return position
  }

  static func whitespaceEnd(
    _ text: UnsafeBufferPointer<UInt8>, from position: Int, _ classes: CharacterClasses
  ) -> Int {
    var position = position
    while position < text.count {
      let (scalar, length) = decodeScalar(text.baseAddress!, at: position, count: text.count)
      guard classes.isWhitespace(scalar) else { break }
      position += length
    }
    return position
  }

  /// Where the scalar before `position` starts.
  private static func previous(_ text: UnsafeBufferPointer<UInt8>, _ position: Int) -> Int {
    var start = position - 1
    while start > 0, start > position - 4, text[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }
}
