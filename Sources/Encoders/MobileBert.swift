import JSON
import Storage

/// MobileBERT (Sun et al., 2020) with its sequence classification head: the pooled first token, tanh, a linear layer. Words are read
/// with their neighbours, layers work in a bottleneck with several feed-forward networks, and most have no normalisation but a weight
/// and a bias.
///
/// Reference: `MobileBertForSequenceClassification` of the transformers library.
package struct MobileBert: LayeredFamily {
  package static let modelType = "mobilebert"
  package static let architecture = "MobileBertForSequenceClassification"
  package static let prefix = "mobilebert."
  // What some settings leave without a use.
  package static let unreadTensors = ["bottleneck.attention", "embedding_transformation"]

  /// A linear layer and what its result is normalised by.
  fileprivate struct Step {
    let dense: Linear
    let normalization: Normalization
  }

  package struct Layer: EncoderLayer {
    /// The hidden states as the layer's parts read them, and as queries and keys do; nil for as they are.
    fileprivate let bottleneck, attentionBottleneck: Step?
    fileprivate let attendsInBottleneck: Bool
    /// What makes queries and keys, and values too unless these read something else.
    fileprivate let queryKey: Linear
    fileprivate let value: Linear?
    fileprivate let attention: AttentionShape
    fileprivate let attentionOutput: Step
    fileprivate let feedForward: [(intermediate: Linear, output: Step)]
    fileprivate let outputBottleneck: Step?
    fileprivate let activation: Activation
    fileprivate let dropout: Float

    package func forward<Engine: Verbs>(_ hidden: Engine.Rows, _ tokens: TokensRead, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
      func narrowed(_ step: Step?) throws(OutOfMemory) -> Engine.Rows {
        guard let step else { return hidden }
        return try engine.normalize(engine.linear(hidden, step.dense), step.normalization)
      }
      let states = try narrowed(bottleneck)
      let queries = try attendsInBottleneck ? states : narrowed(attentionBottleneck)
      let context: Engine.Operand
      if let value {
        let rows = try engine.linear([(engine.operand(queries), queryKey), (engine.operand(hidden), value)])
        context = try engine.attend(queryKeyValue: rows, attention, queries: tokens)
      } else {
        context = try engine.attend(queries, through: queryKey, attention, queries: tokens)
      }
      // In a bottleneck the reference drops out behind it alone.
      let innerDropout = outputBottleneck == nil ? dropout : 0
      var rows = try engine.residualNormalize(
        engine.linear(context, attentionOutput.dense), residual: engine.read(states, tokens), attentionOutput.normalization,
        dropout: innerDropout)
      for (number, (intermediate, output)) in feedForward.enumerated() {
        rows = try engine.residualNormalize(
          engine.linear(engine.linear(rows, intermediate, activation), output.dense), residual: rows, output.normalization,
          dropout: number == feedForward.count - 1 ? innerDropout : 0)
      }
      guard let outputBottleneck else { return rows }
      return try engine.residualNormalize(
        engine.linear(rows, outputBottleneck.dense), residual: engine.read(hidden, tokens), outputBottleneck.normalization,
        dropout: dropout)
    }
  }

  package let parts: EncoderParts<Layer>

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let width = try settings.count("hidden_size", default: 512)
    let positions = try settings.count("max_position_embeddings", default: 512)
    let embeddingWidth = try settings.count("embedding_size", default: 128)
    let dropout = try settings.rate("hidden_dropout_prob", default: 0)
    let hasTrigrams = try settings.flag("trigram_input", default: true)
    let hasPooler = try settings.flag("classifier_activation", default: true)
    let classifierDropout = try settings.rate("classifier_dropout", default: dropout)
    let kind = try Self.normalizationKind(settings)
    let vocabulary = try settings.count("vocab_size", default: 30522)
    let types = try settings.count("type_vocab_size", default: 2)
    let sizes = try LayerSizes(settings, width: width, kind: kind, dropout: dropout)

    var blueprint = Blueprint(initializerRange: try settings.positive("initializer_range", default: 0.02))
    let name = "mobilebert.embeddings."
    let words = blueprint.table(
      name + "word_embeddings", rows: vocabulary, width: embeddingWidth, frozenRow: settings.paddingRow(of: vocabulary))
    let positionTable = blueprint.table(name + "position_embeddings", rows: positions, width: width)
    let typeTable = blueprint.table(name + "token_type_embeddings", rows: types, width: width)
    let mapping =
      hasTrigrams || embeddingWidth != width
      ? blueprint.linear(
        name + "embedding_transformation", inputs: (hasTrigrams ? 3 : 1) * embeddingWidth, outputs: width) : nil
    let embeddings = Embeddings(
      words: words, positions: positionTable, tokenTypes: typeTable,
      wordMapping: mapping.map { Embeddings.WordMapping(layer: $0, readsNeighbours: hasTrigrams) },
      normalization: blueprint.normalization(name + "LayerNorm", kind, width: width, epsilon: usualEpsilon), dropout: dropout)
    let count = try settings.count("num_hidden_layers", default: 24, atMost: TransformerSettings.maximumLayers)
    let layers = (0..<count).map { sizes.layer("mobilebert.encoder.layer.\($0).", in: &blueprint) }
    let pooler = hasPooler ? blueprint.linear("mobilebert.pooler.dense", inputs: width, outputs: width, isHead: true) : nil
    let head = ClassificationHead(
      .first, dense: pooler, .tanh, dropout: classifierDropout,
      classifier: blueprint.linear("classifier", inputs: width, outputs: labels, isOutput: true))
    parts = EncoderParts(blueprint, width: width, positions: positions, embeddings: embeddings, layers: layers, head: head)
  }

  private static func normalizationKind(_ settings: Settings) throws(ConfigurationError) -> Normalization.Kind {
    switch try settings.string("normalization_type", default: "no_norm") {
    case "no_norm": return .affine
    case "layer_norm": return .layer
    case let other: throw .invalid(key: "normalization_type", found: other, expected: "no_norm or layer_norm")
    }
  }
}

