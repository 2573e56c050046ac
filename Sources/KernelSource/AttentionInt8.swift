import CVector

/// Rows of keys and columns of values on the weight grid: a signed byte is the lowest of these bits.
@inline(__always)
private func roundedWeights(_ values: Floats) -> Ints { v_bits(values + Floats(repeating: 12_582_912)) }
private let roundedZero = Int32(bitPattern: (12_582_912 as Float).bitPattern)

/// Scores that stay in the first-level cache between the product that makes them and the one that uses them up.
private let scoresInCache = 6144

/// One head of one text in int8: where its parts lie in scratch memory, in floats from its start (each at a multiple of
/// 64 bytes), and the steps of its attention.
struct Int8Head {
  let L, D: Int
  /// Query rows that share one pass over the keys.
  let queryRows: Int
  /// The text's tokens, and the head's width, rounded up to whole panels.
  let tokens, channels: Int
  let operandStride, probabilityStride: Int
  private let keyScales, keySums, valuePanels, valueScales, valueSums, zeros, queries, queryScales, scores,
    probabilities, probabilityScales: Int
  let end: Int

  @inline(__always)
  init(_ M: Int, _ L: Int, _ D: Int, queryRows: Int) {
    (self.L, self.D, self.queryRows) = (L, D, queryRows)
    tokens = (L &+ 63) / 64 &* 64
    channels = (D &+ 63) / 64 &* 64
    operandStride = Kernel.operandStride(D)
    probabilityStride = Kernel.operandStride(L)
    keyScales = tokens &* ((D &+ 3) / 4)
    keySums = keyScales &+ tokens
    valuePanels = keySums &+ tokens
    valueScales = valuePanels &+ channels &* ((L &+ 3) / 4)
    valueSums = valueScales &+ channels
    zeros = valueSums &+ channels
    queries = zeros &+ max(tokens, channels)
    queryScales = queries &+ M &* operandStride / 4
    scores = queryScales &+ (M &+ 15) / 16 &* 16
    // No less for a shorter text, so that what is enough for the longest is enough for all.
    let room = max(queryRows &* tokens, scoresInCache)
    probabilities = scores &+ room
    probabilityScales = probabilities &+ room &* operandElementSize / 4
    end = probabilityScales &+ max(queryRows, scoresInCache / 64) &+ 16
  }

  /// The scores of the queries at hand, [queryRows, tokens].
  @inline(__always)
  func scores(_ scratch: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> { scratch + scores }

  /// The operand rows from a query on, and their scales.
  @inline(__always)
  func queries(
    _ scratch: UnsafeMutablePointer<Float>, from first: Int
  ) -> (rows: UnsafeRawPointer, scales: UnsafePointer<Float>) {
    (UnsafeRawPointer(scratch + queries) + first &* operandStride, UnsafePointer(scratch + queryScales + first))
  }

  @inline(__always)
  private func sums(_ scratch: UnsafeMutablePointer<Float>, _ place: Int) -> UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(scratch + place).assumingMemoryBound(to: Int32.self)
  }

  /// Lays out keys, values and the first M queries.
  @inline(__always)
  func layOut(
    _ query: UnsafePointer<Float>, _ key: UnsafePointer<Float>, _ value: UnsafePointer<Float>, _ stride: Int, _ M: Int,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    // Scores are made up to a whole vector: those beyond the text are zero, whatever lies in the panel there.
    (scratch + keyScales).store(Floats(), (L &- 1) / 16 &* 16)
    Kernel.layOutKeys(key, stride, L, D, scratch, scratch + keyScales, sums(scratch, keySums))
    Kernel.layOutValues(value, stride, L, D, scratch + valuePanels, scratch + valueScales, sums(scratch, valueSums))
    Kernel.quantizeTokens(
      query, stride, M, D, UnsafeMutableRawPointer(scratch + queries), operandStride, scratch + queryScales)
    let zeros = scratch + zeros
    forEachVector(max(tokens, channels)) { index, _ in zeros.store(Floats(), index) }
  }

  /// The scores of some queries, from `first` on.
  @inline(__always)
  func score(_ first: Int, _ rows: Int, _ scratch: UnsafeMutablePointer<Float>) {
    let queries = queries(scratch, from: first)
    Kernel.linearInt8(
      queries.rows, operandStride, queries.scales, rows, scratch, scratch + keyScales, sums(scratch, keySums),
      scratch + zeros, (L &+ 15) / 16 &* 16, D, scratch + scores, tokens)
  }

