/// Cuts words as GPT-2 does: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, by hand because most
/// byte-level tokenizers use it. The tests hold it against `Pattern`.
package struct BytePairWords: Sendable, Equatable {
  /// Values of the table.
  package enum Kind {
    package static let other: UInt16 = 0
    package static let letter: UInt16 = 1
    package static let number: UInt16 = 2
    package static let whitespace: UInt16 = 3
  }

  let table: ScalarTable
  private let ascii: [UInt8]

  package init(table: ScalarTable) {
    self.table = table
    ascii = (0..<128).map { UInt8(truncatingIfNeeded: table[$0]) }
  }

  /// Calls `body` with each word until it returns false; every byte is in one.
  ///
  /// - Returns: whether `body` saw all words.
  @inline(__always)
  func forEachWord(in text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
    guard let bytes = text.baseAddress else { return true }
    let count = text.count
    let ascii = ascii.span
    @inline(__always) func kind(_ position: Int) -> (kind: UInt16, length: Int) {
      let byte = bytes[position]
      if byte < 0x80 { return (UInt16(ascii[Int(byte)]), 1) }
      let (scalar, length) = decodeScalar(bytes, at: position, count: count)
      return (table[scalar], length)
    }
    var start = 0
    while start < count {
      var position = start
      if bytes[start] == UInt8(ascii: "'") { position += Self.contraction(bytes, start + 1, count) }
      if position == start {
        var (run, length) = kind(start)
        if bytes[start] == UInt8(ascii: " "), start + 1 < count {
          let next = kind(start + 1)
          if next.kind != Kind.whitespace {
            position += 1
            (run, length) = next
          }
        }
        var last = position
        position += length
        while position < count {
          let next = kind(position)
          guard next.kind == run else { break }
          last = position
          position += next.length
        }
        // The last blank before a word is the word's, or is by itself.
        if run == Kind.whitespace, position < count, last > start { position = last }
      }
      guard body(UnsafeBufferPointer(start: bytes + start, count: position - start)) else { return false }
      start = position
    }
    return true
  }

  /// The bytes of a contraction including its apostrophe, which comes before `position`; 0 if there is none.
  @inline(__always)
  private static func contraction(_ bytes: UnsafePointer<UInt8>, _ position: Int, _ count: Int) -> Int {
    guard position < count else { return 0 }
    switch bytes[position] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return position + 1 < count && bytes[position + 1] == UInt8(ascii: "e") ? 3 : 0
    case UInt8(ascii: "l"):
      return position + 1 < count && bytes[position + 1] == UInt8(ascii: "l") ? 3 : 0
    default: return 0
    }
  }
}
