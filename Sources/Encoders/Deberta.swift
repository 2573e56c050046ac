import JSON
import Storage

/// DeBERTa-v2 and v3 (He et al., 2021) with their sequence classification head: the first token, a linear layer, GELU, a
/// linear layer.
///
/// Reference: `DebertaV2ForSequenceClassification` of the transformers library.
package struct Deberta: EncoderFamily {
  package static let modelType = "deberta-v2"
  package static let architecture = "DebertaV2ForSequenceClassification"
  package static let prefix = "deberta."
  package static let adapterTargets = ["query_proj", "value_proj"]

  private struct Layer {
    let queryKeyValue: Linear
    /// Keys and queries of positions, where they are not made by the layer of the tokens'.
    let positions: Linear?
    let attentionOutput: Linear
    let attentionNormalization: Normalization
    let intermediate, output: Linear
    let outputNormalization: Normalization

    init(_ name: String, _ shape: TransformerSettings, _ relative: Relative?, in blueprint: inout Blueprint) {
      let (width, epsilon, attention) = (shape.width, shape.epsilon, name + "attention.self.")
      queryKeyValue = blueprint.stack(
        attention + "query_key_value", parts: ["query_proj", "key_proj", "value_proj"].map { attention + $0 },
        inputs: width, outputsOfEach: width)
      if let relative, !relative.sharesProjection {
        positions = blueprint.stack(
          attention + "position_key_query", parts: relative.projections.map { attention + $0 }, inputs: width,
          outputsOfEach: width)
      } else {
        positions = nil
      }
      attentionOutput = blueprint.linear(name + "attention.output.dense", inputs: width, outputs: width)
      attentionNormalization = blueprint.normalization(
        name + "attention.output.LayerNorm", width: width, epsilon: epsilon)
      intermediate = blueprint.linear(name + "intermediate.dense", inputs: width, outputs: shape.intermediate)
      output = blueprint.linear(name + "output.dense", inputs: shape.intermediate, outputs: width)
      outputNormalization = blueprint.normalization(name + "output.LayerNorm", width: width, epsilon: epsilon)
    }
  }

  package let blueprint: Blueprint
  package let hiddenWidth: Int
  package let maximumLength: Int
  /// Without a table of token types any will do: the reference does not look at them.
  package let tokenTypeCount: Int
  /// Where positions take no part in attention.
  private let byContent: Attention
  private let activation: Activation
  private let hiddenDropout: Float
  private let embeddings: Embeddings
  private let layers: [Layer]
  /// For each layer, or none where attention is by content alone.
  private let disentangled: [DisentangledAttention]
  /// A convolution of the embeddings, added to the first layer's states.
  private let convolution: (layer: Linear, activation: Activation, normalization: Normalization)?
  private let head: ClassificationHead

  package init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    let shape = try TransformerSettings(
      settings,
      TransformerSettings.Defaults(
        vocabulary: 128100, width: 1536, heads: 24, layers: 24, intermediate: 6144, tokenTypes: 0, epsilon: 1e-7))
    let (width, epsilon) = (shape.width, shape.epsilon)
    try settings.require("attention_head_size", .integer(Int64(width / shape.attention.heads)))
    try settings.require("pooler_hidden_size", .integer(Int64(width)))
    let relative = try Relative(settings, maximumLength: shape.positions)
    (hiddenWidth, maximumLength, activation) = (width, shape.positions, shape.activation)
    (byContent, hiddenDropout) = (shape.attention, shape.dropout)
    tokenTypeCount = shape.tokenTypes == 0 ? .max : shape.tokenTypes
    let poolerActivation = try settings.activation("pooler_hidden_act", default: .gelu)
    let poolerDropout = try settings.rate("pooler_dropout", default: 0)
    let classifierDropout = try settings.rate("cls_dropout", default: hiddenDropout)

    var blueprint = Blueprint(initializerRange: shape.initializerRange)
    embeddings = try Self.embeddings(settings, shape, in: &blueprint)
    layers = (0..<shape.layers).map { Layer("deberta.encoder.layer.\($0).", shape, relative, in: &blueprint) }
    if let relative {
      let table = blueprint.table("deberta.encoder.rel_embeddings", rows: relative.positions.rows, width: width)
      let normalization =
        relative.normalizes
        ? blueprint.normalization("deberta.encoder.LayerNorm", width: width, epsilon: epsilon) : nil
      let headWidth = Float(width / shape.attention.heads)
      disentangled = layers.indices.map { [layers] number in
        DisentangledAttention(
          heads: shape.attention.heads, scale: 1 / (headWidth * Float(1 + relative.projections.count)).squareRoot(),
          dropout: shape.attention.dropout, layer: number, positions: relative.positions, table: table,
          normalization: normalization, positionDropout: shape.dropout,
          projection: layers[number].positions ?? layers[number].queryKeyValue,
          firstKey: relative.firstOutput("pos_key_proj", width: width),
          firstQuery: relative.firstOutput("pos_query_proj", width: width))
      }
    } else {
      disentangled = []
    }
    convolution = try Self.convolution(settings, shape, in: &blueprint)
    head = ClassificationHead(
      "pooler.dense", poolerActivation, "classifier", width: width, labels: labels, inputDropout: poolerDropout,
      dropout: classifierDropout, in: &blueprint)
    self.blueprint = blueprint
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
      normalization: blueprint.normalization(name + "LayerNorm", width: shape.width, epsilon: shape.epsilon))
  }

  private static func convolution(
    _ settings: Settings, _ shape: TransformerSettings, in blueprint: inout Blueprint
  ) throws(ConfigurationError) -> (layer: Linear, activation: Activation, normalization: Normalization)? {
    let size = try settings.count("conv_kernel_size", default: 0, atLeast: 0)
    guard size > 0 else { return nil }
    guard size % 2 == 1, size < 64 else {
      throw .invalid(key: "conv_kernel_size", found: "\(size)", expected: "an odd number below 64")
    }
    try settings.require("conv_groups", 1)
    return (
      blueprint.convolution("deberta.encoder.conv.conv", channels: shape.width, size: size),
      try settings.activation("conv_act", default: .tanh),
      blueprint.normalization("deberta.encoder.conv.LayerNorm", width: shape.width, epsilon: shape.epsilon)
    )
  }

  package func embed<Engine: Verbs>(_ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try engine.embed(embeddings, dropout: hiddenDropout)
  }

  package func classify<Engine: Verbs>(_ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try head.forward(hidden, engine)
  }

  package var layerCount: Int { layers.count }

  /// The last layer has one row for each text, its first token, which is all that the head reads; the convolution of a
  /// model of one layer wants them all.
  package func layer<Engine: Verbs>(_ number: Int, _ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    let layer = layers[number]
    let isLast = number == layers.count - 1
    let convolution = number == 0 ? convolution : nil
    let queries: Queries = isLast && convolution == nil ? .firstTokens : .allTokens
    let context =
      try disentangled.isEmpty
      ? engine.attend(hidden, through: layer.queryKeyValue, byContent, queries: queries)
      : engine.attend(
        queryKeyValue: engine.linear(hidden, layer.queryKeyValue), disentangled[number], queries: queries)
    let attended = try engine.residualNormalize(
      engine.linear(context, layer.attentionOutput),
      residual: queries == .firstTokens ? engine.firstTokens(hidden) : hidden, layer.attentionNormalization,
      dropout: hiddenDropout)
    let inner = try engine.linear(attended, layer.intermediate, activation)
    let output = try engine.residualNormalize(
      engine.linear(inner, layer.output), residual: attended, layer.outputNormalization, dropout: hiddenDropout)
    guard let convolution else { return output }
    let convolved = try engine.residualNormalize(
      engine.convolve(hidden, convolution.layer, convolution.activation, dropout: hiddenDropout), residual: output,
      convolution.normalization, dropout: 0)
    return try isLast ? engine.firstTokens(convolved) : convolved
  }
}

