import Storage

/// RoBERTa (Liu et al., 2019) with its sequence classification head: the first token, a linear layer with tanh, one for the
/// labels. XLM-RoBERTa (Conneau et al., 2019) and CamemBERT (Martin et al., 2019) are the same with other vocabularies.
///
/// Reference: `RobertaForSequenceClassification` of the transformers library.
package struct Roberta: StackedFamily {
  package static let modelType = "roberta"
  package static let architecture = "RobertaForSequenceClassification"
  package static let relatives = [
    "xlm-roberta": "XLMRobertaForSequenceClassification", "camembert": "CamembertForSequenceClassification",
  ]
  package static let prefix = "roberta."

  package let blueprint: Blueprint
  package let hiddenWidth: Int
  package let maximumLength: Int
  package let tokenTypeCount: Int
  package let layers: [TransformerLayer]
  private let dropout: Float
  private let embeddings: Embeddings
  private let head: ClassificationHead

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let isRelative = try settings.string("model_type", default: Self.modelType) != Self.modelType
    let shape = try TransformerSettings(settings, .init(vocabulary: isRelative ? 30522 : 50265))
    let key = "pad_token_id"
    guard let padding = settings.paddingRow(of: shape.vocabulary, default: 1) else {
      throw .invalid(
        key: key, found: settings.json[key]!.description, expected: "an id of the vocabulary, behind which positions begin")
    }
    // Positions are counted from behind the row of the padding.
    guard padding + 1 < shape.positions else {
      throw .invalid(
        key: "max_position_embeddings", found: "\(shape.positions)", expected: "more than \(padding + 1), for \(key) \(padding)")
    }
    maximumLength = shape.positions - padding - 1
    (hiddenWidth, tokenTypeCount) = (shape.width, shape.tokenTypes)
    dropout = shape.dropout
    let classifierDropout = try settings.rate("classifier_dropout", default: dropout)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let name = "roberta.embeddings."
    let words = blueprint.table(name + "word_embeddings", rows: shape.vocabulary, width: shape.width, frozenRow: padding)
    let types = blueprint.table(name + "token_type_embeddings", rows: shape.tokenTypes, width: shape.width)
    let normalization = blueprint.normalization(name + "LayerNorm", width: shape.width, epsilon: shape.epsilon)
    embeddings = Embeddings(
      words: words,
      positions: blueprint.table(
        name + "position_embeddings", rows: shape.positions, width: shape.width, frozenRow: padding),
      tokenTypes: types, normalization: normalization, firstPosition: padding + 1, uncountedToken: Int32(padding))
    layers = (0..<shape.layers).map { TransformerLayer("roberta.encoder.layer.\($0).", shape, in: &blueprint) }
    head = ClassificationHead(
      "classifier.dense", .tanh, "classifier.out_proj", width: shape.width, labels: labels,
      inputDropout: classifierDropout, dropout: classifierDropout, in: &blueprint)
    self.blueprint = blueprint
  }

  package func embed<Engine: Verbs>(_ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try engine.embed(embeddings, dropout: dropout)
  }

  package func classify<Engine: Verbs>(_ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try head.forward(hidden, engine)
  }
}
