import Encoders
import Kernels
import LinearAlgebra
import Storage

/// The attention of one layer in one step. Nothing is kept but queries, keys and values: the backward pass makes the
/// probabilities of each text and head again, on its thread's own scratch memory.
final class AttentionStep {
  let attention: Attention
  private let heads: AttentionHeads
  private let dropout: Dropout
  private let buffers: BufferPool
  /// Cosines and sines `[longest, headWidth / 2]`.
  private let rotation: (cosines: PooledBuffer, sines: PooledBuffer)?
  private let biases: PooledBuffer?

  init(
    _ attention: Attention, width: Int, queries: Queries, dropout: Dropout, _ engine: TrainingEngine
  ) throws(OutOfMemory) {
    self.attention = attention
    heads = AttentionHeads(engine.batch, count: attention.heads, width: width, queries)
    buffers = engine.buffers
    self.dropout = dropout
    let headWidth = heads.headWidth
    let longest = engine.batch.longest
    rotation = try attention.rotary.map { [buffers] rotary throws(OutOfMemory) in
      let (cosines, sines) = try (buffers.take(longest * (headWidth / 2)), buffers.take(longest * (headWidth / 2)))
      rotary.fill(cosines.values, sines.values, count: longest, headWidth: headWidth)
      return (cosines, sines)
    }
    if attention.hasBias(longest) {
      let reach = attention.mostKeys(longest)
      let biases = try buffers.take(attention.biasRows * attention.biasStride(reach: reach))
      attention.fillBiases(
        biases.values, reach: reach, headWidth: headWidth,
        attention.relativeBias.map { UnsafePointer(engine.parameters.values($0.table.weight)) })
      self.biases = biases
    } else {
      biases = nil
    }
  }

  private var width: Int { heads.width }
  private var headWidth: Int { heads.headWidth }
  private var scale: Float { 1 / Float(headWidth).squareRoot() }
  private var reach: Int { attention.mostKeys(heads.batch.longest) }
  private var biasStride: Int { attention.biasStride(reach: reach) }

  private typealias Head = AttentionHeads.Head

  /// Queries of one text and head that share a pass over the keys that they see.
  private struct Block {
    let queries, keys: Range<Int>
    /// Floats from one query's probabilities to the next's.
    var stride: Int { keys.count.roundedUp(toMultipleOf: 16) }
  }

  /// The most queries of a block: those of all usual texts, so that they are one block.
  private static let blockQueries = 1024

  private func blockSize(_ length: Int) -> Int { min(Self.blockQueries, attention.queryBlock(length)) }

  private func forEachBlock(_ head: Head, _ body: (Block) -> Void) {
    let size = blockSize(head.length)
    for first in stride(from: 0, to: head.queries, by: size) {
      let queries = first..<min(head.queries, first + size)
      body(Block(queries: queries, keys: attention.keys(queries, head.length)))
    }
  }

  /// Calls `body` for every text and head on all threads, with memory for two matrices of a block's probabilities.
  private func forEachHead(
    _ engine: TrainingEngine,
    _ body: (Head, _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>) -> Void
  ) throws(OutOfMemory) {
    let keys = reach
    let size = (heads.queries == .firstTokens ? 1 : min(keys, Self.blockQueries)) * keys.roundedUp(toMultipleOf: 16)
    try heads.forEach(engine, scratch: 2 * size) { head, scratch in body(head, scratch, scratch + size) }
  }

  /// Turns the queries and keys of one head in place; back with direction -1.
  private func rotate(
    _ engine: TrainingEngine, _ query: UnsafeMutablePointer<Float>, _ head: Head, direction: Float
  ) {
    guard let rotation else { return }
    engine.kernels.rotateRows(
      query, 3 * width, head.queries, headWidth, rotation.cosines.values, rotation.sines.values, direction)
    engine.kernels.rotateRows(
      query + width, 3 * width, head.length, headWidth, rotation.cosines.values, rotation.sines.values, direction)
  }

  /// p [queries, stride] = softmax(q kᵀ · scale + bias), and what dropout makes of it in `scratch`, or p itself.
  private func probabilities(
    _ engine: TrainingEngine, _ query: UnsafePointer<Float>, _ head: Head, _ block: Block,
    _ p: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    let (rows, count) = (block.queries.count, block.keys.count)
    engine.products.small(
      query + block.queries.lowerBound * 3 * width, 3 * width, query + block.keys.lowerBound * 3 * width + width,
      3 * width, transposeB: true, p, block.stride, m: rows, n: count, k: headWidth)
    if let biases, attention.hasBias(head.length) {
      let row = attention.biasRows == 1 ? 0 : head.task % heads.count
      engine.kernels.addBias(
        p, block.stride, rows, count,
        biases.values + row * biasStride + reach + block.keys.lowerBound - block.queries.lowerBound)
    }
    engine.kernels.softmaxRows(p, block.stride, rows, count, scale)
    guard dropout.rate > 0 else { return p }
    for row in 0..<rows {
      engine.training.dropout(
        p + row * block.stride, block.stride, dropout.rate, dropout.key, number(row, head, block),
        scratch + row * block.stride, false)
    }
    return scratch
  }

