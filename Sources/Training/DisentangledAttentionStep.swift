import Encoders
import Kernels
import LinearAlgebra
import Storage

/// The disentangled attention of one layer in one step. Queries, keys and values are kept, of tokens and of positions; the
/// backward pass makes the probabilities of each text and head again.
final class DisentangledAttentionStep {
  private let attention: DisentangledAttention
  private let heads: AttentionHeads
  private let dropout: Dropout
  /// For each distance from `1 - batch.longest` on, the row of the positions at hand.
  private let rows: [Int]
  private let positionCount: Int

  /// - Parameter range: the rows of the table that the batch takes.
  init(
    _ attention: DisentangledAttention, batch: Batch, range: Range<Int>, queries: TokensRead, dropout: Dropout
  ) {
    self.attention = attention
    heads = AttentionHeads(batch, attention.shape, queries)
    self.dropout = dropout
    rows = (1 - batch.longest..<batch.longest).map { attention.positions.row($0) - range.lowerBound }
    positionCount = range.count
  }

  private var width: Int { attention.shape.contextWidth }
  private var columns: Int { attention.shape.columns }
  private var headWidth: Int { attention.shape.headWidth }
  private var positionWidth: Int { attention.projection.outputs }

  private typealias Head = AttentionHeads.Head

  /// A thread's memory for one head: two matrices of probabilities, and one of tokens by positions.
  private struct Scratch {
    let p, dropped, products: UnsafeMutablePointer<Float>
  }

  private func forEachHead(_ engine: TrainingEngine, textsInOrder: Bool = false, _ body: (Head, Scratch) -> Void) throws(OutOfMemory) {
    let longest = heads.batch.longest
    let size = (heads.queries.isOne ? 1 : longest) * longest.roundedUp(toMultipleOf: 16)
    try heads.forEach(engine, scratch: 2 * size + longest * positionCount, textsInOrder: textsInOrder) { head, memory in
      body(head, Scratch(p: memory, dropped: memory + size, products: memory + 2 * size))
    }
  }

  /// Calls `body` for the index of each score and of the product of position that it takes: for content to position a row
  /// of products belongs to a query, for position to content to a key.
  private func forEachScore(_ head: Head, byKey: Bool, _ body: (_ score: Int, _ product: Int) -> Void) {
    rows.withUnsafeBufferPointer { rows in
      for (row, query) in head.queries.enumerated() {
        let distances = rows.baseAddress! + query + heads.batch.longest - 1
        for key in 0..<head.length {
          body(row * head.stride + key, (byKey ? key : row) * positionCount + distances[-key])
        }
      }
    }
  }

  /// p [queries, stride] = softmax(scores · scale), and what dropout makes of it in `scratch.dropped`, or p itself.
  private func probabilities(
    _ engine: TrainingEngine, _ rows: UnsafePointer<Float>, _ positions: UnsafePointer<Float>, _ head: Head, _ scratch: Scratch
  ) -> UnsafeMutablePointer<Float> {
    let (p, products, count) = (scratch.p, scratch.products, head.queries.count)
    let (query, key) = (rows + head.query + head.queries.lowerBound * columns, rows + head.key)
    engine.products.small(
      query, columns, key, columns, transposeB: true, p, head.stride, m: count, n: head.length, k: headWidth)
    if let first = attention.firstKey {
      engine.products.small(
        query, columns, positions + first + channel(head), positionWidth, transposeB: true, products, positionCount,
        m: count, n: positionCount, k: headWidth)
      forEachScore(head, byKey: false) { p[$0] += products[$1] }
    }
    if let first = attention.firstQuery {
      engine.products.small(
        key, columns, positions + first + channel(head), positionWidth, transposeB: true, products, positionCount,
        m: head.length, n: positionCount, k: headWidth)
      forEachScore(head, byKey: true) { p[$0] += products[$1] }
    }
    engine.kernels.softmaxRows(p, head.stride, count, head.length, attention.shape.scale)
    guard dropout.rate > 0 else { return p }
    engine.training.dropout(
      p, count * head.stride, dropout.rate, dropout.key, head.first, scratch.dropped, false)
    return scratch.dropped
  }

