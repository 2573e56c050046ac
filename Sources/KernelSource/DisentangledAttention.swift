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

/// The same for int8.
private struct PartsInt8 {
  let tokens, operandStride, probabilityStride, productStride: Int
  let keyScales, keySums, valuePanels, valueScales, valueSums, zeros, queries, queryScales, keys, keyOperandScales,
    scores, probabilities, probabilityScales, products, turned, end: Int

  @inline(__always)
  init(_ L: Int, _ D: Int, _ R: Int) {
    tokens = (L &+ 63) / 64 &* 64
    let channels = (D &+ 63) / 64 &* 64
    operandStride = Kernel.operandStride(D)
    probabilityStride = Kernel.operandStride(L)
    productStride = (R &+ 63) / 64 &* 64
    keyScales = tokens &* ((D &+ 3) / 4)
    keySums = keyScales &+ tokens
    valuePanels = keySums &+ tokens
    valueScales = valuePanels &+ channels &* ((L &+ 3) / 4)
    valueSums = valueScales &+ channels
    zeros = valueSums &+ channels
    queries = zeros &+ max(tokens, channels)
    queryScales = queries &+ L &* operandStride / 4
    keys = queryScales &+ tokens
    keyOperandScales = keys &+ L &* operandStride / 4
    scores = keyOperandScales &+ tokens
    probabilities = scores &+ queryRows &* tokens
    probabilityScales = probabilities &+ queryRows &* probabilityStride / 4
    products = probabilityScales &+ queryRows
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
      multiplyPanels(query + first &* stride, stride, rows, scratch, L, D, scores, tokens)
      if let positionKeys {
        let relative = RelativeScores(
          columns: keyColumns, linear: linear, products: products, stride: parts.productStride)
        var row = 0
        while row < rows {
          let count = min(RelativeScores.tokens, rows &- row)
          let (start, width) = relative.window(1 &- first &- row &- count, L &- 1 &- first &- row)
          multiplyPanels(
            query + (first &+ row) &* stride, stride, count,
            positionKeys.assumingMemoryBound(to: Float.self) + start &* D, width, D, products, parts.productStride)
          relative.addContentToPosition(scores + row &* tokens, tokens, first &+ row, count, L, start)
          row &+= count
        }
      }
      if let positionQueries {
        let relative = RelativeScores(
          columns: queryColumns, linear: linear, products: products, stride: parts.productStride)
        var token = 0
        while token < L {
          let count = min(RelativeScores.tokens, L &- token)
          let (start, width) = relative.window(first &- token &- count &+ 1, first &+ rows &- 1 &- token)
          multiplyPanels(
            key + token &* stride, stride, count,
            positionQueries.assumingMemoryBound(to: Float.self) + start &* D, width, D, products, parts.productStride)
          relative.addPositionToContent(scores, tokens, first, rows, token, count, start, scratch + parts.turned)
          token &+= count
        }
      }
      softmaxRows(scores, tokens, rows, L, scale)
      multiplyFloat(
        scores, tokens, rows, scratch + parts.values, parts.valueStride, L, D, nil, out + first &* outStride, outStride)
      first &+= rows
    }
  }

  /// x [M, D] by panels of 64 columns, without a bias: out [M, N].
  @inline(never)
  private static func multiplyPanels(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ panels: UnsafePointer<Float>, _ N: Int, _ D: Int,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    var column = 0
    while column < N {
      multiplyFloat(x, xStride, M, panels + column &* D, 64, D, min(64, N &- column), nil, out + column, outStride)
      column &+= 64
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
    let (tokens, operandStride) = (parts.tokens, parts.operandStride)
    let keySums = UnsafeMutableRawPointer(scratch + parts.keySums).assumingMemoryBound(to: Int32.self)
    let valueSums = UnsafeMutableRawPointer(scratch + parts.valueSums).assumingMemoryBound(to: Int32.self)
    layOutKeys(key, stride, L, D, scratch, scratch + parts.keyScales, keySums)
    layOutValues(value, stride, L, D, scratch + parts.valuePanels, scratch + parts.valueScales, valueSums)
    let queries = UnsafeMutableRawPointer(scratch + parts.queries)
    quantizeTokens(query, stride, M, D, queries, operandStride, scratch + parts.queryScales)
    let keys = UnsafeMutableRawPointer(scratch + parts.keys)
    if positionQueries != nil {
      quantizeTokens(key, stride, L, D, keys, operandStride, scratch + parts.keyOperandScales)
    }
    let zeros = scratch + parts.zeros
    forEachVector(parts.queries &- parts.zeros) { index, _ in zeros.store(Floats(), index) }

    let scores = scratch + parts.scores
    let products = scratch + parts.products
    let probabilities = UnsafeMutableRawPointer(scratch + parts.probabilities)
    let probabilityScales = scratch + parts.probabilityScales
    var first = 0
    while first < M {
      let rows = min(queryRows, M &- first)
      linearInt8(
        queries + first &* operandStride, operandStride, scratch + parts.queryScales + first, rows, scratch,
        scratch + parts.keyScales, keySums, zeros, L, D, scores, tokens)
      if let positionKeys {
        let relative = RelativeScores(
          columns: keyColumns, linear: linear, products: products, stride: parts.productStride)
        var row = 0
        while row < rows {
          let count = min(RelativeScores.tokens, rows &- row)
          let (start, width) = relative.window(1 &- first &- row &- count, L &- 1 &- first &- row)
          multiplyPositions(
            queries + (first &+ row) &* operandStride, operandStride, scratch + parts.queryScales + first + row, count,
            positionKeys, R, start, width, D, products, parts.productStride)
          relative.addContentToPosition(scores + row &* tokens, tokens, first &+ row, count, L, start)
          row &+= count
        }
      }
      if let positionQueries {
        let relative = RelativeScores(
          columns: queryColumns, linear: linear, products: products, stride: parts.productStride)
        var token = 0
        while token < L {
          let count = min(RelativeScores.tokens, L &- token)
          let (start, width) = relative.window(first &- token &- count &+ 1, first &+ rows &- 1 &- token)
          multiplyPositions(
            keys + token &* operandStride, operandStride, scratch + parts.keyOperandScales + token, count,
            positionQueries, R, start, width, D, products, parts.productStride)
          relative.addPositionToContent(scores, tokens, first, rows, token, count, start, scratch + parts.turned)
          token &+= count
        }
      }
      softmaxQuantizedRows(
        scores, tokens, rows, L, scale, probabilities, parts.probabilityStride, probabilityScales)
      linearInt8(
        probabilities, parts.probabilityStride, probabilityScales, rows, scratch + parts.valuePanels,
        scratch + parts.valueScales, valueSums, zeros, D, L, out + first &* outStride, outStride)
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
