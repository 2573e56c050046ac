import Storage

/// Where the time of a forward pass goes.
package struct Profile: Sendable {
  /// The kinds of work, in the order of a pass.
  package enum Work: Int, CaseIterable, Sendable {
    case embedding
    /// The linear layers, dequantising and bias included.
    case products
    /// Attention whole: laying out keys and values, both products, softmax, quantising the context.
    case attention
    /// The activation between the feed-forward layers, quantising included.
    case activation
    /// Residual, LayerNorm and quantising.
    case normalization
    case head
  }

  private var times = [Double](repeating: 0, count: Work.allCases.count)

  package var total: Double { times.reduce(0, +) }
  package subscript(work: Work) -> Double { times[work.rawValue] }

  mutating func add(_ seconds: Double, to work: Work) { times[work.rawValue] += seconds }
}
