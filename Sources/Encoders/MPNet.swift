import JSON
import Storage

/// MPNet (Song et al., 2020) with its sequence classification head: BERT's layers with a bias for the distance of tokens
/// in attention, the same in all of them.
///
/// Reference: `MPNetForSequenceClassification` of the transformers library.
package struct MPNet: StackedFamily {
  package static let modelType = "mpnet"
  package static let architecture = "MPNetForSequenceClassification"
  package static let prefix = "mpnet."
  package static let adapterTargets = ["q", "v"]

  /// The reference has it so whatever `pad_token_id` says: its row takes no gradient, and positions begin behind it.
  private static let padding = 1

  package let blueprint: Blueprint
  package let hiddenWidth: Int
  package let maximumLength: Int
  package let tokenTypeCount = Int.max
  package let layers: [TransformerLayer]
  private let dropout: Float
  private let embeddings: Embeddings
  private let head: ClassificationHead

  package static func firstPosition(_ settings: Settings) -> Int { padding + 1 }

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(settings, .init(vocabulary: 30527))
    // The reference reads 32 buckets whatever the table has.
    let buckets = try settings.count("relative_attention_num_buckets", default: RelativeBias.bucketCount)
    let (padding, heads) = (Self.padding, shape.attention.heads)
    func require(_ key: String, _ found: Int, atLeast least: Int) throws(ConfigurationError) {
      guard found >= least else { throw .invalid(key: key, found: "\(found)", expected: "at least \(least)") }
    }
    try require("relative_attention_num_buckets", buckets, atLeast: RelativeBias.bucketCount)
    try require("vocab_size", shape.vocabulary, atLeast: padding + 1)
    try require("max_position_embeddings", shape.positions, atLeast: padding + 2)
    maximumLength = shape.positions - padding - 1
    (hiddenWidth, dropout) = (shape.width, shape.dropout)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let name = "mpnet.embeddings."
    embeddings = Embeddings(
      words: blueprint.table(name + "word_embeddings", rows: shape.vocabulary, width: shape.width, frozenRow: padding),
      positions: blueprint.table(
        name + "position_embeddings", rows: shape.positions, width: shape.width, frozenRow: padding),
      normalization: blueprint.normalization(name + "LayerNorm", width: shape.width, epsilon: shape.epsilon),
      firstPosition: padding + 1, uncountedToken: Int32(padding))
    let names = TransformerLayer.Names(
      query: "attention.attn.q", key: "attention.attn.k", value: "attention.attn.v", queryKeyValue: "attention.attn.qkv",
      attentionOutput: "attention.attn.o", attentionNormalization: "attention.LayerNorm")
    var layers = (0..<shape.layers).map { TransformerLayer("mpnet.encoder.layer.\($0).", shape, names, in: &blueprint) }
    // Its name has `bias` in it: the reference does not decay it.
    let biases = blueprint.table(
      "mpnet.encoder.relative_attention_bias", rows: buckets, width: heads, decays: false, isExact: true)
    for number in layers.indices {
      layers[number].attention = Attention(
        heads: heads, dropout: shape.attention.dropout, relativeBias: RelativeBias(table: biases))
    }
    self.layers = layers
    head = ClassificationHead(
      "classifier.dense", .tanh, "classifier.out_proj", width: shape.width, labels: labels, inputDropout: dropout,
      dropout: dropout, in: &blueprint)
    self.blueprint = blueprint
  }

  package func embed<Engine: Verbs>(_ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try engine.embed(embeddings, dropout: dropout)
  }

  package func classify<Engine: Verbs>(_ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try head.forward(hidden, engine)
  }
}
