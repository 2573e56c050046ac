import Encoders
import Kernels
import Storage

/// The verbs, run for their result alone: fused, in int8 or fp32 by what each layer's weights are.
///
/// On one thread, or with rows and heads shared out to a pool's threads; none depends on another, so the bits are the same.
final class ForwardPass: Verbs {
  typealias Rows = Activations
  typealias Operand = Activations

  let weights: ModelWeights
  let kernels: any KernelTable.Type
  let pool: ThreadPool?
  var activations = ActivationPool()
  var batch = Batch.empty
  /// The texts of the batch that this pass is for, and their tokens.
  var texts = 0..<0
  var tokens = 0..<0
  var positions: [Int32] = []
  /// Zeros, for tables of which every token takes the first row.
  var firstRows: [Int32] = []
  /// By layer: those of `ModelWeights.positionPanels` that this pass has used last.
  var latestPanels: [PositionPanels?] = []
  var scratch: Scratch
  var positionTables = PositionTables()
  /// Steps that so many rows wait for, if there is a pool.
  var rowSteps: [RowStep] = []
  var waitingRows = 0
  /// Times the work while there is one; only for a pass on one thread.
  var profile: Profile?

  init(weights: ModelWeights, kernels: any KernelTable.Type, pool: ThreadPool?) throws(OutOfMemory) {
    self.weights = weights
    self.kernels = kernels
    self.pool = pool
    scratch = try Scratch(threads: pool?.threadCount ?? 1)
  }

  /// Calls `body`, which runs a model or the bottom of one, for some texts of a batch.
  func run(
    _ batch: Batch, _ texts: Range<Int>, _ body: () throws(OutOfMemory) -> Activations
  ) throws(OutOfMemory) -> Activations {
    self.batch = batch
    self.texts = texts
    tokens = batch.starts[texts.lowerBound]..<batch.starts[texts.upperBound]
    defer {
      self.batch = Batch.empty
      // There are some after a refusal only, for rows that nobody wants now.
      rowSteps.removeAll(keepingCapacity: true)
    }
    let rows = try body()
    finishRows()
    return rows
  }

  // MARK: Verbs

  func embed(_ embeddings: Embeddings) throws(OutOfMemory) -> Activations {
    positions.removeAll(keepingCapacity: true)
    embeddings.appendPositions(of: texts, in: batch, to: &positions)
    if embeddings.taskTypes != nil || embeddings.wordMapping != nil, firstRows.count < tokens.count {
      firstRows = [Int32](repeating: 0, count: tokens.count)
    }
    let sum: Activations
    if let mapping = embeddings.wordMapping {
      var words = try activations.hidden(
        rows: tokens.count, width: mapping.readsNeighbours ? embeddings.words.width : mapping.layer.inputs)
      perform(.gatherWords(embeddings, into: words), rows: words.rows)
      if mapping.readsNeighbours { words = try unfold(words, .neighbouringWords(width: words.width)) }
      sum = try linear(operand(words), mapping.layer)
    } else {
      sum = try activations.hidden(rows: tokens.count, width: embeddings.words.width)
      perform(.gatherWords(embeddings, into: sum), rows: sum.rows)
    }
    perform(.addRows(embeddings, into: sum), rows: sum.rows)
    let rows = try embeddings.projection.map { layer throws(OutOfMemory) in try linear(operand(sum), layer) } ?? sum
    guard let normalization = embeddings.normalization else { return rows }
    return try normalize(rows, residual: nil, normalization, into: rows)
  }

  func operand(_ rows: Activations) throws(OutOfMemory) -> Activations {
    guard isInt8 else { return rows }
    if let operand = rows.operand { return operand }
    let operand = try quantized(rows: rows.rows, width: rows.width)
    perform(.quantize(rows, into: operand, .products), rows: rows.rows)
    rows.operand = operand
    return operand
  }

  func linear(_ operand: Activations, _ layer: Linear) throws(OutOfMemory) -> Activations {
    let out = try activations.hidden(rows: operand.rows, width: layer.outputs)
    perform(.multiply(operand, weights[layer], outputs: 0..<layer.outputs, into: out), rows: operand.rows)
    return out
  }

  func linear(_ parts: [(operand: Activations, layer: Linear)]) throws(OutOfMemory) -> Activations {
    let rows = parts[0].operand.rows
    let out = try activations.hidden(rows: rows, width: parts.reduce(0) { $0 + $1.layer.outputs })
    var column = 0
    for (operand, layer) in parts {
      perform(.multiply(operand, weights[layer], outputs: 0..<layer.outputs, into: out, from: column), rows: rows)
      column += layer.outputs
    }
    return out
  }

