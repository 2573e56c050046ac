/// The compiled form: everything that encoding needs, ready to be copied into place. The module's README has the layout.
extension Tokenizer {
  private static let magic: UInt32 = 0x4B4F_544D  // "MTOK"
  private static let version: UInt32 = 1
  private static let none = UInt32.max

  /// The tokenizer as bytes; the same tokenizer always gives the same bytes.
  package func compiled() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Self.magic)
    writer.write(Self.version)
    switch normalizer {
    case .none: writer.write(UInt32(0))
    case .bert(let bert):
      writer.write(UInt32(1))
      bert.write(to: &writer)
    case .steps(let steps):
      writer.write(UInt32(2))
      writer.write(UInt32(steps.count))
      for step in steps { step.write(to: &writer) }
    }
    switch preTokenizer {
    case .bert: writer.write(UInt32(1))
    case .steps(let steps):
      writer.write(UInt32(2))
      writer.write(UInt32(steps.count))
      for step in steps { step.write(to: &writer) }
    }
    writer.write(classes.table.pages)
    writer.write(classes.table.values)
    switch model {
    case .wordPiece(let wordPiece):
      writer.write(UInt32(1))
      wordPiece.write(to: &writer)
    case .bytePair(let bytePair):
      writer.write(UInt32(2))
      bytePair.write(to: &writer)
    case .unigram(let unigram):
      writer.write(UInt32(3))
      unigram.write(to: &writer)
    case .wordLevel(let wordLevel):
      writer.write(UInt32(4))
      wordLevel.write(to: &writer)
    case .fastBPE(let fastBPE):
      writer.write(UInt32(5))
      fastBPE.write(to: &writer)
    }
    addedTokens.write(to: &writer)
    template.write(to: &writer)
    writer.write(settings.paddingID.map { UInt32($0) } ?? Self.none)
    writer.write(settings.maximumLength.map { UInt32($0) } ?? Self.none)
    writer.write(settings.truncationSide == .left ? 1 : 0)
    return writer.bytes
  }

  /// Reads `compiled()` back. Bytes that it did not write are refused, or give a tokenizer that is wrong but safe.
  package init(compiled bytes: UnsafeRawBufferPointer) throws(TokenizerError) {
    var reader = ByteReader(bytes)
    guard try reader.number() == Self.magic else { throw .notCompiled(offset: 0, what: "not a compiled tokenizer") }
    let version = try reader.number()
    guard version == Self.version else {
      throw .notCompiled(offset: 4, what: "expected version \(Self.version), found \(version)")
    }
    let normalizer: Normalizer
    switch try reader.number(below: 3, "normalizer") {
    case 0: normalizer = .none
    case 1: normalizer = .bert(try BertNormalizer(from: &reader))
    default:
      normalizer = .steps(
        try reader.list(1...NormalizerStep.maximumCount, "normalizer") { reader throws(TokenizerError) in
          try NormalizerStep(from: &reader)
        })
    }
    let preTokenizer: PreTokenizer
    switch try reader.number(below: 3, "pre-tokenizer") {
    case 1: preTokenizer = .bert(BertPreTokenizer())
    case 2:
      let steps = try reader.list(0...PreTokenizerStep.maximumCount, "pre-tokenizer") { reader throws(TokenizerError) in
        try PreTokenizerStep(from: &reader)
      }
      guard PreTokenizerStep.areFew(steps) else { throw reader.error("pre-tokenizer: too many steps") }
      preTokenizer = .steps(steps)
    default: throw reader.error("unknown pre-tokenizer")
    }
    let table = try ScalarTable(from: &reader, "character classes")
    let model: Model
    switch try reader.number(below: 6, "model") {
    case 1: model = .wordPiece(try WordPiece(from: &reader))
    case 2: model = .bytePair(try BytePair(from: &reader))
    case 3: model = .unigram(try Unigram(from: &reader))
    case 4: model = .wordLevel(try WordLevel(from: &reader))
    case 5: model = .fastBPE(try FastBPE(from: &reader))
    default: throw reader.error("unknown model")
    }
    let addedTokens = try AddedTokens(from: &reader)
    let template = try Template(from: &reader)
    var settings = Settings()
    let paddingID = try reader.number()
    if paddingID != Self.none { settings.paddingID = Int(paddingID) }
    let maximumLength = try reader.number()
    if maximumLength != Self.none { settings.maximumLength = Int(maximumLength) }
    settings.truncationSide = try reader.number(below: 2, "truncation side") == 1 ? .left : .right
    guard reader.isAtEnd else { throw reader.error("expected the end") }
    self.init(
      normalizer: normalizer, preTokenizer: preTokenizer, model: model,
      addedTokens: addedTokens, classes: CharacterClasses(table: table), template: template, settings: settings)
    guard settings.paddingID.map({ $0 < vocabularySize }) ?? true else { throw reader.error("padding token: no such id") }
  }
}

