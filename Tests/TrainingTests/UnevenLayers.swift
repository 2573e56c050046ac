import Encoders
import JSON

/// A model whose layers differ in the number and width of their heads and in the width of their feed-forward networks.
struct UnevenLayers: LayeredFamily {
  static let modelType = "uneven"
  static let architecture = "Uneven"
  static let prefix = ""

  let parts: EncoderParts<TransformerLayer>

  init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(settings)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let embeddings = Embeddings(
      words: blueprint.table("words", rows: shape.vocabulary, width: shape.width),
      normalization: blueprint.normalization("norm", width: shape.width, epsilon: 1e-5), dropout: 0.1)
    let sizes = [(heads: 1, width: 4, inner: 3), (heads: 3, width: 6, inner: 17), (heads: 2, width: 5, inner: 1)]
    let layers = sizes.enumerated().map { number, size in
      let attention = AttentionShape(heads: size.heads, headWidth: size.width, dropout: 0.2)
      return TransformerLayer("layer.\(number).", shape, LayerShape(attention: attention, intermediate: size.inner), in: &blueprint)
    }
    let head = ClassificationHead(
      .last(padding: 2), classifier: blueprint.linear("classifier", inputs: shape.width, outputs: labels, isOutput: true))
    parts = EncoderParts(blueprint, width: 18, positions: 64, embeddings: embeddings, layers: layers, head: head)
  }
}
