import JSON
import Storage

/// ALBERT (Lan et al., 2019) with its sequence classification head: the pooled first token, tanh, a linear layer. Layers of
/// a group share their parameters; embeddings are narrower and projected.
///
/// Reference: `AlbertForSequenceClassification` of the transformers library.
package struct Albert: LayeredFamily {
  package static let modelType = "albert"
  package static let architecture = "AlbertForSequenceClassification"
  package static let prefix = "albert."

  /// A group's layers, one after the other.
  package struct Layer: EncoderLayer {
    fileprivate let inner: [TransformerLayer]

    package func forward<Engine: Verbs>(_ hidden: Engine.Rows, _ tokens: TokensRead, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
      var hidden = hidden
      for (number, layer) in inner.enumerated() {
        hidden = try layer.forward(hidden, number == inner.count - 1 ? tokens : .every, engine)
      }
      return hidden
    }
  }

  package let parts: EncoderParts<Layer>

  private static let names = TransformerLayer.Names(
    query: "attention.query", key: "attention.key", value: "attention.value", queryKeyValue: "attention.query_key_value",
    attentionOutput: "attention.dense", attentionNormalization: "attention.LayerNorm", intermediate: "ffn",
    output: "ffn_output", outputNormalization: "full_layer_layer_norm")

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(
      settings, .init(vocabulary: 30000, width: 4096, heads: 64, intermediate: 16384, activation: .geluTanh, dropout: 0))
    let count = shape.layers.count
    // A group that no layer belongs to would have parameters that nothing trains.
    let groupCount = try settings.count("num_hidden_groups", default: 1, atMost: count)
    let innerCount = try settings.count("inner_group_num", default: 1, atMost: TransformerSettings.maximumLayers / count)
    let embeddingWidth = try settings.count("embedding_size", default: 128)
    let classifierDropout = try settings.rate("classifier_dropout_prob", default: 0.1)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let embeddings = blueprint.embeddings(
      "albert.embeddings.", shape, width: embeddingWidth, padding: settings.paddingRow(of: shape.vocabulary),
      expansion: "albert.encoder.embedding_hidden_mapping_in")
    // The reference drops out after attention only.
    let groups = (0..<groupCount).map { group in
      Layer(
        inner: (0..<innerCount).map {
          TransformerLayer(
            "albert.encoder.albert_layer_groups.\(group).albert_layers.\($0).", shape, shape.layers[0], Self.names,
            outputDropout: 0, in: &blueprint)
        })
    }
    let head = ClassificationHead(
      "albert.pooler", .tanh, "classifier", width: shape.width, labels: labels, dropout: classifierDropout, in: &blueprint)
    // As the reference counts a layer's group, in floating point.
    let layers = (0..<count).map { groups[Int(saturating: Double($0) / (Double(count) / Double(groupCount)))] }
    parts = EncoderParts(
      blueprint, width: shape.width, positions: shape.positions, embeddings: embeddings, layers: layers, head: head)
  }
}
