/// Splits at whitespace, which is dropped, and around punctuation, each character of which is a word of its own.
package struct BertPreTokenizer: Sendable, Equatable {
  package init() {}

  /// Calls `body` with each word until it returns false.
  ///
  /// - Returns: whether `body` saw all words.
  @inline(__always)
  static func forEachWord(
    in text: UnsafeBufferPointer<UInt8>, classes: CharacterClasses,
    _ body: (_ word: UnsafeBufferPointer<UInt8>) -> Bool
  ) -> Bool {
    guard let bytes = text.baseAddress else { return true }
    let splits = UInt8(CharacterClasses.whitespace | CharacterClasses.punctuation)
    let ascii = classes.ascii.span
    var start = 0
    var position = 0
    while position < text.count {
      let byte = bytes[position]
      var length = 1
      let flags: UInt8
      if byte < 0x80 {
        flags = ascii[Int(byte)]
      } else {
        let scalar: UInt32
        (scalar, length) = decodeScalar(bytes, at: position, count: text.count)
        flags = UInt8(truncatingIfNeeded: classes.table[scalar])
      }
      if flags & splits == 0 {
        position += length
        continue
      }
      if position > start {
        guard body(UnsafeBufferPointer(start: bytes + start, count: position - start)) else { return false }
      }
      if flags & UInt8(CharacterClasses.punctuation) != 0 {
        guard body(UnsafeBufferPointer(start: bytes + position, count: length)) else { return false }
      }
      position += length
      start = position
    }
    guard position > start else { return true }
    return body(UnsafeBufferPointer(start: bytes + start, count: position - start))
  }
}
