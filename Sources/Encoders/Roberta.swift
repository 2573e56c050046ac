import JSON

/// RoBERTa (Liu et al., 2019) with its sequence classification head: the first token, a linear layer with tanh, one for the
/// labels. XLM-RoBERTa (Conneau et al., 2019) and CamemBERT (Martin et al., 2019) are the same with other vocabularies, data2vec
/// (Baevski et al., 2022) and I-BERT (Kim et al., 2021) before it is quantised with other weights.
///
/// Reference: `RobertaForSequenceClassification` of the transformers library.
package struct Roberta: LayeredFamily {
  package static let modelType = "roberta"
  package static let architecture = "RobertaForSequenceClassification"
  package static let relatives = [
    "xlm-roberta": RelativeModel(architecture: "XLMRobertaForSequenceClassification"),
    "camembert": RelativeModel(architecture: "CamembertForSequenceClassification"),
    "data2vec-text": RelativeModel(architecture: "Data2VecTextForSequenceClassification", prefix: "data2vec_text."),
    "ibert": RelativeModel(architecture: "IBertForSequenceClassification", prefix: "ibert."),
  ]
  package static let prefix = "roberta."
  package static let positionCounting = PositionCounting.behindPadding

  package let parts: EncoderParts<TransformerLayer>

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
    let classifierDropout = isIBert ? shape.dropout : try settings.rate("classifier_dropout", default: shape.dropout)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let embeddings = blueprint.embeddings(
      prefix + "embeddings.", shape, padding: padding, behindPadding: true, positionsLast: true)
    let layers = shape.layers.enumerated().map { TransformerLayer("\(prefix)encoder.layer.\($0).", shape, $1, in: &blueprint) }
    let head = ClassificationHead(
      "classifier.dense", .tanh, "classifier.out_proj", width: shape.width, labels: labels,
      inputDropout: classifierDropout, dropout: classifierDropout, in: &blueprint)
    parts = EncoderParts(
      blueprint, width: shape.width, positions: shape.positions, embeddings: embeddings, layers: layers, head: head)
  }
}
