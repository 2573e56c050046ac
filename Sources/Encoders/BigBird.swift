import JSON

/// BigBird (Zaheer et al., 2020) with its sequence classification head: BERT's layers, the first token, a linear layer with the
/// layers' activation, one for the labels.
///
/// With `attention_type` `block_sparse` the reference attends in full to texts of up to (5 + 2 x `num_random_blocks`) x `block_size`
/// tokens, and to longer ones by blocks, some of them drawn at random: those are not served.
///
/// Reference: `BigBirdForSequenceClassification` of the transformers library.
package struct BigBird: LayeredFamily {
  package static let modelType = "big_bird"
  package static let architecture = "BigBirdForSequenceClassification"
  package static let prefix = "bert."

  package let parts: EncoderParts<TransformerLayer>
  package let longestText: Int

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
    let classifierDropout = try settings.rate("classifier_dropout", default: shape.dropout)
    let attentionHasBias = try settings.flag("use_bias", default: true)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let embeddings = blueprint.embeddings(
      "bert.embeddings.", shape, padding: settings.paddingRow(of: shape.vocabulary),
      wordScale: rescales ? Float(shape.width).squareRoot() : nil, dropsOutFirst: true)
    let layers = shape.layers.enumerated().map {
      TransformerLayer("bert.encoder.layer.\($0).", shape, $1, attentionHasBias: attentionHasBias, in: &blueprint)
    }
    let head = ClassificationHead(
      "classifier.dense", shape.activation, "classifier.out_proj", width: shape.width, labels: labels,
      inputDropout: classifierDropout, dropout: classifierDropout, in: &blueprint)
    parts = EncoderParts(
      blueprint, width: shape.width, positions: shape.positions, embeddings: embeddings, layers: layers, head: head)
  }
}
