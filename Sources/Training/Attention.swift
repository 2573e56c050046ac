import Encoders
import Kernels
import LinearAlgebra
import Storage

/// The attention of one layer in one step. Nothing is kept but queries, keys and values: the backward pass makes the
/// probabilities of each text and head again, on its thread's own scratch memory.
final class AttentionStep {
  let attention: Attention
  private let batch: Batch
  private let width: Int
  private let queries: Queries
  private let dropout: Dropout
  private let buffers: BufferPool
  /// The number of each text's first probability: they count as [heads, queries, stride] for each text, one after the
  /// other; `stride` is the length rounded up to 16. Dropout asks for the numbers.
  private let offsets: [Int]
  /// Cosines and sines `[longest, headWidth / 2]`.
  private let rotation: (cosines: PooledBuffer, sines: PooledBuffer)?
  private let biases: PooledBuffer?

  init(
    _ attention: Attention, width: Int, queries: Queries, dropout: Dropout, _ engine: TrainingEngine
  ) {
    self.attention = attention
    batch = engine.batch
    buffers = engine.buffers
    self.width = width
    self.queries = queries
    self.dropout = dropout
    offsets = Self.offsets(batch, heads: attention.heads, queries)
    let headWidth = width / attention.heads
    let longest = batch.longest
    rotation = attention.rotary.map { [buffers] rotary in
      let (cosines, sines) = (buffers.take(longest * (headWidth / 2)), buffers.take(longest * (headWidth / 2)))
      rotary.fill(cosines.values, sines.values, count: longest, headWidth: headWidth)
      return (cosines, sines)
    }
    if attention.hasBias(longest) {
      let reach = attention.mostKeys(longest)
      let biases = buffers.take(attention.biasRows * attention.biasStride(reach: reach))
      attention.fillBiases(
        biases.values, reach: reach, headWidth: headWidth,
        attention.relativeBias.map { UnsafePointer(engine.parameters.values($0.table.weight)) })
      self.biases = biases
    } else {
      biases = nil
    }
  }

  /// The number of each text's first probability.
  static func offsets(_ batch: Batch, heads: Int, _ queries: Queries) -> [Int] {
    var offsets = [0]
    for text in 0..<batch.textCount {
      let length = batch.starts[text + 1] - batch.starts[text]
      let queryCount = queries == .firstTokens ? 1 : length
      offsets.append(offsets[text] + heads * queryCount * length.roundedUp(toMultipleOf: 16))
    }
    return offsets
  }

  private var heads: Int { attention.heads }
  private var headWidth: Int { width / heads }
  private var scale: Float { 1 / Float(headWidth).squareRoot() }
  private var reach: Int { attention.mostKeys(batch.longest) }
  private var biasStride: Int { attention.biasStride(reach: reach) }

  /// Where one text and head lie.
  private struct Place {
    let length: Int
    /// Its number among those of all texts and heads.
    let task: Int
    /// The tokens that attend, from the first on.
    let queries: Int
    /// The numbers of probabilities from one query to the next.
    let stride: Int
    /// The first float of the query in `[tokens, 3 width]`, and of the context in `[tokens or texts, width]`.
    let query: Int
    let context: Int
    /// The first probability's number.
    let first: Int
  }

  /// Queries of one text and head that share a pass over the keys that they see.
  private struct Block {
    let queries, keys: Range<Int>
    /// Floats from one query's probabilities to the next's.
    var stride: Int { keys.count.roundedUp(toMultipleOf: 16) }
  }

  /// The most queries of a block: those of all usual texts, so that they are one block.
  private static let blockQueries = 1024

  private func blockSize(_ length: Int) -> Int { min(Self.blockQueries, attention.queryBlock(length)) }

  private func forEachBlock(_ place: Place, _ body: (Block) -> Void) {
    let size = blockSize(place.length)
    for first in stride(from: 0, to: place.queries, by: size) {
      let queries = first..<min(place.queries, first + size)
      body(Block(queries: queries, keys: attention.keys(queries, place.length)))
    }
  }

  /// Calls `body` for every text and head on all threads, with memory for two matrices of a block's probabilities.
  private func forEachHead(
    _ engine: TrainingEngine,
    _ body: (Place, _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>) -> Void
  ) {
    let longest = batch.longest
    let keys = attention.mostKeys(longest)
    let size = (queries == .firstTokens ? 1 : min(keys, Self.blockQueries)) * keys.roundedUp(toMultipleOf: 16)
    let scratch = buffers.take(2 * size * engine.threads.threadCount)
    engine.threads.parallelFor(batch.textCount * heads) { task, worker in
      let (text, head) = (task / heads, task % heads)
      let start = batch.starts[text]
      let length = batch.starts[text + 1] - start
      let queryCount = queries == .firstTokens ? 1 : length
      let stride = length.roundedUp(toMultipleOf: 16)
      body(
        Place(
          length: length, task: task, queries: queryCount, stride: stride, query: start * 3 * width + head * headWidth,
          context: (queries == .firstTokens ? text : start) * width + head * headWidth,
          first: offsets[text] + head * queryCount * stride),
        scratch.values + 2 * worker * size, scratch.values + (2 * worker + 1) * size)
    }
  }

