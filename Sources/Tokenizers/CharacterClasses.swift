/// What splitting needs to know of a character: `ScalarTable` values are sums of these flags.
struct CharacterClasses: Sendable, Equatable {
  static let whitespace: UInt16 = 1
  static let punctuation: UInt16 = 2
  /// Part of a word in the sense of added tokens that must stand alone.
  static let word: UInt16 = 4
  /// A digit or another number, in the sense of `Digits`.
  static let numeric: UInt16 = 8

  let table: ScalarTable
  /// The first 128 values of the table.
  let ascii: [UInt8]

  /// - Parameter words: whether the table also tells word characters, which only added tokens that must stand alone ask
  ///   for and which makes the table larger. Numbers likewise are for `Digits`.
  init(words: Bool, numbers: Bool = false) {
    var dense = Array(repeating: UInt16(0), count: 0x110000)
    for scalar in UnicodeFacts.scalars(in: UnicodeTables.whitespace) { dense[Int(scalar)] |= Self.whitespace }
    for scalar in UnicodeFacts.scalars(in: UnicodeTables.punctuation) { dense[Int(scalar)] |= Self.punctuation }
    if words { for scalar in UnicodeFacts.scalars(in: UnicodeTables.wordCharacters) { dense[Int(scalar)] |= Self.word } }
    if numbers { for scalar in UnicodeFacts.scalars(in: UnicodeTables.numeric) { dense[Int(scalar)] |= Self.numeric } }
    self.init(table: ScalarTable(dense: dense))
  }

  init(table: ScalarTable) {
    self.table = table
    ascii = (0..<128).map { UInt8(truncatingIfNeeded: table[$0]) }
  }

  func isWhitespace(_ scalar: UInt32) -> Bool { table[scalar] & Self.whitespace != 0 }
  func isWord(_ scalar: UInt32) -> Bool { table[scalar] & Self.word != 0 }
}
