/// What splitting needs to know of a character: `ScalarTable` values are sums of these flags.
package struct CharacterClasses: Sendable, Equatable {
  package static let whitespace: UInt16 = 1
  package static let punctuation: UInt16 = 2
  /// Part of a word in the sense of added tokens that must stand alone.
  package static let word: UInt16 = 4
  /// A digit or another number, in the sense of `Digits`.
  package static let numeric: UInt16 = 8

  let table: ScalarTable
  /// The first 128 values of the table.
  let ascii: [UInt8]

  package init(table: ScalarTable) {
    self.table = table
    ascii = (0..<128).map { UInt8(truncatingIfNeeded: table[$0]) }
  }

  func isWhitespace(_ scalar: UInt32) -> Bool { table[scalar] & Self.whitespace != 0 }
  func isWord(_ scalar: UInt32) -> Bool { table[scalar] & Self.word != 0 }
}
