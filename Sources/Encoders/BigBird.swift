import JSON
import Storage

/// BigBird (Zaheer et al., 2020) with its sequence classification head: BERT's layers, the first token, a linear layer with the
/// layers' activation, one for the labels.
///
/// With `attention_type` `block_sparse` the reference attends in full to texts of up to (5 + 2 x `num_random_blocks`) x `block_size`
/// tokens, and to longer ones by blocks, some of them drawn at random: those are not served.
///
/// Reference: `BigBirdForSequenceClassification` of the transformers library.
package struct BigBird: StackedFamily {
  package static let modelType = "big_bird"
  package static let architecture = "BigBirdForSequenceClassification"
  package static let prefix = "bert."

  package let blueprint: Blueprint
  package let hiddenWidth: Int
  package let maximumLength: Int
  package let longestText: Int
  package let tokenTypeCount: Int
  package let layers: [TransformerLayer]
  private let dropout: Float
  private let embeddings: Embeddings
  private let head: ClassificationHead

  private enum AttentionType: String {
    case full = "original_full"
    case blockSparse = "block_sparse"
  }

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(
      settings, .init(vocabulary: 50358, activation: .geluTanh, positions: 4096))
    let rescales = try settings.flag("rescale_embeddings", default: false)
    let attentionName = try settings.string("attention_type", default: AttentionType.blockSparse.rawValue)
    guard let attention = AttentionType(rawValue: attentionName) else {
      throw .unsupported(key: "attention_type", value: attentionName)
    }
    let randomBlocks = try settings.count("num_random_blocks", default: 3, atLeast: 0)
    let blockSize = try settings.count("block_size", default: 64)
    longestText = attention == .full ? .max : (5 + 2 * randomBlocks) * blockSize
    (hiddenWidth, maximumLength, tokenTypeCount) = (shape.width, shape.positions, shape.tokenTypes)
    dropout = shape.dropout
    let classifierDropout = try settings.rate("classifier_dropout", default: dropout)
    let attentionHasBias = try settings.flag("use_bias", default: true)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    embeddings = blueprint.embeddings(
      "bert.embeddings.", shape, width: shape.width, padding: settings.paddingRow(of: shape.vocabulary),
      wordScale: rescales ? Float(shape.width).squareRoot() : nil, dropsOutFirst: true)
    layers = (0..<shape.layers).map {
      TransformerLayer("bert.encoder.layer.\($0).", shape, attentionHasBias: attentionHasBias, in: &blueprint)
    }
    head = ClassificationHead(
      "classifier.dense", shape.activation, "classifier.out_proj", width: shape.width, labels: labels,
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
