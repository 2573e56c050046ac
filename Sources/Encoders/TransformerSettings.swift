import JSON

/// The sizes of one layer: of its attention, and between the two layers of its feed-forward network.
package struct LayerShape: Sendable {
  package let attention: AttentionShape
  package let intermediate: Int

  package init(attention: AttentionShape, intermediate: Int) {
    (self.attention, self.intermediate) = (attention, intermediate)
  }
}

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
  /// What may differ from one layer to another.
  package let layers: [LayerShape]
  package let activation: Activation
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
    let count = try settings.count(keys.layers, default: defaults.layers, atMost: Self.maximumLayers)
    let intermediate = try settings.count(keys.intermediate, default: defaults.intermediate)
    activation = try settings.activation(keys.activation, default: defaults.activation)
    let heads = try settings.count(keys.heads, default: defaults.heads)
    guard width % heads == 0 else {
      throw .invalid(key: keys.heads, found: "\(heads)", expected: "a divisor of \(keys.width) \(width)")
    }
    dropout = try settings.rate(keys.dropout, default: defaults.dropout)
    let attention = AttentionShape(
      heads: heads, headWidth: width / heads, dropout: try settings.rate(keys.attentionDropout, default: defaults.dropout))
    layers = Array(repeating: LayerShape(attention: attention, intermediate: intermediate), count: count)
    epsilon = hasEpsilon ? try settings.positive("layer_norm_eps", default: defaults.epsilon) : defaults.epsilon
    initializerRange = try settings.positive("initializer_range", default: 0.02)
  }
}

extension Blueprint {
  /// The tables of BERT: words, positions and token types.
  ///
  /// - Parameters:
  ///   - width: of the tables, where they are not as wide as hidden states.
  ///   - padding: the words' row that takes no gradient.
  ///   - behindPadding: whether positions count from behind that row, with texts that spell out padding at it.
  ///   - expansion: the name of the layer that the rows go through to become as wide as hidden states.
  ///   - positionsLast: whether the reference makes the positions behind all others.
  mutating func embeddings(
    _ name: String, _ shape: TransformerSettings, width: Int? = nil, padding: Int?, behindPadding: Bool = false,
    hasTokenTypes: Bool = true, positionsLast: Bool = false, wordScale: Float? = nil, expansion: String? = nil, dropsOutFirst: Bool = false
  ) -> Embeddings {
    let width = width ?? shape.width
    let counted = behindPadding ? padding : nil
    func positionTable() -> Table {
      table(name + "position_embeddings", rows: shape.positions, width: width, frozenRow: counted)
    }
    let words = table(name + "word_embeddings", rows: shape.vocabulary, width: width, frozenRow: padding)
    let earlyPositions = positionsLast ? nil : positionTable()
    let tokenTypes = hasTokenTypes ? table(name + "token_type_embeddings", rows: shape.tokenTypes, width: width) : nil
    let normalization = normalization(name + "LayerNorm", width: width, epsilon: shape.epsilon)
    return Embeddings(
      words: words, positions: earlyPositions ?? positionTable(), tokenTypes: tokenTypes, wordScale: wordScale,
      normalization: normalization, expansion: expansion.map { linear($0, inputs: width, outputs: shape.width) }, firstPosition: counted.map { $0 + 1 } ?? 0, uncountedToken: counted.map { Int32($0) },
      dropsOutFirst: dropsOutFirst, dropout: shape.dropout)
  }
}
