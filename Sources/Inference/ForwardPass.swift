import Encoders
import Kernels
import Storage

/// The verbs, run for their result alone: fused, in int8 or fp32 by what each layer's weights are.
///
/// On one thread, or with rows split over a pool's threads in blocks; no block depends on another, so the bits are the
/// same.
final class ForwardPass: Verbs {
  typealias Rows = Activations
  typealias Operand = Activations

  let weights: ModelWeights
  let kernels: any KernelTable.Type
  private let pool: ThreadPool?
  var activations = ActivationPool()
  var batch = Batch.empty
  /// The texts of the batch that this pass is for, and their tokens.
  var texts = 0..<0
  var tokens = 0..<0
  private var positions: [Int32] = []
  /// By layer: those of `ModelWeights.positionPanels` that this pass has used last.
  var latestPanels: [PositionPanels?] = []
  var scratch: Scratch
  var places = PlaceTables()
  /// Times the work while there is one; only for a pass on one thread.
  var profile: Profile?

  init(weights: ModelWeights, kernels: any KernelTable.Type, pool: ThreadPool?) {
    self.weights = weights
    self.kernels = kernels
    self.pool = pool
    scratch = Scratch(threads: pool?.threadCount ?? 1)
  }

  /// Calls `body`, which runs a model or the bottom of one, for some texts of a batch.
  func run(_ batch: Batch, _ texts: Range<Int>, _ body: () -> Activations) -> Activations {
    self.batch = batch
    self.texts = texts
    tokens = batch.starts[texts.lowerBound]..<batch.starts[texts.upperBound]
    defer { self.batch = Batch.empty }
    return body()
  }

  // MARK: Verbs

  func embed(_ embeddings: Embeddings, dropout: Float) -> Activations {
    positions.removeAll(keepingCapacity: true)
    embeddings.appendPositions(of: texts, in: batch, to: &positions)
    let width = embeddings.words.width
    let sum = hidden(rows: tokens.count, width: width)
    let rows = embeddings.projection.map { hidden(rows: tokens.count, width: $0.outputs) } ?? sum
    let first = tokens.lowerBound
    timed(.embedding) {
      batch.ids.withUnsafeBufferPointer { ids in
        batch.tokenTypes.withUnsafeBufferPointer { types in
          positions.withUnsafeBufferPointer { positions in
            forEachBlock(rows.rows) { block, _ in
              let out = sum.values + block.lowerBound * width
              gather(embeddings.words, ids.baseAddress! + first + block.lowerBound, block.count, out, adds: false)
              if let table = embeddings.positions {
                gather(table, positions.baseAddress! + block.lowerBound, block.count, out, adds: true)
              }
              if let table = embeddings.tokenTypes {
                gather(table, types.baseAddress! + first + block.lowerBound, block.count, out, adds: true)
              }
              if let projection = embeddings.projection {
                if let operand = sum.operand { quantize(sum, block, into: operand) }
                multiply(
                  operand(sum), block, weights[projection],
                  rows.values + block.lowerBound * rows.width, rows.width)
              }
              normalize(rows, block, residual: nil, embeddings.normalization, into: rows)
            }
          }
        }
      }
    }
    return rows
  }

  func operand(_ rows: Activations) -> Activations {
    guard isInt8 else { return rows }
    if let operand = rows.operand { return operand }
    let operand = quantized(rows: rows.rows, width: rows.width)
    timed(.products) { forEachBlock(rows.rows) { block, _ in quantize(rows, block, into: operand) } }
    rows.operand = operand
    return operand
  }

  func linear(_ operand: Activations, _ layer: Linear) -> Activations {
    let matrix = weights[layer]
    let out = activations.hidden(rows: operand.rows, width: layer.outputs)
    timed(.products) {
      forEachBlock(operand.rows) { block, _ in
        multiply(operand, block, matrix, out.values + block.lowerBound * out.width, out.width)
      }
    }
    return out
  }

  func linear(_ operand: Activations, _ layer: Linear, _ activation: Activation) -> Activations {
    guard isInt8 else {
      let matrix = weights[layer]
      let out = activations.hidden(rows: operand.rows, width: layer.outputs)
      forEachBlock(operand.rows) { block, _ in
        let target = out.values + block.lowerBound * out.width
        timed(.products) { multiply(operand, block, matrix, target, out.width) }
        timed(.activation) { kernels.activate(target, out.width, block.count, out.width, activation.rawValue) }
      }
      return out
    }
    let out = quantized(rows: operand.rows, width: layer.outputs)
    forEachProduct(operand, layer) { block, values in
      kernels.quantizeRows(
        values, layer.outputs, block.count, layer.outputs, activation.rawValue,
        out.quantized + block.lowerBound * out.stride, out.stride, out.scales + block.lowerBound)
    }
    return out
  }

