import Encoders
import Kernels
import LinearAlgebra
import Storage

/// The attention of one layer in one step. Nothing is kept but queries, keys and values: the backward pass makes the
/// probabilities of each text and head again, on its thread's own scratch memory.
final class AttentionStep {
  private let batch: Batch
  private let attention: Attention
  private let width: Int
  private let queries: Queries
  private let dropout: Dropout
  private let buffers: BufferPool
  /// The number of each text's first probability: they count as [heads, queries, stride] for each text, one after the
  /// other; `stride` is the length rounded up to 16. Dropout asks for the numbers.
  private let offsets: [Int]

  init(_ attention: Attention, batch: Batch, width: Int, queries: Queries, dropout: Dropout, buffers: BufferPool) {
    self.attention = attention
    self.batch = batch
    self.width = width
    self.queries = queries
    self.dropout = dropout
    self.buffers = buffers
    var offsets = [0]
    for text in 0..<batch.textCount {
      let length = batch.starts[text + 1] - batch.starts[text]
      let queryCount = queries == .firstTokens ? 1 : length
      offsets.append(offsets[text] + attention.heads * queryCount * length.roundedUp(toMultipleOf: 16))
    }
    self.offsets = offsets
  }

  private var heads: Int { attention.heads }
  private var headWidth: Int { width / heads }
  private var scale: Float { 1 / Float(headWidth).squareRoot() }

  /// Where one text and head lie.
  private struct Place {
    let length: Int
    /// The tokens that attend, from the first on.
    let queries: Int
    let stride: Int
    /// The first float of the query in `[tokens, 3 width]`, and of the context in `[tokens or texts, width]`.
    let query: Int
    let context: Int
    /// The first probability.
    let first: Int
  }

  /// Calls `body` for every text and head on all threads, with memory for two matrices of probabilities.
  private func forEachHead(
    _ engine: TrainingEngine,
    _ body: (Place, _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>) -> Void
  ) {
    let longest = batch.longest
    let size = (queries == .firstTokens ? 1 : longest) * longest.roundedUp(toMultipleOf: 16)
    let scratch = buffers.take(2 * size * engine.threads.threadCount)
    engine.threads.parallelFor(batch.textCount * heads) { task, worker in
      let (text, head) = (task / heads, task % heads)
      let start = batch.starts[text]
      let length = batch.starts[text + 1] - start
      let queryCount = queries == .firstTokens ? 1 : length
      let stride = length.roundedUp(toMultipleOf: 16)
      body(
        Place(
          length: length, queries: queryCount, stride: stride, query: start * 3 * width + head * headWidth,
          context: (queries == .firstTokens ? text : start) * width + head * headWidth,
          first: offsets[text] + head * queryCount * stride),
        scratch.values + 2 * worker * size, scratch.values + (2 * worker + 1) * size)
    }
  }

  /// p [queries, stride] = softmax(q kᵀ · scale), and what dropout makes of it in `scratch`, or p itself.
  private func probabilities(
    _ engine: TrainingEngine, _ query: UnsafePointer<Float>, _ place: Place, _ p: UnsafeMutablePointer<Float>,
    _ scratch: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    engine.products.small(
      query, 3 * width, query + width, 3 * width, transposeB: true, p, place.stride, m: place.queries, n: place.length,
      k: headWidth)
    engine.kernels.softmaxRows(p, place.stride, place.queries, place.length, scale)
    guard dropout.rate > 0 else { return p }
    engine.training.dropout(
      p, place.queries * place.stride, dropout.rate, dropout.key, place.first, scratch, false)
    return scratch
  }

  func forward(
    _ engine: TrainingEngine, _ queryKeyValue: UnsafePointer<Float>, _ context: UnsafeMutablePointer<Float>
  ) {
    forEachHead(engine) { place, p, scratch in
      let query = queryKeyValue + place.query
      let dropped = probabilities(engine, query, place, p, scratch)
      engine.products.small(
        dropped, place.stride, query + 2 * width, 3 * width, context + place.context, width, m: place.queries,
        n: headWidth, k: place.length)
    }
  }

  /// - Parameters:
  ///   - dContext: `[tokens or texts, width]`.
  ///   - gradient: `[tokens, 3 width]`, overwritten.
  func backward(
    _ engine: TrainingEngine, _ queryKeyValue: UnsafePointer<Float>, _ dContext: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>
  ) {
    forEachHead(engine) { place, p, scratch in
      let query = queryKeyValue + place.query
      let dQuery = gradient + place.query
      let upstream = dContext + place.context
      let (length, queryCount, stride) = (place.length, place.queries, place.stride)
      let dropped = probabilities(engine, query, place, p, scratch)
      engine.products.small(
        dropped, stride, transposeA: true, upstream, width, dQuery + 2 * width, 3 * width, m: length, n: headWidth,
        k: queryCount)
      engine.products.small(
        upstream, width, query + 2 * width, 3 * width, transposeB: true, scratch, stride, m: queryCount, n: length,
        k: headWidth)
      engine.training.softmaxBackward(
        p, scratch, stride, queryCount, length, scale, dropout.rate, dropout.key,
        place.first)
      engine.products.small(
        scratch, stride, query + width, 3 * width, dQuery, 3 * width, m: queryCount, n: headWidth, k: length)
      for token in queryCount..<length { (dQuery + token * 3 * width).update(repeating: 0, count: headWidth) }
      engine.products.small(
        scratch, stride, transposeA: true, query, 3 * width, dQuery + width, 3 * width, m: length, n: headWidth,
        k: queryCount)
    }
  }
}

struct AttentionRule: GradientRule {
  let input: TapeNode
  let output: TapeNode
  let attention: AttentionStep

  init(input: TapeNode, output: TapeNode, attention: AttentionStep) {
    (self.input, self.output, self.attention) = (input, output, attention)
    input.keepValues()
  }

  func backward(_ engine: TrainingEngine) {
    // Only this verb reads queries, keys and values, and it writes all of their gradient.
    attention.backward(engine, input.values, output.gradient, input.contribution().gradient)
  }
}