  /// The context of the queries whose scores there are.
  @inline(__always)
  func attend(
    _ rows: Int, _ scale: Float, _ out: UnsafeMutablePointer<Float>, _ outStride: Int,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let q = UnsafeMutableRawPointer(scratch + probabilities)
    Kernel.softmaxQuantizedRows(
      scratch + scores, tokens, rows, L, scale, q, probabilityStride, scratch + probabilityScales)
    Kernel.linearInt8(
      q, probabilityStride, scratch + probabilityScales, rows, scratch + valuePanels, scratch + valueScales,
      sums(scratch, valueSums), scratch + zeros, D, L, out, outStride)
  }
}

extension Kernel {
  /// Query rows that share one pass over the keys, in whole tiles of six.
  private static func queryRowsInt8(_ L: Int) -> Int { max(12, scoresInCache / ((L &+ 63) / 64 &* 64) / 6 &* 6) }

  /// The floats of scratch memory that `attentionInt8` needs for up to M queries, texts of up to L tokens and heads of
  /// width D.
  package static func attentionInt8Scratch(_ M: Int, _ L: Int, _ D: Int) -> Int {
    Int8Head(M, L, D, queryRows: queryRowsInt8(L)).end
  }

  /// Scaled dot-product attention (Vaswani et al., 2017) of one head of one text, its two products in int8: M queries
  /// attend to its L tokens.
  ///
  /// Queries and keys have one scale for each token. Values have one for each channel of the text; probabilities are
  /// whole numbers from 0 to 127, 127 for the highest of a row, over their sum. Each product is `linearInt8` with
  /// keys, or values, as the weights.
  ///
  /// - Parameters:
  ///   - query: [M, D], `stride` floats from one to the next.
  ///   - key, value: [L, D], likewise.
  ///   - scale: what the scores are multiplied by; positive.
  ///   - bias: what is added to the scores before that, by distance (`addBias`); -infinity hides a key. Nil for nothing.
  ///   - out: [M, D], `outStride` floats from one token to the next.
  ///   - scratch: `attentionInt8Scratch(M, L, D)` floats, 64-byte aligned.
  @inline(never)
  package static func attentionInt8(
    _ query: UnsafePointer<Float>, _ key: UnsafePointer<Float>, _ value: UnsafePointer<Float>, _ stride: Int, _ M: Int,
    _ L: Int, _ D: Int, _ scale: Float, _ bias: UnsafePointer<Float>?, _ out: UnsafeMutablePointer<Float>,
    _ outStride: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    let head = Int8Head(M, L, D, queryRows: queryRowsInt8(L))
    head.layOut(query, key, value, stride, M, scratch)
    var first = 0
    while first < M {
      let rows = min(head.queryRows, M &- first)
      head.score(first, rows, scratch)
      if let bias { addBias(head.scores(scratch), head.tokens, rows, L, bias - first) }
      head.attend(rows, scale, out + first &* outStride, outStride, scratch)
      first &+= rows
    }
  }

  /// Calls `body` for the first of every four rows with the four (the last one again where there are fewer) and their
  /// largest magnitudes.
  @inline(__always)
  private static func forEachFour(
    _ rows: UnsafePointer<Float>, _ stride: Int, _ M: Int, _ D: Int,
    _ body: (
      Int, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, SIMD4<Float>
    ) -> Void
  ) {
    var row = 0
    while row < M {
      let row0 = rows + row &* stride
      let row1 = rows + min(row &+ 1, M &- 1) &* stride
      let row2 = rows + min(row &+ 2, M &- 1) &* stride
      let row3 = rows + min(row &+ 3, M &- 1) &* stride
      var m0 = Floats(), m1 = Floats(), m2 = Floats(), m3 = Floats()
      forEachVector(D) { index, lanes in
        m0 = v_max(m0, v_abs(load(row0, index, lanes)))
        m1 = v_max(m1, v_abs(load(row1, index, lanes)))
        m2 = v_max(m2, v_abs(load(row2, index, lanes)))
        m3 = v_max(m3, v_abs(load(row3, index, lanes)))
      }
      body(row, row0, row1, row2, row3, v_hmax_of4(m0, m1, m2, m3))
      row &+= 4
    }
  }

  /// Tokens as operand rows; scales are written up to a multiple of 4.
  @inline(never)
  static func quantizeTokens(
    _ tokens: UnsafePointer<Float>, _ stride: Int, _ M: Int, _ D: Int, _ q: UnsafeMutableRawPointer, _ qStride: Int,
    _ scales: UnsafeMutablePointer<Float>
  ) {
    forEachFour(tokens, stride, M, D) { token, row0, row1, row2, row3, maxima in
      let inverses = inverseScales(maxima)
      let target = q + token &* qStride
      let last = M &- 1 &- token
      forEachVector(D) { index, lanes in
        storeRounded(load(row0, index, lanes) * inverses[0], target, index)
        storeRounded(load(row1, index, lanes) * inverses[1], target + min(1, last) &* qStride, index)
        storeRounded(load(row2, index, lanes) * inverses[2], target + min(2, last) &* qStride, index)
        storeRounded(load(row3, index, lanes) * inverses[3], target + min(3, last) &* qStride, index)
      }
      UnsafeMutableRawPointer(scales + token).storeBytes(of: maxima / SIMD4(repeating: 127), as: SIMD4<Float>.self)
    }
  }