/// Of the normalisations that the reference makes without asking the configuration.
private let usualEpsilon: Float = 1e-5

/// What the layers are made of.
private struct LayerSizes {
  let width, inner, intermediate, feedForwards: Int
  let hasBottleneck, attendsInBottleneck, sharesBottleneck: Bool
  let attention: AttentionShape
  let kind: Normalization.Kind
  let epsilon, dropout: Float
  let activation: Activation

  init(_ settings: Settings, width: Int, kind: Normalization.Kind, dropout: Float) throws(ConfigurationError) {
    (self.width, self.kind, self.dropout) = (width, kind, dropout)
    hasBottleneck = try settings.flag("use_bottleneck", default: true)
    attendsInBottleneck = try settings.flag("use_bottleneck_attention", default: false)
    sharesBottleneck = try settings.flag("key_query_shared_bottleneck", default: true)
    inner = hasBottleneck ? try settings.count("intra_bottleneck_size", default: 128) : width
    guard !hasBottleneck || attendsInBottleneck || sharesBottleneck || inner == width else {
      throw .unsupported(key: "key_query_shared_bottleneck", value: "false with queries of another width than hidden_size")
    }
    intermediate = try settings.count("intermediate_size", default: 512)
    feedForwards = try settings.count("num_feedforward_networks", default: 4, atMost: TransformerSettings.maximumLayers)
    activation = try settings.activation("hidden_act", default: .relu)
    epsilon = try settings.positive("layer_norm_eps", default: 1e-12)
    let heads = try settings.count("num_attention_heads", default: 4)
    guard inner % heads == 0 else {
      throw .invalid(key: "num_attention_heads", found: "\(heads)", expected: "a divisor of the width of queries \(inner)")
    }
    attention = AttentionShape(
      heads: heads, headWidth: inner / heads, dropout: try settings.rate("attention_probs_dropout_prob", default: 0.1))
  }

  func layer(_ name: String, in blueprint: inout Blueprint) -> MobileBert.Layer {
    func step(_ name: String, inputs: Int, outputs: Int, epsilon: Float) -> MobileBert.Step {
      MobileBert.Step(
        dense: blueprint.linear(name + "dense", inputs: inputs, outputs: outputs),
        normalization: blueprint.normalization(name + "LayerNorm", kind, width: outputs, epsilon: epsilon))
    }
    let own = name + "attention.self."
    let readsOneInput = !hasBottleneck || attendsInBottleneck
    let queryKey = blueprint.stack(
      own + (readsOneInput ? "query_key_value" : "query_key"),
      parts: (["query", "key"] + (readsOneInput ? ["value"] : [])).map { own + $0 }, inputs: inner,
      outputsOfEach: attention.contextWidth)
    let value = readsOneInput ? nil : blueprint.linear(own + "value", inputs: width, outputs: attention.contextWidth)
    let attentionOutput = step(name + "attention.output.", inputs: attention.contextWidth, outputs: inner, epsilon: epsilon)
    let lastIntermediate = blueprint.linear(name + "intermediate.dense", inputs: inner, outputs: intermediate)
    let lastOutput = step(name + "output.", inputs: intermediate, outputs: inner, epsilon: usualEpsilon)
    let outputBottleneck = hasBottleneck ? step(name + "output.bottleneck.", inputs: inner, outputs: width, epsilon: epsilon) : nil
    let bottleneck = hasBottleneck ? step(name + "bottleneck.input.", inputs: width, outputs: inner, epsilon: epsilon) : nil
    let attentionBottleneck =
      hasBottleneck && sharesBottleneck && !attendsInBottleneck
      ? step(name + "bottleneck.attention.", inputs: width, outputs: inner, epsilon: epsilon) : nil
    let feedForward = (0..<feedForwards - 1).map { number in
      let name = name + "ffn.\(number)."
      return (
        intermediate: blueprint.linear(name + "intermediate.dense", inputs: inner, outputs: intermediate),
        output: step(name + "output.", inputs: intermediate, outputs: inner, epsilon: epsilon)
      )
    }
    return MobileBert.Layer(
      bottleneck: bottleneck, attentionBottleneck: attentionBottleneck, attendsInBottleneck: attendsInBottleneck,
      queryKey: queryKey, value: value, attention: attention, attentionOutput: attentionOutput,
      feedForward: feedForward + [(lastIntermediate, lastOutput)], outputBottleneck: outputBottleneck, activation: activation,
      dropout: dropout)
  }
}
