import Encoders
import Kernels
import Storage

extension TrainingEngine {
  package func embed(_ embeddings: Embeddings, dropout rate: Float) -> TapeRows {
    let tokens = batch.tokenCount
    var positions: [Int32] = []
    positions.reserveCapacity(tokens)
    embeddings.appendPositions(of: 0..<batch.textCount, in: batch, to: &positions)
    let lookups = [
      (embeddings.words, batch.ids), (embeddings.positions, positions), (embeddings.tokenTypes, batch.tokenTypes),
    ].compactMap { table, rows in table.map { Lookup(table: $0, rows: rows) } }
    let sum = gather(lookups)
    let projected = embeddings.projection.map { linear(sum, $0) } ?? sum
    // The reference normalises first and drops out after.
    return dropout(normalize(projected, embeddings.normalization), rate)
  }

  package func operand(_ rows: TapeRows) -> TapeRows { rows }

  package func linear(_ operand: TapeRows, _ layer: Linear) -> TapeRows {
    let adapters = self.adapters[layer.index]
    let inner = adapters.map { buffers.take(operand.rows * $0.rank) }
    let output = record(rows: operand.rows, width: layer.outputs) {
      LinearRule(input: operand.node, output: $0, layer: layer, adapters: Array(zip(adapters, inner)))
    }
    products.forward(
      operand.values, parameters.values(layer.weights[0]), bias: layer.biases.first.map { parameters.values($0) },
      output.values, M: operand.rows, N: layer.outputs, K: layer.inputs)
    for (adapter, inner) in zip(adapters, inner) { addAdapter(adapter, operand, inner, output.values) }
    return output
  }

  package func linear(_ operand: TapeRows, _ layer: Linear, _ activation: Activation) -> TapeRows {
    activate(linear(operand, layer), activation)
  }

  /// f(x), of rows that nothing else reads.
  func activate(_ inner: TapeRows, _ activation: Activation) -> TapeRows {
    guard activation != .identity else { return inner }
    let output = record(rows: inner.rows, width: inner.width) {
      ActivationRule(self, input: inner.node, output: $0, activation: activation)
    }
    forEachBlock(inner.rows) { block in
      let start = block.lowerBound * inner.width
      training.activateCopy(
        inner.values + start, block.count * inner.width, activation.rawValue, output.values + start)
    }
    return output
  }

  package func gated(_ operand: TapeRows, _ layer: Linear, _ activation: Activation, dropout rate: Float) -> TapeRows {
    let inner = linear(operand, layer)
    let output = record(rows: inner.rows, width: inner.width / 2) {
      GateRule(self, input: inner.node, output: $0, activation: activation)
    }
    gate(inner.values, inner.rows, output.width, activation, output.values)
    return dropout(output, rate)
  }

  package func attend(queryKeyValue: TapeRows, _ attention: Attention, queries: Queries) -> TapeRows {
    let width = queryKeyValue.width / 3
    let step = AttentionStep(attention, width: width, queries: queries, dropout: nextDropout(attention.dropout), self)
    let context = record(rows: queries == .firstTokens ? batch.textCount : queryKeyValue.rows, width: width) {
      AttentionRule(input: queryKeyValue.node, output: $0, step: step)
    }
    step.forward(self, queryKeyValue.values, context.values)
    return context
  }

  package func residualNormalize(
    _ rows: TapeRows, residual: TapeRows, _ normalization: Normalization, dropout rate: Float
  ) -> TapeRows {
    normalize(rows, residual: residual, normalization, nextDropout(rate))
  }

  package func add(_ rows: TapeRows, residual: TapeRows, dropout rate: Float) -> TapeRows {
    let dropout = nextDropout(rate)
    let output = record(rows: rows.rows, width: rows.width) {
      SumRule(input: rows.node, residual: residual.node, output: $0, dropout: dropout)
    }
    forEachBlock(rows.rows) { block in
      let start = block.lowerBound * rows.width
      let count = block.count * rows.width
      (output.values + start).update(from: residual.values + start, count: count)
      training.dropout(rows.values + start, count, dropout.rate, dropout.key, start, output.values + start, true)
    }
    return output
  }

