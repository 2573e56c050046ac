import JSON
import Storage

/// BERT (Devlin et al., 2018) with its sequence classification head: the pooled first token, tanh, a linear layer. ERNIE (Sun et
/// al., 2019) and RoCBERT (Su et al., 2022) differ in their embeddings.
///
/// Reference: `BertForSequenceClassification` of the transformers library.
package struct Bert: StackedFamily {
  package static let modelType = "bert"
  package static let architecture = "BertForSequenceClassification"
  package static let prefix = "bert."
  package static let relatives = [
    "ernie": RelativeModel(architecture: "ErnieForSequenceClassification", prefix: "ernie."),
    "roc_bert": RelativeModel(architecture: "RoCBertForSequenceClassification", prefix: "roc_bert."),
  ]

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
    let modelType = try settings.string("model_type", default: Self.modelType)
    let prefix = Self.prefix(of: modelType)
    let name = prefix + "embeddings."
    switch modelType {
    case "ernie": embeddings = try blueprint.ernieEmbeddings(name, settings, shape)
    case "roc_bert": embeddings = try blueprint.rocBertEmbeddings(name, settings, shape)
    default:
      embeddings = blueprint.embeddings(
        name, shape, width: shape.width, padding: settings.paddingRow(of: shape.vocabulary))
    }
    layers = (0..<shape.layers).map { TransformerLayer("\(prefix)encoder.layer.\($0).", shape, in: &blueprint) }
    head = ClassificationHead(
      prefix + "pooler.dense", .tanh, "classifier", width: shape.width, labels: labels, dropout: classifierDropout,
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
