import Encoders
import Kernels
import LinearAlgebra
import Storage

/// The attention of one layer in one step. Nothing is kept but queries, keys and values: the backward pass makes the
/// probabilities of each text and head again, on its thread's own scratch memory.
final class AttentionStep {
  private let shape: AttentionShape
  private let heads: AttentionHeads
  private let dropout: Dropout
  private let buffers: BufferPool
  /// Cosines and sines `[longest, headWidth / 2]`.
  private let rotation: (cosines: PooledBuffer, sines: PooledBuffer)?
  private let biases: PooledBuffer?

  init(_ shape: AttentionShape, queries: TokensRead, dropout: Dropout, _ engine: TrainingEngine) throws(OutOfMemory) {
    self.shape = shape
    heads = AttentionHeads(engine.batch, shape, queries)
    buffers = engine.buffers
    self.dropout = dropout
    let headWidth = shape.headWidth
    let longest = engine.batch.longest
    rotation = try shape.rotary.map { [buffers] rotary throws(OutOfMemory) in
      let (cosines, sines) = try (buffers.take(longest * (headWidth / 2)), buffers.take(longest * (headWidth / 2)))
      rotary.fill(cosines.values, sines.values, count: longest, headWidth: headWidth)
      return (cosines, sines)
    }
    if shape.hasBias(longest) {
      let reach = shape.mostKeys(longest)
      let biases = try buffers.take(shape.biasRows * shape.biasStride(reach: reach))
      shape.fillBiases(
        biases.values, reach: reach, shape.relativeBias.map { UnsafePointer(engine.parameters.values($0.table.weight)) })
      self.biases = biases
    } else {
      biases = nil
    }
  }

  private var columns: Int { shape.columns }
  private var headWidth: Int { shape.headWidth }
  private var scale: Float { shape.scale }
  private var reach: Int { shape.mostKeys(heads.batch.longest) }
  private var biasStride: Int { shape.biasStride(reach: reach) }

  private typealias Head = AttentionHeads.Head

  /// Queries of one text and head that share a pass over the keys that they see.
  private struct Block {
    let queries, keys: Range<Int>
    /// Floats from one query's probabilities to the next's.
    var stride: Int { keys.count.roundedUp(toMultipleOf: 16) }
  }

  /// The most queries of a block: those of all usual texts, so that they are one block, or so few that hardly a key is in it that
  /// they do not see.
  private var blockQueries: Int { shape.isCausal ? 64 : 1024 }

  private func blockSize(_ length: Int) -> Int { min(blockQueries, shape.queryBlock(length)) }

  private func forEachBlock(_ head: Head, _ body: (Block) -> Void) {
    let size = blockSize(head.length)
    for first in stride(from: head.queries.lowerBound, to: head.queries.upperBound, by: size) {
      let queries = first..<min(head.queries.upperBound, first + size)
      body(Block(queries: queries, keys: shape.keys(queries, head.length)))
    }
  }

  /// Calls `body` for every text and head on all threads, with memory for two matrices of a block's probabilities.
  private func forEachHead(
    _ engine: TrainingEngine,
    _ body: (Head, _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>) -> Void
  ) throws(OutOfMemory) {
    let keys = reach
    let size = (heads.queries.isOne ? 1 : min(keys, blockQueries)) * keys.roundedUp(toMultipleOf: 16)
    try heads.forEach(engine, scratch: 2 * size) { head, scratch in body(head, scratch, scratch + size) }
  }

  /// Turns the rows of one head in place, from that of the first of some tokens on; back with direction -1.
  private func rotate(
    _ engine: TrainingEngine, _ rows: UnsafeMutablePointer<Float>, _ tokens: Range<Int>, direction: Float
  ) {
    guard let rotation else { return }
    let start = tokens.lowerBound * (headWidth / 2)
    engine.kernels.rotateRows(
      rows + tokens.lowerBound * columns, columns, tokens.count, headWidth, rotation.cosines.values + start,
      rotation.sines.values + start, direction)
  }

  /// p [queries, stride] = softmax(q kᵀ · scale + bias), and what dropout makes of it in `scratch`, or p itself.
  private func probabilities(
    _ engine: TrainingEngine, _ rows: UnsafePointer<Float>, _ head: Head, _ block: Block,
    _ p: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    let (queries, count) = (block.queries.count, block.keys.count)
    engine.products.small(
      rows + head.query + block.queries.lowerBound * columns, columns, rows + head.key + block.keys.lowerBound * columns,
      columns, transposeB: true, p, block.stride, m: queries, n: count, k: headWidth)
    if let biases, shape.hasBias(head.length) {
      engine.kernels.addBias(
        p, block.stride, queries, count,
        biases.values + (shape.biasRows == 1 ? 0 : head.number) * biasStride + reach + block.keys.lowerBound
          - block.queries.lowerBound)
    }
    engine.kernels.softmaxRows(p, block.stride, queries, count, scale)
    guard dropout.rate > 0 else { return p }
    for row in 0..<queries {
      engine.training.dropout(
        p + row * block.stride, block.stride, dropout.rate, dropout.key, number(row, head, block),
        scratch + row * block.stride, false)
    }
    return scratch
  }

