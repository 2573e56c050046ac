/// NFC, NFD, NFKC, NFKD (Unicode Standard Annex 15) over the reference's own versions of the facts.
///
/// A text is cut before each scalar that nothing crosses: one that starts, is its own form, and joins nothing before it. Stretches
/// of such scalars are copied; what else there is goes through decomposition, ordering and composition together with the
/// scalar before it.
package struct UnicodeForm: Sendable, Equatable {
  /// Values of the table, besides `joins`; from `firstReplacement` on they number a decomposition.
  package enum Action {
    package static let keep: UInt16 = 0
    package static let hangulSyllable: UInt16 = 1
    package static let firstReplacement: UInt16 = 8
    /// The scalar may join what is before it, or is not its own form.
    package static let joins: UInt16 = 0x8000
  }

  /// How to decompose each scalar.
  let actions: ScalarTable
  /// Decompositions end to end; number `n` lies between `offsets[n]` and `offsets[n + 1]`.
  let replacements: [UInt32]
  let offsets: [UInt32]
  /// The rank of each scalar's combining class, 0 for starters.
  let ranks: ScalarTable
  /// First and second scalar of each composition, rising, and what they compose to; empty for NFD and NFKD.
  let pairs: [UInt64]
  let composites: [UInt32]

  package init(actions: ScalarTable, replacements: [UInt32], offsets: [UInt32], ranks: ScalarTable, pairs: [UInt64], composites: [UInt32]) {
    self.actions = actions
    self.replacements = replacements
    self.offsets = offsets
    self.ranks = ranks
    self.pairs = pairs
    self.composites = composites
  }

  var composes: Bool { !pairs.isEmpty }

  /// What is not written yet: a starter, if there is one, and the marks behind it.
  struct Scratch: Sendable {
    fileprivate var starter: UInt32?
    fileprivate var marks = MarkRun()
  }

  /// Appends the normal form of `input` to `output`.
  func normalize(_ input: UnsafeBufferPointer<UInt8>, into output: inout NormalizedText, _ scratch: inout Scratch) {
    guard let bytes = input.baseAddress else { return }
    var copied = 0
    var last = 0
    var position = 0
    while position < input.count {
      if bytes[position] < 0x80 {
        // ASCII is its own form and joins nothing, in every form.
        last = position
        position += 1
        continue
      }
      let (scalar, length) = decodeScalar(bytes, at: position, count: input.count)
      if actions[scalar] & Action.joins == 0 {
        last = position
        position += length
        continue
      }
      // What comes before `last` is done; from there on to the next scalar that joins nothing is one stretch.
      let start = last
      output.append(UnsafeBufferPointer(rebasing: input[copied..<start]))
      position = start
      while position < input.count {
        let (scalar, length) = decodeScalar(bytes, at: position, count: input.count)
        if position > start, actions[scalar] & Action.joins == 0 { break }
        decompose(scalar, &scratch, to: &output)
        position += length
      }
      flush(&scratch, to: &output)
      copied = position
      last = position
    }
    output.append(UnsafeBufferPointer(rebasing: input[copied...]))
  }

  private func decompose(_ scalar: UInt32, _ scratch: inout Scratch, to output: inout NormalizedText) {
    let action = actions[scalar] & ~Action.joins
    switch action {
    case Action.hangulSyllable:
      let jamo = Hangul.jamo(of: scalar)
      append(jamo.leading, &scratch, to: &output)
      append(jamo.vowel, &scratch, to: &output)
      if jamo.trailing != 0 { append(jamo.trailing, &scratch, to: &output) }
    case Action.firstReplacement...:
      let number = Int(action - Action.firstReplacement)
      for index in Int(offsets[number])..<Int(offsets[number + 1]) { append(replacements[index], &scratch, to: &output) }
    default: append(scalar, &scratch, to: &output)
    }
  }

  /// Marks wait for the next starter, which says that they are all there; a starter waits for what it may be composed with.
  private func append(_ scalar: UInt32, _ scratch: inout Scratch, to output: inout NormalizedText) {
    let rank = ranks[scalar]
    guard rank == 0 else { return scratch.marks.append(scalar, rank) }
    guard composes else {
      if !scratch.marks.isEmpty { flush(&scratch, to: &output) }
      return output.append(scalar: scalar)
    }
    settleMarks(&scratch)
    if scratch.marks.isEmpty, let starter = scratch.starter, let composite = composite(starter, scalar) {
      scratch.starter = composite
      return
    }
    write(&scratch, to: &output)
    scratch.starter = scalar
  }

  private func flush(_ scratch: inout Scratch, to output: inout NormalizedText) {
    settleMarks(&scratch)
    write(&scratch, to: &output)
  }

  private func write(_ scratch: inout Scratch, to output: inout NormalizedText) {
    if let starter = scratch.starter { output.append(scalar: starter) }
    scratch.starter = nil
    guard !scratch.marks.isEmpty else { return }
    for mark in scratch.marks.scalars { output.append(scalar: mark) }
    scratch.marks.removeAll()
  }

  /// Puts marks into canonical order and composes the starter with those it takes up.
  private func settleMarks(_ scratch: inout Scratch) {
    guard !scratch.marks.isEmpty else { return }
    scratch.marks.sort()
    guard composes, var starter = scratch.starter else { return }
    var lastRank: UInt16 = 0
    scratch.marks.filter { mark, rank in
      // A mark of the class of the one before, which stayed, is blocked by it.
      if lastRank < rank, let composite = composite(starter, mark) {
        starter = composite
        return false
      }
      lastRank = rank
      return true
    }
    scratch.starter = starter
  }

  private func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if let syllable = Hangul.syllable(first, second) { return syllable }
    let wanted = UInt64(first) << 32 | UInt64(second)
    var low = 0
    var high = pairs.count
    while low < high {
      let middle = (low + high) / 2
      if pairs[middle] < wanted { low = middle + 1 } else { high = middle }
    }
    return low < pairs.count && pairs[low] == wanted ? composites[low] : nil
  }
}
