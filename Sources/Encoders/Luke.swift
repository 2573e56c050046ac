import JSON
import Storage

/// LUKE (Yamada et al., 2020) over text alone, without entities: RoBERTa's embeddings and layers with BERT's head.
///
/// Reference: `LukeForSequenceClassification` of the transformers library, given no entities.
package struct Luke: StackedFamily {
  package static let modelType = "luke"
  package static let architecture = "LukeForSequenceClassification"
  package static let prefix = "luke."

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
    let shape = try TransformerSettings(settings, .init(vocabulary: 50267))
    let padding = try settings.countedPadding(shape)
    (hiddenWidth, maximumLength, tokenTypeCount) = (shape.width, shape.positions - padding - 1, shape.tokenTypes)
    dropout = shape.dropout
    let classifierDropout = try settings.rate("classifier_dropout", default: dropout)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let name = "luke.embeddings."
    embeddings = Embeddings(
      words: blueprint.table(name + "word_embeddings", rows: shape.vocabulary, width: shape.width, frozenRow: padding),
      positions: blueprint.table(
        name + "position_embeddings", rows: shape.positions, width: shape.width, frozenRow: padding),
      tokenTypes: blueprint.table(name + "token_type_embeddings", rows: shape.tokenTypes, width: shape.width),
      normalization: blueprint.normalization(name + "LayerNorm", width: shape.width, epsilon: shape.epsilon),
      firstPosition: padding + 1, uncountedToken: Int32(padding))
    layers = (0..<shape.layers).map { TransformerLayer("luke.encoder.layer.\($0).", shape, in: &blueprint) }
    head = ClassificationHead(
      "luke.pooler.dense", .tanh, "classifier", width: shape.width, labels: labels, dropout: classifierDropout,
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