  /// The number of the first probability of a block's row.
  private func number(_ row: Int, _ head: Head, _ block: Block) -> Int {
    head.first + (block.queries.lowerBound - head.queries.lowerBound + row) * head.stride + block.keys.lowerBound
  }

  func forward(
    _ engine: TrainingEngine, _ queryKeyValue: UnsafeMutablePointer<Float>, _ context: UnsafeMutablePointer<Float>
  ) throws(OutOfMemory) {
    let width = shape.contextWidth
    try forEachHead(engine) { head, p, scratch in
      rotate(engine, queryKeyValue + head.query, head.queries, direction: 1)
      if head.isFirst { rotate(engine, queryKeyValue + head.key, 0..<head.length, direction: 1) }
      forEachBlock(head) { block in
        let dropped = probabilities(engine, queryKeyValue, head, block, p, scratch)
        engine.products.small(
          dropped, block.stride, queryKeyValue + head.value + block.keys.lowerBound * columns, columns,
          context + head.context + (block.queries.lowerBound - head.queries.lowerBound) * width, width, m: block.queries.count,
          n: headWidth, k: block.keys.count)
      }
    }
  }

  /// - Parameters:
  ///   - dContext: `[tokens or texts, shape.contextWidth]`.
  ///   - gradient: `[tokens, shape.columns]`, overwritten.
  func backward(
    _ engine: TrainingEngine, _ queryKeyValue: UnsafePointer<Float>, _ dContext: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>
  ) throws(OutOfMemory) {
    let dBiases = try shape.relativeBias.flatMap { bias throws(OutOfMemory) in
      try engine.parameters.isTrained[bias.table.weight] ? buffers.take(heads.batch.textCount * shape.heads * biasStride) : nil
    }
    dBiases?.values.update(repeating: 0, count: heads.batch.textCount * shape.heads * biasStride)
    let width = shape.contextWidth
    try forEachHead(engine) { head, p, scratch in
      // The first head's block that sees all keys writes their gradient; several blocks and heads add up.
      let isOneBlock =
        blockSize(head.length) >= head.queries.count && shape.keys(head.queries, head.length).count == head.length
      let overwrites = isOneBlock && head.isFirst
      for token in 0..<head.length {
        func clear(_ part: Int) { (gradient + part + token * columns).update(repeating: 0, count: headWidth) }
        if !isOneBlock || !head.queries.contains(token) { clear(head.query) }
        if head.isFirst, !isOneBlock {
          clear(head.key)
          clear(head.value)
        }
      }
      forEachBlock(head) { block in
        let (rows, count, stride) = (block.queries.count, block.keys.count, block.stride)
        let first = head.query + block.queries.lowerBound * columns
        let key = head.key + block.keys.lowerBound * columns
        let value = head.value + block.keys.lowerBound * columns
        let upstream = dContext + head.context + (block.queries.lowerBound - head.queries.lowerBound) * width
        let dropped = probabilities(engine, queryKeyValue, head, block, p, scratch)
        engine.products.small(
          dropped, stride, transposeA: true, upstream, width, gradient + value, columns, m: count, n: headWidth, k: rows,
          beta: overwrites ? 0 : 1)
        engine.products.small(
          upstream, width, queryKeyValue + value, columns, transposeB: true, scratch, stride, m: rows, n: count, k: headWidth)
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
          scratch, stride, queryKeyValue + key, columns, gradient + first, columns, m: rows, n: headWidth, k: count)
        engine.products.small(
          scratch, stride, transposeA: true, queryKeyValue + first, columns, gradient + key, columns, m: count, n: headWidth,
          k: rows, beta: overwrites ? 0 : 1)
      }
      rotate(engine, gradient + head.query, head.queries, direction: -1)
      if head.isLast { rotate(engine, gradient + head.key, 0..<head.length, direction: -1) }
    }
    if let dBiases { addBiasGradient(engine, dBiases.values) }
  }

  /// The sums by distance `[texts, heads, biasStride]`, in that order, to the buckets of the table. They are gradients
  /// of unscaled scores.
  private func addBiasGradient(_ engine: TrainingEngine, _ sums: UnsafePointer<Float>) {
    guard let table = shape.relativeBias?.table else { return }
    let buckets = (-reach...reach).map(RelativeBias.bucket)
    engine.parameters.touch(table, Set(buckets).sorted().map(Int32.init))
    let gradient = engine.parameters.gradient(table.weight)
    for task in 0..<heads.batch.textCount * shape.heads {
      for (index, bucket) in buckets.enumerated() {
        gradient[bucket * shape.heads + task % shape.heads] += sums[task * biasStride + index] / scale
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
