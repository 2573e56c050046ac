import Storage

/// A layer of the original transformer (Vaswani et al., 2017): attention, then a feed-forward network, each with what it
/// read added, and normalised.
package struct TransformerLayer: EncoderLayer {
  /// What a checkpoint calls the parts, behind the name of the layer.
  package struct Names: Sendable {
    var query = "attention.self.query"
    var key = "attention.self.key"
    var value = "attention.self.value"
    /// What a bundle calls the three of them together.
    var queryKeyValue = "attention.self.query_key_value"
    var attentionOutput = "attention.output.dense"
    var attentionNormalization = "attention.output.LayerNorm"
    var intermediate = "intermediate.dense"
    var output = "output.dense"
    var outputNormalization = "output.LayerNorm"
  }

  /// In how many groups of inputs and outputs the layers are, where they are convolutions of size 1 (SqueezeBERT).
  package struct Groups: Sendable {
    var query, key, value, attentionOutput, intermediate, output: Int
  }

  private let queryKeyValue, attentionOutput: Linear
  private let attentionNormalization: Normalization
  private let intermediate, output: Linear
  private let outputNormalization: Normalization
  /// As the shape has it, unless a family adds to it what all layers share.
  var attention: AttentionShape
  private let activation: Activation
  private let dropout, outputDropout: Float

  /// - Parameters:
  ///   - name: of the layer, with its dot.
  ///   - sizes: of this layer.
  ///   - outputDropout: after the feed-forward network; the same as after attention if nil.
  ///   - attentionHasBias: whether queries, keys and values have biases.
  package init(
    _ name: String, _ shape: TransformerSettings, _ sizes: LayerShape, _ names: Names = Names(), outputDropout: Float? = nil,
    attentionHasBias: Bool = true, groups: Groups? = nil, in blueprint: inout Blueprint
  ) {
    let (width, epsilon, inner) = (shape.width, shape.epsilon, sizes.intermediate)
    attention = sizes.attention
    let contextWidth = attention.contextWidth
    func linear(_ part: String, inputs: Int, outputs: Int, groups: Int?) -> Linear {
      guard let groups else { return blueprint.linear(name + part, inputs: inputs, outputs: outputs) }
      return blueprint.grouped(name + part, parts: [(name + part, groups)], inputs: inputs, outputsOfEach: outputs)
    }
    let parts = [names.query, names.key, names.value].map { name + $0 }
    if let groups {
      queryKeyValue = blueprint.grouped(
        name + names.queryKeyValue, parts: Array(zip(parts, [groups.query, groups.key, groups.value])), inputs: width,
        outputsOfEach: contextWidth)
    } else {
      queryKeyValue = blueprint.stack(
        name + names.queryKeyValue, parts: parts, inputs: width, outputsOfEach: contextWidth, hasBias: attentionHasBias)
    }
    attentionOutput = linear(names.attentionOutput, inputs: contextWidth, outputs: width, groups: groups?.attentionOutput)
    attentionNormalization = blueprint.normalization(name + names.attentionNormalization, width: width, epsilon: epsilon)
    intermediate = linear(names.intermediate, inputs: width, outputs: inner, groups: groups?.intermediate)
    output = linear(names.output, inputs: inner, outputs: width, groups: groups?.output)
    outputNormalization = blueprint.normalization(name + names.outputNormalization, width: width, epsilon: epsilon)
    activation = shape.activation
    dropout = shape.dropout
    self.outputDropout = outputDropout ?? shape.dropout
  }

  package func forward<Engine: Verbs>(_ hidden: Engine.Rows, _ tokens: TokensRead, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    let context = try engine.attend(hidden, through: queryKeyValue, attention, queries: tokens)
    let attended = try engine.residualNormalize(
      engine.linear(context, attentionOutput), residual: engine.read(hidden, tokens), attentionNormalization, dropout: dropout)
    let inner = try engine.linear(attended, intermediate, activation)
    return try engine.residualNormalize(
      engine.linear(inner, output), residual: attended, outputNormalization, dropout: outputDropout)
  }
}