extension BertNormalizer {
  func write(to writer: inout ByteWriter) {
    writer.write(actions.pages)
    writer.write(actions.values)
    writer.write(replacementBytes)
    writer.write(replacementOffsets)
    writer.write(UInt32(firstOrderedReplacement))
    writer.write(orderedMarks)
    writer.write(orderedMarkRanks)
  }

  init(from reader: inout ByteReader) throws(TokenizerError) {
    let actions = try ScalarTable(from: &reader, "normalizer")
    let bytes: [UInt8] = try reader.array()
    let offsets: [UInt32] = try reader.array()
    let firstOrdered = try reader.number(below: 1 << 16, "normalizer: first ordered replacement")
    let marks: [UInt32] = try reader.array()
    let ranks: [UInt8] = try reader.array()
    guard offsets.first == 0, offsets.last == UInt32(bytes.count), zip(offsets, offsets.dropFirst()).allSatisfy(<=) else {
      throw reader.error("normalizer: replacements are not end to end")
    }
    guard String(validating: bytes, as: UTF8.self) != nil,
      offsets.allSatisfy({ $0 == bytes.count || bytes[Int($0)] & 0xC0 != 0x80 })
    else { throw reader.error("normalizer: replacements are not UTF-8") }
    guard marks.count == ranks.count, zip(marks, marks.dropFirst()).allSatisfy(<), !ranks.contains(0) else {
      throw reader.error("normalizer: ordered marks are not in order")
    }
    let actionCount = Int(Action.firstReplacement) + offsets.count - 1
    guard actions.values.allSatisfy({ $0 <= Action.orderedMark || $0 >= Action.firstReplacement && $0 < actionCount }) else {
      throw reader.error("normalizer: an action does not exist")
    }
    self.init(
      actions: actions, replacementBytes: bytes, replacementOffsets: offsets, firstOrderedReplacement: firstOrdered,
      orderedMarks: marks, orderedMarkRanks: ranks)
    guard isWithinExpansion else { throw reader.error("normalizer: an action grows too much") }
  }

  /// Whether no scalar grows beyond `maximumExpansion`: what `normalize` reserves room for.
  private var isWithinExpansion: Bool {
    let shortest = actions.shortestEncodings()
    let span = actions.values.span
    for page in shortest.indices {
      for index in page * ScalarTable.pageSize..<(page + 1) * ScalarTable.pageSize {
        guard growth(span[index]) <= Self.maximumExpansion * shortest[page] else { return false }
      }
    }
    // A single byte that is not UTF-8 counts as U+FFFD.
    let replaced = actions[0xFFFD]
    guard replaced != Action.ideograph, growth(replaced) <= Self.maximumExpansion else { return false }
    return hangulIsOnlyOnSyllables
  }

  /// The bytes an action writes, 0 for those that write little more than the scalar.
  private func growth(_ action: UInt16) -> Int {
    guard action >= Action.firstReplacement else { return 0 }
    let number = Int(action - Action.firstReplacement)
    return Int(replacementOffsets[number + 1] - replacementOffsets[number])
  }

