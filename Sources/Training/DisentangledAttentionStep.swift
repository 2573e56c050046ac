import Encoders
import Kernels
import LinearAlgebra
import Storage

/// The disentangled attention of one layer in one step. Queries, keys and values are kept, of tokens and of positions; the
/// backward pass makes the probabilities of each text and head again.
///
/// Threads take heads, and each head's texts in their order: all of them add to the gradients of its positions.
final class DisentangledAttentionStep {
  private let batch: Batch
  private let attention: DisentangledAttention
  private let width: Int
  private let queries: Queries
  private let dropout: Dropout
  private let buffers: BufferPool
  /// As in `AttentionStep`.
  private let offsets: [Int]
  /// For each distance from `1 - batch.longest` on, the row of the positions at hand.
  private let rows: [Int]
  private let positionCount: Int

  /// - Parameter range: the rows of the table that the batch takes.
  init(
    _ attention: DisentangledAttention, batch: Batch, range: Range<Int>, width: Int, queries: Queries, dropout: Dropout,
    buffers: BufferPool
  ) {
    self.attention = attention
    self.batch = batch
    self.width = width
    self.queries = queries
    self.dropout = dropout
    self.buffers = buffers
    offsets = AttentionStep.offsets(batch, heads: attention.heads, queries)
    rows = (1 - batch.longest..<batch.longest).map { attention.positions.row($0) - range.lowerBound }
    positionCount = range.count
  }

  private var headWidth: Int { width / attention.heads }
  private var positionWidth: Int { attention.projection.outputs }

  /// One text and head: where they lie, and a thread's memory for them.
  private struct Place {
    let length: Int
    /// The tokens that attend, from the first on.
    let queries: Int
    let stride: Int
    /// The first float of the query in `[tokens, 3 width]`, and of the context in `[tokens or texts, width]`.
    let query: Int
    let context: Int
    /// The first output of the head among those of a part.
    let channel: Int
    /// The first probability.
    let first: Int
    /// Two matrices of probabilities, and one of tokens by positions.
    let p, scratch, products: UnsafeMutablePointer<Float>
  }

  private func forEachHead(_ engine: TrainingEngine, _ body: (Place) -> Void) {
    let longest = batch.longest
    let size = (queries == .firstTokens ? 1 : longest) * longest.roundedUp(toMultipleOf: 16)
    let share = 2 * size + longest * positionCount
    let memory = buffers.take(share * engine.threads.threadCount)
    engine.threads.parallelFor(attention.heads) { head, worker in
      for text in 0..<batch.textCount {
        let start = batch.starts[text]
        let length = batch.starts[text + 1] - start
        let queryCount = queries == .firstTokens ? 1 : length
        let stride = length.roundedUp(toMultipleOf: 16)
        let memory = memory.values + worker * share
        body(
          Place(
            length: length, queries: queryCount, stride: stride, query: start * 3 * width + head * headWidth,
            context: (queries == .firstTokens ? text : start) * width + head * headWidth, channel: head * headWidth,
            first: offsets[text] + head * queryCount * stride, p: memory, scratch: memory + size,
            products: memory + 2 * size))
      }
    }
  }

  /// Calls `body` for the place of each score and of the product of position that it takes: for content to position a row
  /// of products belongs to a query, for position to content to a key.
  private func forEachScore(_ place: Place, byKey: Bool, _ body: (_ score: Int, _ product: Int) -> Void) {
    rows.withUnsafeBufferPointer { rows in
      for query in 0..<place.queries {
        let distances = rows.baseAddress! + query + batch.longest - 1
        for key in 0..<place.length {
          body(query * place.stride + key, (byKey ? key : query) * positionCount + distances[-key])
        }
      }
    }
  }

  /// p [queries, stride] = softmax(scores · scale), and what dropout makes of it in `scratch`, or p itself.
  private func probabilities(
    _ engine: TrainingEngine, _ query: UnsafePointer<Float>, _ positions: UnsafePointer<Float>, _ place: Place
  ) -> UnsafeMutablePointer<Float> {
    let (p, products) = (place.p, place.products)
    engine.products.small(
      query, 3 * width, query + width, 3 * width, transposeB: true, p, place.stride, m: place.queries, n: place.length,
      k: headWidth)
    if let first = attention.firstKey {
      engine.products.small(
        query, 3 * width, positions + first + place.channel, positionWidth, transposeB: true, products, positionCount,
        m: place.queries, n: positionCount, k: headWidth)
      forEachScore(place, byKey: false) { p[$0] += products[$1] }
    }
    if let first = attention.firstQuery {
      engine.products.small(
        query + width, 3 * width, positions + first + place.channel, positionWidth, transposeB: true, products,
        positionCount, m: place.length, n: positionCount, k: headWidth)
      forEachScore(place, byKey: true) { p[$0] += products[$1] }
    }
    engine.kernels.softmaxRows(p, place.stride, place.queries, place.length, attention.scale)
    guard dropout.rate > 0 else { return p }
    engine.training.dropout(
      p, place.queries * place.stride, dropout.rate, dropout.key, place.first, place.scratch, false)
    return place.scratch
  }

