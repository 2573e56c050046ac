import Encoders
import Kernels
import Storage

extension TrainingEngine {
  package func embed(_ embeddings: Embeddings) throws(OutOfMemory) -> TapeRows {
    let tokens = batch.tokenCount
    var positions: [Int32] = []
    positions.reserveCapacity(tokens)
    embeddings.appendPositions(of: 0..<batch.textCount, in: batch, to: &positions)
    let firstRows = [Int32](repeating: 0, count: tokens)
    let words = Lookup(table: embeddings.words, rows: batch.ids)
    let others = [
      (embeddings.positions, positions), (embeddings.tokenTypes, batch.tokenTypes), (embeddings.taskTypes, firstRows),
    ].compactMap { table, rows in table.map { Lookup(table: $0, rows: rows) } }
    let sum: TapeRows
    if let mapping = embeddings.wordMapping {
      var column = words.table.width
      var parts = [words]
      for table in mapping.beside {
        parts.append(Lookup(table: table, rows: firstRows, column: column))
        column += table.width
      }
      var rows = try gather(parts, width: column)
      if mapping.readsNeighbours { rows = try unfold(rows, .neighbouringWords(width: column)) }
      sum = try add(gather(others), residual: linear(rows, mapping.layer), dropout: 0)
    } else if let scale = embeddings.wordScale {
      sum = try add(gather(others), residual: multiply(gather([words]), by: scale), dropout: 0)
    } else {
      sum = try gather([words] + others)
    }
    let projected = try embeddings.projection.map { layer throws(OutOfMemory) in try linear(sum, layer) } ?? sum
    guard let normalization = embeddings.normalization else { return try dropout(projected, embeddings.dropout) }
    if embeddings.dropsOutFirst { return try normalize(dropout(projected, embeddings.dropout), normalization) }
    return try dropout(normalize(projected, normalization), embeddings.dropout)
  }

  package func operand(_ rows: TapeRows) throws(OutOfMemory) -> TapeRows { rows }

  package func linear(_ operand: TapeRows, _ layer: Linear) throws(OutOfMemory) -> TapeRows {
    let adapters = self.adapters[layer.index]
    let input = try operand.values
    var inner: [PooledBuffer] = []
    for adapter in adapters { inner.append(try buffers.take(operand.rows * adapter.rank)) }
    let output = try record(rows: operand.rows, width: layer.outputs) {
      LinearRule(input: operand.node, output: $0, layer: layer, adapters: Array(zip(adapters, inner)))
    }
    let values = try output.values
    if layer.groups == nil {
      products.forward(
        input, parameters.values(layer.weights[0]), bias: layer.biases.first.map { parameters.values($0) },
        values, M: operand.rows, N: layer.outputs, K: layer.inputs)
    } else {
      multiplyGroups(input, layer, values, rows: operand.rows)
    }
    for (adapter, inner) in zip(adapters, inner) { addAdapter(adapter, input, rows: operand.rows, inner, values) }
    return output
  }

  package func linear(_ parts: [(operand: TapeRows, layer: Linear)]) throws(OutOfMemory) -> TapeRows {
    var made: [TapeRows] = []
    for part in parts { made.append(try linear(part.operand, part.layer)) }
    let output = try record(rows: made[0].rows, width: made.reduce(0) { $0 + $1.width }) {
      SideBySideRule(inputs: made.map(\.node), output: $0)
    }
    let target = try output.values
    var column = 0
    for part in made {
      let source = try part.values
      for row in 0..<part.rows { (target + row * output.width + column).update(from: source + row * part.width, count: part.width) }
      column += part.width
    }
    return output
  }

  package func linear(_ operand: TapeRows, _ layer: Linear, _ activation: Activation) throws(OutOfMemory) -> TapeRows {
    try activate(linear(operand, layer), activation)
  }

