import Encoders
import CVector
import Storage
import WeightFormats

extension ForwardPass {
  func attend(
    _ rows: Activations, through layer: Linear, _ shape: AttentionShape, queries: TokensRead
  ) throws(OutOfMemory) -> Operand {
    guard queries.isOne, shape.isByContent, shape.group == 1 else {
      return try attend(queryKeyValue: linear(operand(rows), layer), shape, queries: queries)
    }
    return try attendOneToken(rows, layer, shape, queries)
  }

  /// Attention of one token of each text, without the keys and values of all the others.
  ///
  /// A score `q · (K x)` is `(q K) · x`, and a context `Σ p (V x)` is `V (Σ p x)`. So a head's query goes back through the
  /// weights of the keys, attends to the hidden states themselves, and what it gathers goes through the weights of the
  /// values: three products for each text, in place of two for each token and one for each text (the same step serves
  /// multi-head latent attention, DeepSeek-AI, 2024). A bias of the keys adds the same to all of a query's scores, so it
  /// drops out; one of the values is added as it is, for probabilities sum to one.
  private func attendOneToken(
    _ rows: Activations, _ layer: Linear, _ shape: AttentionShape, _ queries: TokensRead
  ) throws(OutOfMemory) -> Operand {
    let matrix = weights[layer]
    let (heads, headWidth, width, inputs) = (shape.heads, shape.headWidth, shape.contextWidth, layer.inputs)
    let count = texts.count
    let query = try linear(.rows(read(rows, queries)), layer, outputs: shape.queries)
    // By text, then by head: a text's queries lie together; what they gather by head, as the values' weights are.
    let scores = try activations.hidden(rows: count * heads, width: inputs)
    let gathered = try activations.hidden(rows: heads * count, width: inputs)
    let context = try activations.hidden(rows: count, width: width)
    let values = Panels.outputs + headWidth
    try scratch.reserve(
      max(
        kernels.linearTransposedScratch(headWidth), attentionScratch(matrix.operandForm, queries: heads, keys: longestText, inputs),
        count * values))
    timed(.products) {
      parallelFor(heads) { head, worker in
        let keys = shape.keys.lowerBound + head * headWidth
        matrix.multiplyTransposed(
          FloatRows(values: query.values + head * headWidth, stride: width, count: count, width: headWidth),
          outputs: keys..<keys + headWidth, kernels, into: scores.values + head * inputs, heads * inputs,
          scratch: scratch[worker])
      }
    }
    timed(.attention) {
      parallelFor(count) { index, worker in
        let text = texts.lowerBound + index
        let states = rows.values + (batch.starts[text] - tokens.lowerBound) * inputs
        let token = batch.tokenRead(queries, of: text)
        let keys = shape.keys(token..<token + 1, batch.starts[text + 1] - batch.starts[text])
        attend(
          matrix.operandForm, scores.values + index * heads * inputs, states, states, inputs, heads, keys.count, inputs, 1,
          seen: keys.count, shape.scale, nil,
          gathered.values + index * inputs, count * inputs, scratch[worker])
      }
    }
    let gatheredOperand = try operand(.rows(gathered), for: matrix)
    timed(.products) {
      parallelFor(heads) { head, worker in
        let start = shape.values.lowerBound + head * headWidth
        let panel = start / Panels.outputs * Panels.outputs
        let found = scratch[worker]
        matrix.multiply(
          gatheredOperand, rows: head * count..<(head + 1) * count, outputs: panel..<start + headWidth, kernels, into: found,
          values)
        for index in 0..<count {
          (context.values + index * width + head * headWidth).update(
            from: found + index * values + start - panel, count: headWidth)
        }
      }
    }
    return .rows(context)
  }
}
