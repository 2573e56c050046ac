/// BERT (Devlin et al., 2018) with its sequence classification head: the pooled first token, tanh, a linear layer.
///
/// Reference: `BertForSequenceClassification` of the transformers library.
package struct Bert: LayeredFamily {
  package static let modelType = "bert"
  package static let architecture = "BertForSequenceClassification"
  package static let prefix = "bert."

  private struct Layer {
    let queryKeyValue, attentionOutput: Linear
    let attentionNormalization: Normalization
    let intermediate, output: Linear
    let outputNormalization: Normalization
  }

  package let blueprint: Blueprint
  package let hiddenWidth: Int
  package let maximumLength: Int
  package let tokenTypeCount: Int
  private let attention: Attention
  private let activation: Activation
  private let hiddenDropout, classifierDropout: Float
  private let embeddings: Embeddings
  private let layers: [Layer]
  private let pooler, classifier: Linear

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    try settings.require("position_embedding_type", "absolute")
    try settings.require("is_decoder", false)
    try settings.require("add_cross_attention", false)
    let width = try settings.count("hidden_size", default: 768)
    let intermediate = try settings.count("intermediate_size", default: 3072)
    let epsilon = try settings.positive("layer_norm_eps", default: 1e-12)
    hiddenWidth = width
    let heads = try settings.count("num_attention_heads", default: 12)
    guard width % heads == 0 else {
      throw .invalid(key: "num_attention_heads", found: "\(heads)", expected: "a divisor of hidden_size \(width)")
    }
    activation = try settings.activation("hidden_act", default: .gelu)
    maximumLength = try settings.count("max_position_embeddings", default: 512)
    tokenTypeCount = try settings.count("type_vocab_size", default: 2)
    hiddenDropout = try settings.rate("hidden_dropout_prob", default: 0.1)
    attention = Attention(
      heads: heads, dropout: try settings.rate("attention_probs_dropout_prob", default: 0.1))
    classifierDropout = try settings.rate("classifier_dropout", default: hiddenDropout)

    var blueprint = Blueprint(initializerRange: try settings.positive("initializer_range", default: 0.02))
    let vocabulary = try settings.count("vocab_size", default: 30522)
    // Null is a vocabulary without padding: no row of it is frozen.
    let padding = (settings.json["pad_token_id"] ?? 0).int
    embeddings = Embeddings(
      words: blueprint.table(
        "bert.embeddings.word_embeddings", rows: vocabulary, width: width,
        frozenRow: padding.flatMap { (0..<vocabulary).contains($0) ? $0 : nil }),
      positions: blueprint.table("bert.embeddings.position_embeddings", rows: maximumLength, width: width),
      tokenTypes: blueprint.table("bert.embeddings.token_type_embeddings", rows: tokenTypeCount, width: width),
      normalization: blueprint.normalization("bert.embeddings.LayerNorm", width: width, epsilon: epsilon),
      firstPosition: 0)
    var layers: [Layer] = []
    for number in 0..<(try settings.count("num_hidden_layers", default: 12)) {
      let name = "bert.encoder.layer.\(number)."
      layers.append(
        Layer(
          queryKeyValue: blueprint.stack(
            name + "attention.self.query_key_value",
            parts: ["query", "key", "value"].map { name + "attention.self." + $0 }, inputs: width,
            outputsOfEach: width),
          attentionOutput: blueprint.linear(name + "attention.output.dense", inputs: width, outputs: width),
          attentionNormalization: blueprint.normalization(
            name + "attention.output.LayerNorm", width: width, epsilon: epsilon),
          intermediate: blueprint.linear(name + "intermediate.dense", inputs: width, outputs: intermediate),
          output: blueprint.linear(name + "output.dense", inputs: intermediate, outputs: width),
          outputNormalization: blueprint.normalization(name + "output.LayerNorm", width: width, epsilon: epsilon)))
    }
    self.layers = layers
    pooler = blueprint.linear("bert.pooler.dense", inputs: width, outputs: width, isHead: true)
    classifier = blueprint.linear("classifier", inputs: width, outputs: labels, isOutput: true)
    self.blueprint = blueprint
  }

  package func forward<Engine: Verbs>(_ engine: Engine) -> Engine.Rows {
    var hidden = engine.embed(embeddings, dropout: hiddenDropout)
    for number in layers.indices { hidden = engine.layer(number, hidden, of: self) }
    let pooled = engine.dense(hidden, pooler, .tanh)
    return engine.dense(engine.dropout(pooled, classifierDropout), classifier, .identity)
  }

  package var layerCount: Int { layers.count }

  /// The last layer has one row for each text: its first token is all that the head reads.
  package func layer<Engine: Verbs>(_ number: Int, _ hidden: Engine.Rows, _ engine: Engine) -> Engine.Rows {
    let layer = layers[number]
    let queries: Queries = number == layers.count - 1 ? .firstTokens : .allTokens
    let context = engine.attend(
      queryKeyValue: engine.linear(hidden, layer.queryKeyValue), attention, queries: queries)
    let attended = engine.residualNormalize(
      engine.linear(context, layer.attentionOutput),
      residual: queries == .firstTokens ? engine.firstTokens(hidden) : hidden, layer.attentionNormalization,
      dropout: hiddenDropout)
    let inner = engine.linear(attended, layer.intermediate, activation)
    return engine.residualNormalize(
      engine.linear(inner, layer.output), residual: attended, layer.outputNormalization, dropout: hiddenDropout)
  }
}
