/// The split of a word into tokens with the largest sum of scores (Kudo 2018, as SentencePiece uses it).
///
/// A class, because it is handed from word to word.
final class Unigram: Sendable, Equatable {
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

  init(vocabulary: Vocabulary, scores: [Double], unknownID: Int, trie: DoubleArray, byteIDs: [Int32]) {
    self.vocabulary = vocabulary
    self.scores = scores
    self.unknownID = unknownID
    self.trie = trie
    self.byteIDs = byteIDs
    unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
  }

  static func == (first: Unigram, second: Unigram) -> Bool {
    first.vocabulary == second.vocabulary && first.scores == second.scores && first.unknownID == second.unknownID
      && first.trie == second.trie && first.byteIDs == second.byteIDs
  }

  /// The best way to each place of a word.
  struct Lattice: Sendable {
    var scores: [Double] = []
    /// Where the last token of the best way starts; -1 for a place that is not reached.
    var starts: [Int32] = []
    var ids: [Int32] = []
  }

  /// Appends the ids of one word.
  func append(_ word: UnsafeBufferPointer<UInt8>, _ lattice: inout Lattice, to ids: inout [Int32]) {
    let count = word.count
    let bytes = word.baseAddress!
    if lattice.scores.count <= count {
      let size = max(64, count + 1 + min(count, 1 << 16))
      lattice = Lattice()
      lattice = Lattice(
        scores: Array(repeating: 0, count: size), starts: Array(repeating: 0, count: size), ids: Array(repeating: 0, count: size))
    }
    lattice.scores.withUnsafeMutableBufferPointer { best in
      lattice.starts.withUnsafeMutableBufferPointer { starts in
        lattice.ids.withUnsafeMutableBufferPointer { tokens in
          scores.withUnsafeBufferPointer { findBest(bytes, count, $0, best, starts, tokens) }
          collect(word, starts, tokens, to: &ids)
        }
      }
    }
  }

  @inline(__always)
  private func findBest(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ scores: UnsafeBufferPointer<Double>, _ best: UnsafeMutableBufferPointer<Double>,
    _ starts: UnsafeMutableBufferPointer<Int32>, _ tokens: UnsafeMutableBufferPointer<Int32>
  ) {
    for place in 0...count { starts[place] = -1 }
    best[0] = 0
    var start = 0
    while start < count {
      let before = best[start]
      let scalarLength = min(decodeScalar(bytes, at: start, count: count).length, count - start)
      var hasSingle = false
      @inline(__always) func offer(_ end: Int, _ score: Double, _ id: Int) {
        guard starts[end] < 0 || score > best[end] else { return }
        best[end] = score
        starts[end] = Int32(truncatingIfNeeded: start)
        tokens[end] = Int32(truncatingIfNeeded: id)
      }
      trie.forEachPrefix(of: bytes + start, count: count - start) { length, id in
        // Ids are only checked here: compiled bytes may name any.
        guard id < scores.count else { return true }
        offer(start + length, scores[id] + before, id)
        hasSingle = hasSingle || length == scalarLength
        return true
      }
      if !hasSingle { offer(start + scalarLength, unknownScore + before, unknownID) }
      // A token of compiled bytes may end inside a scalar, in a place no way needs to reach; scalars always reach the end.
      start += scalarLength
    }
  }

  /// Walks back from the end. Unknown characters in a row are one unknown token.
  private func collect(
    _ word: UnsafeBufferPointer<UInt8>, _ starts: UnsafeMutableBufferPointer<Int32>, _ tokens: UnsafeMutableBufferPointer<Int32>,
    to ids: inout [Int32]
  ) {
    let first = ids.count
    let unknown = Int32(truncatingIfNeeded: unknownID)
    var end = word.count
    while end > 0 {
      if tokens[end] != unknown {
        ids.append(tokens[end])
        end = Int(starts[end])
      } else {
        var start = Int(starts[end])
        while start > 0, tokens[start] == unknown { start = Int(starts[start]) }
        appendUnknown(UnsafeBufferPointer(rebasing: word[start..<end]), to: &ids)
        end = start
      }
    }
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
