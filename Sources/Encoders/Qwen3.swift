import JSON

/// Qwen3 (Yang et al., 2025) with its sequence classification head: a decoder, whose last token has read all the others, and a
/// linear layer. Root mean square norms, of each head's queries and keys too, heads that share keys and values, rotary embeddings,
/// gated feed-forward networks.
///
/// Reference: `Qwen3ForSequenceClassification` of the transformers library.
package struct Qwen3: LayeredFamily {
  package static let modelType = "qwen3"
  package static let architecture = "Qwen3ForSequenceClassification"
  package static let prefix = "model."
  package static let adapterTargets = ["q_proj", "v_proj"]
  package static let unreadTensors = ["rotary_emb.inv_freq"]

  package let parts: EncoderParts<PreNormalizedLayer>

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let width = try settings.count("hidden_size", default: 4096)
    let inner = try settings.count("intermediate_size", default: 22016)
    let positions = try settings.count("max_position_embeddings", default: 32768)
    let vocabulary = try settings.count("vocab_size", default: 151936)
    let epsilon = try settings.positive("rms_norm_eps", default: 1e-6)
    let activation = try settings.activation("hidden_act", default: .silu)
    let hasBias = try settings.flag("attention_bias", default: false)
    let shapes = try Self.attentions(settings)
    var blueprint = Blueprint(initializerRange: try settings.positive("initializer_range", default: 0.02))
    func normalization(_ name: String, width: Int) -> Normalization {
      blueprint.normalization(name, .rootMeanSquare, width: width, epsilon: epsilon, hasBias: false)
    }
    let embeddings = Embeddings(
      words: blueprint.table(
        "model.embed_tokens", rows: vocabulary, width: width,
        frozenRow: settings.has("pad_token_id") ? settings.paddingRow(of: vocabulary) : nil),
      dropout: 0)
    let layers = shapes.enumerated().map { number, shape in
      let name = "model.layers.\(number)."
      let (attention, feedForward) = (name + "self_attn.", name + "mlp.")
      let parts = [("q_proj", shape.queries), ("k_proj", shape.keys), ("v_proj", shape.values)]
      return PreNormalizedLayer(
        queryKeyValue: blueprint.stack(
          attention + "qkv_proj", parts: parts.map { (attention + $0.0, $0.1.count) }, inputs: width, hasBias: hasBias),
        attentionOutput: blueprint.linear(
          attention + "o_proj", inputs: shape.contextWidth, outputs: width, hasBias: hasBias),
        headNormalizations: (
          normalization(attention + "q_norm", width: shape.headWidth), normalization(attention + "k_norm", width: shape.headWidth)
        ),
        feedForward: blueprint.stack(
          feedForward + "gate_up_proj", parts: ["gate_proj", "up_proj"].map { feedForward + $0 }, inputs: width,
          outputsOfEach: inner, hasBias: false),
        isGated: true,
        output: blueprint.linear(feedForward + "down_proj", inputs: inner, outputs: width, hasBias: false),
        attentionNormalization: normalization(name + "input_layernorm", width: width),
        feedForwardNormalization: normalization(name + "post_attention_layernorm", width: width),
        attention: shape, activation: activation, attentionDropout: 0, gateDropout: 0, outputDropout: 0)
    }
    let head = ClassificationHead(
      try settings.lastToken, inputNormalization: normalization("model.norm", width: width),
      classifier: blueprint.linear("score", inputs: width, outputs: labels, hasBias: false, isOutput: true))
    parts = EncoderParts(blueprint, width: width, positions: positions, embeddings: embeddings, layers: layers, head: head)
  }

  /// How each layer attends: to all tokens before, or to the nearest of them.
  private static func attentions(_ settings: Settings) throws(ConfigurationError) -> [AttentionShape] {
    let layers = try settings.count("num_hidden_layers", default: 32, atMost: TransformerSettings.maximumLayers)
    let heads = try settings.count("num_attention_heads", default: 32)
    // Null is as many as heads.
    let keyValueHeads = try settings.count(
      "num_key_value_heads", default: settings.json["num_key_value_heads"] == nil ? 32 : heads)
    guard heads % keyValueHeads == 0 else {
      throw .invalid(key: "num_key_value_heads", found: "\(keyValueHeads)", expected: "a divisor of num_attention_heads \(heads)")
    }
    let headWidth = try settings.count("head_dim", default: 128)
    guard headWidth % 2 == 0 else {
      throw .invalid(key: "head_dim", found: "\(headWidth)", expected: "an even number")
    }
    let dropout = try settings.rate("attention_dropout", default: 0)
    let rotary = try settings.rotaryEmbedding
    // Null is no window, where windows are used.
    let window =
      try settings.flag("use_sliding_window", default: false) && settings.json["sliding_window"] != .null
      ? settings.count("sliding_window", default: 4096) : nil
    let firstWithWindow = try settings.count("max_window_layers", default: 28, atLeast: 0)
    let kinds = try settings.layerKinds(count: layers) {
      window != nil && $0 >= firstWithWindow ? .sliding : .full
    }
    return try kinds.map { kind throws(ConfigurationError) -> AttentionShape in
      if kind == .sliding, window == nil {
        throw .unsupported(key: "layer_types", value: "sliding_attention without use_sliding_window and sliding_window")
      }
      // The token itself counts.
      return AttentionShape(
        heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth, isCausal: true,
        window: kind == .sliding ? window.map { $0 - 1 } : nil, rotary: rotary, dropout: dropout)
    }
  }
}