  /// Turns the queries and keys of one head in place; back with direction -1.
  private func rotate(
    _ engine: TrainingEngine, _ query: UnsafeMutablePointer<Float>, _ place: Place, direction: Float
  ) {
    guard let rotation else { return }
    engine.kernels.rotateRows(
      query, 3 * width, place.queries, headWidth, rotation.cosines.values, rotation.sines.values, direction)
    engine.kernels.rotateRows(
      query + width, 3 * width, place.length, headWidth, rotation.cosines.values, rotation.sines.values, direction)
  }

  /// p [queries, stride] = softmax(q kᵀ · scale + bias), and what dropout makes of it in `scratch`, or p itself.
  private func probabilities(
    _ engine: TrainingEngine, _ query: UnsafePointer<Float>, _ place: Place, _ block: Block,
    _ p: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    let (rows, count) = (block.queries.count, block.keys.count)
    engine.products.small(
      query + block.queries.lowerBound * 3 * width, 3 * width, query + block.keys.lowerBound * 3 * width + width,
      3 * width, transposeB: true, p, block.stride, m: rows, n: count, k: headWidth)
    if let biases, attention.hasBias(place.length) {
      let row = attention.biasRows == 1 ? 0 : place.task % heads
      engine.kernels.addBias(
        p, block.stride, rows, count,
        biases.values + row * biasStride + reach + block.keys.lowerBound - block.queries.lowerBound)
    }
    engine.kernels.softmaxRows(p, block.stride, rows, count, scale)
    guard dropout.rate > 0 else { return p }
    for row in 0..<rows {
      engine.training.dropout(
        p + row * block.stride, block.stride, dropout.rate, dropout.key, number(row, place, block),
        scratch + row * block.stride, false)
    }
    return scratch
  }

  /// The number of the first probability of a block's row.
  private func number(_ row: Int, _ place: Place, _ block: Block) -> Int {
    place.first + (block.queries.lowerBound + row) * place.stride + block.keys.lowerBound
  }

  func forward(
    _ engine: TrainingEngine, _ queryKeyValue: UnsafeMutablePointer<Float>, _ context: UnsafeMutablePointer<Float>
  ) {
    forEachHead(engine) { place, p, scratch in
      let query = queryKeyValue + place.query
      rotate(engine, query, place, direction: 1)
      forEachBlock(place) { block in
        let dropped = probabilities(engine, query, place, block, p, scratch)
        engine.products.small(
          dropped, block.stride, query + block.keys.lowerBound * 3 * width + 2 * width, 3 * width,
          context + place.context + block.queries.lowerBound * width, width, m: block.queries.count, n: headWidth,
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
  ) {
    let dBiases = attention.relativeBias.flatMap { bias in
      engine.parameters.isTrained[bias.table.weight] ? buffers.take(batch.textCount * heads * biasStride) : nil
    }
    dBiases?.values.update(repeating: 0, count: batch.textCount * heads * biasStride)
    forEachHead(engine) { place, p, scratch in
      let query = queryKeyValue + place.query
      let dQuery = gradient + place.query
      // One block that sees all keys writes their gradient; several add up.
      let isWhole =
        blockSize(place.length) >= place.queries
        && attention.keys(0..<place.queries, place.length).count == place.length
      for token in isWhole ? place.queries..<place.length : 0..<place.length {
        for part in 0..<(isWhole ? 1 : 3) {
          (dQuery + token * 3 * width + part * width).update(repeating: 0, count: headWidth)
        }
      }
      forEachBlock(place) { block in
        let (rows, count, stride) = (block.queries.count, block.keys.count, block.stride)
        let first = block.queries.lowerBound * 3 * width
        let keys = block.keys.lowerBound * 3 * width
        let upstream = dContext + place.context + block.queries.lowerBound * width
        let dropped = probabilities(engine, query, place, block, p, scratch)
        engine.products.small(
          dropped, stride, transposeA: true, upstream, width, dQuery + keys + 2 * width, 3 * width, m: count,
          n: headWidth, k: rows, beta: isWhole ? 0 : 1)
        engine.products.small(
          upstream, width, query + keys + 2 * width, 3 * width, transposeB: true, scratch, stride, m: rows, n: count,
          k: headWidth)
        for row in 0..<rows {
          engine.training.softmaxBackward(
            p + row * stride, scratch + row * stride, stride, 1, count, scale, dropout.rate, dropout.key,
            number(row, place, block))
        }
        if let dBiases {
          let shift = block.keys.lowerBound - block.queries.lowerBound
          let center = dBiases.values + place.task * biasStride + reach + shift
          for row in 0..<rows { engine.kernels.add(scratch + row * stride, count, center - row) }
        }
        engine.products.small(
          scratch, stride, query + keys + width, 3 * width, dQuery + first, 3 * width, m: rows, n: headWidth, k: count)
        engine.products.small(
          scratch, stride, transposeA: true, query + first, 3 * width, dQuery + keys + width, 3 * width, m: count,
          n: headWidth, k: rows, beta: isWhole ? 0 : 1)
      }
      rotate(engine, dQuery, place, direction: -1)
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
    for task in 0..<batch.textCount * heads {
      for (place, bucket) in buckets.enumerated() {
        gradient[bucket * heads + task % heads] += sums[task * biasStride + place] / scale
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

  func backward(_ engine: TrainingEngine) {
    // Only this verb reads queries, keys and values, and it writes all of their gradient.
    step.backward(engine, input.values, output.gradient, input.contribution().gradient)
  }
}
