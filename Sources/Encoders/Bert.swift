import Storage

/// BERT (Devlin et al., 2018) with its sequence classification head: the pooled first token, tanh, a linear layer.
///
/// Reference: `BertForSequenceClassification` of the transformers library.
package struct Bert: StackedFamily {
  package static let modelType = "bert"
  package static let architecture = "BertForSequenceClassification"
  package static let prefix = "bert."

  package let blueprint: Blueprint
  package let hiddenWidth: Int
  package let maximumLength: Int
  package let tokenTypeCount: Int
  package let layers: [TransformerLayer]
  private let dropout: Float
  private let embeddings: Embeddings
  private let head: ClassificationHead

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(settings)
    (hiddenWidth, maximumLength, tokenTypeCount) = (shape.width, shape.positions, shape.tokenTypes)
    dropout = shape.dropout
    let classifierDropout = try settings.rate("classifier_dropout", default: dropout)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    embeddings = blueprint.embeddings(
      "bert.embeddings.", shape, width: shape.width, padding: settings.paddingRow(of: shape.vocabulary))
    layers = (0..<shape.layers).map { TransformerLayer("bert.encoder.layer.\($0).", shape, in: &blueprint) }
    head = ClassificationHead(
      "bert.pooler.dense", .tanh, "classifier", width: shape.width, labels: labels, dropout: classifierDropout,
      in: &blueprint)
    self.blueprint = blueprint
  }

  package func embed<Engine: Verbs>(_ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try engine.embed(embeddings, dropout: dropout)
  }

  package func classify<Engine: Verbs>(_ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try head.forward(hidden, engine)
  }
}
