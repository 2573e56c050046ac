import CVector

/// Queries that share one pass over keys and positions: enough that a block of positions is little wider than theirs.
private let queryRows = 64

/// Where the parts of one head's attention lie in scratch memory, in floats; each starts at a multiple of 64 bytes.
private struct Parts {
  let tokens, valueStride, productStride: Int
  let values, scores, products, turned, end: Int

  @inline(__always)
  init(_ L: Int, _ D: Int, _ R: Int) {
    tokens = (L &+ 63) / 64 &* 64
    valueStride = (D &+ 31) / 32 &* 32
    productStride = (R &+ 63) / 64 &* 64
    values = tokens &* D
    scores = values &+ L &* valueStride
    products = scores &+ queryRows &* tokens
    turned = products &+ RelativeScores.tokens &* productStride &+ 16
    end = turned &+ RelativeScores.tokens &* 16
  }
}

/// The same for int8, behind what every head has.
private struct PartsInt8 {
  let head: Int8Head
  let productStride: Int
  let keys, keyScales, products, turned, end: Int

  @inline(__always)
  init(_ L: Int, _ D: Int, _ R: Int) {
    head = Int8Head(L, L, D, queryRows: queryRows)
    productStride = (R &+ 63) / 64 &* 64
    keys = head.end
    keyScales = keys &+ L &* head.operandStride / 4
    products = keyScales &+ head.tokens
    turned = products &+ RelativeScores.tokens &* productStride &+ 16
    end = turned &+ RelativeScores.tokens &* 16
  }
}

extension Kernel {
  /// The floats of scratch memory that `disentangledAttention` needs for a text of L tokens, heads of width D and R
  /// relative positions.
  package static func disentangledAttentionScratch(_ L: Int, _ D: Int, _ R: Int) -> Int { Parts(L, D, R).end }
  package static func disentangledAttentionInt8Scratch(_ L: Int, _ D: Int, _ R: Int) -> Int { PartsInt8(L, D, R).end }

  /// Attention whose scores are q · k + q · (the key of the position j - i) + k · (the query of the position i - j), times
  /// a scale (He et al., 2021), of one head of one text, in fp32.
  ///
  /// - Parameters:
  ///   - query: [M, D], of the text's first tokens; `stride` floats from one token to the next.
  ///   - key, value: [L, D], likewise.
  ///   - scale: what the scores are multiplied by; positive.
  ///   - positionKeys, positionQueries: R positions in the layout of the weights of a linear layer of R outputs and D
  ///     inputs; nil for a part that the scores do not have.
  ///   - keyColumns: for each j - i the row of `positionKeys`; see `RelativeScores`.
  ///   - queryColumns: for each i - j the row of `positionQueries`.
  ///   - linear: up to this distance both are consecutive.
  ///   - out: [M, D], `outStride` floats from one token to the next.
  ///   - scratch: `disentangledAttentionScratch(L, D, R)` floats, 64-byte aligned.
  @inline(never)
  package static func disentangledAttention(
    _ query: UnsafePointer<Float>, _ key: UnsafePointer<Float>, _ value: UnsafePointer<Float>, _ stride: Int, _ M: Int,
    _ L: Int, _ D: Int, _ scale: Float, _ positionKeys: UnsafeRawPointer?, _ positionQueries: UnsafeRawPointer?,
    _ R: Int, _ keyColumns: UnsafePointer<Int32>, _ queryColumns: UnsafePointer<Int32>, _ linear: Int,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    let parts = Parts(L, D, R)
    let tokens = parts.tokens
    layOutHead(key, value, stride, L, D, scratch, scratch + parts.values)
    let scores = scratch + parts.scores
    let products = scratch + parts.products
    var first = 0
    while first < M {
      let rows = min(queryRows, M &- first)
      multiplyPanels(query + first &* stride, stride, rows, scratch, nil, L, D, scores, tokens)
      if let positionKeys {
        RelativeScores(columns: keyColumns, linear: linear, products: products, stride: parts.productStride)
          .addContentToPosition(scores, tokens, first, rows, L) { token, count, position, positions in
            multiplyPanels(
              query + token &* stride, stride, count, positionKeys.assumingMemoryBound(to: Float.self) + position &* D,
              nil, positions, D, products, parts.productStride)
          }
      }
      if let positionQueries {
        RelativeScores(columns: queryColumns, linear: linear, products: products, stride: parts.productStride)
          .addPositionToContent(scores, tokens, first, rows, L, scratch + parts.turned) {
            token, count, position, positions in
            multiplyPanels(
              key + token &* stride, stride, count, positionQueries.assumingMemoryBound(to: Float.self) + position &* D,
              nil, positions, D, products, parts.productStride)
          }
      }
      softmaxRows(scores, tokens, rows, L, scale)
      multiplyFloat(
        scores, tokens, rows, scratch + parts.values, parts.valueStride, L, D, nil, out + first &* outStride, outStride)
      first &+= rows
    }
  }