  /// Keys as the weights of L outputs and D inputs: panels of 64 tokens by 4 channels, a scale and a sum for each token.
  @inline(never)
  static func layOutKeys(
    _ key: UnsafePointer<Float>, _ stride: Int, _ L: Int, _ D: Int, _ panels: UnsafeMutableRawPointer,
    _ scales: UnsafeMutablePointer<Float>, _ sums: UnsafeMutablePointer<Int32>
  ) {
    let groups = (D &+ 3) / 4
    forEachFour(key, stride, L, D) { token, row0, row1, row2, row3, maxima in
      let inverses = inverseScales(maxima)
      let target = panels + token / 64 &* 256 &* groups + token % 64 &* 4
      var t0 = Ints(), t1 = Ints(), t2 = Ints(), t3 = Ints()
      forEachVector(D) { index, lanes in
        let b0 = roundedWeights(load(row0, index, lanes) * inverses[0])
        let b1 = roundedWeights(load(row1, index, lanes) * inverses[1])
        let b2 = roundedWeights(load(row2, index, lanes) * inverses[2])
        let b3 = roundedWeights(load(row3, index, lanes) * inverses[3])
        t0 = t0 &+ b0
        t1 = t1 &+ b1
        t2 = t2 &+ b2
        t3 = t3 &+ b3
        let w0 = unsafeBitCast(v_narrow(b0), to: SIMD4<UInt32>.self)
        let w1 = unsafeBitCast(v_narrow(b1), to: SIMD4<UInt32>.self)
        let w2 = unsafeBitCast(v_narrow(b2), to: SIMD4<UInt32>.self)
        let w3 = unsafeBitCast(v_narrow(b3), to: SIMD4<UInt32>.self)
        for group in 0..<4 where index &+ 4 &* group < D {
          target.storeBytes(
            of: SIMD4(w0[group], w1[group], w2[group], w3[group]), toByteOffset: (index / 4 &+ group) &* 256,
            as: SIMD4<UInt32>.self)
        }
      }
      let surplus = roundedZero &* Int32(truncatingIfNeeded: (D &+ 15) / 16 &* 16)
      UnsafeMutableRawPointer(scales + token).storeBytes(of: maxima / SIMD4(repeating: 127), as: SIMD4<Float>.self)
      UnsafeMutableRawPointer(sums + token).storeBytes(
        of: v_hsum_of4_int(t0, t1, t2, t3) &- SIMD4(repeating: surplus), as: SIMD4<Int32>.self)
    }
  }

  /// Values as the weights of D outputs and L inputs: panels of 64 channels by 4 tokens, a scale and a sum for each
  /// channel.
  @inline(never)
  static func layOutValues(
    _ value: UnsafePointer<Float>, _ stride: Int, _ L: Int, _ D: Int, _ panels: UnsafeMutableRawPointer,
    _ scales: UnsafeMutablePointer<Float>, _ sums: UnsafeMutablePointer<Int32>
  ) {
    let groups = (L &+ 3) / 4
    let byte = Ints(repeating: 255)
    forEachVector(D) { channel, lanes in
      let column = value + channel
      var maximum = Floats()
      for token in 0..<L { maximum = v_max(maximum, v_abs(load(column + token &* stride, 0, lanes))) }
      let quotient = Floats(repeating: 127) / maximum
      let inverse = v_select_less(quotient, Floats(repeating: .infinity), quotient, Floats())
      let target = panels + channel / 64 &* 256 &* groups + channel % 64 &* 4
      var sum = Ints()
      @inline(__always) func rounded(_ token: Int) -> Ints {
        let bits = token < L ? roundedWeights(load(column + token &* stride, 0, lanes) * inverse) : Ints(repeating: roundedZero)
        sum = sum &+ (bits &- Ints(repeating: roundedZero))
        return bits & byte
      }
      for group in 0..<groups {
        let first = group &* 4
        var word = rounded(first)
        word = word | (rounded(first &+ 1) &<< Ints(repeating: 8))
        word = word | (rounded(first &+ 2) &<< Ints(repeating: 16))
        word = word | (rounded(first &+ 3) &<< Ints(repeating: 24))
        target.storeBytes(of: word, toByteOffset: group &* 256, as: Ints.self)
      }
      (scales + channel).store(maximum / Floats(repeating: 127), 0)
      UnsafeMutableRawPointer(sums + channel).storeBytes(of: sum, as: Ints.self)
    }
  }
}