  /// f(x), of rows that nothing else reads.
  func activate(_ inner: TapeRows, _ activation: Activation) throws(OutOfMemory) -> TapeRows {
    guard activation != .identity else { return inner }
    let output = try record(rows: inner.rows, width: inner.width) {
      ActivationRule(self, input: inner.node, output: $0, activation: activation)
    }
    let (source, target) = (try inner.values, try output.values)
    forEachBlock(inner.rows) { block in
      let start = block.lowerBound * inner.width
      training.activateCopy(source + start, block.count * inner.width, activation.rawValue, target + start)
    }
    return output
  }

  package func gated(_ operand: TapeRows, _ layer: Linear, _ activation: Activation, dropout rate: Float) throws(OutOfMemory) -> TapeRows {
    let inner = try linear(operand, layer)
    let output = try record(rows: inner.rows, width: inner.width / 2) {
      GateRule(self, input: inner.node, output: $0, activation: activation)
    }
    gate(try inner.values, inner.rows, output.width, activation, try output.values)
    return try dropout(output, rate)
  }

  package func attend(queryKeyValue: TapeRows, _ shape: AttentionShape, queries: TokensRead) throws(OutOfMemory) -> TapeRows {
    let step = try AttentionStep(shape, queries: queries, dropout: nextDropout(shape.dropout), self)
    let context = try record(rows: batch.rowCount(queries, of: 0..<batch.textCount), width: shape.contextWidth) {
      AttentionRule(input: queryKeyValue.node, output: $0, step: step)
    }
    try step.forward(self, queryKeyValue.values, context.values)
    return context
  }

  package func residualNormalize(
    _ rows: TapeRows, residual: TapeRows, _ normalization: Normalization, dropout rate: Float
  ) throws(OutOfMemory) -> TapeRows {
    try normalize(rows, residual: residual, normalization, nextDropout(rate))
  }

  package func add(_ rows: TapeRows, residual: TapeRows, dropout rate: Float) throws(OutOfMemory) -> TapeRows {
    let dropout = nextDropout(rate)
    let output = try record(rows: rows.rows, width: rows.width) {
      SumRule(input: rows.node, residual: residual.node, output: $0, dropout: dropout)
    }
    let (source, added, target) = (try rows.values, try residual.values, try output.values)
    forEachBlock(rows.rows) { block in
      let start = block.lowerBound * rows.width
      let count = block.count * rows.width
      (target + start).update(from: added + start, count: count)
      training.dropout(source + start, count, dropout.rate, dropout.key, start, target + start, true)
    }
    return output
  }

  package func normalize(_ rows: TapeRows, _ normalization: Normalization) throws(OutOfMemory) -> TapeRows {
    try normalize(rows, residual: nil, normalization, Dropout(rate: 0, key: 0))
  }

  package func read(_ rows: TapeRows, _ tokens: TokensRead) throws(OutOfMemory) -> TapeRows {
    switch tokens {
    case .every: rows
    case .first, .last: try readOne(rows, (0..<batch.textCount).map { batch.starts[$0] + batch.tokenRead(tokens, of: $0) })
    case .mean: try readMean(rows)
    }
  }

  private func readMean(_ rows: TapeRows) throws(OutOfMemory) -> TapeRows {
    let starts = batch.starts
    let output = try record(rows: batch.textCount, width: rows.width) {
      MeanRule(input: rows.node, output: $0, starts: starts)
    }
    let (source, target) = (try rows.values, try output.values)
    for text in 0..<batch.textCount {
      let mean = target + text * rows.width
      mean.update(repeating: 0, count: rows.width)
      for token in starts[text]..<starts[text + 1] { kernels.add(source + token * rows.width, rows.width, mean) }
      kernels.scale(mean, rows.width, 1 / Float(starts[text + 1] - starts[text]))
    }
    return output
  }

