/// The split of a word into tokens with the largest sum of scores (Kudo 2018, as SentencePiece uses it).
///
/// A class, because it is handed from word to word.
package final class Unigram: Sendable, Equatable {
  /// What an unknown character costs beside the lowest score (`K_UNK_PENALTY` of the reference).
  static let unknownPenalty = 10.0

  let vocabulary: Vocabulary
  let scores: [Double]
  let unknownID: Int
  /// Token to id.
  let trie: DoubleArray
  /// The tokens `<0x00>` to `<0xFF>`, for what is unknown; empty if that is the unknown token.
  let byteIDs: [Int32]
  private let unknownScore: Double

  package init(vocabulary: Vocabulary, scores: [Double], unknownID: Int, trie: DoubleArray, byteIDs: [Int32]) {
    self.vocabulary = vocabulary
    self.scores = scores
    self.unknownID = unknownID
    self.trie = trie
    self.byteIDs = byteIDs
    unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
  }

  package static func == (first: Unigram, second: Unigram) -> Bool {
    first.vocabulary == second.vocabulary && first.scores == second.scores && first.unknownID == second.unknownID
      && first.trie == second.trie && first.byteIDs == second.byteIDs
  }

  /// The best way to each position of a word: a few bytes for each of its bytes, since a word may be a text of megabytes.
  struct Lattice: Sendable {
    /// The bytes of the last token of the best way; 0 for a position that is not reached.
    var lengths: [UInt16] = []
    /// Of the last positions only: no token is longer.
    var scores = [Double](repeating: 0, count: Lattice.kept)

    static let kept = 2 * DoubleArray.longestKey
  }

  /// Appends the ids of one word.
  func append(_ word: UnsafeBufferPointer<UInt8>, _ lattice: inout Lattice, to ids: inout [Int32]) {
    let count = word.count
    if lattice.lengths.count <= count {
      lattice.lengths = []
      lattice.lengths = Array(repeating: 0, count: max(64, count + 1 + min(count, 1 << 16)))
    }
    lattice.lengths.withUnsafeMutableBufferPointer { lengths in
      lattice.scores.withUnsafeMutableBufferPointer { best in
        scores.withUnsafeBufferPointer { findBest(word.baseAddress!, count, $0, best, lengths) }
      }
      collect(word, lengths, to: &ids)
    }
  }

  @inline(__always)
  private func findBest(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ scores: UnsafeBufferPointer<Double>, _ best: UnsafeMutableBufferPointer<Double>,
    _ lengths: UnsafeMutableBufferPointer<UInt16>
  ) {
    for position in 0...count { lengths[position] = 0 }
    best[0] = 0
    var start = 0
    while start < count {
      let before = best[start & (Lattice.kept - 1)]
      let scalarLength = min(decodeScalar(bytes, at: start, count: count).length, count - start)
      var hasSingle = false
      @inline(__always) func offer(_ length: Int, _ score: Double) {
        let end = start + length
        guard lengths[end] == 0 || score > best[end & (Lattice.kept - 1)] else { return }
        best[end & (Lattice.kept - 1)] = score
        lengths[end] = UInt16(truncatingIfNeeded: length)
      }
      trie.forEachPrefix(of: bytes + start, count: min(count - start, DoubleArray.longestKey)) { length, id in
        // Ids are only checked here: compiled bytes may name any.
        guard id < scores.count else { return true }
        offer(length, scores[id] + before)
        hasSingle = hasSingle || length == scalarLength
        return true
      }
      if !hasSingle { offer(scalarLength, unknownScore + before) }
      // A token of compiled bytes may end inside a scalar, at a position no way needs to reach; scalars always reach the end.
      start += scalarLength
    }
  }

  /// The token that a stretch of a word is, or the unknown one.
  private func id(of bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
    var found = unknownID
    trie.forEachPrefix(of: bytes, count: count) { length, id in
      if length == count, id < scores.count { found = id }
      return true
    }
    return found
  }

  /// Walks back from the end. Unknown characters in a row are one unknown token.
  private func collect(_ word: UnsafeBufferPointer<UInt8>, _ lengths: UnsafeMutableBufferPointer<UInt16>, to ids: inout [Int32]) {
    let first = ids.count
    let bytes = word.baseAddress!
    var end = word.count
    /// Where the unknown characters that were passed end; -1 for none.
    var unknownEnd = -1
    while end > 0 {
      let start = end - Int(lengths[end])
      let id = id(of: bytes + start, end - start)
      if id == unknownID {
        if unknownEnd < 0 { unknownEnd = end }
      } else {
        if unknownEnd >= 0 { appendUnknown(UnsafeBufferPointer(rebasing: word[end..<unknownEnd]), to: &ids) }
        unknownEnd = -1
        ids.append(Int32(truncatingIfNeeded: id))
      }
      end = start
    }
    if unknownEnd >= 0 { appendUnknown(UnsafeBufferPointer(rebasing: word[..<unknownEnd]), to: &ids) }
    ids[first...].reverse()
  }

  /// Backwards, as the caller goes.
  private func appendUnknown(_ text: UnsafeBufferPointer<UInt8>, to ids: inout [Int32]) {
    if let id = vocabulary.id(of: text) { return ids.append(Int32(truncatingIfNeeded: id)) }
    guard !byteIDs.isEmpty, text.allSatisfy({ byteIDs[Int($0)] >= 0 }) else {
      return ids.append(Int32(truncatingIfNeeded: unknownID))
    }
    for byte in text.reversed() { ids.append(byteIDs[Int(byte)]) }
  }
}
