import JSON

/// MPNet (Song et al., 2020) with its sequence classification head: BERT's layers with a bias for the distance of tokens
/// in attention, the same in all of them.
///
/// Reference: `MPNetForSequenceClassification` of the transformers library.
package struct MPNet: LayeredFamily {
  package static let modelType = "mpnet"
  package static let architecture = "MPNetForSequenceClassification"
  package static let prefix = "mpnet."
  package static let adapterTargets = ["q", "v"]

  /// The reference has it so whatever `pad_token_id` says: its row takes no gradient, and positions begin behind it.
  private static let padding = 1

  package let parts: EncoderParts<TransformerLayer>

  package static let positionCounting = PositionCounting.behind(row: padding)

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(settings, .init(vocabulary: 30527))
    // The reference reads 32 buckets whatever the table has.
    let buckets = try settings.count("relative_attention_num_buckets", default: RelativeBias.bucketCount)
    let padding = Self.padding
    func require(_ key: String, _ found: Int, atLeast least: Int) throws(ConfigurationError) {
      guard found >= least else { throw .invalid(key: key, found: "\(found)", expected: "at least \(least)") }
    }
    try require("relative_attention_num_buckets", buckets, atLeast: RelativeBias.bucketCount)
    try require("vocab_size", shape.vocabulary, atLeast: padding + 1)
    try require("max_position_embeddings", shape.positions, atLeast: padding + 2)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let embeddings = blueprint.embeddings(
      "mpnet.embeddings.", shape, padding: padding, behindPadding: true, hasTokenTypes: false)
    let names = TransformerLayer.Names(
      query: "attention.attn.q", key: "attention.attn.k", value: "attention.attn.v", queryKeyValue: "attention.attn.qkv",
      attentionOutput: "attention.attn.o", attentionNormalization: "attention.LayerNorm")
    var layers = shape.layers.enumerated().map {
      TransformerLayer("mpnet.encoder.layer.\($0).", shape, $1, names, in: &blueprint)
    }
    // Its name has `bias` in it: the reference does not decay it.
    let biases = blueprint.table(
      "mpnet.encoder.relative_attention_bias", rows: buckets, width: layers[0].attention.heads, decays: false, isExact: true)
    for number in layers.indices { layers[number].attention.relativeBias = RelativeBias(table: biases) }
    let head = ClassificationHead(
      "classifier.dense", .tanh, "classifier.out_proj", width: shape.width, labels: labels, inputDropout: shape.dropout,
      dropout: shape.dropout, in: &blueprint)
    parts = EncoderParts(
      blueprint, width: shape.width, positions: shape.positions, embeddings: embeddings, layers: layers, head: head)
  }
}
