/// Hangul syllables decompose by arithmetic (The Unicode Standard, section 3.12).
package enum Hangul {
  package static let syllables: Range<UInt32> = 0xAC00..<0xAC00 + 11172

  /// Two or three jamo; the third is 0 when there is none.
  @inline(__always)
  static func jamo(of syllable: UInt32) -> (leading: UInt32, vowel: UInt32, trailing: UInt32) {
    let index = syllable - syllables.lowerBound
    let trailing = index % 28
    return (0x1100 + index / 588, 0x1161 + index % 588 / 28, trailing == 0 ? 0 : 0x11A7 + trailing)
  }

  /// Vowels and trailing consonants, which compose with what is before them.
  package static let joiningJamo: [Range<UInt32>] = [0x1161..<0x1176, 0x11A8..<0x11C3]

  /// The syllable of a leading consonant and a vowel, or of a syllable without trailing consonant and one.
  static func syllable(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if (0x1100..<0x1113).contains(first), joiningJamo[0].contains(second) {
      return syllables.lowerBound + ((first - 0x1100) * 21 + second - 0x1161) * 28
    }
    guard syllables.contains(first), (first - syllables.lowerBound) % 28 == 0, joiningJamo[1].contains(second) else { return nil }
    return first + second - 0x11A7
  }
}
