import Encoders
import Kernels
import Storage
import WeightFormats

/// The verbs, run for their result alone: fused, each product in the form that its own matrix wants.
///
/// On one thread, or with rows and heads shared out to a pool's threads; none depends on another, so the bits are the same.
final class ForwardPass: Verbs {
  typealias Rows = Activations

  /// What a product multiplies. Its form is the next product's choice, so some work waits until that is known.
  enum Operand {
    case rows(Activations)
    /// What a linear layer and its activation make of an operand, block by block.
    case fed(Activations, ProductMatrix, Activation, isGated: Bool)
  }

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

  func operand(_ rows: Activations) -> Operand { .rows(rows) }

  /// An operand in the form that a matrix multiplies.
  func operand(_ operand: Operand, for matrix: ProductMatrix) throws(OutOfMemory) -> Activations {
    switch (operand, matrix.operandForm) {
    case (.rows(let rows), .float32):
      // What waited for its form has it.
      if pool == nil { finishRows() }
      return rows
    case (.rows(let rows), .quantized):
      if let operand = rows.operand { return operand }
      let operand = try quantized(rows: rows.rows, width: rows.width)
      if case .normalize(let source, let residual, let normalization, into: let out, nil)? = rowSteps.last, out === rows {
        rowSteps[rowSteps.count - 1] = .normalize(source, residual: residual, normalization, into: out, operand)
        if pool == nil { finishRows() }
      } else {
        perform(.quantize(rows, into: operand, .products), rows: rows.rows)
      }
      rows.operand = operand
      return operand
    case (.fed(let source, let layer, let activation, isGated: false), .float32):
      // In fp32 there is no need for a block between a product and its activation.
      let out = try activations.hidden(rows: source.rows, width: layer.outputs)
      perform(.multiply(source, layer, outputs: 0..<layer.outputs, into: out), rows: source.rows)
      perform(.activate(out, activation, .activation), rows: source.rows)
      return out
    case (.fed(let source, let layer, let activation, let isGated), let form):
      let width = isGated ? layer.outputs / 2 : layer.outputs
      let out =
        try form == .quantized
        ? quantized(rows: source.rows, width: width) : activations.hidden(rows: source.rows, width: width)
      try scratch.reserve(feedRows(layer.outputs) * layer.outputs)
      perform(.feed(source, layer, activation, isGated: isGated, into: out), rows: source.rows)
      return out
    }
  }

  func linear(_ operand: Operand, _ layer: Linear) throws(OutOfMemory) -> Activations {
    try linear(operand, layer, outputs: 0..<layer.outputs)
  }

  /// Some outputs of a layer, from the first of a panel on.
  func linear(_ operand: Operand, _ layer: Linear, outputs: Range<Int>) throws(OutOfMemory) -> Activations {
    let matrix = weights[layer]
    let operand = try self.operand(operand, for: matrix)
    let out = try activations.hidden(rows: operand.rows, width: outputs.count)
    out.productForm = matrix.operandForm
    perform(.multiply(operand, matrix, outputs: outputs, into: out), rows: operand.rows)
    return out
  }

  func linear(_ parts: [(operand: Operand, layer: Linear)]) throws(OutOfMemory) -> Activations {
    let operands = try parts.map { part throws(OutOfMemory) in try operand(part.operand, for: weights[part.layer]) }
    let out = try activations.hidden(rows: operands[0].rows, width: parts.reduce(0) { $0 + $1.layer.outputs })
    // What reads the parts together is as exact as the most exact of them.
    out.productForm = parts.allSatisfy { weights[$0.layer].operandForm == .quantized } ? .quantized : .float32
    var column = 0
    for (operand, part) in zip(operands, parts) {
      perform(.multiply(operand, weights[part.layer], outputs: 0..<part.layer.outputs, into: out, from: column), rows: out.rows)
      column += part.layer.outputs
    }
    return out
  }

  func linear(_ operand: Operand, _ layer: Linear, _ activation: Activation) throws(OutOfMemory) -> Operand {
    let matrix = weights[layer]
    return .fed(try self.operand(operand, for: matrix), matrix, activation, isGated: false)
  }

  func gated(_ operand: Operand, _ layer: Linear, _ activation: Activation, dropout: Float) throws(OutOfMemory) -> Operand {
    let matrix = weights[layer]
    return .fed(try self.operand(operand, for: matrix), matrix, activation, isGated: true)
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
    rows.operand = nil
    perform(.add(rows, residual: residual), rows: rows.rows)
    return rows
  }

  func normalize(_ rows: Activations, _ normalization: Normalization) throws(OutOfMemory) -> Activations {
    try normalize(rows, residual: nil, normalization, into: activations.hidden(rows: rows.rows, width: rows.width))
  }

  private func normalize(
    _ rows: Activations, residual: Activations?, _ normalization: Normalization, into out: Activations
  ) throws(OutOfMemory) -> Activations {
    out.operand = nil
    perform(.normalize(rows, residual: residual, normalization, into: out, nil), rows: out.rows)
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
    let operand = try self.operand(.rows(rows), for: matrix)
    finishRows()
    timed(.head) {
      matrix.multiply(operand, rows: 0..<rows.rows, outputs: 0..<out.width, kernels, into: out.values, out.width)
      kernels.activate(out.values, out.width, out.rows, out.width, activation.rawValue)
    }
    return out
  }

  func dropout(_ rows: Activations, _ rate: Float) throws(OutOfMemory) -> Activations { rows }

  // MARK: Blocks

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

  /// - Parameter stride: floats from one row of the result to the next.
  func gather(
    _ table: Table, _ indices: UnsafePointer<Int32>, _ count: Int, _ out: UnsafeMutablePointer<Float>, stride: Int, adds: Bool
  ) {
    weights[table].gather(indices, count, kernels, into: out, stride: stride, adds: adds)
  }
}