/// The settings of attention by relative position.
private struct Relative {
  let positions: RelativePositions
  /// Whether the layer of the tokens' queries and keys makes those of positions too.
  let sharesProjection: Bool
  /// What positions take part as: keys (content to position), then queries (position to content).
  let projections: [String]
  let normalizes: Bool

  /// Nil when attention is by content alone.
  init?(_ settings: Settings, maximumLength: Int) throws(ConfigurationError) {
    let types = try settings.names("pos_att_type")
    for type in types where type != "c2p" && type != "p2c" { throw .unsupported(key: "pos_att_type", value: type) }
    guard try settings.flag("relative_attention", default: false) else {
      // The reference scales scores by the types even so.
      guard types.isEmpty else { throw .unsupported(key: "pos_att_type", value: "without relative_attention") }
      return nil
    }
    // Positions that are neither keys nor queries change nothing: the reference keeps a table of them that it does not read.
    guard !types.isEmpty else { return nil }
    projections = (types.contains("c2p") ? ["pos_key_proj"] : []) + (types.contains("p2c") ? ["pos_query_proj"] : [])
    sharesProjection = try settings.flag("share_att_key", default: false)
    let normalizations = try settings.names("norm_rel_ebd").filter { $0 != "none" }
    for name in normalizations where name != "layer_norm" { throw .unsupported(key: "norm_rel_ebd", value: name) }
    normalizes = !normalizations.isEmpty
    let largest = try settings.count("max_relative_positions", default: -1, atLeast: -1)
    let buckets = try settings.count("position_buckets", default: -1, atLeast: -1)
    let end = largest < 1 ? maximumLength : largest
    guard buckets > 0 else {
      positions = RelativePositions(span: end)
      return
    }
    guard buckets >= 2, end - 1 > buckets / 2 else {
      throw .invalid(
        key: "position_buckets", found: "\(buckets)", expected: "at least 2, and half of it below \(end - 1) positions")
    }
    positions = RelativePositions(span: buckets, scaleEnd: end - 1)
  }

  /// The first output of the projection that makes a part.
  func firstOutput(_ part: String, width: Int) -> Int? {
    // The shared layer's outputs are queries, keys, values.
    if sharesProjection { return projections.contains(part) ? (part == "pos_key_proj" ? width : 0) : nil }
    return projections.firstIndex(of: part).map { $0 * width }
  }
}
