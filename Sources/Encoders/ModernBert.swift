import JSON

/// ModernBERT (Warner et al., 2024) with its sequence classification head: normalisation before each part of a layer,
/// rotary embeddings, gated feed-forward networks, and in most layers attention to near tokens only.
///
/// Reference: `ModernBertForSequenceClassification` of the transformers library.
package struct ModernBert: LayeredFamily {
  package static let modelType = "modernbert"
  package static let architecture = "ModernBertForSequenceClassification"
  package static let prefix = "model."
  package static let adapterTargets = ["Wqkv"]

  package let parts: EncoderParts<PreNormalizedLayer>

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let width = try settings.count("hidden_size", default: 768)
    let inner = try settings.count("intermediate_size", default: 1152)
    let layerCount = try settings.count("num_hidden_layers", default: 22, atMost: TransformerSettings.maximumLayers)
    let epsilon = try settings.positive("norm_eps", default: 1e-5)
    let heads = try settings.count("num_attention_heads", default: 12)
    guard width % (2 * heads) == 0 else {
      throw .invalid(
        key: "num_attention_heads", found: "\(heads)", expected: "heads of an even width, of hidden_size \(width)")
    }
    let positions = try settings.count("max_position_embeddings", default: 8192)
    let activation = try settings.activation("hidden_activation", default: .gelu)
    let headActivation = try settings.activation("classifier_activation", default: .gelu)
    let embeddingDropout = try settings.rate("embedding_dropout", default: 0)
    let attentionDropout = try settings.rate("attention_dropout", default: 0)
    let gateDropout = try settings.rate("mlp_dropout", default: 0)
    let classifierDropout = try settings.rate("classifier_dropout", default: 0)
    let tokens: TokensRead
    switch try settings.string("classifier_pooling", default: "cls") {
    case "cls": tokens = .first
    case "mean": tokens = .mean
    case let other: throw .invalid(key: "classifier_pooling", found: other, expected: "cls or mean")
    }
    let normHasBias = try settings.flag("norm_bias", default: false)
    let attentionHasBias = try settings.flag("attention_bias", default: false)
    let gateHasBias = try settings.flag("mlp_bias", default: false)
    let headHasBias = try settings.flag("classifier_bias", default: false)
    let vocabulary = try settings.count("vocab_size", default: 50368)
    let deviation = try settings.positive("initializer_range", default: 0.02)
    // Null is a cutoff of its own, as in the reference. A narrow one is drawn in another way there.
    let cutoff = try settings.positive(
      "initializer_cutoff_factor", default: settings.json["initializer_cutoff_factor"] == nil ? 2 : 3)
    guard cutoff >= 0.4 else {
      throw .invalid(key: "initializer_cutoff_factor", found: "\(cutoff)", expected: "at least 0.4")
    }
    let attentions = try Self.attentions(settings, layers: layerCount, heads: heads, headWidth: width / heads, dropout: attentionDropout)

    let usual = Initialization.truncatedNormal(standardDeviation: deviation, cutoff: cutoff)
    let outgoing = Initialization.truncatedNormal(
      standardDeviation: Float(Double(deviation) / (2 * Double(layerCount)).squareRoot()), cutoff: cutoff)
    var blueprint = Blueprint(initializerRange: deviation)
    func normalization(_ name: String, isHead: Bool = false) -> Normalization {
      blueprint.normalization(name, width: width, epsilon: epsilon, hasBias: normHasBias, isHead: isHead)
    }
    let embeddings = Embeddings(
      words: blueprint.table(
        "model.embeddings.tok_embeddings", rows: vocabulary, width: width,
        frozenRow: settings.paddingRow(of: vocabulary, default: 50283), initialization: usual),
      normalization: normalization("model.embeddings.norm"), dropout: embeddingDropout)
    let layers = attentions.enumerated().map { number, attention in
      let name = "model.layers.\(number)."
      func linear(_ part: String, inputs: Int, outputs: Int, hasBias: Bool, _ initialization: Initialization) -> Linear {
        blueprint.linear(name + part, inputs: inputs, outputs: outputs, hasBias: hasBias, initialization: initialization)
      }
      // The first layer reads the embeddings, which are normalised.
      let attentionNormalization = number == 0 ? nil : normalization(name + "attn_norm")
      let queryKeyValue = linear("attn.Wqkv", inputs: width, outputs: attention.columns, hasBias: attentionHasBias, usual)
      let attentionOutput = linear("attn.Wo", inputs: attention.contextWidth, outputs: width, hasBias: attentionHasBias, outgoing)
      let feedForwardNormalization = normalization(name + "mlp_norm")
      return PreNormalizedLayer(
        queryKeyValue: queryKeyValue, attentionOutput: attentionOutput,
        feedForward: linear("mlp.Wi", inputs: width, outputs: 2 * inner, hasBias: gateHasBias, usual), isGated: true,
        output: linear("mlp.Wo", inputs: inner, outputs: width, hasBias: gateHasBias, outgoing),
        attentionNormalization: attentionNormalization, feedForwardNormalization: feedForwardNormalization, attention: attention,
        activation: activation, attentionDropout: attentionDropout, gateDropout: gateDropout, outputDropout: 0)
    }
    let head = ClassificationHead(
      tokens, inputNormalization: normalization("model.final_norm"),
      dense: blueprint.linear(
        "head.dense", inputs: width, outputs: width, hasBias: headHasBias, initialization: outgoing, isHead: true),
      headActivation, denseNormalization: normalization("head.norm", isHead: true), dropout: classifierDropout,
      classifier: blueprint.linear(
        "classifier", inputs: width, outputs: labels,
        initialization: .truncatedNormal(standardDeviation: 1 / Float(width).squareRoot(), cutoff: cutoff), isOutput: true))
    parts = EncoderParts(
      blueprint, width: width, positions: positions, embeddings: embeddings, layers: layers, head: head)
  }

  /// How each layer attends: to all tokens, or to those in a window, each with a base of its own for the rotation.
  ///
  /// Versions of the reference library before 5 name the bases and every how many layers attention is global; later ones
  /// list the kind of each layer, and the bases by kind.
  private static func attentions(
    _ settings: Settings, layers: Int, heads: Int, headWidth: Int, dropout: Float
  ) throws(ConfigurationError) -> [AttentionShape] {
    for key in ["rope_scaling", "sliding_window", "head_dim"] { try settings.require(key, .null) }
    func attention(
      _ kind: String, _ olderKey: String, base: Float, window: Int?
    ) throws(ConfigurationError) -> AttentionShape {
      let parameters = try settings.object("rope_parameters")?.object(kind)
      try parameters?.require("rope_type", "default")
      try parameters?.require("type", "default")
      let older = try settings.positive(olderKey, default: base)
      return AttentionShape(
        heads: heads, headWidth: headWidth, window: window,
        rotary: RotaryEmbedding(base: try parameters?.positive("rope_theta", default: older) ?? older), dropout: dropout)
    }
    let window = try settings.count("local_attention", default: 128) / 2
    let globalBase: Float = 160_000
    let global = try attention("full_attention", "global_rope_theta", base: globalBase, window: nil)
    // Null is no base of its own in versions before 5: local attention turns by the global one. Later ones fail at it.
    let hasLocalBase = settings.json["local_rope_theta"] != .null
    let local = try attention(
      "sliding_attention", hasLocalBase ? "local_rope_theta" : "global_rope_theta", base: hasLocalBase ? 10_000 : globalBase,
      window: window)
    let period = try settings.count("global_attn_every_n_layers", default: 3)
    return try settings.layerKinds(count: layers) { $0 % period == 0 ? .full : .sliding }.map { $0 == .full ? global : local }
  }
}