  /// The number of the first probability of a block's row.
  private func number(_ row: Int, _ head: Head, _ block: Block) -> Int {
    head.first + (block.queries.lowerBound + row) * head.stride + block.keys.lowerBound
  }

  func forward(
    _ engine: TrainingEngine, _ queryKeyValue: UnsafeMutablePointer<Float>, _ context: UnsafeMutablePointer<Float>
  ) throws(OutOfMemory) {
    try forEachHead(engine) { head, p, scratch in
      let query = queryKeyValue + head.query
      rotate(engine, query, head, direction: 1)
      forEachBlock(head) { block in
        let dropped = probabilities(engine, query, head, block, p, scratch)
        engine.products.small(
          dropped, block.stride, query + block.keys.lowerBound * 3 * width + 2 * width, 3 * width,
          context + head.context + block.queries.lowerBound * width, width, m: block.queries.count, n: headWidth,
          k: block.keys.count)
      }
    }
  }

  /// - Parameters:
  ///   - dContext: `[tokens or texts, width]`.
  ///   - gradient: `[tokens, 3 width]`, overwritten.
  func backward(
    _ engine: TrainingEngine, _ queryKeyValue: UnsafePointer<Float>, _ dContext: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>
  ) throws(OutOfMemory) {
    let dBiases = try attention.relativeBias.flatMap { bias throws(OutOfMemory) in
      try engine.parameters.isTrained[bias.table.weight] ? buffers.take(heads.batch.textCount * heads.count * biasStride) : nil
    }
    dBiases?.values.update(repeating: 0, count: heads.batch.textCount * heads.count * biasStride)
    try forEachHead(engine) { head, p, scratch in
      let query = queryKeyValue + head.query
      let dQuery = gradient + head.query
      // One block that sees all keys writes their gradient; several add up.
      let isWhole =
        blockSize(head.length) >= head.queries
        && attention.keys(0..<head.queries, head.length).count == head.length
      for token in isWhole ? head.queries..<head.length : 0..<head.length {
        for part in 0..<(isWhole ? 1 : 3) {
          (dQuery + token * 3 * width + part * width).update(repeating: 0, count: headWidth)
        }
      }
      forEachBlock(head) { block in
        let (rows, count, stride) = (block.queries.count, block.keys.count, block.stride)
        let first = block.queries.lowerBound * 3 * width
        let keys = block.keys.lowerBound * 3 * width
        let upstream = dContext + head.context + block.queries.lowerBound * width
        let dropped = probabilities(engine, query, head, block, p, scratch)
        engine.products.small(
          dropped, stride, transposeA: true, upstream, width, dQuery + keys + 2 * width, 3 * width, m: count,
          n: headWidth, k: rows, beta: isWhole ? 0 : 1)
        engine.products.small(
          upstream, width, query + keys + 2 * width, 3 * width, transposeB: true, scratch, stride, m: rows, n: count,
          k: headWidth)
        for row in 0..<rows {
          engine.training.softmaxBackward(
            p + row * stride, scratch + row * stride, stride, 1, count, scale, dropout.rate, dropout.key,
            number(row, head, block))
        }
        if let dBiases {
          let shift = block.keys.lowerBound - block.queries.lowerBound
          let center = dBiases.values + head.task * biasStride + reach + shift
          for row in 0..<rows { engine.kernels.add(scratch + row * stride, count, center - row) }
        }
        engine.products.small(
          scratch, stride, query + keys + width, 3 * width, dQuery + first, 3 * width, m: rows, n: headWidth, k: count)
        engine.products.small(
          scratch, stride, transposeA: true, query + first, 3 * width, dQuery + keys + width, 3 * width, m: count,
          n: headWidth, k: rows, beta: isWhole ? 0 : 1)
      }
      rotate(engine, dQuery, head, direction: -1)
    }
    if let dBiases { addBiasGradient(engine, dBiases.values) }
  }

  /// The sums by distance `[texts, heads, biasStride]`, in that order, to the buckets of the table. They are gradients
  /// of unscaled scores.
  private func addBiasGradient(_ engine: TrainingEngine, _ sums: UnsafePointer<Float>) {
    guard let table = attention.relativeBias?.table else { return }
    let buckets = (-reach...reach).map(RelativeBias.bucket)
    engine.parameters.touch(table, Set(buckets).sorted().map(Int32.init))
    let gradient = engine.parameters.gradient(table.weight)
    for task in 0..<heads.batch.textCount * heads.count {
      for (place, bucket) in buckets.enumerated() {
        gradient[bucket * heads.count + task % heads.count] += sums[task * biasStride + place] / scale
      }
    }
  }
}

struct AttentionRule: GradientRule {
  let input: TapeNode
  let output: TapeNode
  let step: AttentionStep

  init(input: TapeNode, output: TapeNode, step: AttentionStep) {
    (self.input, self.output, self.step) = (input, output, step)
    input.keepValues()
  }

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    // Only this verb reads queries, keys and values, and it writes all of their gradient.
    try step.backward(engine, input.values, output.gradient, input.contribution().gradient)
  }
}
