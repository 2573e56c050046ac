import JSON

/// GPT-2 (Radford et al., 2019) with its sequence classification head: a decoder with learnt positions, whose last token has read all
/// the others, and a linear layer. A checkpoint holds the layers' weights the other way round.
///
/// Reference: `GPT2ForSequenceClassification` of the transformers library.
package struct GPT2: LayeredFamily {
  package static let modelType = "gpt2"
  package static let architecture = "GPT2ForSequenceClassification"
  package static let prefix = "transformer."
  package static let adapterTargets = ["c_attn"]
  package static let unreadTensors = ["attn.bias", "attn.masked_bias", "multiple_choice_head"]

  package let parts: EncoderParts<PreNormalizedLayer>

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    try settings.require("add_cross_attention", false)
    // The library's common names mean the same, and win.
    func count(_ name: String, _ common: String, default count: Int, atMost most: Int = 1 << 20) throws(ConfigurationError) -> Int {
      try settings.count(settings.has(common) ? common : name, default: count, atMost: most)
    }
    let width = try count("n_embd", "hidden_size", default: 768)
    let positions = try count("n_positions", "max_position_embeddings", default: 1024)
    let layerCount = try count("n_layer", "num_hidden_layers", default: 12, atMost: TransformerSettings.maximumLayers)
    let heads = try count("n_head", "num_attention_heads", default: 12)
    guard width % heads == 0 else {
      throw .invalid(key: "n_head", found: "\(heads)", expected: "a divisor of n_embd \(width)")
    }
    let inner = try settings.count("n_inner", default: 4 * width)
    let vocabulary = try settings.count("vocab_size", default: 50257)
    let epsilon = try settings.positive("layer_norm_epsilon", default: 1e-5)
    let activation = try settings.activation("activation_function", default: .geluTanh)
    let residualDropout = try settings.rate("resid_pdrop", default: 0.1)
    let embeddingDropout = try settings.rate("embd_pdrop", default: 0.1)
    let attentionDropout = try settings.rate("attn_pdrop", default: 0.1)
    let divides = try settings.flag("scale_attn_weights", default: true)
    let dividesByLayer = try settings.flag("scale_attn_by_inverse_layer_idx", default: false)
    let deviation = try settings.positive("initializer_range", default: 0.02)

    var blueprint = Blueprint(initializerRange: deviation)
    let outgoing = Initialization.normal(standardDeviation: Float(Double(deviation) / (2 * Double(layerCount)).squareRoot()))
    func normalization(_ name: String) -> Normalization { blueprint.normalization(name, width: width, epsilon: epsilon) }
    func linear(_ name: String, inputs: Int, outputs: Int, _ initialization: Initialization? = nil) -> Linear {
      blueprint.linear(name, inputs: inputs, outputs: outputs, isTransposed: true, initialization: initialization)
    }
    let embeddings = Embeddings(
      words: blueprint.table("transformer.wte", rows: vocabulary, width: width),
      positions: blueprint.table("transformer.wpe", rows: positions, width: width), dropout: embeddingDropout)
    let layers = (0..<layerCount).map { number in
      let name = "transformer.h.\(number)."
      let headWidth = width / heads
      let shape = AttentionShape(
        heads: heads, headWidth: headWidth,
        divisor: (divides ? Float(headWidth).squareRoot() : 1) * (dividesByLayer ? Float(number + 1) : 1), isCausal: true,
        dropout: attentionDropout)
      let attentionNormalization = normalization(name + "ln_1")
      return PreNormalizedLayer(
        queryKeyValue: linear(name + "attn.c_attn", inputs: width, outputs: shape.columns),
        attentionOutput: linear(name + "attn.c_proj", inputs: shape.contextWidth, outputs: width, outgoing),
        feedForward: linear(name + "mlp.c_fc", inputs: width, outputs: inner), isGated: false,
        output: linear(name + "mlp.c_proj", inputs: inner, outputs: width, outgoing),
        attentionNormalization: attentionNormalization, feedForwardNormalization: normalization(name + "ln_2"),
        attention: shape, activation: activation, attentionDropout: residualDropout, gateDropout: 0,
        outputDropout: residualDropout)
    }
    let head = ClassificationHead(
      try settings.lastToken, inputNormalization: normalization("transformer.ln_f"),
      classifier: blueprint.linear("score", inputs: width, outputs: labels, hasBias: false, isOutput: true))
    parts = EncoderParts(blueprint, width: width, positions: positions, embeddings: embeddings, layers: layers, head: head)
  }
}
