/// Greedy longest match from the left (Wu et al. 2016, as BERT uses it); a word that cannot be covered, or is too long,
/// becomes the unknown token.
package struct WordPiece: Sendable, Equatable {
  let vocabulary: Vocabulary
  let unknownID: Int
  /// What pieces inside a word start with in the vocabulary: `##`.
  let continuingPrefix: [UInt8]
  /// In scalars.
  let maximumWordLength: Int
  private let continuingHash: UInt64

  package init(vocabulary: Vocabulary, unknownID: Int, continuingPrefix: [UInt8], maximumWordLength: Int) {
    self.vocabulary = vocabulary
    self.unknownID = unknownID
    self.continuingPrefix = continuingPrefix
    self.maximumWordLength = maximumWordLength
    continuingHash = continuingPrefix.reduce(Vocabulary.emptyHash) { Vocabulary.extend($0, by: $1) }
  }

  /// Appends the ids of one word.
  ///
  /// - Parameter hashes: scratch for at least as many hashes as the longest token has bytes.
  @inline(__always)
  func append(_ word: UnsafeBufferPointer<UInt8>, hashes: UnsafeMutablePointer<UInt64>, to ids: inout [Int32]) {
    let bytes = word.baseAddress!
    if word.count <= min(vocabulary.longestToken, maximumWordLength) {
      var hash = Vocabulary.emptyHash
      for index in 0..<word.count { hash = Vocabulary.extend(hash, by: bytes[index]) }
      let id = vocabulary.find(hash, prefix: [], bytes, word.count)
      if id >= 0 { return ids.append(Int32(truncatingIfNeeded: id)) }
    }
    appendPieces(word, hashes: hashes, to: &ids)
  }

  @inline(never)
  private func appendPieces(
    _ word: UnsafeBufferPointer<UInt8>, hashes: UnsafeMutablePointer<UInt64>, to ids: inout [Int32]
  ) {
    let before = ids.count
    guard word.count <= maximumWordLength || scalarCount(word) <= maximumWordLength else {
      return ids.append(Int32(truncatingIfNeeded: unknownID))
    }
    var start = 0
    while start < word.count {
      let prefix = start == 0 ? [] : continuingPrefix
      let bytes = word.baseAddress! + start
      let longest = min(word.count - start, vocabulary.longestToken - prefix.count)
      var hash = start == 0 ? Vocabulary.emptyHash : continuingHash
      for index in 0..<max(0, longest) {
        hash = Vocabulary.extend(hash, by: bytes[index])
        hashes[index] = hash
      }
      var length = longest
      var id = -1
      while length > 0 {
        // Tokens are whole scalars, so a match cannot end before a continuation byte.
        if start + length == word.count || bytes[length] & 0xC0 != 0x80 {
          id = vocabulary.find(hashes[length - 1], prefix: prefix, bytes, length)
          if id >= 0 { break }
        }
        length -= 1
      }
      guard id >= 0 else {
        ids.removeSubrange(before...)
        return ids.append(Int32(truncatingIfNeeded: unknownID))
      }
      ids.append(Int32(truncatingIfNeeded: id))
      start += length
    }
  }

  private func scalarCount(_ word: UnsafeBufferPointer<UInt8>) -> Int {
    word.reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) }
  }
}
