import Tokenizers

/// The four normal forms from the reference's facts.
extension UnicodeForm {
  init(composes: Bool, isCompatible: Bool) {
    let compatible = isCompatible ? UnicodeFacts.map(UnicodeTables.compatibilityDecompositions) : [:]
    let decompositions = UnicodeFacts.map(UnicodeTables.decompositions).merging(compatible) { $1 }
    var rankOf = [UInt16](repeating: 0, count: 0x110000)
    UnicodeFacts.forEach(in: UnicodeTables.combiningClasses) { rankOf[Int($0)] = UInt16($1[0]) }
    let compositions = composes ? UnicodeFacts.map(UnicodeTables.compositions) : [:]
    let sorted = compositions.map { (pair: UInt64($1[0]) << 32 | UInt64($1[1]), composite: $0) }.sorted { $0.pair < $1.pair }
    var dense = [UInt16](repeating: Action.keep, count: 0x110000)
    var offsets: [UInt32] = [0]
    var replacements: [UInt32] = []
    for (scalar, text) in decompositions.sorted(by: { $0.key < $1.key }) {
      dense[Int(scalar)] = Action.firstReplacement + UInt16(offsets.count - 1)
      replacements += text
      offsets.append(UInt32(replacements.count))
      // A composite is its own form if it decomposes canonically only.
      if compositions[scalar] == nil || compatible[scalar] != nil { dense[Int(scalar)] |= Action.joins }
    }
    for syllable in Hangul.syllables { dense[Int(syllable)] = Action.hangulSyllable | (composes ? 0 : Action.joins) }
    for scalar in rankOf.indices where rankOf[scalar] > 0 { dense[scalar] |= Action.joins }
    for (pair, _) in sorted { dense[Int(pair & 0xFFFF_FFFF)] |= Action.joins }
    if composes { for jamo in Hangul.joiningJamo.joined() { dense[Int(jamo)] |= Action.joins } }
    self.init(
      actions: ScalarTable(dense: dense), replacements: replacements, offsets: offsets, ranks: ScalarTable(dense: rankOf),
      pairs: sorted.map(\.pair), composites: sorted.map(\.composite))
  }
}
