import JSON

/// DistilBERT (Sanh et al., 2019) with its sequence classification head: the first token, a linear layer with ReLU, one for
/// the labels. It has no token types: those of a pair change nothing.
///
/// Reference: `DistilBertForSequenceClassification` of the transformers library.
package struct DistilBert: LayeredFamily {
  package static let modelType = "distilbert"
  package static let architecture = "DistilBertForSequenceClassification"
  package static let prefix = "distilbert."
  package static let adapterTargets = ["q_lin", "v_lin"]

  package let parts: EncoderParts<TransformerLayer>

  private static let names = TransformerLayer.Names(
    query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin", queryKeyValue: "attention.qkv_lin",
    attentionOutput: "attention.out_lin", attentionNormalization: "sa_layer_norm", intermediate: "ffn.lin1",
    output: "ffn.lin2", outputNormalization: "output_layer_norm")

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    // The library's common names mean the same, and win.
    func key(_ name: String, _ common: String) -> String { settings.has(common) ? common : name }
    let shape = try TransformerSettings(
      settings, .init(layers: 6),
      keys: .init(
        width: key("dim", "hidden_size"), heads: key("n_heads", "num_attention_heads"),
        layers: key("n_layers", "num_hidden_layers"), intermediate: "hidden_dim", activation: "activation",
        dropout: "dropout", attentionDropout: "attention_dropout"),
      hasEpsilon: false)
    let classifierDropout = try settings.rate("seq_classif_dropout", default: 0.2)
    let hasSinusoids = try settings.flag("sinusoidal_pos_embds", default: false)
    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let embeddings = Embeddings(
      words: blueprint.table(
        "distilbert.embeddings.word_embeddings", rows: shape.vocabulary, width: shape.width,
        frozenRow: settings.paddingRow(of: shape.vocabulary)),
      positions: blueprint.table(
        "distilbert.embeddings.position_embeddings", rows: shape.positions, width: shape.width,
        initialization: hasSinusoids ? .sinusoids(standardDeviation: shape.initializerRange) : nil),
      normalization: blueprint.normalization("distilbert.embeddings.LayerNorm", width: shape.width, epsilon: shape.epsilon),
      dropout: shape.dropout)
    let layers = shape.layers.enumerated().map {
      TransformerLayer("distilbert.transformer.layer.\($0).", shape, $1, Self.names, in: &blueprint)
    }
    let head = ClassificationHead(
      "pre_classifier", .relu, "classifier", width: shape.width, labels: labels, dropout: classifierDropout,
      in: &blueprint)
    parts = EncoderParts(
      blueprint, width: shape.width, positions: shape.positions, embeddings: embeddings, layers: layers, head: head)
  }
}