  /// The same with all products in int8, queries and keys with one scale for each token; for the rest see `attentionInt8`.
  ///
  /// - Parameter scratch: `disentangledAttentionInt8Scratch(L, D, R)` floats, 64-byte aligned.
  @inline(never)
  package static func disentangledAttentionInt8(
    _ query: UnsafePointer<Float>, _ key: UnsafePointer<Float>, _ value: UnsafePointer<Float>, _ stride: Int, _ M: Int,
    _ L: Int, _ D: Int, _ scale: Float, _ positionKeys: UnsafeRawPointer?, _ positionQueries: UnsafeRawPointer?,
    _ R: Int, _ keyColumns: UnsafePointer<Int32>, _ queryColumns: UnsafePointer<Int32>, _ linear: Int,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    let parts = PartsInt8(L, D, R)
    let head = parts.head
    head.layOut(key, value, stride, scratch)
    head.layOut(queries: query, stride, M, scratch)
    let keys = UnsafeMutableRawPointer(scratch + parts.keys)
    if positionQueries != nil {
      quantizeTokens(key, stride, L, D, keys, head.operandStride, scratch + parts.keyScales)
    }
    let products = scratch + parts.products
    var first = 0
    while first < M {
      let rows = min(queryRows, M &- first)
      head.score(first, rows, L, scratch)
      if let positionKeys {
        RelativeScores(columns: keyColumns, linear: linear, products: products, stride: parts.productStride)
          .addContentToPosition(head.scores(scratch), head.tokens, first, rows, L) { token, count, position, positions in
            let queries = head.queries(scratch, from: token)
            multiplyPositions(
              queries.rows, head.operandStride, queries.scales, count, positionKeys, R, position, positions, D, products,
              parts.productStride)
          }
      }
      if let positionQueries {
        RelativeScores(columns: queryColumns, linear: linear, products: products, stride: parts.productStride)
          .addPositionToContent(head.scores(scratch), head.tokens, first, rows, L, scratch + parts.turned) {
            token, count, position, positions in
            multiplyPositions(
              keys + token &* head.operandStride, head.operandStride, scratch + parts.keyScales + token, count,
              positionQueries, R, position, positions, D, products, parts.productStride)
          }
      }
      head.attend(rows, scale, out + first &* outStride, outStride, scratch)
      first &+= rows
    }
  }

  /// Operand rows by the positions from `start` (a multiple of 64) on, N of R: out [M, N].
  @inline(__always)
  private static func multiplyPositions(
    _ q: UnsafeRawPointer, _ qStride: Int, _ scales: UnsafePointer<Float>, _ M: Int, _ positions: UnsafeRawPointer,
    _ R: Int, _ start: Int, _ N: Int, _ D: Int, _ out: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    let padded = (R &+ 63) / 64 &* 64
    let inputs = (D &+ 3) / 4 &* 4
    let vectors = positions + padded &* inputs
    linearInt8(
      q, qStride, scales, M, positions + start &* inputs, vectors.assumingMemoryBound(to: Float.self) + start,
      (vectors + padded &* 4).assumingMemoryBound(to: Int32.self) + start,
      (vectors + padded &* 8).assumingMemoryBound(to: Float.self) + start, N, D, out, outStride)
  }
}
