import JSON
import Storage

/// ALBERT (Lan et al., 2019) with its sequence classification head: the pooled first token, tanh, a linear layer. Layers of
/// a group share their parameters; embeddings are narrower and projected.
///
/// Reference: `AlbertForSequenceClassification` of the transformers library.
package struct Albert: EncoderFamily {
  package static let modelType = "albert"
  package static let architecture = "AlbertForSequenceClassification"
  package static let prefix = "albert."

  package let blueprint: Blueprint
  package let hiddenWidth: Int
  package let maximumLength: Int
  package let tokenTypeCount: Int
  package let layerCount: Int
  private let dropout: Float
  private let embeddings: Embeddings
  private let projection: Linear
  /// The inner layers of each group.
  private let groups: [[TransformerLayer]]
  private let head: ClassificationHead

  private static let names = TransformerLayer.Names(
    query: "attention.query", key: "attention.key", value: "attention.value", queryKeyValue: "attention.query_key_value",
    attentionOutput: "attention.dense", attentionNormalization: "attention.LayerNorm", intermediate: "ffn",
    output: "ffn_output", outputNormalization: "full_layer_layer_norm")

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(
      settings, .init(vocabulary: 30000, width: 4096, heads: 64, intermediate: 16384, activation: .geluTanh, dropout: 0))
    // A group that no layer belongs to would have parameters that nothing trains.
    let groupCount = try settings.count("num_hidden_groups", default: 1, atMost: shape.layers)
    let innerCount = try settings.count(
      "inner_group_num", default: 1, atMost: TransformerSettings.maximumLayers / shape.layers)
    let embeddingWidth = try settings.count("embedding_size", default: 128)
    (hiddenWidth, maximumLength, tokenTypeCount) = (shape.width, shape.positions, shape.tokenTypes)
    layerCount = shape.layers
    dropout = shape.dropout
    let classifierDropout = try settings.rate("classifier_dropout_prob", default: 0.1)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    embeddings = blueprint.embeddings(
      "albert.embeddings.", shape, width: embeddingWidth, padding: settings.paddingRow(of: shape.vocabulary))
    projection = blueprint.linear(
      "albert.encoder.embedding_hidden_mapping_in", inputs: embeddingWidth, outputs: shape.width)
    // The reference drops out after attention only.
    groups = (0..<groupCount).map { group in
      (0..<innerCount).map {
        TransformerLayer(
          "albert.encoder.albert_layer_groups.\(group).albert_layers.\($0).", shape, Self.names, outputDropout: 0,
          in: &blueprint)
      }
    }
    head = ClassificationHead(
      "albert.pooler", .tanh, "classifier", width: shape.width, labels: labels, dropout: classifierDropout,
      in: &blueprint)
    self.blueprint = blueprint
  }

  package func embed<Engine: Verbs>(_ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try engine.linear(engine.embed(embeddings, dropout: dropout), projection)
  }

  package func classify<Engine: Verbs>(_ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try head.forward(hidden, engine)
  }

  /// All inner layers of the layer's group; the very last of them has one row for each text.
  package func layer<Engine: Verbs>(_ number: Int, _ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    // As the reference counts them, in floating point.
    let group = groups[Int(saturating: Double(number) / (Double(layerCount) / Double(groups.count)))]
    var hidden = hidden
    for (place, layer) in group.enumerated() {
      let isLast = number == layerCount - 1 && place == group.count - 1
      hidden = try layer.forward(hidden, queries: isLast ? .firstTokens : .allTokens, engine)
    }
    return hidden
  }
}
