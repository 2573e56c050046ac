import JSON
import Storage

/// ELECTRA's discriminator (Clark et al., 2020) with its sequence classification head: the first token, a linear layer with
/// GELU, one for the labels. Embeddings of another width than the layers are projected.
///
/// Reference: `ElectraForSequenceClassification` of the transformers library, which has no use for the `summary_…` settings.
package struct Electra: StackedFamily {
  package static let modelType = "electra"
  package static let architecture = "ElectraForSequenceClassification"
  package static let prefix = "electra."

  package let blueprint: Blueprint
  package let hiddenWidth: Int
  package let maximumLength: Int
  package let tokenTypeCount: Int
  package let layers: [TransformerLayer]
  private let dropout: Float
  private let embeddings: Embeddings
  private let projection: Linear?
  private let head: ClassificationHead

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(settings, .init(width: 256, heads: 4, intermediate: 1024))
    let embeddingWidth = try settings.count("embedding_size", default: 128)
    (hiddenWidth, maximumLength, tokenTypeCount) = (shape.width, shape.positions, shape.tokenTypes)
    dropout = shape.dropout
    let classifierDropout = try settings.rate("classifier_dropout", default: dropout)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    embeddings = blueprint.embeddings(
      "electra.embeddings.", shape, width: embeddingWidth, padding: settings.paddingRow(of: shape.vocabulary))
    projection =
      embeddingWidth == shape.width
      ? nil : blueprint.linear("electra.embeddings_project", inputs: embeddingWidth, outputs: shape.width)
    layers = (0..<shape.layers).map { TransformerLayer("electra.encoder.layer.\($0).", shape, in: &blueprint) }
    head = ClassificationHead(
      "classifier.dense", .gelu, "classifier.out_proj", width: shape.width, labels: labels,
      inputDropout: classifierDropout, dropout: classifierDropout, in: &blueprint)
    self.blueprint = blueprint
  }

  package func classify<Engine: Verbs>(_ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try head.forward(hidden, engine)
  }

  package func embed<Engine: Verbs>(_ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    let rows = try engine.embed(embeddings, dropout: dropout)
    guard let projection else { return rows }
    return try engine.linear(rows, projection)
  }
}