  /// The arithmetic of jamo holds for syllables only.
  private var hangulIsOnlyOnSyllables: Bool {
    // Few pages serve all scalars: a look at each says which of them matter.
    let values = actions.values.span
    let isOnPage = (0..<values.count / ScalarTable.pageSize).map { page in
      (page * ScalarTable.pageSize..<(page + 1) * ScalarTable.pageSize).contains { values[$0] == Action.hangulSyllable }
    }
    for (index, page) in actions.pages.enumerated() where isOnPage[Int(page)] {
      let first = UInt32(index * ScalarTable.pageSize)
      let isInside = first >= Hangul.syllables.lowerBound && first + 255 < Hangul.syllables.upperBound
      if isInside { continue }
      for offset in 0..<UInt32(ScalarTable.pageSize) {
        if values[Int(page) * ScalarTable.pageSize + Int(offset)] == Action.hangulSyllable,
          !Hangul.syllables.contains(first + offset)
        {
          return false
        }
      }
    }
    return true
  }
}

extension WordPiece {
  fileprivate func write(to writer: inout ByteWriter) {
    writer.write(UInt32(unknownID))
    writer.write(continuingPrefix)
    writer.write(UInt32(clamping: maximumWordLength))
    vocabulary.write(to: &writer)
  }

  fileprivate init(from reader: inout ByteReader) throws(TokenizerError) {
    let unknownID = Int(try reader.number())
    let prefix: [UInt8] = try reader.array()
    let maximumWordLength = Int(try reader.number())
    let vocabulary = try Vocabulary(from: &reader)
    guard vocabulary.holds(unknownID) else { throw reader.error("unknown token: no such id") }
    self.init(
      vocabulary: vocabulary, unknownID: unknownID, continuingPrefix: prefix, maximumWordLength: maximumWordLength)
  }
}

extension AddedTokens {
  fileprivate func write(to writer: inout ByteWriter) {
    writer.write(UInt32(tokens.count))
    for token in tokens {
      writer.write(UInt32(token.id))
      writer.write(token.flags.rawValue)
      writer.write(token.content)
      writer.write(token.pattern)
    }
  }

  fileprivate init(from reader: inout ByteReader) throws(TokenizerError) {
    var tokens: [AddedToken] = []
    for _ in 0..<(try reader.number(below: AddedTokens.maximumCount + 1, "added tokens")) {
      let id = try reader.number(below: Int(Int32.max), "added token")
      let flags = AddedToken.Flags(rawValue: try reader.number())
      let content: [UInt8] = try reader.array()
      let pattern: [UInt8] = try reader.array()
      guard !pattern.isEmpty, flags.isSubset(of: .all) else { throw reader.error("added token: nothing to look for, or unknown flags") }
      tokens.append(AddedToken(id: id, content: content, pattern: pattern, flags: flags))
    }
    self.init(tokens)
  }
}

extension Template {
  fileprivate func write(to writer: inout ByteWriter) {
    for pieces in [single, pair] {
      writer.write(UInt32(pieces.count))
      for piece in pieces {
        switch piece {
        case .special(let id, let typeID): for value in [0, id, typeID] { writer.write(UInt32(value)) }
        case .first(let typeID): for value in [1, 0, typeID] { writer.write(UInt32(value)) }
        case .second(let typeID): for value in [2, 0, typeID] { writer.write(UInt32(value)) }
        }
      }
    }
  }

  fileprivate init(from reader: inout ByteReader) throws(TokenizerError) {
    func pieces(_ reader: inout ByteReader) throws(TokenizerError) -> [Piece] {
      var pieces: [Piece] = []
      for _ in 0..<(try reader.number(below: Template.maximumPieces + 3, "template")) {
        let kind = try reader.number(below: 3, "template")
        let id = try reader.number(below: Int(Int32.max), "template")
        let typeID = try reader.number(below: Int(Int32.max), "template")
        pieces.append(kind == 0 ? .special(id: id, typeID: typeID) : kind == 1 ? .first(typeID: typeID) : .second(typeID: typeID))
      }
      return pieces
    }
    let single = try pieces(&reader)
    let pair = try pieces(&reader)
    guard let template = Template(single: single, pair: pair) else { throw reader.error("template: a text is missing or doubled") }
    self = template
  }
}
