import JSON

/// The settings of DeBERTa's attention by relative position.
struct DisentangledSettings {
  let positions: RelativePositions
  /// Whether the layer of the tokens' queries and keys makes those of positions too.
  let sharesProjection: Bool
  /// What positions take part as: keys (content to position), then queries (position to content).
  let projections: [String]
  let normalizes: Bool

  /// Nil when attention is by content alone.
  init?(_ settings: Settings, maximumLength: Int) throws(ConfigurationError) {
    let types = try settings.names("pos_att_type")
    for type in types where type != "c2p" && type != "p2c" { throw .unsupported(key: "pos_att_type", value: type) }
    guard try settings.flag("relative_attention", default: false) else {
      // The reference scales scores by the types even so.
      guard types.isEmpty else { throw .unsupported(key: "pos_att_type", value: "without relative_attention") }
      return nil
    }
    // Positions that are neither keys nor queries change nothing: the reference keeps a table of them that it does not read.
    guard !types.isEmpty else { return nil }
    projections = (types.contains("c2p") ? ["pos_key_proj"] : []) + (types.contains("p2c") ? ["pos_query_proj"] : [])
    sharesProjection = try settings.flag("share_att_key", default: false)
    let normalizations = try settings.names("norm_rel_ebd").filter { $0 != "none" }
    for name in normalizations where name != "layer_norm" { throw .unsupported(key: "norm_rel_ebd", value: name) }
    normalizes = !normalizations.isEmpty
    let largest = try settings.count("max_relative_positions", default: -1, atLeast: -1)
    let buckets = try settings.count("position_buckets", default: -1, atLeast: -1)
    let end = largest < 1 ? maximumLength : largest
    guard buckets > 0 else {
      positions = RelativePositions(span: end)
      return
    }
    guard buckets >= 2, end - 1 > buckets / 2 else {
      throw .invalid(
        key: "position_buckets", found: "\(buckets)", expected: "at least 2, and half of it below \(end - 1) positions")
    }
    positions = RelativePositions(span: buckets, scaleEnd: end - 1)
  }

  /// How a layer attends.
  ///
  /// - Parameters:
  ///   - shape: of its heads.
  ///   - projection: the layer that makes keys and queries of positions.
  func attention(
    _ shape: AttentionShape, layer: Int, table: Table, normalization: Normalization?, positionDropout: Float, projection: Linear
  ) -> DisentangledAttention {
    DisentangledAttention(
      AttentionShape(
        heads: shape.heads, headWidth: shape.headWidth,
        divisor: (Float(shape.headWidth) * Float(1 + projections.count)).squareRoot(), dropout: shape.dropout),
      layer: layer, positions: positions, table: table, normalization: normalization, positionDropout: positionDropout,
      projection: projection, firstKey: firstOutput("pos_key_proj", shape), firstQuery: firstOutput("pos_query_proj", shape))
  }

  /// The first output of the projection that makes a part.
  private func firstOutput(_ part: String, _ shape: AttentionShape) -> Int? {
    guard let number = projections.firstIndex(of: part) else { return nil }
    // The shared layer makes the tokens' queries, keys and values.
    if sharesProjection { return part == "pos_key_proj" ? shape.keys.lowerBound : shape.queries.lowerBound }
    return number * shape.contextWidth
  }
}
