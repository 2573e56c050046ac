import JSON

/// SqueezeBERT (Iandola et al., 2020) with its sequence classification head: BERT with layers that are convolutions of size 1,
/// most of them in groups.
///
/// Reference: `SqueezeBertForSequenceClassification` of the transformers library.
package struct SqueezeBert: LayeredFamily {
  package static let modelType = "squeezebert"
  package static let architecture = "SqueezeBertForSequenceClassification"
  package static let prefix = "transformer."

  package let parts: EncoderParts<TransformerLayer>

  private static let names = TransformerLayer.Names(
    query: "attention.query", key: "attention.key", value: "attention.value", queryKeyValue: "attention.query_key_value",
    attentionOutput: "post_attention.conv1d", attentionNormalization: "post_attention.layernorm",
    intermediate: "intermediate.conv1d", output: "output.conv1d", outputNormalization: "output.layernorm")

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(settings)
    let (width, inner) = (shape.width, shape.layers[0].intermediate)
    // The reference asks for it too.
    try settings.require("embedding_size", .integer(Int64(width)))
    func groups(_ key: String, default count: Int, _ inputs: Int, _ outputs: Int) throws(ConfigurationError) -> Int {
      let found = try settings.count(key, default: count)
      guard inputs % found == 0, outputs % found == 0 else {
        throw .invalid(key: key, found: "\(found)", expected: "a divisor of \(inputs) inputs and \(outputs) outputs")
      }
      return found
    }
    let layerGroups = TransformerLayer.Groups(
      query: try groups("q_groups", default: 4, width, width), key: try groups("k_groups", default: 4, width, width),
      value: try groups("v_groups", default: 4, width, width),
      attentionOutput: try groups("post_attention_groups", default: 1, width, width),
      intermediate: try groups("intermediate_groups", default: 4, width, inner),
      output: try groups("output_groups", default: 4, inner, width))
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let embeddings = blueprint.embeddings(
      "transformer.embeddings.", shape, padding: settings.paddingRow(of: shape.vocabulary))
    // The layers' normalisations do not ask the configuration.
    var layerShape = shape
    layerShape.epsilon = 1e-12
    let layers = shape.layers.enumerated().map {
      TransformerLayer("transformer.encoder.layers.\($0).", layerShape, $1, Self.names, groups: layerGroups, in: &blueprint)
    }
    let head = ClassificationHead(
      "transformer.pooler.dense", .tanh, "classifier", width: width, labels: labels, dropout: shape.dropout, in: &blueprint)
    parts = EncoderParts(
      blueprint, width: shape.width, positions: shape.positions, embeddings: embeddings, layers: layers, head: head)
  }
}
