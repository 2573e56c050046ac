/// Byte pairs as fastBPE writes them (`bpe.codes`; PhoBERT, BERTweet): over characters, with `</w>` behind the last one of a word
/// while pairs are joined, and `@@` behind every piece but the last in the vocabulary.
///
/// A class, because it is handed from word to word.
final class FastBPE: Sendable, Equatable {
  static let endOfWord = Array("</w>".utf8)
  static let continues = Array("@@".utf8)

  let vocabulary: Vocabulary
  let unknownID: Int
  /// What pairs are joined from and to.
  let symbols: Vocabulary
  let merges: MergeTable
  /// The token of each symbol before others of its word, and as the last; -1 for none.
  let innerIDs: [Int32]
  let lastIDs: [Int32]

  init(vocabulary: Vocabulary, unknownID: Int, symbols: Vocabulary, merges: MergeTable, innerIDs: [Int32], lastIDs: [Int32]) {
    self.vocabulary = vocabulary
    self.unknownID = unknownID
    self.symbols = symbols
    self.merges = merges
    self.innerIDs = innerIDs
    self.lastIDs = lastIDs
  }

  static func == (first: FastBPE, second: FastBPE) -> Bool {
    first.vocabulary == second.vocabulary && first.unknownID == second.unknownID && first.symbols == second.symbols
      && first.merges == second.merges && first.innerIDs == second.innerIDs && first.lastIDs == second.lastIDs
  }

  /// Appends the ids of one word.
  func append(_ word: UnsafeBufferPointer<UInt8>, _ scratch: inout BytePair.Scratch, to ids: inout [Int32]) {
    scratch.symbols.ids.removeAll(keepingCapacity: true)
    scratch.symbols.ids.reserveCapacity(word.count)
    var position = 0
    while position < word.count {
      let length = decodeScalar(word.baseAddress!, at: position, count: word.count).length
      scratch.character.removeAll(keepingCapacity: true)
      scratch.character += word[position..<position + length]
      position += length
      if position == word.count { scratch.character += Self.endOfWord }
      // One more than all symbols stands for a character that no pair has.
      scratch.symbols.ids.append(Int32(truncatingIfNeeded: symbols.id(of: scratch.character) ?? symbols.count))
    }
    scratch.symbols.joinInPasses(by: merges)
    let last = scratch.symbols.ids.count - 1
    for (index, symbol) in scratch.symbols.ids.enumerated() {
      let id = symbol == symbols.count ? -1 : (index == last ? lastIDs : innerIDs)[Int(symbol)]
      ids.append(id < 0 ? Int32(truncatingIfNeeded: unknownID) : id)
    }
  }
}

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
