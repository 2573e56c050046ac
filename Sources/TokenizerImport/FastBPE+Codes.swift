import Tokenizers

/// The symbols that `bpe.codes` and a vocabulary have together.
extension FastBPE {
  /// - Parameters:
  ///   - tokens: by what the vocabulary writes.
  ///   - codes: the pairs in the order in which they were learned.
  convenience init?(
    vocabulary: Vocabulary, tokens: [[UInt8]: Int], unknownID: Int, codes: [(left: [UInt8], right: [UInt8])]
  ) {
    var numbers: [[UInt8]: Int32] = [:]
    var texts: [[UInt8]] = []
    func symbol(_ text: [UInt8]) -> Int32 {
      if let known = numbers[text] { return known }
      numbers[text] = Int32(truncatingIfNeeded: texts.count)
      texts.append(text)
      return Int32(truncatingIfNeeded: texts.count - 1)
    }
    // Characters that are tokens though no pair has them.
    for token in tokens.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      let isInner = token.count > 2 && token.suffix(2).elementsEqual(Self.continues)
      let character = isInner ? Array(token.dropLast(2)) : token
      guard let first = character.first, encodedLength(ofLead: first) == character.count else { continue }
      _ = symbol(isInner ? character : character + Self.endOfWord)
    }
    var (lefts, rights, results): ([Int32], [Int32], [Int32]) = ([], [], [])
    for (left, right) in codes {
      lefts.append(symbol(left))
      rights.append(symbol(right))
      results.append(symbol(left + right))
    }
    let lengths = texts.compactMap { UInt16(exactly: $0.count) }
    guard lengths.count == texts.count, let symbols = Vocabulary(text: Array(texts.joined()), lengths: lengths),
      let merges = MergeTable(lefts: lefts, rights: rights, results: results)
    else { return nil }
    func id(_ token: [UInt8]) -> Int32 { tokens[token].map { Int32(truncatingIfNeeded: $0) } ?? -1 }
    self.init(
      vocabulary: vocabulary, unknownID: unknownID, symbols: symbols, merges: merges, innerIDs: texts.map { id($0 + Self.continues) },
      lastIDs: texts.map { $0.suffix(4).elementsEqual(Self.endOfWord) ? id(Array($0.dropLast(4))) : -1 })
  }
}

/// The bytes of a scalar by its first one, in UTF-8.
private func encodedLength(ofLead lead: UInt8) -> Int { lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4 }
