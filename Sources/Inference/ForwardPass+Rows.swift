import Encoders
import WeightFormats

/// Work on rows of which none depends on another.
enum RowStep {
  /// The words' rows of an embedding, with what lies beside them.
  case gatherWords(Embeddings, into: Activations)
  /// The rows of an embedding's other tables, added.
  case addRows(Embeddings, into: Activations)
  case quantize(Activations, into: Activations, Profile.Work)
  /// - Parameters:
  ///   - outputs: of the layer, from the first of a panel on.
  ///   - column: where they begin in the rows that they are written into.
  case multiply(Activations, ProductMatrix, outputs: Range<Int>, into: Activations, from: Int = 0)
  case activate(Activations, Activation, Profile.Work)
  /// A linear layer and what its activation makes of it, block by block.
  case feed(Activations, ProductMatrix, Activation, isGated: Bool, into: Activations)
  /// - Parameter operand: where the rows go quantised besides.
  case normalize(Activations, residual: Activations?, Normalization, into: Activations, _ operand: Activations?)
  /// The heads that lie side by side in some columns, in place.
  case normalizeHeads(Activations, Range<Int>, Normalization)
  case add(Activations, residual: Activations)
}

extension ForwardPass {
  /// Performs a step for all rows: at once on one thread. A pool's threads wait for each other no more often than they
  /// must: each takes some rows through all the steps up to the next one that needs other rows too.
  ///
  /// A normalisation waits in any case, for the verb that reads its rows: a product may want them quantised besides.
  func perform(_ step: RowStep, rows: Int) {
    var isNormalization: Bool { if case .normalize = step { true } else { false } }
    if pool == nil || waitingRows != rows { finishRows() }
    guard pool != nil || isNormalization else { return run(step, 0..<rows, thread: 0) }
    waitingRows = rows
    rowSteps.append(step)
    // What waits holds its memory, and where there are many rows the threads' own work is far more than the waiting.
    if rows > 1024, !isNormalization { finishRows() }
  }

  /// Performs the steps that rows wait for.
  func finishRows() {
    guard !rowSteps.isEmpty else { return }
    guard let pool else {
      for step in rowSteps { run(step, 0..<waitingRows, thread: 0) }
      return rowSteps.removeAll(keepingCapacity: true)
    }
    let count = min(waitingRows, pool.threadCount)
    pool.parallelFor(count) { index, thread in
      let block = waitingRows * index / count..<waitingRows * (index + 1) / count
      for step in rowSteps { run(step, block, thread: thread) }
    }
    rowSteps.removeAll(keepingCapacity: true)
  }

  private func run(_ step: RowStep, _ block: Range<Int>, thread: Int) {
    switch step {
    case .gatherWords(let embeddings, let out):
      timed(.embedding) { gatherWords(embeddings, block, into: out) }
    case .addRows(let embeddings, let out):
      timed(.embedding) { addRows(embeddings, block, into: out) }
    case .quantize(let rows, let out, let work):
      timed(work) { quantize(rows, block, into: out) }
    case .multiply(let operand, let matrix, let outputs, let out, let column):
      timed(.products) {
        matrix.multiply(
          operand, rows: block, outputs: outputs, kernels, into: out.values + block.lowerBound * out.width + column, out.width)
      }
    case .activate(let rows, let activation, let work):
      timed(work) {
        kernels.activate(
          rows.values + block.lowerBound * rows.width, rows.width, block.count, rows.width, activation.rawValue)
      }
    case .feed(let operand, let matrix, let activation, let isGated, let out):
      feed(operand, block, matrix, activation, isGated: isGated, into: out, scratch[thread])
    case .normalize(let rows, let residual, let normalization, let out, let operand):
      timed(.normalization) { normalize(rows, block, residual: residual, normalization, into: out, operand) }
    case .normalizeHeads(let rows, let columns, let normalization):
      timed(.normalization) { normalizeHeads(rows, block, columns, normalization) }
    case .add(let rows, let residual):
      timed(.normalization) {
        let start = block.lowerBound * rows.width
        kernels.add(residual.values + start, block.count * rows.width, rows.values + start)
      }
    }
  }

