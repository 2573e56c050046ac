import Tokenizers

/// Which scalars are letters, numbers and blanks to GPT-2's pattern.
extension BytePairWords {
  /// As files write it.
  static let pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  /// The one that files ask for; a bundle brings its own table.
  static let gpt2 = BytePairWords()

  private init() {
    var dense = [UInt16](repeating: Kind.other, count: 0x110000)
    for (category, kind) in [("L", Kind.letter), ("N", Kind.number)] {
      for scalar in UnicodeFacts.scalars(ofCategory: category) { dense[Int(scalar)] = kind }
    }
    for scalar in UnicodeFacts.scalars(in: UnicodeTables.whitespace) { dense[Int(scalar)] = Kind.whitespace }
    self.init(table: ScalarTable(dense: dense))
  }
}
