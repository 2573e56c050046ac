import Tokenizers

/// BERT's normaliser as one table, and the other normalisers that are one.
extension BertNormalizer {
  struct Options: Sendable, Equatable {
    /// Drop control characters, write every kind of whitespace as a space.
    var cleansText = true
    var spacesIdeographs = true
    var stripsAccents = true
    var lowercases = true
  }

  /// Folds the chosen steps into the table.
  init(_ options: Options) {
    var dense = Array(repeating: Action.keep, count: 0x110000)
    var plain: [(scalar: UInt32, text: [UInt32])] = []
    var ordered: [(scalar: UInt32, text: [UInt32])] = []
    let steps = Steps(options)
    // In order, so that the same options give the same tables.
    for scalar in steps.affected.sorted() {
      switch steps.outcome(of: scalar) {
      case .action(let action): dense[Int(scalar)] = action
      case .replacement(let text):
        if text.contains(where: { steps.keptRank($0) != 0 }) {
          ordered.append((scalar, text))
        } else {
          plain.append((scalar, text))
        }
      }
    }
    var bytes: [UInt8] = []
    var offsets: [UInt32] = [0]
    var numbers: [[UInt32]: UInt16] = [:]
    for (scalar, text) in plain + ordered {
      if let number = numbers[text] {
        dense[Int(scalar)] = number
        continue
      }
      let number = Action.firstReplacement + UInt16(offsets.count - 1)
      numbers[text] = number
      dense[Int(scalar)] = number
      bytes += Self.utf8(text)
      offsets.append(UInt32(bytes.count))
      precondition(Self.utf8(text).count <= Self.maximumExpansion * Self.utf8([scalar]).count)
    }
    let marks = steps.ranks.keys.filter { steps.keptRank($0) != 0 }.sorted()
    self.init(
      actions: ScalarTable(dense: dense), replacementBytes: bytes, replacementOffsets: offsets,
      firstOrderedReplacement: Set(plain.map(\.text)).count, orderedMarks: marks,
      orderedMarkRanks: marks.map { steps.keptRank($0) + (Self.isRankedHigher($0) ? 1 : 0) })
  }

  private static func utf8(_ text: [UInt32]) -> [UInt8] {
    text.flatMap { Array(String(Unicode.Scalar($0) ?? "\u{FFFD}").utf8) }
  }

  /// The steps of the normaliser, applied to one scalar at a time.
  private struct Steps {
    enum Outcome {
      case action(UInt16)
      case replacement([UInt32])
    }

    let options: Options
    let removed: [Bool]
    let whitespace: Set<UInt32>
    let ideographs: [Bool]
    let strippedMarks: Set<UInt32>
    let decompositions: [UInt32: [UInt32]]
    let ranks: [UInt32: UInt8]
    let lowercase: [UInt32: [UInt32]]

    init(_ options: Options) {
      self.options = options
      removed = options.cleansText ? UnicodeFacts.flags(UnicodeTables.removedByCleaning) : []
      whitespace = options.cleansText ? Set(UnicodeFacts.scalars(in: UnicodeTables.whitespace)) : []
      ideographs = options.spacesIdeographs ? UnicodeFacts.flags(UnicodeTables.ideographs) : []
      strippedMarks = options.stripsAccents ? Set(UnicodeFacts.scalars(in: UnicodeTables.strippedMarks)) : []
      decompositions = options.stripsAccents ? UnicodeFacts.map(UnicodeTables.decompositions) : [:]
      ranks = options.stripsAccents ? UnicodeFacts.map(UnicodeTables.combiningClasses).mapValues { UInt8($0[0]) } : [:]
      lowercase = options.lowercases ? UnicodeFacts.map(UnicodeTables.lowercase) : [:]
    }

    /// Every scalar that some step may change, rising, so that replacements have the same numbers in every run.
    var affected: [UInt32] {
      var flags = removed.isEmpty ? Array(repeating: false, count: 0x110000) : removed
      for scalar in ideographs.indices where ideographs[scalar] { flags[scalar] = true }
      for scalar in whitespace { flags[Int(scalar)] = true }
      for scalar in strippedMarks { flags[Int(scalar)] = true }
      for scalar in [decompositions.keys, lowercase.keys].joined() { flags[Int(scalar)] = true }
      for scalar in ranks.keys { flags[Int(scalar)] = true }
      if options.stripsAccents { for scalar in Hangul.syllables { flags[Int(scalar)] = true } }
      return (UInt32(0)..<0x110000).filter { flags[Int($0)] }
    }

    func keptRank(_ scalar: UInt32) -> UInt8 {
      strippedMarks.contains(scalar) ? 0 : ranks[scalar] ?? 0
    }

    func outcome(of scalar: UInt32) -> Outcome {
      if options.cleansText, removed[Int(scalar)] { return .action(Action.remove) }
      if options.stripsAccents, Hangul.syllables.contains(scalar) { return .action(Action.hangulSyllable) }
      let isIdeograph = options.spacesIdeographs && ideographs[Int(scalar)]
      // Nearly all of tens of thousands, so not by way of arrays. An ideograph is no mark and no whitespace.
      if isIdeograph, decompositions[scalar] == nil, lowercase[scalar] == nil { return .action(Action.ideograph) }
      var text = [whitespace.contains(scalar) ? 0x20 : scalar]
      if options.stripsAccents {
        let decomposed = text.flatMap { decompositions[$0] ?? [$0] }
        text = decomposed.filter { !strippedMarks.contains($0) }
        if text.isEmpty {
          return .action(decomposed.allSatisfy { ranks[$0] != nil } ? Action.remove : Action.removeStarter)
        }
        if text == [scalar], keptRank(scalar) != 0 { return .action(Action.orderedMark) }
      }
      text = text.flatMap { lowercase[$0] ?? [$0] }
      if isIdeograph { return text == [scalar] ? .action(Action.ideograph) : .replacement([0x20] + text + [0x20]) }
      return text == [scalar] ? .action(Action.keep) : .replacement(text)
    }
  }
}

extension BertNormalizer {
  static let lowercase = BertNormalizer(Options(cleansText: false, spacesIdeographs: false, stripsAccents: false, lowercases: true))

  /// Drops combining marks of every kind (the categories M), and decomposes nothing.
  static let stripAccents = BertNormalizer(removing: UnicodeFacts.scalars(in: UnicodeTables.combiningMarks), spaces: [])

  /// `do_nmt` of the reference; the table generator checks it.
  static let nmt = BertNormalizer(
    removing: [0x0B, 0x7F, 0x8F, 0x9F] + Array(0x01...0x08) + Array(0x0E...0x1F),
    spaces: [0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD] + Array(0x200B...0x200F))

  private init(removing removed: [UInt32], spaces: [UInt32]) {
    var dense = [UInt16](repeating: Action.keep, count: 0x110000)
    for scalar in removed { dense[Int(scalar)] = Action.remove }
    for scalar in spaces { dense[Int(scalar)] = Action.firstReplacement }
    self.init(
      actions: ScalarTable(dense: dense), replacementBytes: [0x20], replacementOffsets: [0, 1], firstOrderedReplacement: 1,
      orderedMarks: [], orderedMarkRanks: [])
  }
}
