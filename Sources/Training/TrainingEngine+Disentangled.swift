import Encoders
import Storage

extension TrainingEngine {
  package func attend(queryKeyValue: TapeRows, _ attention: DisentangledAttention, queries: TokensRead) throws(OutOfMemory) -> TapeRows {
    let range = attention.positions.rows(length: batch.longest)
    let positions = try projectedPositions(attention, range)
    let step = DisentangledAttentionStep(
      attention, batch: batch, range: range, queries: queries, dropout: nextDropout(attention.shape.dropout))
    let rows = batch.rowCount(queries, of: 0..<batch.textCount)
    let context = try record(rows: rows, width: attention.shape.contextWidth) {
      DisentangledAttentionRule(
        input: queryKeyValue.node, positions: positions.node, output: $0, attention: step)
    }
    try step.forward(self, queryKeyValue.values, positions.values, context.values)
    return context
  }

  /// Keys and queries of the positions that a batch takes. The others get no gradient anyway.
  private func projectedPositions(_ attention: DisentangledAttention, _ range: Range<Int>) throws(OutOfMemory) -> TapeRows {
    var rows = try gather([Lookup(table: attention.table, rows: range.map { Int32($0) })])
    if let normalization = attention.normalization {
      rows = try normalize(rows, residual: nil, normalization, Dropout(rate: 0, key: 0))
    }
    return try linear(dropout(rows, attention.positionDropout), attention.projection)
  }

  package func convolve(_ rows: TapeRows, _ layer: Linear, _ activation: Activation, dropout rate: Float) throws(OutOfMemory) -> TapeRows {
    let neighbours = try unfold(rows, Convolution(layer, width: rows.width))
    return try activate(dropout(linear(neighbours, layer), rate), activation)
  }

  /// Each token's row with its neighbours' beside it.
  func unfold(_ rows: TapeRows, _ convolution: Convolution) throws(OutOfMemory) -> TapeRows {
    let rule = Unfolding(convolution: convolution, batch: batch)
    let neighbours = try record(rows: rows.rows, width: convolution.unfoldedWidth) {
      UnfoldingRule(input: rows.node, output: $0, unfolding: rule)
    }
    try rule.forward(self, rows.values, neighbours.values)
    return neighbours
  }
}

/// The neighbours of each token side by side, text by text.
struct Unfolding {
  let convolution: Convolution
  let batch: Batch

  private func forEachText(_ engine: TrainingEngine, _ body: (Range<Int>) -> Void) {
    engine.threads.parallelFor(batch.textCount) { text, _ in body(batch.starts[text]..<batch.starts[text + 1]) }
  }

  func forward(_ engine: TrainingEngine, _ rows: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>) {
    forEachText(engine) { convolution.unfold(rows, $0, out) }
  }

  func backward(_ engine: TrainingEngine, _ gradient: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>) {
    forEachText(engine) { convolution.fold(gradient, $0, out) }
  }
}

struct UnfoldingRule: GradientRule {
  let input: TapeNode
  let output: TapeNode
  let unfolding: Unfolding

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    guard input.needsGradient else { return }
    let (target, adds) = try input.contribution()
    if !adds { target.update(repeating: 0, count: input.count) }
    unfolding.backward(engine, output.gradient, target)
  }
}
