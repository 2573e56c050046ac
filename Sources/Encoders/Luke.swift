import JSON

/// LUKE (Yamada et al., 2020) over text alone, without entities: RoBERTa's embeddings and layers with BERT's head.
///
/// Reference: `LukeForSequenceClassification` of the transformers library, given no entities.
package struct Luke: LayeredFamily {
  package static let modelType = "luke"
  package static let architecture = "LukeForSequenceClassification"
  package static let prefix = "luke."
  package static let positionCounting = PositionCounting.behindPadding

  package let parts: EncoderParts<TransformerLayer>

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(settings, .init(vocabulary: 50267))
    let padding = try settings.countedPadding(shape)
    let classifierDropout = try settings.rate("classifier_dropout", default: shape.dropout)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let embeddings = blueprint.embeddings("luke.embeddings.", shape, padding: padding, behindPadding: true)
    let layers = shape.layers.enumerated().map { TransformerLayer("luke.encoder.layer.\($0).", shape, $1, in: &blueprint) }
    let head = ClassificationHead(
      "luke.pooler.dense", .tanh, "classifier", width: shape.width, labels: labels, dropout: classifierDropout,
      in: &blueprint)
    parts = EncoderParts(
      blueprint, width: shape.width, positions: shape.positions, embeddings: embeddings, layers: layers, head: head)
  }
}
