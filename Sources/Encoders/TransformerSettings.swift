import JSON

/// The settings that most families share: the sizes of a transformer's layers and what they do.
package struct TransformerSettings: Sendable {
  /// What a family's configuration calls the settings; by default as BERT does.
  package struct Keys: Sendable {
    var width = "hidden_size"
    var heads = "num_attention_heads"
    var layers = "num_hidden_layers"
    var intermediate = "intermediate_size"
    var activation = "hidden_act"
    var dropout = "hidden_dropout_prob"
    var attentionDropout = "attention_probs_dropout_prob"
  }

  /// What is taken for a setting that a configuration does not name; as in BERT.
  package struct Defaults: Sendable {
    var vocabulary = 30522
    var width = 768
    var heads = 12
    var layers = 12
    var intermediate = 3072
    var activation = Activation.gelu
    var dropout: Float = 0.1
    /// A family that has none by default may have none.
    var tokenTypes = 2
    var epsilon: Float = 1e-12
    var positions = 512
  }

  /// The most layers that a text may pass through: many times those of any encoder that there is.
  package static let maximumLayers = 1024

  package let vocabulary: Int
  /// The rows of the table of positions.
  package let positions: Int
  /// The rows of the table of token types.
  package let tokenTypes: Int
  /// The width of the hidden states.
  package let width: Int
  package let layers: Int
  /// The width between the two layers of a feed-forward network.
  package let intermediate: Int
  package let activation: Activation
  package let attention: Attention
  package let dropout: Float
  /// Of every normalisation.
  package var epsilon: Float
  package let initializerRange: Float

  /// - Parameter hasEpsilon: whether the family's configuration names one for the normalisations, or it is always the default.
  package init(
    _ settings: Settings, _ defaults: Defaults = Defaults(), keys: Keys = Keys(), hasEpsilon: Bool = true
  ) throws(ConfigurationError) {
    try settings.require("position_embedding_type", "absolute")
    try settings.require("is_decoder", false)
    try settings.require("add_cross_attention", false)
    vocabulary = try settings.count("vocab_size", default: defaults.vocabulary)
    positions = try settings.count("max_position_embeddings", default: defaults.positions)
    tokenTypes = try settings.count(
      "type_vocab_size", default: defaults.tokenTypes, atLeast: min(1, defaults.tokenTypes))
    width = try settings.count(keys.width, default: defaults.width)
    layers = try settings.count(keys.layers, default: defaults.layers, atMost: Self.maximumLayers)
    intermediate = try settings.count(keys.intermediate, default: defaults.intermediate)
    activation = try settings.activation(keys.activation, default: defaults.activation)
    let heads = try settings.count(keys.heads, default: defaults.heads)
    guard width % heads == 0 else {
      throw .invalid(key: keys.heads, found: "\(heads)", expected: "a divisor of \(keys.width) \(width)")
    }
    dropout = try settings.rate(keys.dropout, default: defaults.dropout)
    attention = Attention(heads: heads, dropout: try settings.rate(keys.attentionDropout, default: defaults.dropout))
    epsilon = hasEpsilon ? try settings.positive("layer_norm_eps", default: defaults.epsilon) : defaults.epsilon
    initializerRange = try settings.positive("initializer_range", default: 0.02)
  }
}

extension Settings {
  /// The row of the word embeddings that takes no gradient. Null, or a row that there is not, is a vocabulary without
  /// padding.
  func paddingRow(of vocabulary: Int, default row: Int = 0) -> Int? {
    (json["pad_token_id"] ?? .integer(Int64(row))).int.flatMap { (0..<vocabulary).contains($0) ? $0 : nil }
  }

  /// The row behind the padding's, from which some families count positions, of a configuration that may be refused.
  var countedFirstPosition: Int { min(max(0, json["pad_token_id"]?.int ?? 1), 1 << 20) + 1 }

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

extension Blueprint {
  /// The tables of BERT: words, positions and token types, of a width of their own in some families.
  mutating func embeddings(
    _ name: String, _ shape: TransformerSettings, width: Int, padding: Int?, wordScale: Float? = nil, dropsOutFirst: Bool = false
  ) -> Embeddings {
    Embeddings(
      words: table(name + "word_embeddings", rows: shape.vocabulary, width: width, frozenRow: padding),
      positions: table(name + "position_embeddings", rows: shape.positions, width: width),
      tokenTypes: table(name + "token_type_embeddings", rows: shape.tokenTypes, width: width), wordScale: wordScale,
      normalization: normalization(name + "LayerNorm", width: width, epsilon: shape.epsilon), dropsOutFirst: dropsOutFirst)
  }
}