  func linear(_ operand: Activations, _ layer: Linear, _ activation: Activation) throws(OutOfMemory) -> Activations {
    guard isInt8 else {
      let out = try linear(operand, layer)
      perform(.activate(out, activation, .activation), rows: operand.rows)
      return out
    }
    return try feed(operand, layer, activation, isGated: false)
  }

  func gated(_ operand: Activations, _ layer: Linear, _ activation: Activation, dropout: Float) throws(OutOfMemory) -> Activations {
    try feed(operand, layer, activation, isGated: true)
  }

  private func feed(_ operand: Activations, _ layer: Linear, _ activation: Activation, isGated: Bool) throws(OutOfMemory) -> Activations {
    let width = isGated ? layer.outputs / 2 : layer.outputs
    let out = try isInt8 ? quantized(rows: operand.rows, width: width) : activations.hidden(rows: operand.rows, width: width)
    try scratch.reserve(feedRows(layer.outputs) * layer.outputs)
    perform(.feed(operand, weights[layer], activation, isGated: isGated, into: out), rows: operand.rows)
    return out
  }

  var longestText: Int { texts.reduce(0) { max($0, batch.starts[$1 + 1] - batch.starts[$1]) } }

  func convolve(_ rows: Activations, _ layer: Linear, _ activation: Activation, dropout: Float) throws(OutOfMemory) -> Activations {
    let out = try linear(operand(unfold(rows, Convolution(layer, width: rows.width))), layer)
    perform(.activate(out, activation, .products), rows: rows.rows)
    return out
  }

  private func unfold(_ rows: Activations, _ convolution: Convolution) throws(OutOfMemory) -> Activations {
    let neighbours = try activations.hidden(rows: rows.rows, width: convolution.unfoldedWidth)
    timed(.products) {
      parallelFor(texts.count) { index, _ in
        let text = texts.lowerBound + index
        convolution.unfold(
          rows.values, batch.starts[text] - tokens.lowerBound..<batch.starts[text + 1] - tokens.lowerBound, neighbours.values)
      }
    }
    return neighbours
  }

  func residualNormalize(
    _ rows: Activations, residual: Activations, _ normalization: Normalization, dropout: Float
  ) throws(OutOfMemory) -> Activations {
    // In place, as `add`: what a product has just made stays in the cache.
    try normalize(rows, residual: residual, normalization, into: rows)
  }

  func add(_ rows: Activations, residual: Activations, dropout: Float) throws(OutOfMemory) -> Activations {
    perform(.add(rows, residual: residual), rows: rows.rows)
    return rows
  }

  func normalize(_ rows: Activations, _ normalization: Normalization) throws(OutOfMemory) -> Activations {
    try normalize(rows, residual: nil, normalization, into: activations.hidden(rows: rows.rows, width: rows.width))
  }

  private func normalize(
    _ rows: Activations, residual: Activations?, _ normalization: Normalization, into out: Activations
  ) throws(OutOfMemory) -> Activations {
    if isInt8 { out.operand = try quantized(rows: out.rows, width: out.width) }
    perform(.normalize(rows, residual: residual, normalization, into: out, out.operand), rows: out.rows)
    return out
  }

  func normalizeHeads(
    queryKeyValue: Activations, _ shape: AttentionShape, queries: Normalization, keys: Normalization
  ) throws(OutOfMemory) -> Activations {
    perform(.normalizeHeads(queryKeyValue, shape.queries, queries), rows: queryKeyValue.rows)
    perform(.normalizeHeads(queryKeyValue, shape.keys, keys), rows: queryKeyValue.rows)
    return queryKeyValue
  }

  func read(_ rows: Activations, _ tokens: TokensRead) throws(OutOfMemory) -> Activations {
    guard tokens != .every else { return rows }
    finishRows()
    let out = try activations.hidden(rows: texts.count, width: rows.width)
    for (index, text) in texts.enumerated() {
      let first = batch.starts[text] - self.tokens.lowerBound
      let target = out.values + index * rows.width
      guard tokens == .mean else {
        target.update(from: rows.values + (first + batch.tokenRead(tokens, of: text)) * rows.width, count: rows.width)
        continue
      }
      let length = batch.starts[text + 1] - batch.starts[text]
      target.update(repeating: 0, count: rows.width)
      for token in first..<first + length { kernels.add(rows.values + token * rows.width, rows.width, target) }
      kernels.scale(target, rows.width, 1 / Float(length))
    }
    return out
  }

  func dense(_ rows: Activations, _ layer: Linear, _ activation: Activation) throws(OutOfMemory) -> Activations {
    finishRows()
    let matrix = weights[layer]
    let out = try activations.hidden(rows: rows.rows, width: layer.outputs)
    try timed(.head) { () throws(OutOfMemory) in
      // A layer of the head has a form of its own: `operand` would follow the encoder's.
      var operand = rows
      if matrix.form == .int8Panels {
        operand = try quantized(rows: rows.rows, width: rows.width)
        quantize(rows, 0..<rows.rows, into: operand)
      }
      multiply(operand, 0..<rows.rows, matrix, out.values, out.width)
      kernels.activate(out.values, out.width, out.rows, out.width, activation.rawValue)
    }
    return out
  }

