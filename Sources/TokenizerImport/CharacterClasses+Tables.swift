import Tokenizers

/// Which scalars are in which class, as the reference has them.
extension CharacterClasses {
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

  /// For tokenizers of the reference library that are written in Python.
  static let python: CharacterClasses = {
    var dense = [UInt16](repeating: 0, count: 0x110000)
    for scalar in 0..<dense.count where isPythonSpace(UInt32(scalar)) { dense[scalar] = whitespace }
    return CharacterClasses(table: ScalarTable(dense: dense))
  }()
}

extension AddedTokens {
  var needsWordCharacters: Bool { tokens.contains { $0.flags.contains(.singleWord) } }
}
