import Encoders
import Kernels
import Storage

/// The verbs, run for their result alone: fused, in int8 or fp32 by what each layer's weights are.
///
/// Rows are split over the pool's threads in blocks; no block depends on another, so the bits are the same with any
/// number of threads. One engine serves one caller at a time; engines may share weights and a pool.
package final class InferenceEngine: Verbs {
  package typealias Rows = Activations
  package typealias Operand = Activations

  private let weights: ModelWeights
  private let kernels: KernelTable
  private let pool: ThreadPool
  private var activations = ActivationPool()
  private var batch = Batch()
  private var positions: [Int32] = []
  /// fp32 scratch of each thread: a block of rows before it is quantised, or the attention of one head.
  private var scratch: [AlignedBuffer]
  private var result: Activations?

  /// Rows of one block: few enough that a block of the widest layer stays in the second-level cache, a multiple of
  /// the tiles' six.
  private static let blockRows = 48

  package init(weights: ModelWeights, kernels: KernelTable, pool: ThreadPool) {
    self.weights = weights
    self.kernels = kernels
    self.pool = pool
    scratch = (0..<pool.threadCount).map { _ in AlignedBuffer(byteCount: 0) }
  }

  /// Runs a model on a batch and returns its logits `[texts, labels]`, valid until the next run.
  ///
  /// The ids must lie within the model's tables.
  @discardableResult
  package func run(_ family: any EncoderFamily, _ batch: Batch) -> UnsafeBufferPointer<Float> {
    self.batch = batch
    result = nil
    result = family.forward(self)
    self.batch = Batch.empty
    return logits
  }

  /// The logits `[texts, labels]` of the last run.
  package var logits: UnsafeBufferPointer<Float> {
    guard let result else { return UnsafeBufferPointer(start: nil, count: 0) }
    return UnsafeBufferPointer(start: result.values, count: result.rows * result.width)
  }

  // MARK: Verbs

  package func embed(_ embeddings: Embeddings, dropout: Float) -> Activations {
    positions.removeAll(keepingCapacity: true)
    for text in 0..<batch.textCount {
      let first = Int32(embeddings.firstPosition)
      for place in 0..<batch.starts[text + 1] - batch.starts[text] { positions.append(first + Int32(place)) }
    }
    let width = embeddings.words.width
    let rows = hidden(rows: batch.tokenCount, width: width)
    batch.ids.withUnsafeBufferPointer { ids in
      batch.tokenTypes.withUnsafeBufferPointer { types in
        positions.withUnsafeBufferPointer { positions in
          forEachBlock(rows.rows) { block, _ in
            let out = rows.values + block.lowerBound * width
            gather(embeddings.words, ids.baseAddress! + block.lowerBound, block.count, out, adds: false)
            gather(embeddings.positions, positions.baseAddress! + block.lowerBound, block.count, out, adds: true)
            gather(embeddings.tokenTypes, types.baseAddress! + block.lowerBound, block.count, out, adds: true)
            normalize(rows, block, residual: nil, embeddings.normalization, into: rows)
          }
        }
      }
    }
    return rows
  }

  package func operand(_ rows: Activations) -> Activations { rows.operand ?? rows }

  package func linear(_ operand: Activations, _ layer: Linear) -> Activations {
    let matrix = weights.matrices[layer.index]
    let out = activations.hidden(rows: operand.rows, width: layer.outputs)
    forEachBlock(operand.rows) { block, _ in
      multiply(operand, block, matrix, out.values + block.lowerBound * out.width, out.width)
    }
    return out
  }

  package func linear(_ operand: Activations, _ layer: Linear, _ activation: Activation) -> Activations {
    let matrix = weights.matrices[layer.index]
    guard isInt8 else {
      let out = activations.hidden(rows: operand.rows, width: layer.outputs)
      forEachBlock(operand.rows) { block, _ in
        let target = out.values + block.lowerBound * out.width
        multiply(operand, block, matrix, target, out.width)
        kernels.activate(target, out.width, block.count, out.width, activation.rawValue)
      }
      return out
    }
    let out = quantized(rows: operand.rows, width: layer.outputs)
    reserveScratch(Self.blockRows * layer.outputs)
    forEachBlock(operand.rows) { block, worker in
      let values = scratch[worker].bound(to: Float.self)
      multiply(operand, block, matrix, values, layer.outputs)
      kernels.quantizeRows(
        values, layer.outputs, block.count, layer.outputs, activation.rawValue,
        out.quantized + block.lowerBound * out.stride, out.stride, out.scales + block.lowerBound)
    }
    return out
  }

  package func attend(queryKeyValue: Activations, heads: Int, dropout: Float) -> Activations {
    let width = queryKeyValue.width / 3
    let headWidth = width / heads
    let scale = 1 / Float(headWidth).squareRoot()
    let context = activations.hidden(rows: queryKeyValue.rows, width: width)
    reserveScratch(kernels.attentionScratch(batch.longest, headWidth))
    pool.parallelFor(batch.textCount * heads) { [kernels, batch, scratch] task, worker in
      let (text, head) = (task / heads, task % heads)
      let first = batch.starts[text]
      let query = queryKeyValue.values + first * queryKeyValue.width + head * headWidth
      kernels.attention(
        query, query + width, query + 2 * width, queryKeyValue.width, batch.starts[text + 1] - first, headWidth, scale,
        context.values + first * width + head * headWidth, width, scratch[worker].bound(to: Float.self))
    }
    guard isInt8 else { return context }
    let out = quantized(rows: context.rows, width: width)
    forEachBlock(context.rows) { block, _ in quantize(context, block, into: out) }
    return out
  }

  package func residualNormalize(
    _ rows: Activations, residual: Activations, _ normalization: Normalization, dropout: Float
  ) -> Activations {
    let out = hidden(rows: rows.rows, width: rows.width)
    forEachBlock(rows.rows) { block, _ in normalize(rows, block, residual: residual, normalization, into: out) }
    return out
  }

  package func firstTokens(_ rows: Activations) -> Activations {
    let out = activations.hidden(rows: batch.textCount, width: rows.width)
    for text in 0..<batch.textCount {
      (out.values + text * rows.width).update(from: rows.values + batch.starts[text] * rows.width, count: rows.width)
    }
    return out
  }

  package func dense(_ rows: Activations, _ layer: Linear, _ activation: Activation) -> Activations {
    let matrix = weights.matrices[layer.index]
    var operand = rows
    if matrix.form == .int8Panels {
      operand = quantized(rows: rows.rows, width: rows.width)
      quantize(rows, 0..<rows.rows, into: operand)
    }
    let out = activations.hidden(rows: rows.rows, width: layer.outputs)
    multiply(operand, 0..<rows.rows, matrix, out.values, out.width)
    kernels.activate(out.values, out.width, out.rows, out.width, activation.rawValue)
    return out
  }

  package func dropout(_ rows: Activations, _ rate: Float) -> Activations { rows }

  // MARK: Blocks

  private var isInt8: Bool { weights.isInt8 }

  private func hidden(rows: Int, width: Int) -> Activations {
    let rows = activations.hidden(rows: rows, width: width)
    if isInt8 { rows.operand = quantized(rows: rows.rows, width: width) }
    return rows
  }

  private func quantized(rows: Int, width: Int) -> Activations {
    activations.quantized(rows: rows, width: width, stride: kernels.operandStride(width))
  }

  /// Splits rows into blocks, at least one for each thread where the rows allow it.
  private func forEachBlock(_ rows: Int, _ body: (_ block: Range<Int>, _ worker: Int) -> Void) {
    let share = (rows + pool.threadCount - 1) / pool.threadCount
    let size = min(Self.blockRows, max(6, share.roundedUp(toMultipleOf: 6)))
    pool.parallelFor((rows + size - 1) / size) { index, worker in
      body(index * size..<min(rows, (index + 1) * size), worker)
    }
  }

  private func reserveScratch(_ floats: Int) {
    let byteCount = floats * MemoryLayout<Float>.stride
    for index in scratch.indices where scratch[index].byteCount < byteCount {
      scratch[index] = AlignedBuffer(byteCount: byteCount, zeroed: false)
    }
  }

  private func multiply(
    _ operand: Activations, _ block: Range<Int>, _ matrix: ModelWeights.Matrix, _ out: UnsafeMutablePointer<Float>,
    _ outStride: Int
  ) {
    let layout = matrix.layout
    let bias = (matrix.base + layout.biasOffset).assumingMemoryBound(to: Float.self)
    switch matrix.form {
    case .int8Panels:
      kernels.linearInt8(
        operand.quantized + block.lowerBound * operand.stride, operand.stride, operand.scales + block.lowerBound,
        block.count, matrix.base, (matrix.base + layout.scalesOffset).assumingMemoryBound(to: Float.self),
        (matrix.base + layout.rowSumsOffset).assumingMemoryBound(to: Int32.self), bias, layout.outputs, layout.inputs,
        out, outStride)
    case .float32Panels:
      kernels.linearFloat(
        operand.values + block.lowerBound * operand.width, operand.width, block.count,
        matrix.base.assumingMemoryBound(to: Float.self), bias, layout.outputs, layout.inputs, out, outStride)
    }
  }

  private func quantize(_ rows: Activations, _ block: Range<Int>, into out: Activations) {
    kernels.quantizeRows(
      rows.values + block.lowerBound * rows.width, rows.width, block.count, rows.width, Activation.identity.rawValue,
      out.quantized + block.lowerBound * out.stride, out.stride, out.scales + block.lowerBound)
  }

  private func normalize(
    _ rows: Activations, _ block: Range<Int>, residual: Activations?, _ normalization: Normalization,
    into out: Activations
  ) {
    let vectors = weights.normalizations[normalization.index]
    let offset = block.lowerBound * rows.width
    let operand = out.operand
    kernels.normalizeRows(
      rows.values + offset, rows.width, residual.map { UnsafePointer($0.values + offset) }, rows.width, block.count,
      rows.width, vectors.weight, vectors.bias, vectors.epsilon, out.values + offset, rows.width,
      operand.map { $0.quantized + block.lowerBound * $0.stride }, operand?.stride ?? 0,
      operand.map { $0.scales + block.lowerBound })
  }

  private func gather(
    _ table: Table, _ indices: UnsafePointer<Int32>, _ count: Int, _ out: UnsafeMutablePointer<Float>, adds: Bool
  ) {
    let source = weights.tables[table.index]
    switch source.form {
    case .int8Rows:
      kernels.gatherInt8Rows(
        indices, count, source.base.assumingMemoryBound(to: Int8.self),
        (source.base + Grid.rowScalesOffset(rows: source.rows, width: source.width)).assumingMemoryBound(to: Float.self),
        source.width, out, source.width, adds)
    case .float32:
      kernels.gatherFloatRows(
        indices, count, source.base.assumingMemoryBound(to: Float.self), source.width, out, source.width, adds)
    }
  }
}
