/// Byte pairs as fastBPE writes them (`bpe.codes`; PhoBERT, BERTweet): over characters, with `</w>` behind the last one of a word
/// while pairs are joined, and `@@` behind every piece but the last in the vocabulary.
///
/// A class, because it is handed from word to word.
package final class FastBPE: Sendable, Equatable {
  package static let endOfWord = Array("</w>".utf8)
  package static let continues = Array("@@".utf8)

  let vocabulary: Vocabulary
  let unknownID: Int
  /// What pairs are joined from and to.
  let symbols: Vocabulary
  let merges: MergeTable
  /// The token of each symbol before others of its word, and as the last; -1 for none.
  let innerIDs: [Int32]
  let lastIDs: [Int32]

  package init(vocabulary: Vocabulary, unknownID: Int, symbols: Vocabulary, merges: MergeTable, innerIDs: [Int32], lastIDs: [Int32]) {
    self.vocabulary = vocabulary
    self.unknownID = unknownID
    self.symbols = symbols
    self.merges = merges
    self.innerIDs = innerIDs
    self.lastIDs = lastIDs
  }

  package static func == (first: FastBPE, second: FastBPE) -> Bool {
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