  /// The first output of a head's keys or queries of positions.
  private func channel(_ head: Head) -> Int { head.number * headWidth }

  /// - Parameters:
  ///   - positions: the keys and queries of positions, `[positions, positionWidth]`.
  ///   - context: `[tokens or texts, width]`, out.
  func forward(
    _ engine: TrainingEngine, _ queryKeyValue: UnsafePointer<Float>, _ positions: UnsafePointer<Float>,
    _ context: UnsafeMutablePointer<Float>
  ) throws(OutOfMemory) {
    try forEachHead(engine) { head, scratch in
      let dropped = probabilities(engine, queryKeyValue, positions, head, scratch)
      engine.products.small(
        dropped, head.stride, queryKeyValue + head.value, columns, context + head.context, width, m: head.queries.count,
        n: headWidth, k: head.length)
    }
  }

  /// - Parameters:
  ///   - dContext: `[tokens or texts, width]`.
  ///   - gradient: `[tokens, shape.columns]`, overwritten.
  ///   - dPositions: `[positions, positionWidth]`, added to.
  func backward(
    _ engine: TrainingEngine, _ queryKeyValue: UnsafePointer<Float>, _ positions: UnsafePointer<Float>,
    _ dContext: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>, _ dPositions: UnsafeMutablePointer<Float>
  ) throws(OutOfMemory) {
    // All texts add to the gradients of a head's positions.
    try forEachHead(engine, textsInOrder: true) { head, memory in
      let first = head.query + head.queries.lowerBound * columns
      let (query, key) = (queryKeyValue + first, queryKeyValue + head.key)
      let (dQuery, dKey) = (gradient + first, gradient + head.key)
      let upstream = dContext + head.context
      let (length, queryCount, stride, scratch) = (head.length, head.queries.count, head.stride, memory.dropped)
      let dropped = probabilities(engine, queryKeyValue, positions, head, memory)
      engine.products.small(
        dropped, stride, transposeA: true, upstream, width, gradient + head.value, columns, m: length, n: headWidth,
        k: queryCount)
      engine.products.small(
        upstream, width, queryKeyValue + head.value, columns, transposeB: true, scratch, stride, m: queryCount, n: length,
        k: headWidth)
      engine.training.softmaxBackward(
        memory.p, scratch, stride, queryCount, length, attention.shape.scale, dropout.rate, dropout.key, head.first)
      engine.products.small(
        scratch, stride, key, columns, dQuery, columns, m: queryCount, n: headWidth, k: length)
      for token in 0..<length where !head.queries.contains(token) {
        (gradient + head.query + token * columns).update(repeating: 0, count: headWidth)
      }
      engine.products.small(
        scratch, stride, transposeA: true, query, columns, dKey, columns, m: length, n: headWidth, k: queryCount)
      /// Tokens by positions: x · y, where x [count, headWidth] are queries or keys.
      func backward(_ count: Int, byKey: Bool, _ x: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ part: Int) {
        let products = memory.products
        products.update(repeating: 0, count: count * positionCount)
        forEachScore(head, byKey: byKey) { products[$1] += scratch[$0] }
        engine.products.small(
          products, positionCount, positions + part, positionWidth, dx, columns, m: count, n: headWidth,
          k: positionCount, beta: 1)
        engine.products.small(
          products, positionCount, transposeA: true, x, columns, dPositions + part, positionWidth, m: positionCount,
          n: headWidth, k: count, beta: 1)
      }
      if let first = attention.firstKey { backward(queryCount, byKey: false, query, dQuery, first + channel(head)) }
      if let first = attention.firstQuery {
        backward(length, byKey: true, key, dKey, first + channel(head))
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

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    // Only this verb reads either, and it writes all of their gradients.
    let dPositions = try positions.contribution().gradient
    dPositions.update(repeating: 0, count: positions.count)
    try attention.backward(
      engine, input.values, positions.values, output.gradient, input.contribution().gradient, dPositions)
  }
}
