import JSON

/// From which row of the table of positions on the tokens of a text count.
package enum PositionCounting: Sendable {
  case fromZero
  /// From behind the padding's row, as RoBERTa does; `pad_token_id` says which that is.
  case behindPadding
  /// From behind a row that no configuration changes.
  case behind(row: Int)

  /// The row that a text's first token takes, also of a configuration that may be refused.
  package func firstPosition(_ settings: Settings) -> Int {
    switch self {
    case .fromZero: 0
    case .behindPadding: min(max(0, settings.json["pad_token_id"]?.int ?? 1), 1 << 20) + 1
    case .behind(let row): row + 1
    }
  }
}

extension Settings {
  /// The row of the word embeddings that takes no gradient. Null, or a row that there is not, is a vocabulary without
  /// padding.
  func paddingRow(of vocabulary: Int, default row: Int = 0) -> Int? {
    (json["pad_token_id"] ?? .integer(Int64(row))).int.flatMap { (0..<vocabulary).contains($0) ? $0 : nil }
  }

  /// The row of the padding in a family that counts positions from behind it.
  func countedPadding(_ shape: TransformerSettings) throws(ConfigurationError) -> Int {
    let key = "pad_token_id"
    guard let padding = paddingRow(of: shape.vocabulary, default: 1) else {
      throw .invalid(
        key: key, found: json[key]?.description ?? "1", expected: "an id of the vocabulary, behind which positions begin")
    }
    guard padding + 1 < shape.positions else {
      throw .invalid(
        key: "max_position_embeddings", found: "\(shape.positions)", expected: "more than \(padding + 1), for \(key) \(padding)")
    }
    return padding
  }
}