  func dropout(_ rows: Activations, _ rate: Float) throws(OutOfMemory) -> Activations { rows }

  // MARK: Blocks

  var isInt8: Bool { weights.isInt8 }

  func quantized(rows: Int, width: Int) throws(OutOfMemory) -> Activations {
    try activations.quantized(rows: rows, width: width, stride: kernels.operandStride(width))
  }

  /// Shares out tasks; what rows wait for is done first.
  func parallelFor(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    finishRows()
    if let pool { return pool.parallelFor(count, body) }
    for index in 0..<count { body(index, 0) }
  }

  func timed<Failure: Error>(_ work: Profile.Work, _ body: () throws(Failure) -> Void) throws(Failure) {
    guard profile != nil else { return try body() }
    let start = Machine.monotonicSeconds()
    try body()
    profile?.add(Machine.monotonicSeconds() - start, to: work)
  }

  /// - Parameter outputs: which of them, from the first of a panel on; nil for all.
  func multiply(
    _ operand: Activations, _ block: Range<Int>, _ matrix: ModelWeights.Matrix, _ out: UnsafeMutablePointer<Float>,
    _ outStride: Int, outputs: Range<Int>? = nil
  ) {
    let layout = matrix.layout
    let outputs = outputs ?? 0..<layout.outputs
    let first = outputs.lowerBound
    let panels = matrix.base + layout.panelOffset(output: first)
    let bias = (matrix.base + layout.biasOffset).assumingMemoryBound(to: Float.self) + first
    switch matrix.form {
    case .int8Panels:
      kernels.linearInt8(
        operand.quantized + block.lowerBound * operand.stride, operand.stride, operand.scales + block.lowerBound,
        block.count, panels, matrix.scales + first,
        (matrix.base + layout.rowSumsOffset).assumingMemoryBound(to: Int32.self) + first, bias, outputs.count,
        layout.inputs, out, outStride)
    case .float32Panels:
      kernels.linearFloat(
        operand.values + block.lowerBound * operand.width, operand.width, block.count,
        panels.assumingMemoryBound(to: Float.self), bias, outputs.count, layout.inputs, out, outStride)
    }
  }

  /// From some outputs of a matrix back to its inputs: `x W`, W its rows `outputs`.
  ///
  /// - Parameters:
  ///   - x: `[rows, outputs]`, `stride` floats from one row to the next; out: `[rows, inputs]`, likewise.
  ///   - scratch: `kernels.linearTransposedScratch(outputs.count)` floats.
  func multiplyTransposed(
    _ x: UnsafePointer<Float>, _ stride: Int, rows: Int, _ matrix: ModelWeights.Matrix, outputs: Range<Int>,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    switch matrix.form {
    case .int8Panels:
      kernels.linearTransposedInt8(
        x, stride, rows, matrix.base, matrix.scales, outputs.lowerBound, outputs.count, matrix.layout.inputs, out,
        outStride, scratch)
    case .float32Panels:
      kernels.linearTransposedFloat(
        x, stride, rows, matrix.base.assumingMemoryBound(to: Float.self), outputs.lowerBound, outputs.count,
        matrix.layout.inputs, out, outStride, scratch)
    }
  }

  /// - Parameter stride: floats from one row of the result to the next.
  func gather(
    _ table: Table, _ indices: UnsafePointer<Int32>, _ count: Int, _ out: UnsafeMutablePointer<Float>, stride: Int, adds: Bool
  ) {
    let source = weights[table]
    let int8 = source.base.assumingMemoryBound(to: Int8.self)
    let scales = (source.base + Grid.rowScalesOffset(rows: source.rows, width: source.width)).assumingMemoryBound(to: Float.self)
    switch source.form {
    case .int8Rows:
      kernels.gatherInt8Rows(indices, count, int8, scales, source.width, out, stride, adds)
    case .changedInt8Rows(let changes):
      for index in 0..<count {
        let row = Int(indices[index])
        let place = Int(changes.places[row])
        // The kernel adds the row's place to where the table starts, and finds the scale by it too.
        let table = place < 0 ? int8 : changes.rows + (place - row) * source.width
        kernels.gatherInt8Rows(indices + index, 1, table, scales, source.width, out + index * stride, stride, adds)
      }
    case .float32:
      kernels.gatherFloatRows(
        indices, count, source.base.assumingMemoryBound(to: Float.self), source.width, out, stride, adds)
    }
  }
}
