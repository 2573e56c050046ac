import CVector

extension Kernel {
  /// How many query rows share one pass over the keys.
  private static let queryRows = 24

  /// The floats of scratch memory that `attention` needs for up to M queries, texts of up to L tokens and heads of width D.
  package static func attentionScratch(_ M: Int, _ L: Int, _ D: Int) -> Int {
    let keys = (L &+ 63) / 64 &* 64
    return keys &* D &+ L &* ((D &+ 31) / 32 &* 32) &+ min(queryRows, M) &* keys &+ 64
  }

  /// Scaled dot-product attention (Vaswani et al., 2017) of one text, in fp32: M queries attend to its L tokens, in each of `group`
  /// heads that share keys and values.
  ///
  /// - Parameters:
  ///   - query: [M, group, D], `stride` floats from one token to the next.
  ///   - key, value: [L, D], likewise.
  ///   - seen: the tokens that the first query attends to, from the first on; each next query attends to one more until it is all.
  ///     L if all attend to all. Of a block of queries the tokens that none attends to cost nothing; others are to be hidden by `bias`.
  ///   - scale: what the scores are multiplied by; positive.
  ///   - bias: what is added to the scores before that, by distance (`addBias`); -infinity hides a key. Nil for nothing.
  ///   - out: [M, group, D], `outStride` floats from one token to the next.
  ///   - scratch: `attentionScratch(M, L, D)` floats, 64-byte aligned.
  @inline(never)
  package static func attention(
    _ query: UnsafePointer<Float>, _ key: UnsafePointer<Float>, _ value: UnsafePointer<Float>, _ stride: Int, _ M: Int,
    _ L: Int, _ D: Int, _ group: Int, _ seen: Int, _ scale: Float, _ bias: UnsafePointer<Float>?,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    let keys = (L &+ 63) / 64 &* 64
    let valueStride = (D &+ 31) / 32 &* 32
    let keyPanels = scratch
    let values = keyPanels + keys &* D
    let scores = values + L &* valueStride
    layOutHead(key, value, stride, L, D, keyPanels, values)
    for head in 0..<group {
      let (query, out) = (query + head &* D, out + head &* D)
      var first = 0
      while first < M {
        let rows = min(queryRows, M &- first)
        let count = min(L, seen &+ first &+ rows &- 1)
        multiplyPanels(query + first &* stride, stride, rows, keyPanels, nil, (count &+ 63) / 64 &* 64, D, scores, keys)
        if let bias { addBias(scores, keys, rows, count, bias - first) }
        softmaxRows(scores, keys, rows, count, scale)
        multiplyFloat(scores, keys, rows, values, valueStride, count, D, nil, out + first &* outStride, outStride)
        first &+= queryRows
      }
    }
  }

  /// The keys as panels of 64 by D, like weights; those beyond the text are zero and their scores are never used. The values
  /// as rows of whole vectors.
  @inline(never)
  static func layOutHead(
    _ key: UnsafePointer<Float>, _ value: UnsafePointer<Float>, _ stride: Int, _ L: Int, _ D: Int,
    _ keyPanels: UnsafeMutablePointer<Float>, _ values: UnsafeMutablePointer<Float>
  ) {
    let valueStride = (D &+ 31) / 32 &* 32
    for token in 0..<L {
      let panel = keyPanels + token / 64 &* 64 &* D + token % 64
      let source = key + token &* stride
      for d in 0..<D { panel[d &* 64] = source[d] }
    }
    for token in L..<(L &+ 63) / 64 &* 64 {
      let panel = keyPanels + token / 64 &* 64 &* D + token % 64
      for d in 0..<D { panel[d &* 64] = 0 }
    }
    for token in 0..<L {
      let source = value + token &* stride
      let target = values + token &* valueStride
      forEachVector(D) { d, lanes in target.store(load(source, d, lanes), d) }
      var d = (D &+ 15) / 16 &* 16
      while d < valueStride {
        target.store(Floats(), d)
        d &+= 16
      }
    }
  }
}
