import Storage

/// Which row of a table each distance between two tokens takes: rows ascend with the distance, that of 0 is in the
/// middle. Distances beyond the ends take the ends' rows.
///
/// With buckets, distances up to half of them have a row each and larger ones share rows by their logarithm
/// (`make_log_bucket_position` of the reference, DeBERTa-v2).
package struct RelativePositions: Sendable, Equatable {
  /// The rows to either side.
  package let span: Int
  /// The largest distance of the logarithmic scale; nil when each distance has a row.
  private let scaleEnd: Int?

  /// - Parameters:
  ///   - span: the buckets (at least 2), or the largest distance when there are none.
  ///   - scaleEnd: where the buckets' scale ends, beyond `span / 2`.
  package init(span: Int, scaleEnd: Int? = nil) {
    self.span = span
    self.scaleEnd = scaleEnd
  }

  package var rows: Int { 2 * span }
  /// Up to this distance, to either side, rows are consecutive.
  package var linear: Int { scaleEnd == nil ? span - 1 : span / 2 }

  package func row(_ distance: Int) -> Int {
    let ordinal = scaleEnd.map { bucket(distance, $0) } ?? distance
    return min(max(ordinal + span, 0), rows - 1)
  }

  /// In fp32 like the reference, whose rounding decides on which side of a bucket's edge a distance falls.
  private func bucket(_ distance: Int, _ end: Int) -> Int {
    let middle = span / 2
    guard abs(distance) > middle else { return distance }
    let share = Float.log(Float(abs(distance)) / Float(middle)) / Float.log(Float(Double(end) / Double(middle)))
    let ordinal = Int(saturating: Double((share * Float(middle - 1)).rounded(.up))) + middle
    return distance < 0 ? -ordinal : ordinal
  }

  /// The rows that texts of a number of tokens take: a range, for rows ascend with the distance.
  package func rows(length: Int) -> Range<Int> { row(1 - length)..<row(length - 1) + 1 }
}

/// Attention by content and by relative position apart (He et al., 2021): the score of query i and key j is
/// `q_i · k_j + q_i · K(i - j) + k_j · Q(i - j)`, times `scale`, where K and Q are keys and queries of positions: a
/// projection of the rows of a table, normalised and dropped out.
package struct DisentangledAttention: Sendable, Equatable {
  /// Of heads, scale and dropout; by content as it is.
  package let shape: AttentionShape
  /// The number of the layer: an engine may keep what it makes of positions, which texts do not change.
  package let layer: Int
  package let positions: RelativePositions
  /// `[positions.rows, width]`.
  package let table: Table
  package let normalization: Normalization?
  /// The rate for the table's rows, in training.
  package let positionDropout: Float
  /// The layer that makes keys and queries of positions.
  package let projection: Linear
  /// Its first output that is part of the keys (content to position), and of the queries (position to content); nil for
  /// a part that scores do not have.
  package let firstKey, firstQuery: Int?

  package init(
    _ shape: AttentionShape, layer: Int, positions: RelativePositions, table: Table,
    normalization: Normalization?, positionDropout: Float, projection: Linear, firstKey: Int?, firstQuery: Int?
  ) {
    self.shape = shape
    self.layer = layer
    self.positions = positions
    self.table = table
    self.normalization = normalization
    self.positionDropout = positionDropout
    self.projection = projection
    self.firstKey = firstKey
    self.firstQuery = firstQuery
  }
}
