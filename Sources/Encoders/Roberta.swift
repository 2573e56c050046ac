import JSON
import Storage

/// RoBERTa (Liu et al., 2019) with its sequence classification head: the first token, a linear layer with tanh, one for the
/// labels. XLM-RoBERTa (Conneau et al., 2019) and CamemBERT (Martin et al., 2019) are the same with other vocabularies, data2vec
/// (Baevski et al., 2022) and I-BERT (Kim et al., 2021) before it is quantised with other weights.
///
/// Reference: `RobertaForSequenceClassification` of the transformers library.
package struct Roberta: StackedFamily {
  package static let modelType = "roberta"
  package static let architecture = "RobertaForSequenceClassification"
  package static let relatives = [
    "xlm-roberta": RelativeModel(architecture: "XLMRobertaForSequenceClassification"),
    "camembert": RelativeModel(architecture: "CamembertForSequenceClassification"),
    "data2vec-text": RelativeModel(architecture: "Data2VecTextForSequenceClassification", prefix: "data2vec_text."),
    "ibert": RelativeModel(architecture: "IBertForSequenceClassification", prefix: "ibert."),
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

  package static func firstPosition(_ settings: Settings) -> Int { settings.countedFirstPosition }

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let modelType = try settings.string("model_type", default: Self.modelType)
    let prefix = Self.prefix(of: modelType)
    let shape = try TransformerSettings(settings, .init(vocabulary: modelType == Self.modelType ? 50265 : 30522))
    let isIBert = modelType == "ibert"
    if isIBert {
      // Quantised, its activations have scales that it learnt, and its functions are polynomials.
      try settings.require("quant_mode", false)
      try settings.require("hidden_act", "gelu")
    }
    let padding = try settings.countedPadding(shape)
    maximumLength = shape.positions - padding - 1
    (hiddenWidth, tokenTypeCount) = (shape.width, shape.tokenTypes)
    dropout = shape.dropout
    let classifierDropout = isIBert ? dropout : try settings.rate("classifier_dropout", default: dropout)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let name = prefix + "embeddings."
    let words = blueprint.table(name + "word_embeddings", rows: shape.vocabulary, width: shape.width, frozenRow: padding)
    let types = blueprint.table(name + "token_type_embeddings", rows: shape.tokenTypes, width: shape.width)
    let normalization = blueprint.normalization(name + "LayerNorm", width: shape.width, epsilon: shape.epsilon)
    embeddings = Embeddings(
      words: words,
      positions: blueprint.table(
        name + "position_embeddings", rows: shape.positions, width: shape.width, frozenRow: padding),
      tokenTypes: types, normalization: normalization, firstPosition: padding + 1, uncountedToken: Int32(padding))
    layers = (0..<shape.layers).map { TransformerLayer("\(prefix)encoder.layer.\($0).", shape, in: &blueprint) }
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