  /// - Parameter tokens: one of each text.
  private func readOne(_ rows: TapeRows, _ tokens: [Int]) throws(OutOfMemory) -> TapeRows {
    let output = try record(rows: tokens.count, width: rows.width) {
      SelectionRule(input: rows.node, output: $0, tokens: tokens)
    }
    let (source, target) = (try rows.values, try output.values)
    for (text, token) in tokens.enumerated() {
      (target + text * rows.width).update(from: source + token * rows.width, count: rows.width)
    }
    return output
  }

  package func dense(_ rows: TapeRows, _ layer: Linear, _ activation: Activation) throws(OutOfMemory) -> TapeRows {
    try linear(rows, layer, activation)
  }

  package func dropout(_ rows: TapeRows, _ rate: Float) throws(OutOfMemory) -> TapeRows {
    let dropout = nextDropout(rate)
    guard dropout.rate > 0 else { return rows }
    let output = try record(rows: rows.rows, width: rows.width) {
      DropoutRule(input: rows.node, output: $0, dropout: dropout)
    }
    let (source, target) = (try rows.values, try output.values)
    forEachBlock(rows.rows) { block in
      let start = block.lowerBound * rows.width
      training.dropout(source + start, block.count * rows.width, dropout.rate, dropout.key, start, target + start, false)
    }
    return output
  }

  // MARK: Shared by verbs

  /// Rows that nothing else reads, times a number.
  func multiply(_ rows: TapeRows, by factor: Float) throws(OutOfMemory) -> TapeRows {
    let output = try record(rows: rows.rows, width: rows.width) { ScaleRule(input: rows.node, output: $0, factor: factor) }
    let (source, target) = (try rows.values, try output.values)
    forEachBlock(rows.rows) { block in
      let start = block.lowerBound * rows.width
      (target + start).update(from: source + start, count: block.count * rows.width)
      kernels.scale(target + start, block.count * rows.width, factor)
    }
    return output
  }

  /// The sum of rows of tables, as many of each; or rows side by side, where they have columns of their own.
  ///
  /// - Parameter width: of the result; the tables' own if nil.
  func gather(_ lookups: [Lookup], width: Int? = nil) throws(OutOfMemory) -> TapeRows {
    let (count, width) = (lookups[0].rows.count, width ?? lookups[0].table.width)
    let sum = try record(rows: count, width: width) { GatherRule(output: $0, lookups: lookups) }
    let target = try sum.values
    forEachBlock(count) { block in
      for (place, lookup) in lookups.enumerated() {
        lookup.rows.withUnsafeBufferPointer {
          kernels.gatherFloatRows(
            $0.baseAddress! + block.lowerBound, block.count, parameters.values(lookup.table.weight), lookup.table.width,
            target + block.lowerBound * width + lookup.column, width, place > 0 && lookup.column == 0)
        }
      }
    }
    return sum
  }

  func normalize(
    _ rows: TapeRows, residual: TapeRows?, _ normalization: Normalization, _ dropout: Dropout
  ) throws(OutOfMemory) -> TapeRows {
    let width = rows.width
    let normalized = try buffers.take(rows.count)
    let deviations = try buffers.take(rows.rows)
    let output = try record(rows: rows.rows, width: width) {
      NormalizationRule(
        self, input: rows.node, residual: residual?.node, output: $0, normalization: normalization, dropout: dropout,
        normalized: normalized, inverseDeviations: deviations)
    }
    let (source, target) = (try rows.values, try output.values)
    let added = try residual.map { residual throws(OutOfMemory) in try residual.values }
    forEachBlock(rows.rows) { block in
      let start = block.lowerBound * width
      training.normalizeForward(
        source + start, added.map { UnsafePointer($0 + start) }, block.count, width, normalization.kind.rawValue,
        parameters.values(normalization.weight), normalization.bias.map { parameters.values($0) }, normalization.epsilon,
        dropout.rate, dropout.key, start, normalized.values + start, deviations.values + block.lowerBound,
        target + start)
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
  /// Where the rows lie in the result.
  var column = 0
}
