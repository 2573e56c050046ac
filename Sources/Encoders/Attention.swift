#if canImport(Glibc)
  import Glibc
#endif

/// How the tokens of a text attend to one another: for each head `softmax(q kᵀ · headWidth^-0.5 + bias) v`.
package struct Attention: Sendable {
  package let heads: Int
  /// The rate for the probabilities, in training.
  package let dropout: Float
  /// What queries and keys are turned by.
  package let rotary: RotaryEmbedding?
  /// What is added to the scaled scores.
  package let relativeBias: RelativeBias?
  /// How far a token sees on each side; nil for the whole text.
  package let window: Int?

  package init(
    heads: Int, dropout: Float, rotary: RotaryEmbedding? = nil, relativeBias: RelativeBias? = nil, window: Int? = nil
  ) {
    self.heads = heads
    self.dropout = dropout
    self.rotary = rotary
    self.relativeBias = relativeBias
    self.window = window
  }

  /// Whether places do nothing here: every token sees all others as what they are.
  package var isByContent: Bool { rotary == nil && relativeBias == nil && window == nil }
}

/// A rotary position embedding (Su et al., 2021): channels d and d + headWidth / 2 of a query or key at place p turn by
/// the angle `p · base^(-2d / headWidth)`.
package struct RotaryEmbedding: Sendable {
  package let base: Float

  package init(base: Float) { self.base = base }

  /// Writes cosines and sines `[count, headWidth / 2]` of the places from 0 on. Frequencies and angles are rounded to
  /// fp32, as the reference library has them.
  package func fill(
    _ cosines: UnsafeMutablePointer<Float>, _ sines: UnsafeMutablePointer<Float>, count: Int, headWidth: Int
  ) {
    let half = headWidth / 2
    for channel in 0..<half {
      let exponent = Float(2 * channel) / Float(headWidth)
      let frequency = 1 / Float(pow(Double(base), Double(exponent)))
      for place in 0..<count {
        let angle = Double(Float(place) * frequency)
        cosines[place * half + channel] = Float(cos(angle))
        sines[place * half + channel] = Float(sin(angle))
      }
    }
  }
}

/// A learnt bias `[buckets, heads]` for the distance of two tokens (Raffel et al., 2020), exact for near ones and with
/// the logarithm of the distance up to 128.
package struct RelativeBias: Sendable {
  package static let bucketCount = 32
  package let table: Table

  package init(table: Table) { self.table = table }

  /// - Parameter distance: the place of the key less that of the query.
  package static func bucket(_ distance: Int) -> Int {
    let (half, exact) = (bucketCount / 2, bucketCount / 4)
    let magnitude = abs(distance)
    let side = distance > 0 ? half : 0
    guard magnitude >= exact else { return side + magnitude }
    // 8 buckets from 8 to 128: a new one wherever the square of the distance has doubled.
    let doublings = Int.bitWidth - 1 - (magnitude * magnitude / (exact * exact)).leadingZeroBitCount
    return side + min(half - 1, exact + doublings)
  }
}

/// Biases by distance in memory, as the kernels add them to scores that are not scaled yet.
extension Attention {
  /// The queries that share a pass over their keys: all of a text's, or so many that the keys they see stay few.
  package func queryBlock(_ length: Int) -> Int {
    guard let window, length > mostKeys(length) else { return length }
    return max(64, window)
  }

  /// The most keys of one block of queries.
  package func mostKeys(_ length: Int) -> Int { window.map { min(length, 3 * max(64, $0)) } ?? length }

  /// The keys that a block of queries sees.
  package func keys(_ queries: Range<Int>, _ length: Int) -> Range<Int> {
    guard let window else { return 0..<length }
    return max(0, queries.lowerBound - window)..<min(length, queries.upperBound + window)
  }

  /// Whether there is something to add to the scores of a text.
  package func hasBias(_ length: Int) -> Bool { relativeBias != nil || window.map { length > $0 + 1 } ?? false }

  /// Floats from one head's biases to the next's: distances from -reach on, and what a vector reads behind the last.
  package func biasStride(reach: Int) -> Int { 2 * reach + 16 }

  /// The rows of biases: one for each head, or one for all.
  package var biasRows: Int { relativeBias == nil ? 1 : heads }

  /// Writes the biases `[biasRows, biasStride]` of the distances from -reach to reach; -infinity outside of the window.
  ///
  /// - Parameter biases: the values of `relativeBias`'s table, `[buckets, heads]`.
  package func fillBiases(
    _ out: UnsafeMutablePointer<Float>, reach: Int, headWidth: Int, _ biases: UnsafePointer<Float>?
  ) {
    let stride = biasStride(reach: reach)
    let unscaled = Float(headWidth).squareRoot()
    for place in 0..<stride {
      let distance = place - reach
      let isHidden = window.map { abs(distance) > $0 } ?? false
      let bucket = biases == nil ? 0 : RelativeBias.bucket(distance)
      for row in 0..<biasRows {
        out[row * stride + place] = isHidden ? -.infinity : biases.map { $0[bucket * heads + row] * unscaled } ?? 0
      }
    }
  }
}
