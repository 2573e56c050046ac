import Storage

/// A layer of the original transformer (Vaswani et al., 2017): attention, then a feed-forward network, each with what it
/// read added, and normalised.
package struct TransformerLayer: Sendable {
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
  package var attention: Attention
  private let activation: Activation
  private let dropout, outputDropout: Float

  /// - Parameters:
  ///   - name: of the layer, with its dot.
  ///   - outputDropout: after the feed-forward network; the same as after attention if nil.
  ///   - attentionHasBias: whether queries, keys and values have biases.
  package init(
    _ name: String, _ shape: TransformerSettings, _ names: Names = Names(), outputDropout: Float? = nil,
    attentionHasBias: Bool = true, groups: Groups? = nil, in blueprint: inout Blueprint
  ) {
    let (width, epsilon) = (shape.width, shape.epsilon)
    func linear(_ part: String, inputs: Int, outputs: Int, groups: Int?) -> Linear {
      guard let groups else { return blueprint.linear(name + part, inputs: inputs, outputs: outputs) }
      return blueprint.grouped(name + part, parts: [(name + part, groups)], inputs: inputs, outputsOfEach: outputs)
    }
    let parts = [names.query, names.key, names.value].map { name + $0 }
    if let groups {
      queryKeyValue = blueprint.grouped(
        name + names.queryKeyValue, parts: Array(zip(parts, [groups.query, groups.key, groups.value])), inputs: width,
        outputsOfEach: width)
    } else {
      queryKeyValue = blueprint.stack(
        name + names.queryKeyValue, parts: parts, inputs: width, outputsOfEach: width, hasBias: attentionHasBias)
    }
    attentionOutput = linear(names.attentionOutput, inputs: width, outputs: width, groups: groups?.attentionOutput)
    attentionNormalization = blueprint.normalization(name + names.attentionNormalization, width: width, epsilon: epsilon)
    intermediate = linear(names.intermediate, inputs: width, outputs: shape.intermediate, groups: groups?.intermediate)
    output = linear(names.output, inputs: shape.intermediate, outputs: width, groups: groups?.output)
    outputNormalization = blueprint.normalization(name + names.outputNormalization, width: width, epsilon: epsilon)
    attention = shape.attention
    activation = shape.activation
    dropout = shape.dropout
    self.outputDropout = outputDropout ?? shape.dropout
  }

  /// The hidden states after the layer: `[tokens, width]`, or `[texts, width]` when the first tokens alone attend.
  package func forward<Engine: Verbs>(_ hidden: Engine.Rows, queries: Queries, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    let context = try engine.attend(hidden, through: queryKeyValue, attention, queries: queries)
    let attended = try engine.residualNormalize(
      engine.linear(context, attentionOutput),
      residual: queries == .firstTokens ? engine.firstTokens(hidden) : hidden, attentionNormalization, dropout: dropout)
    let inner = try engine.linear(attended, intermediate, activation)
    return try engine.residualNormalize(
      engine.linear(inner, output), residual: attended, outputNormalization, dropout: outputDropout)
  }
}

/// A family that has one `TransformerLayer` for each layer, and whose head reads the first token.
package protocol StackedFamily: EncoderFamily {
  var layers: [TransformerLayer] { get }
}

extension StackedFamily {
  package var layerCount: Int { layers.count }

  /// The last layer has one row for each text: its first token is all that the head reads.
  package func layer<Engine: Verbs>(_ number: Int, _ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try layers[number].forward(hidden, queries: number == layers.count - 1 ? .firstTokens : .allTokens, engine)
  }
}