  private func gatherWords(_ embeddings: Embeddings, _ block: Range<Int>, into rows: Activations) {
    let out = rows.values + block.lowerBound * rows.width
    gather(embeddings.words, batch.ids, from: tokens.lowerBound + block.lowerBound, block.count, out, rows.width, adds: false)
    if let scale = embeddings.wordScale { kernels.scale(out, block.count * rows.width, scale) }
    var column = embeddings.words.width
    for table in embeddings.wordMapping?.beside ?? [] {
      gather(table, firstRows, from: 0, block.count, out + column, rows.width, adds: false)
      column += table.width
    }
  }

  private func addRows(_ embeddings: Embeddings, _ block: Range<Int>, into sum: Activations) {
    let out = sum.values + block.lowerBound * sum.width
    let first = tokens.lowerBound + block.lowerBound
    gather(embeddings.positions, positions, from: block.lowerBound, block.count, out, sum.width, adds: true)
    gather(embeddings.tokenTypes, batch.tokenTypes, from: first, block.count, out, sum.width, adds: true)
    gather(embeddings.taskTypes, firstRows, from: 0, block.count, out, sum.width, adds: true)
  }

  private func gather(
    _ table: Table?, _ indices: [Int32], from first: Int, _ count: Int, _ out: UnsafeMutablePointer<Float>, _ stride: Int,
    adds: Bool
  ) {
    guard let table else { return }
    indices.withUnsafeBufferPointer { gather(table, $0.baseAddress! + first, count, out, stride: stride, adds: adds) }
  }

  /// The rows of a block between a product and its activation: in fp32 a part of the second-level cache of a small core.
  func feedRows(_ outputs: Int) -> Int { max(6, 48 * 1536 / outputs / 6 * 6) }

  private func feed(
    _ operand: Activations, _ rows: Range<Int>, _ matrix: ProductMatrix, _ activation: Activation, isGated: Bool,
    into out: Activations, _ values: UnsafeMutablePointer<Float>
  ) {
    let outputs = matrix.outputs
    let step = feedRows(outputs)
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
      let block = first..<min(first + step, rows.upperBound)
      timed(.products) { matrix.multiply(operand, rows: block, outputs: 0..<outputs, kernels, into: values, outputs) }
      timed(.activation) {
        if isGated {
          let (target, stride) = out.isQuantized ? (values, outputs) : (out.values + block.lowerBound * out.width, out.width)
          kernels.activate(values, outputs, block.count, out.width, activation.rawValue)
          kernels.gateRows(values, outputs, block.count, out.width, target, stride)
        }
        guard out.isQuantized else { return }
        kernels.quantizeRows(
          values, outputs, block.count, out.width, isGated ? Activation.identity.rawValue : activation.rawValue,
          out.quantized + block.lowerBound * out.stride, out.stride, out.scales + block.lowerBound)
      }
    }
  }

  func quantize(_ rows: Activations, _ block: Range<Int>, into out: Activations) {
    kernels.quantizeRows(
      rows.values + block.lowerBound * rows.width, rows.width, block.count, rows.width, Activation.identity.rawValue,
      out.quantized + block.lowerBound * out.stride, out.stride, out.scales + block.lowerBound)
  }

  func normalize(
    _ rows: Activations, _ block: Range<Int>, residual: Activations?, _ normalization: Normalization,
    into out: Activations, _ operand: Activations?
  ) {
    let vectors = weights[normalization]
    let offset = block.lowerBound * rows.width
    kernels.normalizeRows(
      rows.values + offset, rows.width, residual.map { UnsafePointer($0.values + offset) }, rows.width, block.count,
      rows.width, normalization.kind.rawValue, vectors.weight, vectors.bias, vectors.epsilon, out.values + offset, rows.width,
      operand.map { $0.quantized + block.lowerBound * $0.stride }, operand?.stride ?? 0,
      operand.map { $0.scales + block.lowerBound })
  }

  private func normalizeHeads(_ rows: Activations, _ block: Range<Int>, _ columns: Range<Int>, _ normalization: Normalization) {
    let (vectors, width) = (weights[normalization], normalization.width)
    for row in block {
      let heads = rows.values + row * rows.width + columns.lowerBound
      kernels.normalizeRows(
        heads, width, nil, 0, columns.count / width, width, normalization.kind.rawValue, vectors.weight, vectors.bias,
        vectors.epsilon, heads, width, nil, 0, nil)
    }
  }
}
