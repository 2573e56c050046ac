import Encoders
import Kernels
import Storage

extension ForwardPass {
  func attend(
    _ rows: Activations, through layer: Linear, _ attention: Attention, queries: Queries
  ) throws(OutOfMemory) -> Activations {
    guard queries == .firstTokens, attention.isByContent else {
      return try attend(queryKeyValue: linear(operand(rows), layer), attention, queries: queries)
    }
    return try attendFirstTokens(rows, layer, heads: attention.heads)
  }

  /// Attention of the first tokens, without the keys and values of all the others.
  ///
  /// A score `q · (K x)` is `(q K) · x`, and a context `Σ p (V x)` is `V (Σ p x)`. So a head's query goes back through the
  /// weights of the keys, attends to the hidden states themselves, and what it gathers goes through the weights of the
  /// values: three products for each text, in place of two for each token and one for each text (the same step serves
  /// multi-head latent attention, DeepSeek-AI, 2024). A bias of the keys adds the same to all of a query's scores, so it
  /// drops out; one of the values is added as it is, for probabilities sum to one.
  private func attendFirstTokens(_ rows: Activations, _ layer: Linear, heads: Int) throws(OutOfMemory) -> Activations {
    let matrix = weights[layer]
    let (width, inputs) = (layer.outputs / 3, layer.inputs)
    let headWidth = width / heads
    let count = texts.count
    let first = try operand(firstTokens(rows))
    let query = try activations.hidden(rows: count, width: width)
    // By text, then by head: a text's queries lie together; what they gather by head, as the values' weights are.
    let scores = try activations.hidden(rows: count * heads, width: inputs)
    let gathered = try activations.hidden(rows: heads * count, width: inputs)
    let context = try activations.hidden(rows: count, width: width)
    let values = PanelLayout.panelOutputs + headWidth
    try scratch.reserve(
      max(
        kernels.linearTransposedScratch(headWidth), attentionScratch(queries: heads, keys: longestText, inputs),
        count * values))
    perform(.multiply(first, matrix, outputs: 0..<width, into: query), rows: count)
    timed(.products) {
      parallelFor(heads) { head, worker in
        let keys = width + head * headWidth
        multiplyTransposed(
          query.values + head * headWidth, width, rows: count, matrix, outputs: keys..<keys + headWidth,
          scores.values + head * inputs, heads * inputs, scratch[worker])
      }
    }
    timed(.attention) {
      parallelFor(count) { place, worker in
        let text = texts.lowerBound + place
        let states = rows.values + (batch.starts[text] - tokens.lowerBound) * inputs
        attend(
          scores.values + place * heads * inputs, states, states, inputs, heads,
          batch.starts[text + 1] - batch.starts[text], inputs, 1 / Float(headWidth).squareRoot(), nil,
          gathered.values + place * inputs, count * inputs, scratch[worker])
      }
    }
    let gatheredOperand = try operand(gathered)
    timed(.products) {
      parallelFor(heads) { head, worker in
        let start = 2 * width + head * headWidth
        let panel = start / PanelLayout.panelOutputs * PanelLayout.panelOutputs
        let found = scratch[worker]
        multiply(
          gatheredOperand, head * count..<(head + 1) * count, matrix, found, values, outputs: panel..<start + headWidth)
        for place in 0..<count {
          (context.values + place * width + head * headWidth).update(
            from: found + place * values + start - panel, count: headWidth)
        }
      }
    }
    return try operand(context)
  }
}
