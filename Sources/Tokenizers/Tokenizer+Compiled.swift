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
    }
    switch preTokenizer {
    case .bert: writer.write(UInt32(1))
    }
    writer.write(classes.table.pages)
    writer.write(classes.table.values)
    switch model {
    case .wordPiece(let wordPiece):
      writer.write(UInt32(1))
      wordPiece.write(to: &writer)
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
    let normalizer: Normalizer =
      try reader.number(below: 2, "normalizer") == 0 ? .none : .bert(try BertNormalizer(from: &reader))
    guard try reader.number() == 1 else { throw reader.error("unknown pre-tokenizer") }
    guard
      let table = ScalarTable(pages: try reader.array(), values: try reader.array())
    else { throw reader.error("character classes: a page does not exist") }
    guard try reader.number() == 1 else { throw reader.error("unknown model") }
    let wordPiece = try WordPiece(from: &reader)
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
      normalizer: normalizer, preTokenizer: .bert(BertPreTokenizer()), model: .wordPiece(wordPiece),
      addedTokens: addedTokens, classes: CharacterClasses(table: table), template: template, settings: settings)
  }
}

extension BertNormalizer {
  fileprivate func write(to writer: inout ByteWriter) {
    writer.write(actions.pages)
    writer.write(actions.values)
    writer.write(replacementBytes)
    writer.write(replacementOffsets)
    writer.write(UInt32(firstOrderedReplacement))
    writer.write(orderedMarks)
    writer.write(orderedMarkRanks)
  }

  fileprivate init(from reader: inout ByteReader) throws(TokenizerError) {
    guard let actions = ScalarTable(pages: try reader.array(), values: try reader.array()) else {
      throw reader.error("normalizer: a page does not exist")
    }
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
    for (index, page) in actions.pages.enumerated() {
      let first = UInt32(index * ScalarTable.pageSize)
      let isInside = first >= Hangul.syllables.lowerBound && first + 255 < Hangul.syllables.upperBound
      if isInside { continue }
      for offset in 0..<UInt32(ScalarTable.pageSize) {
        if actions.values[Int(page) * ScalarTable.pageSize + Int(offset)] == Action.hangulSyllable,
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
    writer.write(vocabulary.text)
    writer.write(zip(vocabulary.offsets, vocabulary.offsets.dropFirst()).map { UInt16($1 - $0) })
  }

  fileprivate init(from reader: inout ByteReader) throws(TokenizerError) {
    let unknownID = Int(try reader.number())
    let prefix: [UInt8] = try reader.array()
    let maximumWordLength = Int(try reader.number())
    let text: [UInt8] = try reader.array()
    let lengths: [UInt16] = try reader.array()
    guard let vocabulary = Vocabulary(text: text, lengths: lengths) else {
      throw reader.error("vocabulary: the lengths do not sum to the text, or the tokens do not hash")
    }
    guard unknownID < vocabulary.count, lengths[unknownID] > 0 else { throw reader.error("unknown token: no such id") }
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
    for _ in 0..<(try reader.number()) {
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
      for _ in 0..<(try reader.number()) {
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
