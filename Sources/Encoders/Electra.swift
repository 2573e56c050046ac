import JSON

/// ELECTRA's discriminator (Clark et al., 2020) with its sequence classification head: the first token, a linear layer with
/// GELU, one for the labels. Embeddings of another width than the layers are projected.
///
/// Reference: `ElectraForSequenceClassification` of the transformers library, which has no use for the `summary_…` settings.
package struct Electra: LayeredFamily {
  package static let modelType = "electra"
  package static let architecture = "ElectraForSequenceClassification"
  package static let prefix = "electra."

  package let parts: EncoderParts<TransformerLayer>

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(settings, .init(width: 256, heads: 4, intermediate: 1024))
    let embeddingWidth = try settings.count("embedding_size", default: 128)
    let classifierDropout = try settings.rate("classifier_dropout", default: shape.dropout)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let embeddings = blueprint.embeddings(
      "electra.embeddings.", shape, width: embeddingWidth, padding: settings.paddingRow(of: shape.vocabulary),
      expansion: embeddingWidth == shape.width ? nil : "electra.embeddings_project")
    let layers = shape.layers.enumerated().map { TransformerLayer("electra.encoder.layer.\($0).", shape, $1, in: &blueprint) }
    let head = ClassificationHead(
      "classifier.dense", .gelu, "classifier.out_proj", width: shape.width, labels: labels,
      inputDropout: classifierDropout, dropout: classifierDropout, in: &blueprint)
    parts = EncoderParts(
      blueprint, width: shape.width, positions: shape.positions, embeddings: embeddings, layers: layers, head: head)
  }
}
