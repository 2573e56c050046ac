/// The compiled form of what BERT does not need: normaliser and pre-tokenizer steps, byte pairs, Unigram, whole words.
extension NormalizerStep {
  func write(to writer: inout ByteWriter) {
    switch self {
    case .scalars(let table):
      writer.write(UInt32(0))
      table.write(to: &writer)
    case .form(let form):
      writer.write(UInt32(1))
      form.write(to: &writer)
    case .precompiled(let precompiled):
      writer.write(UInt32(2))
      writer.write(precompiled.trie.units)
      writer.write(precompiled.texts)
      precompiled.clusters.table.write(to: &writer)
    case .replace(let pattern, let content):
      writer.write(UInt32(3))
      pattern.write(to: &writer)
      writer.write(content)
    case .prepend(let prefix):
      writer.write(UInt32(4))
      writer.write(prefix)
    case .strip(let left, let right):
      writer.write(UInt32(5))
      writer.write(UInt32(left ? 1 : 0) | (right ? 2 : 0))
    case .tweet(let tweet):
      writer.write(UInt32(6))
      tweet.write(to: &writer)
    }
  }

  init(from reader: inout ByteReader) throws(TokenizerError) {
    switch try reader.number(below: 7, "normalizer step") {
    case 0: self = .scalars(try BertNormalizer(from: &reader))
    case 1: self = .form(try UnicodeForm(from: &reader))
    case 2:
      let trie = DoubleArray(units: try reader.array())
      let texts: [UInt8] = try reader.array()
      self = .precompiled(
        Precompiled(trie: trie, texts: texts, clusters: GraphemeClusters(table: try ScalarTable(from: &reader, "grapheme clusters"))))
    case 3:
      let pattern = try Pattern(from: &reader)
      self = .replace(pattern, by: try reader.array())
    case 4: self = .prepend(try reader.array())
    case 5:
      let sides = try reader.number(below: 4, "strip")
      self = .strip(left: sides & 1 != 0, right: sides & 2 != 0)
    default: self = .tweet(try TweetNormalizer(from: &reader))
    }
  }
}

extension UnicodeForm {
  func write(to writer: inout ByteWriter) {
    actions.write(to: &writer)
    writer.write(replacements)
    writer.write(offsets)
    ranks.write(to: &writer)
    writer.write(pairs)
    writer.write(composites)
  }

  init(from reader: inout ByteReader) throws(TokenizerError) {
    let actions = try ScalarTable(from: &reader, "normal form")
    let replacements: [UInt32] = try reader.array()
    let offsets: [UInt32] = try reader.array()
    let ranks = try ScalarTable(from: &reader, "combining classes")
    let pairs: [UInt64] = try reader.array()
    let composites: [UInt32] = try reader.array()
    guard offsets.first == 0, offsets.last == UInt32(replacements.count), zip(offsets, offsets.dropFirst()).allSatisfy(<=) else {
      throw reader.error("normal form: decompositions are not end to end")
    }
    let actionCount = Int(Action.firstReplacement) + offsets.count - 1
    guard actions.values.allSatisfy({ $0 & ~Action.joins <= Action.hangulSyllable || Action.firstReplacement..<UInt16(clamping: actionCount) ~= $0 & ~Action.joins })
    else { throw reader.error("normal form: an action does not exist") }
    guard [replacements, composites].allSatisfy({ $0.allSatisfy { $0 < 0x110000 } }) else { throw reader.error("normal form: not a scalar") }
    guard pairs.count == composites.count, zip(pairs, pairs.dropFirst()).allSatisfy(<) else {
      throw reader.error("normal form: compositions are not in order")
    }
    // The arithmetic of jamo holds for syllables only.
    for (index, page) in actions.pages.enumerated() {
      let first = UInt32(index * ScalarTable.pageSize)
      if first >= Hangul.syllables.lowerBound, first + 255 < Hangul.syllables.upperBound { continue }
      for offset in 0..<UInt32(ScalarTable.pageSize) where !Hangul.syllables.contains(first + offset) {
        guard actions.values[Int(page) * ScalarTable.pageSize + Int(offset)] & ~Action.joins != Action.hangulSyllable else {
          throw reader.error("normal form: a syllable that is none")
        }
      }
    }
    self.init(actions: actions, replacements: replacements, offsets: offsets, ranks: ranks, pairs: pairs, composites: composites)
  }
}

extension TweetNormalizer {
  func write(to writer: inout ByteWriter) {
    writer.write(UInt32(kinds.count))
    for kind in kinds { kind.write(to: &writer) }
    writer.write(emoji)
    writer.write(offsets)
    writer.write(names)
    writer.write(entities)
    writer.write(zeros)
  }