  /// - Parameters:
  ///   - positions: the keys and queries of positions, `[positions, positionWidth]`.
  ///   - context: `[tokens or texts, width]`, out.
  func forward(
    _ engine: TrainingEngine, _ queryKeyValue: UnsafePointer<Float>, _ positions: UnsafePointer<Float>,
    _ context: UnsafeMutablePointer<Float>
  ) {
    forEachHead(engine) { place in
      let query = queryKeyValue + place.query
      let dropped = probabilities(engine, query, positions, place)
      engine.products.small(
        dropped, place.stride, query + 2 * width, 3 * width, context + place.context, width, m: place.queries,
        n: headWidth, k: place.length)
    }
  }

  /// - Parameters:
  ///   - dContext: `[tokens or texts, width]`.
  ///   - gradient: `[tokens, 3 width]`, overwritten.
  ///   - dPositions: `[positions, positionWidth]`, added to.
  func backward(
    _ engine: TrainingEngine, _ queryKeyValue: UnsafePointer<Float>, _ positions: UnsafePointer<Float>,
    _ dContext: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>, _ dPositions: UnsafeMutablePointer<Float>
  ) {
    forEachHead(engine) { place in
      let query = queryKeyValue + place.query
      let dQuery = gradient + place.query
      let upstream = dContext + place.context
      let (length, queryCount, stride, scratch) = (place.length, place.queries, place.stride, place.scratch)
      let dropped = probabilities(engine, query, positions, place)
      engine.products.small(
        dropped, stride, transposeA: true, upstream, width, dQuery + 2 * width, 3 * width, m: length, n: headWidth,
        k: queryCount)
      engine.products.small(
        upstream, width, query + 2 * width, 3 * width, transposeB: true, scratch, stride, m: queryCount, n: length,
        k: headWidth)
      engine.training.softmaxBackward(
        place.p, scratch, stride, queryCount, length, attention.scale, dropout.rate, dropout.key, place.first)
      engine.products.small(
        scratch, stride, query + width, 3 * width, dQuery, 3 * width, m: queryCount, n: headWidth, k: length)
      for token in queryCount..<length { (dQuery + token * 3 * width).update(repeating: 0, count: headWidth) }
      engine.products.small(
        scratch, stride, transposeA: true, query, 3 * width, dQuery + width, 3 * width, m: length, n: headWidth,
        k: queryCount)
      /// Tokens by positions: x · y, where x [count, headWidth] are queries or keys.
      func backward(_ count: Int, byKey: Bool, _ x: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ part: Int) {
        let products = place.products
        products.update(repeating: 0, count: count * positionCount)
        forEachScore(place, byKey: byKey) { products[$1] += scratch[$0] }
        engine.products.small(
          products, positionCount, positions + part, positionWidth, dx, 3 * width, m: count, n: headWidth,
          k: positionCount, beta: 1)
        engine.products.small(
          products, positionCount, transposeA: true, x, 3 * width, dPositions + part, positionWidth, m: positionCount,
          n: headWidth, k: count, beta: 1)
      }
      if let first = attention.firstKey { backward(queryCount, byKey: false, query, dQuery, first + place.channel) }
      if let first = attention.firstQuery {
        backward(length, byKey: true, query + width, dQuery + width, first + place.channel)
      }
    }
  }
}

struct DisentangledAttentionRule: GradientRule {
  let input: TapeNode
  let positions: TapeNode
  let output: TapeNode
  let attention: DisentangledAttentionStep

  init(input: TapeNode, positions: TapeNode, output: TapeNode, attention: DisentangledAttentionStep) {
    (self.input, self.positions, self.output, self.attention) = (input, positions, output, attention)
    input.keepValues()
    positions.keepValues()
  }

  func backward(_ engine: TrainingEngine) {
    // Only this verb reads either, and it writes all of their gradients.
    let dPositions = positions.contribution().gradient
    dPositions.update(repeating: 0, count: positions.count)
    attention.backward(
      engine, input.values, positions.values, output.gradient, input.contribution().gradient, dPositions)
  }
}
