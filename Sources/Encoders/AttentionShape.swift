import Storage

/// How the tokens of a text attend to one another: where their queries, keys and values lie, and which of them meet. For each head
/// `softmax(q kᵀ · scale + bias) v` over the keys that a token sees.
///
/// A row holds the queries, keys and values of a token side by side, heads contiguous within each. The layers of a model may differ
/// in all of it.
package struct AttentionShape: Sendable, Equatable {
  package let heads: Int
  /// The heads of keys and values. Each serves `group` heads in a row (grouped queries, Ainslie et al., 2023).
  package let keyValueHeads: Int
  package let headWidth: Int
  /// What the products of queries and keys are divided by.
  package let divisor: Float
  /// Whether a token sees those before it and itself alone.
  package let isCausal: Bool
  /// How far a token sees on each side; nil for the whole text.
  package let window: Int?
  /// What queries and keys are turned by.
  package let rotary: RotaryEmbedding?
  /// What is added to the scaled scores.
  package var relativeBias: RelativeBias?
  /// The rate for the probabilities, in training.
  package let dropout: Float

  /// - Parameters:
  ///   - keyValueHeads: a divisor of the heads; as many as these if nil.
  ///   - divisor: the square root of the heads' width if nil.
  package init(
    heads: Int, keyValueHeads: Int? = nil, headWidth: Int, divisor: Float? = nil, isCausal: Bool = false, window: Int? = nil,
    rotary: RotaryEmbedding? = nil, relativeBias: RelativeBias? = nil, dropout: Float
  ) {
    assert(relativeBias == nil || keyValueHeads ?? heads == heads, "a bias of each head is for heads with keys of their own")
    self.heads = heads
    self.keyValueHeads = keyValueHeads ?? heads
    self.headWidth = headWidth
    self.divisor = divisor ?? Float(headWidth).squareRoot()
    self.isCausal = isCausal
    self.window = window
    self.rotary = rotary
    self.relativeBias = relativeBias
    self.dropout = dropout
  }

  package var scale: Float { 1 / divisor }
  /// The heads that share keys and values.
  package var group: Int { heads / keyValueHeads }

  /// The columns of all heads' queries, keys and values.
  package var queries: Range<Int> { 0..<heads * headWidth }
  package var keys: Range<Int> { queries.upperBound..<queries.upperBound + keyValueHeads * headWidth }
  package var values: Range<Int> { keys.upperBound..<keys.upperBound + keyValueHeads * headWidth }
  /// The width of a row.
  package var columns: Int { values.upperBound }
  /// The width of what attention makes: the context of all heads side by side.
  package var contextWidth: Int { heads * headWidth }

  /// Whether attention is position-independent: no rotary embedding, bias or window. (A causal model's last token sees all others.)
  package var isByContent: Bool { rotary == nil && relativeBias == nil && window == nil }
}

/// A rotary position embedding (Su et al., 2021): channels d and d + headWidth / 2 of a query or key at position p turn by
/// the angle `p · base^(-2d / headWidth)`.
package struct RotaryEmbedding: Sendable, Equatable {
  package let base: Float

  package init(base: Float) { self.base = base }

  /// Writes cosines and sines `[count, headWidth / 2]` of the positions from 0 on. Frequencies and angles are rounded to
  /// fp32, as the reference library has them.
  package func fill(
    _ cosines: UnsafeMutablePointer<Float>, _ sines: UnsafeMutablePointer<Float>, count: Int, headWidth: Int
  ) {
    let half = headWidth / 2
    for channel in 0..<half {
      let exponent = Float(2 * channel) / Float(headWidth)
      let frequency = 1 / Float(Double.pow(Double(base), Double(exponent)))
      for position in 0..<count {
        let angle = Double(Float(position) * frequency)
        cosines[position * half + channel] = Float(Double.cos(angle))
        sines[position * half + channel] = Float(Double.sin(angle))
      }
    }
  }
}

/// A learnt bias `[buckets, heads]` for the distance of two tokens (Raffel et al., 2020), exact for near ones and with
/// the logarithm of the distance up to 128.
package struct RelativeBias: Sendable, Equatable {
  package static let bucketCount = 32
  package let table: Table

  package init(table: Table) { self.table = table }

  /// - Parameter distance: the position of the key less that of the query.
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
extension AttentionShape {
  /// The queries that share a pass over their keys: all of a text's, or so many that the keys they see stay few.
  package func queryBlock(_ length: Int) -> Int {
    guard let window, length > mostKeys(length) else { return length }
    return max(64, window)
  }

  /// The most keys of one block of queries.
  package func mostKeys(_ length: Int) -> Int { window.map { min(length, 3 * max(64, $0)) } ?? length }

  /// The keys that a block of queries sees.
  package func keys(_ queries: Range<Int>, _ length: Int) -> Range<Int> {
    guard let window else { return 0..<(isCausal ? queries.upperBound : length) }
    return max(0, queries.lowerBound - window)..<min(length, queries.upperBound + (isCausal ? 0 : window))
  }

  /// Whether there is something to add to the scores of a text.
  package func hasBias(_ length: Int) -> Bool {
    relativeBias != nil || isCausal && length > 1 || window.map { length > $0 + 1 } ?? false
  }

  /// Whether the same biases serve another shape.
  package func sharesBiases(with other: AttentionShape) -> Bool {
    isCausal == other.isCausal && window == other.window && relativeBias?.table.index == other.relativeBias?.table.index
      && (relativeBias == nil || heads == other.heads && divisor == other.divisor)
  }

  /// Floats from one head's biases to the next's: distances from -reach on, and what a vector reads behind the last.
  package func biasStride(reach: Int) -> Int { 2 * reach + 16 }

  /// The rows of biases: one for each head, or one for all.
  package var biasRows: Int { relativeBias == nil ? 1 : heads }

  /// Writes the biases `[biasRows, biasStride]` of the distances from -reach to reach; -infinity for keys that are not seen.
  ///
  /// - Parameter biases: the values of `relativeBias`'s table, `[buckets, heads]`.
  package func fillBiases(_ out: UnsafeMutablePointer<Float>, reach: Int, _ biases: UnsafePointer<Float>?) {
    let stride = biasStride(reach: reach)
    for index in 0..<stride {
      let distance = index - reach
      let isHidden = isCausal && distance > 0 || window.map { abs(distance) > $0 } ?? false
      let bucket = biases == nil ? 0 : RelativeBias.bucket(distance)
      for row in 0..<biasRows {
        out[row * stride + index] = isHidden ? -.infinity : biases.map { $0[bucket * heads + row] * divisor } ?? 0
      }
    }
  }
}