  init(from reader: inout ByteReader) throws(TokenizerError) {
    let kinds = try reader.list(1...8, "tweets") { reader throws(TokenizerError) in try Pattern(from: &reader) }
    let emoji: [UInt32] = try reader.array()
    let offsets: [UInt16] = try reader.array()
    let names: [UInt8] = try reader.array()
    let entities: [UInt8] = try reader.array()
    let zeros: [UInt32] = try reader.array()
    guard offsets.count == emoji.count + 1, offsets.last.map({ Int($0) <= names.count }) == true, zip(offsets, offsets.dropFirst()).allSatisfy(<=),
      String(validating: names, as: UTF8.self) != nil, offsets.allSatisfy({ $0 == names.count || names[Int($0)] & 0xC0 != 0x80 })
    else { throw reader.error("tweets: names of emoji are not end to end") }
    guard zeros.allSatisfy({ $0 < 0x110000 }) else { throw reader.error("tweets: not a digit") }
    self.init(kinds: kinds, emoji: emoji, offsets: offsets, names: names, entities: entities, zeros: zeros)
  }
}

extension Pattern {
  func write(to writer: inout ByteWriter) {
    writer.write(source)
    table.write(to: &writer)
  }

  init(from reader: inout ByteReader) throws(TokenizerError) {
    let source: [UInt8] = try reader.array()
    try self.init(source: source, table: try ScalarTable(from: &reader, "regular expression"))
  }
}

extension PreTokenizerStep {
  func write(to writer: inout ByteWriter) {
    switch self {
    case .bert: writer.write(UInt32(0))
    case .split(let rule):
      writer.write(UInt32(1))
      writer.write(rule.behavior.rawValue)
      writer.write(UInt32(rule.inverted ? 1 : 0))
      switch rule.matcher {
      case .scalars(let flags):
        writer.write(UInt32(0))
        writer.write(UInt32(flags))
      case .pattern(let pattern):
        writer.write(UInt32(1))
        pattern.write(to: &writer)
      }
    case .bytePairWords(let words):
      writer.write(UInt32(2))
      words.table.write(to: &writer)
    case .prefixSpace: writer.write(UInt32(3))
    case .metaspace(let metaspace):
      writer.write(UInt32(4))
      writer.write(metaspace.replacement)
      writer.write(metaspace.prepending.rawValue)
      writer.write(UInt32(metaspace.splits ? 1 : 0))
    case .byteCharacters: writer.write(UInt32(5))
    }
  }

  init(from reader: inout ByteReader) throws(TokenizerError) {
    switch try reader.number(below: 6, "pre-tokenizer step") {
    case 0: self = .bert
    case 1:
      guard let behavior = SplitRule.Behavior(rawValue: try reader.number()) else { throw reader.error("split: unknown behavior") }
      let inverted = try reader.number(below: 2, "split") == 1
      let matcher: SplitRule.Matcher =
        try reader.number(below: 2, "split") == 0
        ? .scalars(UInt16(try reader.number(below: 1 << 16, "character classes"))) : .pattern(try Pattern(from: &reader))
      self = .split(SplitRule(matcher: matcher, behavior: behavior, inverted: inverted))
    case 2: self = .bytePairWords(BytePairWords(table: try ScalarTable(from: &reader, "words")))
    case 3: self = .prefixSpace
    case 4:
      let replacement: [UInt8] = try reader.array()
      guard (1...4).contains(replacement.count), let prepending = Metaspace.Prepending(rawValue: try reader.number()) else {
        throw reader.error("metaspace")
      }
      self = .metaspace(Metaspace(replacement: replacement, prepending: prepending, splits: try reader.number(below: 2, "metaspace") == 1))
    default: self = .byteCharacters
    }
  }
}

extension BytePair {
  func write(to writer: inout ByteWriter) {
    vocabulary.write(to: &writer)
    switch symbols {
    case .bytes(let ids):
      writer.write(UInt32(0))
      writer.write(ids)
    case .characters(let characters):
      writer.write(UInt32(1))
      writer.write(characters.unknownID.map { UInt32($0) } ?? .max)
      writer.write(UInt32(characters.fusesUnknown ? 1 : 0))
      writer.write(characters.byteIDs)
      writer.write(characters.continuingPrefix)
      writer.write(characters.endSuffix)
    }
    writer.write(merges.lefts)
    writer.write(merges.rights)
    writer.write(merges.results)
    writer.write(UInt32(ignoresMerges ? 1 : 0))
    writer.write(isWhole)
  }

