import Storage

/// A layer that normalises what each of its parts reads, and adds what they make to the hidden states as they are (Xiong et al., 2020).
package struct PreNormalizedLayer: EncoderLayer {
  let queryKeyValue, attentionOutput: Linear
  /// Of each head's queries and keys.
  var headNormalizations: (queries: Normalization, keys: Normalization)?
  /// The first layer of the feed-forward network: a gated linear unit or not.
  let feedForward: Linear
  let isGated: Bool
  let output: Linear
  /// Nil for a layer that reads what is normalised.
  let attentionNormalization: Normalization?
  let feedForwardNormalization: Normalization
  package let attention: AttentionShape
  let activation: Activation
  /// The rates for what attention makes, for a gated unit, and for what the feed-forward network makes.
  let attentionDropout, gateDropout, outputDropout: Float

  package func forward<Engine: Verbs>(_ hidden: Engine.Rows, _ tokens: TokensRead, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    let states = try attentionNormalization.map { normalization throws(OutOfMemory) in
      try engine.normalize(hidden, normalization)
    } ?? hidden
    let attended = try engine.add(
      engine.linear(context(states, tokens, engine), attentionOutput), residual: engine.read(hidden, tokens),
      dropout: attentionDropout)
    let operand = try engine.operand(engine.normalize(attended, feedForwardNormalization))
    let inner =
      try isGated
      ? engine.gated(operand, feedForward, activation, dropout: gateDropout) : engine.linear(operand, feedForward, activation)
    return try engine.add(engine.linear(inner, output), residual: attended, dropout: outputDropout)
  }

  private func context<Engine: Verbs>(
    _ states: Engine.Rows, _ tokens: TokensRead, _ engine: Engine
  ) throws(OutOfMemory) -> Engine.Operand {
    guard let (queries, keys) = headNormalizations else {
      return try engine.attend(states, through: queryKeyValue, attention, queries: tokens)
    }
    let rows = try engine.normalizeHeads(
      queryKeyValue: engine.linear(states, queryKeyValue), attention, queries: queries, keys: keys)
    return try engine.attend(queryKeyValue: rows, attention, queries: tokens)
  }
}
