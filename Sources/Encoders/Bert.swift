import JSON

/// BERT (Devlin et al., 2018) with its sequence classification head: the pooled first token, tanh, a linear layer. ERNIE (Sun et
/// al., 2019) and RoCBERT (Su et al., 2022) differ in their embeddings.
///
/// Reference: `BertForSequenceClassification` of the transformers library.
package struct Bert: LayeredFamily {
  package static let modelType = "bert"
  package static let architecture = "BertForSequenceClassification"
  package static let prefix = "bert."
  package static let relatives = [
    "ernie": RelativeModel(architecture: "ErnieForSequenceClassification", prefix: "ernie."),
    "roc_bert": RelativeModel(architecture: "RoCBertForSequenceClassification", prefix: "roc_bert."),
  ]

  package let parts: EncoderParts<TransformerLayer>

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(settings)
    let classifierDropout = try settings.rate("classifier_dropout", default: shape.dropout)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let modelType = try settings.string("model_type", default: Self.modelType)
    let prefix = Self.prefix(of: modelType)
    let name = prefix + "embeddings."
    let embeddings: Embeddings
    switch modelType {
    case "ernie": embeddings = try blueprint.ernieEmbeddings(name, settings, shape)
    case "roc_bert": embeddings = try blueprint.rocBertEmbeddings(name, settings, shape)
    default:
      embeddings = blueprint.embeddings(name, shape, padding: settings.paddingRow(of: shape.vocabulary))
    }
    let layers = shape.layers.enumerated().map { TransformerLayer("\(prefix)encoder.layer.\($0).", shape, $1, in: &blueprint) }
    let head = ClassificationHead(
      prefix + "pooler.dense", .tanh, "classifier", width: shape.width, labels: labels, dropout: classifierDropout,
      in: &blueprint)
    parts = EncoderParts(
      blueprint, width: shape.width, positions: shape.positions, embeddings: embeddings, layers: layers, head: head)
  }
}