  convenience init(from reader: inout ByteReader) throws(TokenizerError) {
    let vocabulary = try Vocabulary(from: &reader)
    let count = vocabulary.count
    let symbols: Symbols
    if try reader.number(below: 2, "symbols") == 0 {
      symbols = .bytes(ids: try reader.ids(below: count, counts: [256]))
    } else {
      var characters = Characters()
      let unknown = try reader.number()
      guard unknown == .max || unknown < count else { throw reader.error("unknown token: no such id") }
      characters.unknownID = unknown == .max ? nil : Int(unknown)
      characters.fusesUnknown = try reader.number(below: 2, "unknown tokens") == 1
      characters.byteIDs = try reader.ids(below: count, counts: [0, 256])
      characters.continuingPrefix = try reader.array()
      characters.endSuffix = try reader.array()
      symbols = .characters(characters)
    }
    let merges = try MergeTable(from: &reader, below: count)
    let ignoresMerges = try reader.number(below: 2, "merges") == 1
    let isWhole: [UInt8] = try reader.array()
    guard isWhole.count == count else { throw reader.error("whole tokens: expected \(count), found \(isWhole.count)") }
    self.init(vocabulary: vocabulary, symbols: symbols, merges: merges, ignoresMerges: ignoresMerges, isWhole: isWhole)
  }
}

extension Unigram {
  func write(to writer: inout ByteWriter) {
    vocabulary.write(to: &writer)
    writer.write(scores.map(\.bitPattern))
    writer.write(UInt32(unknownID))
    writer.write(trie.units)
    writer.write(byteIDs)
  }

  convenience init(from reader: inout ByteReader) throws(TokenizerError) {
    let vocabulary = try Vocabulary(from: &reader)
    let scores = (try reader.array(of: UInt64.self)).map { Double(bitPattern: $0) }
    let unknownID = Int(try reader.number())
    let trie = DoubleArray(units: try reader.array())
    let byteIDs = try reader.ids(below: vocabulary.count, counts: [0, 256])
    guard scores.count == vocabulary.count, unknownID < vocabulary.count else { throw reader.error("scores, or the unknown token") }
    self.init(vocabulary: vocabulary, scores: scores, unknownID: unknownID, trie: trie, byteIDs: byteIDs)
  }
}

extension FastBPE {
  func write(to writer: inout ByteWriter) {
    vocabulary.write(to: &writer)
    writer.write(UInt32(unknownID))
    symbols.write(to: &writer)
    writer.write(merges.lefts)
    writer.write(merges.rights)
    writer.write(merges.results)
    writer.write(innerIDs)
    writer.write(lastIDs)
  }

  convenience init(from reader: inout ByteReader) throws(TokenizerError) {
    let vocabulary = try Vocabulary(from: &reader)
    let unknownID = try reader.number(below: max(1, vocabulary.count), "unknown token")
    let symbols = try Vocabulary(from: &reader)
    let merges = try MergeTable(from: &reader, below: symbols.count)
    self.init(
      vocabulary: vocabulary, unknownID: unknownID, symbols: symbols, merges: merges,
      innerIDs: try reader.ids(below: vocabulary.count, counts: [symbols.count]),
      lastIDs: try reader.ids(below: vocabulary.count, counts: [symbols.count]))
  }
}

extension MergeTable {
  fileprivate init(from reader: inout ByteReader, below count: Int) throws(TokenizerError) {
    let lefts: [Int32] = try reader.array()
    let rights: [Int32] = try reader.array()
    let results: [Int32] = try reader.array()
    guard [lefts, rights, results].allSatisfy({ $0.allSatisfy { $0 >= 0 && $0 < count } }),
      let merges = MergeTable(lefts: lefts, rights: rights, results: results)
    else { throw reader.error("merges: an id does not exist, or they do not hash") }
    self = merges
  }
}

extension WordLevel {
  func write(to writer: inout ByteWriter) {
    vocabulary.write(to: &writer)
    writer.write(UInt32(unknownID))
  }

  init(from reader: inout ByteReader) throws(TokenizerError) {
    let vocabulary = try Vocabulary(from: &reader)
    let unknownID = Int(try reader.number())
    guard vocabulary.holds(unknownID) else { throw reader.error("unknown token: no such id") }
    self.init(vocabulary: vocabulary, unknownID: unknownID)
  }
}

extension ByteReader {
  /// Ids of tokens that exist, -1 for none.
  fileprivate mutating func ids(below limit: Int, counts: [Int]) throws(TokenizerError) -> [Int32] {
    let ids: [Int32] = try array()
    guard counts.contains(ids.count), ids.allSatisfy({ $0 >= -1 && $0 < limit }) else { throw error("a table of ids") }
    return ids
  }
}