  package func normalize(_ rows: TapeRows, _ normalization: Normalization) -> TapeRows {
    normalize(rows, residual: nil, normalization, Dropout(rate: 0, key: 0))
  }

  package func meanTokens(_ rows: TapeRows) -> TapeRows {
    let starts = batch.starts
    let output = record(rows: batch.textCount, width: rows.width) {
      MeanTokensRule(input: rows.node, output: $0, starts: starts)
    }
    for text in 0..<batch.textCount {
      let mean = output.values + text * rows.width
      mean.update(repeating: 0, count: rows.width)
      for token in starts[text]..<starts[text + 1] { kernels.add(rows.values + token * rows.width, rows.width, mean) }
      kernels.scale(mean, rows.width, 1 / Float(starts[text + 1] - starts[text]))
    }
    return output
  }

  package func firstTokens(_ rows: TapeRows) -> TapeRows {
    let starts = Array(batch.starts.dropLast())
    let output = record(rows: starts.count, width: rows.width) {
      FirstTokensRule(input: rows.node, output: $0, starts: starts)
    }
    for (text, start) in starts.enumerated() {
      (output.values + text * rows.width).update(from: rows.values + start * rows.width, count: rows.width)
    }
    return output
  }

  package func dense(_ rows: TapeRows, _ layer: Linear, _ activation: Activation) -> TapeRows {
    linear(rows, layer, activation)
  }

  package func dropout(_ rows: TapeRows, _ rate: Float) -> TapeRows {
    let dropout = nextDropout(rate)
    guard dropout.rate > 0 else { return rows }
    let output = record(rows: rows.rows, width: rows.width) {
      DropoutRule(input: rows.node, output: $0, dropout: dropout)
    }
    forEachBlock(rows.rows) { block in
      let start = block.lowerBound * rows.width
      training.dropout(
        rows.values + start, block.count * rows.width, dropout.rate, dropout.key, start, output.values + start, false)
    }
    return output
  }

  // MARK: Shared by verbs

  /// The sum of rows of tables, as many of each.
  func gather(_ lookups: [Lookup]) -> TapeRows {
    let (count, width) = (lookups[0].rows.count, lookups[0].table.width)
    let sum = record(rows: count, width: width) { GatherRule(output: $0, lookups: lookups) }
    forEachBlock(count) { block in
      for (place, lookup) in lookups.enumerated() {
        lookup.rows.withUnsafeBufferPointer {
          kernels.gatherFloatRows(
            $0.baseAddress! + block.lowerBound, block.count, parameters.values(lookup.table.weight), width,
            sum.values + block.lowerBound * width, width, place > 0)
        }
      }
    }
    return sum
  }

  func normalize(
    _ rows: TapeRows, residual: TapeRows?, _ normalization: Normalization, _ dropout: Dropout
  ) -> TapeRows {
    let width = rows.width
    let normalized = buffers.take(rows.count)
    let deviations = buffers.take(rows.rows)
    let output = record(rows: rows.rows, width: width) {
      NormalizationRule(
        self, input: rows.node, residual: residual?.node, output: $0, normalization: normalization, dropout: dropout,
        normalized: normalized, inverseDeviations: deviations)
    }
    forEachBlock(rows.rows) { block in
      let start = block.lowerBound * width
      training.normalizeForward(
        rows.values + start, residual.map { UnsafePointer($0.values + start) }, block.count, width,
        parameters.values(normalization.weight), normalization.bias.map { parameters.values($0) }, normalization.epsilon,
        dropout.rate, dropout.key, start, normalized.values + start, deviations.values + block.lowerBound,
        output.values + start)
    }
    return output
  }

  /// f(a) · b of rows [rows, 2 width].
  func gate(
    _ rows: UnsafePointer<Float>, _ count: Int, _ width: Int, _ activation: Activation, _ out: UnsafeMutablePointer<Float>
  ) {
    forEachBlock(count) { block in
      for row in block {
        let (source, target) = (rows + 2 * row * width, out + row * width)
        training.activateCopy(source, width, activation.rawValue, target)
        training.multiply(source + width, width, target)
      }
    }
  }
}

/// Which rows of a table a batch reads.
struct Lookup {
  let table: Table
  let rows: [Int32]
}
