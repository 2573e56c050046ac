import JSON
import Storage

/// DeBERTa-v2 and v3 (He et al., 2021) with their sequence classification head: the first token, a linear layer, GELU, a
/// linear layer.
///
/// Reference: `DebertaV2ForSequenceClassification` of the transformers library.
package struct Deberta: LayeredFamily {
  package static let modelType = "deberta-v2"
  package static let architecture = "DebertaV2ForSequenceClassification"
  package static let prefix = "deberta."
  package static let adapterTargets = ["query_proj", "value_proj"]

  package struct Layer: EncoderLayer {
    fileprivate let attention: AttentionShape
    /// Where positions take part in attention.
    fileprivate var disentangled: DisentangledAttention?
    /// A convolution of what the first layer reads, added to its states.
    fileprivate var convolution: Convolution?
    fileprivate let queryKeyValue: Linear
    /// Keys and queries of positions, where they are not made by the layer of the tokens'.
    fileprivate let positions: Linear?
    private let attentionOutput: Linear
    private let attentionNormalization: Normalization
    private let intermediate, output: Linear
    private let outputNormalization: Normalization
    private let activation: Activation
    private let dropout: Float

    fileprivate init(
      _ name: String, _ shape: TransformerSettings, _ sizes: LayerShape, _ relative: DisentangledSettings?,
      in blueprint: inout Blueprint
    ) {
      let (width, epsilon, own) = (shape.width, shape.epsilon, name + "attention.self.")
      attention = sizes.attention
      (activation, dropout) = (shape.activation, shape.dropout)
      let contextWidth = attention.contextWidth
      queryKeyValue = blueprint.stack(
        own + "query_key_value", parts: ["query_proj", "key_proj", "value_proj"].map { own + $0 }, inputs: width,
        outputsOfEach: contextWidth)
      if let relative, !relative.sharesProjection {
        positions = blueprint.stack(
          own + "position_key_query", parts: relative.projections.map { own + $0 }, inputs: width,
          outputsOfEach: contextWidth)
      } else {
        positions = nil
      }
      attentionOutput = blueprint.linear(name + "attention.output.dense", inputs: contextWidth, outputs: width)
      attentionNormalization = blueprint.normalization(
        name + "attention.output.LayerNorm", width: width, epsilon: epsilon)
      intermediate = blueprint.linear(name + "intermediate.dense", inputs: width, outputs: sizes.intermediate)
      output = blueprint.linear(name + "output.dense", inputs: sizes.intermediate, outputs: width)
      outputNormalization = blueprint.normalization(name + "output.LayerNorm", width: width, epsilon: epsilon)
    }

    package func forward<Engine: Verbs>(_ hidden: Engine.Rows, _ tokens: TokensRead, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
      // The convolution of a model of one layer wants all tokens.
      let attending = convolution == nil ? tokens : .every
      let context: Engine.Operand
      if let disentangled {
        context = try engine.attend(queryKeyValue: engine.linear(hidden, queryKeyValue), disentangled, queries: attending)
      } else {
        context = try engine.attend(hidden, through: queryKeyValue, attention, queries: attending)
      }
      let attended = try engine.residualNormalize(
        engine.linear(context, attentionOutput), residual: engine.read(hidden, attending), attentionNormalization,
        dropout: dropout)
      let inner = try engine.linear(attended, intermediate, activation)
      let states = try engine.residualNormalize(
        engine.linear(inner, output), residual: attended, outputNormalization, dropout: dropout)
      guard let convolution else { return states }
      let convolved = try engine.residualNormalize(
        engine.convolve(hidden, convolution.layer, convolution.activation, dropout: dropout), residual: states,
        convolution.normalization, dropout: 0)
      return try engine.read(convolved, tokens)
    }
  }

  fileprivate struct Convolution {
    let layer: Linear
    let activation: Activation
    let normalization: Normalization
  }

  package let parts: EncoderParts<Layer>

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(
      settings,
      TransformerSettings.Defaults(
        vocabulary: 128100, width: 1536, heads: 24, layers: 24, intermediate: 6144, tokenTypes: 0, epsilon: 1e-7))
    let (width, epsilon) = (shape.width, shape.epsilon)
    try settings.require("attention_head_size", .integer(Int64(shape.layers[0].attention.headWidth)))
    try settings.require("pooler_hidden_size", .integer(Int64(width)))
    let relative = try DisentangledSettings(settings, maximumLength: shape.positions)
    let poolerActivation = try settings.activation("pooler_hidden_act", default: .gelu)
    let poolerDropout = try settings.rate("pooler_dropout", default: 0)
    let classifierDropout = try settings.rate("cls_dropout", default: shape.dropout)

    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    let embeddings = try Self.embeddings(settings, shape, in: &blueprint)
    var layers = shape.layers.enumerated().map {
      Layer("deberta.encoder.layer.\($0).", shape, $1, relative, in: &blueprint)
    }
    if let relative {
      let table = blueprint.table("deberta.encoder.rel_embeddings", rows: relative.positions.rows, width: width)
      let normalization =
        relative.normalizes
        ? blueprint.normalization("deberta.encoder.LayerNorm", width: width, epsilon: epsilon) : nil
      for (number, layer) in layers.enumerated() {
        layers[number].disentangled = relative.attention(
          layer.attention, layer: number, table: table, normalization: normalization, positionDropout: shape.dropout,
          projection: layer.positions ?? layer.queryKeyValue)
      }
    }
    layers[0].convolution = try Self.convolution(settings, shape, in: &blueprint)
    let head = ClassificationHead(
      "pooler.dense", poolerActivation, "classifier", width: width, labels: labels, inputDropout: poolerDropout,
      dropout: classifierDropout, in: &blueprint)
    parts = EncoderParts(
      blueprint, width: width, positions: shape.positions, embeddings: embeddings, layers: layers, head: head)
  }

  private static func embeddings(
    _ settings: Settings, _ shape: TransformerSettings, in blueprint: inout Blueprint
  ) throws(ConfigurationError) -> Embeddings {
    let name = "deberta.embeddings."
    let width = try settings.count("embedding_size", default: shape.width)
    let hasPositions = try settings.flag("position_biased_input", default: true)
    return Embeddings(
      words: blueprint.table(
        name + "word_embeddings", rows: shape.vocabulary, width: width,
        frozenRow: settings.paddingRow(of: shape.vocabulary)),
      positions: hasPositions ? blueprint.table(name + "position_embeddings", rows: shape.positions, width: width) : nil,
      tokenTypes: shape.tokenTypes > 0
        ? blueprint.table(name + "token_type_embeddings", rows: shape.tokenTypes, width: width) : nil,
      projection: width == shape.width
        ? nil : blueprint.linear(name + "embed_proj", inputs: width, outputs: shape.width, hasBias: false),
      normalization: blueprint.normalization(name + "LayerNorm", width: shape.width, epsilon: shape.epsilon),
      dropout: shape.dropout)
  }

  private static func convolution(
    _ settings: Settings, _ shape: TransformerSettings, in blueprint: inout Blueprint
  ) throws(ConfigurationError) -> Convolution? {
    let size = try settings.count("conv_kernel_size", default: 0, atLeast: 0)
    guard size > 0 else { return nil }
    guard size % 2 == 1, size < 64 else {
      throw .invalid(key: "conv_kernel_size", found: "\(size)", expected: "an odd number below 64")
    }
    try settings.require("conv_groups", 1)
    return Convolution(
      layer: blueprint.convolution("deberta.encoder.conv.conv", channels: shape.width, size: size),
      activation: try settings.activation("conv_act", default: .tanh),
      normalization: blueprint.normalization("deberta.encoder.conv.LayerNorm", width: shape.width, epsilon: shape.epsilon))
  }
}