  func gated(_ operand: Activations, _ layer: Linear, _ activation: Activation, dropout: Float) -> Activations {
    let width = layer.outputs / 2
    let out = isInt8 ? quantized(rows: operand.rows, width: width) : activations.hidden(rows: operand.rows, width: width)
    forEachProduct(operand, layer) { block, values in
      let (target, stride) = isInt8 ? (values, layer.outputs) : (out.values + block.lowerBound * width, width)
      kernels.activate(values, layer.outputs, block.count, width, activation.rawValue)
      kernels.gateRows(values, layer.outputs, block.count, width, target, stride)
      guard isInt8 else { return }
      kernels.quantizeRows(
        values, layer.outputs, block.count, width, Activation.identity.rawValue,
        out.quantized + block.lowerBound * out.stride, out.stride, out.scales + block.lowerBound)
    }
    return out
  }

  /// Calls `body` with block after block of a product's rows `[block, outputs]`, in the thread's scratch memory, for what
  /// an activation makes of them.
  private func forEachProduct(
    _ operand: Activations, _ layer: Linear, _ body: (_ block: Range<Int>, _ values: UnsafeMutablePointer<Float>) -> Void
  ) {
    let matrix = weights[layer]
    let blockRows = max(6, Self.scratchFloats / layer.outputs / 6 * 6)
    scratch.reserve(blockRows * layer.outputs)
    forEachBlock(operand.rows, atMost: blockRows) { block, worker in
      let values = scratch[worker]
      timed(.products) { multiply(operand, block, matrix, values, layer.outputs) }
      timed(.activation) { body(block, values) }
    }
  }

  var longestText: Int { texts.reduce(0) { max($0, batch.starts[$1 + 1] - batch.starts[$1]) } }

  func convolve(_ rows: Activations, _ layer: Linear, _ activation: Activation, dropout: Float) -> Activations {
    let matrix = weights[layer]
    let neighbours = hidden(rows: rows.rows, width: layer.inputs)
    let out = activations.hidden(rows: rows.rows, width: layer.outputs)
    timed(.products) {
      parallelFor(texts.count) { place, _ in
        let text = texts.lowerBound + place
        Convolution(layer, width: rows.width).unfold(
          rows.values, batch.starts[text] - tokens.lowerBound..<batch.starts[text + 1] - tokens.lowerBound, neighbours.values)
      }
      forEachBlock(rows.rows) { block, _ in
        if let operand = neighbours.operand { quantize(neighbours, block, into: operand) }
        let target = out.values + block.lowerBound * out.width
        multiply(operand(neighbours), block, matrix, target, out.width)
        kernels.activate(target, out.width, block.count, out.width, activation.rawValue)
      }
    }
    return out
  }

  func residualNormalize(
    _ rows: Activations, residual: Activations, _ normalization: Normalization, dropout: Float
  ) -> Activations {
    // In place, as `add`: what a product has just made stays in the cache.
    if isInt8 { rows.operand = quantized(rows: rows.rows, width: rows.width) }
    timed(.normalization) {
      forEachBlock(rows.rows) { block, _ in normalize(rows, block, residual: residual, normalization, into: rows) }
    }
    return rows
  }

  func add(_ rows: Activations, residual: Activations, dropout: Float) -> Activations {
    timed(.normalization) {
      forEachBlock(rows.rows) { block, _ in
        let start = block.lowerBound * rows.width
        kernels.add(residual.values + start, block.count * rows.width, rows.values + start)
      }
    }
    return rows
  }

  func normalize(_ rows: Activations, _ normalization: Normalization) -> Activations {
    let out = hidden(rows: rows.rows, width: rows.width)
    timed(.normalization) {
      forEachBlock(rows.rows) { block, _ in normalize(rows, block, residual: nil, normalization, into: out) }
    }
    return out
  }

  func firstTokens(_ rows: Activations) -> Activations {
    let out = activations.hidden(rows: texts.count, width: rows.width)
    for (place, text) in texts.enumerated() {
      let first = batch.starts[text] - tokens.lowerBound
      (out.values + place * rows.width).update(from: rows.values + first * rows.width, count: rows.width)
    }
    return out
  }

  func meanTokens(_ rows: Activations) -> Activations {
    let out = activations.hidden(rows: texts.count, width: rows.width)
    for (place, text) in texts.enumerated() {
      let mean = out.values + place * rows.width
      let tokens = batch.starts[text] - tokens.lowerBound..<batch.starts[text + 1] - tokens.lowerBound
      mean.update(repeating: 0, count: rows.width)
      for token in tokens { kernels.add(rows.values + token * rows.width, rows.width, mean) }
      kernels.scale(mean, rows.width, 1 / Float(tokens.count))
    }
    return out
  }

  func dense(_ rows: Activations, _ layer: Linear, _ activation: Activation) -> Activations {
    let matrix = weights[layer]
    let out = activations.hidden(rows: rows.rows, width: layer.outputs)
    timed(.head) {
      // A layer of the head has a form of its own: `operand` would follow the encoder's.
      var operand = rows
      if matrix.form == .int8Panels {
        operand = quantized(rows: rows.rows, width: rows.width)
        quantize(rows, 0..<rows.rows, into: operand)
      }
      multiply(operand, 0..<rows.rows, matrix, out.values, out.width)
      kernels.activate(out.values, out.width, out.rows, out.width, activation.rawValue)
    }
    return out
  }

  func dropout(_ rows: Activations, _ rate: Float) -> Activations { rows }

  // MARK: Blocks

  var isInt8: Bool { weights.isInt8 }

  func hidden(rows: Int, width: Int) -> Activations {
    let rows = activations.hidden(rows: rows, width: width)
    if isInt8 { rows.operand = quantized(rows: rows.rows, width: width) }
    return rows
  }

  func quantized(rows: Int, width: Int) -> Activations {
    activations.quantized(rows: rows, width: width, stride: kernels.operandStride(width))
  }

  /// The most floats of a block before it is quantised: a part of the second-level cache of a small core.
  private static let scratchFloats = 48 * 1536

  /// All rows at once on one thread, so that weights pass by once; with several threads in equal blocks.
  func forEachBlock(_ rows: Int, atMost limit: Int = .max, _ body: (_ block: Range<Int>, _ worker: Int) -> Void) {
    let threads = pool?.threadCount ?? 1
    let count = ((rows - 1) / limit + 1).roundedUp(toMultipleOf: threads)
    parallelFor(min(count, rows)) { index, worker in
      body(rows * index / min(count, rows)..<rows * (index + 1) / min(count, rows), worker)
    }
  }

  func parallelFor(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    if let pool { return pool.parallelFor(count, body) }
    for index in 0..<count { body(index, 0) }
  }

  func timed(_ work: Profile.Work, _ body: () -> Void) {
    guard profile != nil else { return body() }
    let start = Machine.monotonicSeconds()
    body()
    profile!.add(Machine.monotonicSeconds() - start, to: work)
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

  func quantize(_ rows: Activations, _ block: Range<Int>, into out: Activations) {
    kernels.quantizeRows(
      rows.values + block.lowerBound * rows.width, rows.width, block.count, rows.width, Activation.identity.rawValue,
      out.quantized + block.lowerBound * out.stride, out.stride, out.scales + block.lowerBound)
  }

  func normalize(
    _ rows: Activations, _ block: Range<Int>, residual: Activations?, _ normalization: Normalization,
    into out: Activations
  ) {
    let vectors = weights[normalization]
    let offset = block.lowerBound * rows.width
    let operand = out.operand
    kernels.normalizeRows(
      rows.values + offset, rows.width, residual.map { UnsafePointer($0.values + offset) }, rows.width, block.count,
      rows.width, vectors.weight, vectors.bias, vectors.epsilon, out.values + offset, rows.width,
      operand.map { $0.quantized + block.lowerBound * $0.stride }, operand?.stride ?? 0,
      operand.map { $0.scales + block.lowerBound })
  }

  func gather(
    _ table: Table, _ indices: UnsafePointer<Int32>, _ count: Int, _ out: UnsafeMutablePointer<Float>, adds: Bool
  ) {
    let source = weights[table]
    let int8 = source.base.assumingMemoryBound(to: Int8.self)
    let scales = (source.base + Grid.rowScalesOffset(rows: source.rows, width: source.width)).assumingMemoryBound(to: Float.self)
    switch source.form {
    case .int8Rows:
      kernels.gatherInt8Rows(indices, count, int8, scales, source.width, out, source.width, adds)
    case .changedInt8Rows(let changes):
      for index in 0..<count {
        let row = Int(indices[index])
        let place = Int(changes.places[row])
        // The kernel adds the row's place to where the table starts, and finds the scale by it too.
        let table = place < 0 ? int8 : changes.rows + (place - row) * source.width
        kernels.gatherInt8Rows(indices + index, 1, table, scales, source.width, out + index * source.width, source.width, adds)
      }
    case .float32:
      kernels.gatherFloatRows(
        indices, count, source.base.assumingMemoryBound(to: Float.self), source.width, out, source.width, adds)
    }
  }
}
