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
  private let keyScales, keySums, valuePanels, valueScales, valueSums, seenSums, zeros, queries, queryScales, scores,
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
    seenSums = valueSums &+ channels
    zeros = seenSums &+ channels
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

  /// Lays out keys and values.
  @inline(__always)
  func layOut(
    _ key: UnsafePointer<Float>, _ value: UnsafePointer<Float>, _ stride: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    // Scores are computed in whole vectors. Lanes past the end of the text are finite and never read.
    (scratch + keyScales).store(Floats(), (L &- 1) / 16 &* 16)
    Kernel.layOutKeys(key, stride, L, D, scratch, scratch + keyScales, sums(scratch, keySums))
    Kernel.layOutValues(value, stride, L, D, scratch + valuePanels, scratch + valueScales, sums(scratch, valueSums))
    let zeros = scratch + zeros
    forEachVector(max(tokens, channels)) { index, _ in zeros.store(Floats(), index) }
  }

  /// Lays out the first M queries of a head.
  @inline(__always)
  func layOut(queries query: UnsafePointer<Float>, _ stride: Int, _ M: Int, _ scratch: UnsafeMutablePointer<Float>) {
    Kernel.quantizeTokens(
      query, stride, M, D, UnsafeMutableRawPointer(scratch + queries), operandStride, scratch + queryScales)
  }

  /// The scores of some queries, from `first` on, and the first `count` tokens.
  @inline(__always)
  func score(_ first: Int, _ rows: Int, _ count: Int, _ scratch: UnsafeMutablePointer<Float>) {
    let queries = queries(scratch, from: first)
    Kernel.linearInt8(
      queries.rows, operandStride, queries.scales, rows, scratch, scratch + keyScales, sums(scratch, keySums),
      scratch + zeros, (count &+ 15) / 16 &* 16, D, scratch + scores, tokens)
  }

  /// The context of the queries whose scores of all tokens there are.
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

  /// The same of the scores of the first `count` tokens; the values of those before `summed`, a multiple of 4, are in the sums
  /// that begin with zeros. Returns what is in them now.
  @inline(never)
  func attendFirst(
    _ count: Int, summed: Int, _ rows: Int, _ scale: Float, _ out: UnsafeMutablePointer<Float>, _ outStride: Int,
    _ scratch: UnsafeMutablePointer<Float>
  ) -> Int {
    let q = UnsafeMutableRawPointer(scratch + probabilities)
    Kernel.softmaxQuantizedRows(
      scratch + scores, tokens, rows, count, scale, q, probabilityStride, scratch + probabilityScales)
    // A panel is as long as the text, and a product may read the beginning of one panel.
    let panelBytes = 256 &* ((L &+ 3) / 4)
    let end = (count &+ 3) / 4 &* 4
    var channel = 0
    while channel < D {
      let panel = UnsafeRawPointer(scratch + valuePanels) + channel / 64 &* panelBytes
      addSums(panel, summed / 4, end / 4, sums(scratch, seenSums &+ channel))
      Kernel.linearInt8(
        q, probabilityStride, scratch + probabilityScales, rows, panel, scratch + valueScales + channel,
        sums(scratch, seenSums &+ channel), scratch + zeros, min(64, D &- channel), count, out + channel, outStride)
      channel &+= 64
    }
    return end
  }

  /// Adds up the values of some groups of 4 tokens of a panel, for each of its channels, to those of the groups before.
  @inline(__always)
  private func addSums(_ panel: UnsafeRawPointer, _ first: Int, _ end: Int, _ sums: UnsafeMutablePointer<Int32>) {
    // Elsewhere operands are signed, and no product asks for the sums.
    #if AVX512_VNNI || AVX_VNNI
      let ones = unsafeBitCast(Ints(repeating: 0x0101_0101), to: SIMD64<Int8>.self)
      let target = UnsafeMutableRawPointer(sums)
      var offset = 0
      while offset < 256 {
        var sum = first > 0 ? target.loadUnaligned(fromByteOffset: offset, as: Ints.self) : Ints()
        for group in first..<end {
          sum = v_dot4(sum, ones, panel.load(fromByteOffset: group &* 256 &+ offset, as: SIMD64<Int8>.self))
        }
        target.storeBytes(of: sum, toByteOffset: offset, as: Ints.self)
        offset &+= 64
      }
    #endif
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

  /// Scaled dot-product attention (Vaswani et al., 2017) of one text, its two products in int8: M queries attend to its L tokens, in
  /// each of `group` heads that share keys and values.
  ///
  /// Queries and keys have one scale for each token. Values have one for each channel of the text; probabilities are
  /// whole numbers from 0 to 127, 127 for the highest of a row, over their sum. Each product is `linearInt8` with
  /// keys, or values, as the weights.
  ///
  /// - Parameters:
  ///   - query: [M, group, D], `stride` floats from one token to the next.
  ///   - key, value: [L, D], likewise.
  ///   - seen: as in `attention`.
  ///   - scale: what the scores are multiplied by; positive.
  ///   - bias: what is added to the scores before that, by distance (`addBias`); -infinity hides a key. Nil for nothing.
  ///   - out: [M, group, D], `outStride` floats from one token to the next.
  ///   - scratch: `attentionInt8Scratch(M, L, D)` floats, 64-byte aligned.
  @inline(never)
  package static func attentionInt8(
    _ query: UnsafePointer<Float>, _ key: UnsafePointer<Float>, _ value: UnsafePointer<Float>, _ stride: Int, _ M: Int,
    _ L: Int, _ D: Int, _ group: Int, _ seen: Int, _ scale: Float, _ bias: UnsafePointer<Float>?,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    let parts = Int8Head(M, L, D, queryRows: queryRowsInt8(L))
    parts.layOut(key, value, stride, scratch)
    for head in 0..<group {
      let out = out + head &* D
      parts.layOut(queries: query + head &* D, stride, M, scratch)
      var first = 0
      var summed = 0
      while first < M {
        let rows = min(parts.queryRows, M &- first)
        let count = min(L, seen &+ first &+ rows &- 1)
        parts.score(first, rows, count, scratch)
        if let bias { addBias(parts.scores(scratch), parts.tokens, rows, count, bias - first) }
        if count == L {
          parts.attend(rows, scale, out + first &* outStride, outStride, scratch)
        } else {
          summed = parts.attendFirst(count, summed: summed, rows, scale, out + first &* outStride, outStride, scratch)
        }
        first &+= rows
      }
    }
  }

  /// Calls `body` for the first of every four rows with where the other three are (the last one again where there are
  /// fewer) and the largest magnitudes of the four.
  @inline(__always)
  private static func forEachFour(
    _ rows: UnsafePointer<Float>, _ stride: Int, _ M: Int, _ D: Int,
    _ body: (_ first: Int, _ row: UnsafePointer<Float>, _ others: OtherRows, _ maxima: SIMD4<Float>) -> Void
  ) {
    var first = 0
    var row = rows
    while first < M {
      let others = OtherRows(M &- first, stride)
      var m0 = Floats(), m1 = Floats(), m2 = Floats(), m3 = Floats()
      forEachVector(D) { index, lanes in
        m0 = v_max_magnitude(m0, load(row, index, lanes))
        m1 = v_max_magnitude(m1, load(row + others.second, index, lanes))
        m2 = v_max_magnitude(m2, load(row + others.third, index, lanes))
        m3 = v_max_magnitude(m3, load(row + others.fourth, index, lanes))
      }
      body(first, row, others, v_hmax_magnitude_of4(m0, m1, m2, m3))
      first &+= 4
      row += 4 &* stride
    }
  }

  /// Tokens as operand rows; scales are written up to a multiple of 4.
  @inline(never)
  static func quantizeTokens(
    _ tokens: UnsafePointer<Float>, _ stride: Int, _ M: Int, _ D: Int, _ q: UnsafeMutableRawPointer, _ qStride: Int,
    _ scales: UnsafeMutablePointer<Float>
  ) {
    forEachFour(tokens, stride, M, D) { token, row, others, maxima in
      let inverses = inverseScales(maxima)
      let target = q + token &* qStride
      let targets = OtherRows(M &- token, qStride)
      let (row1, row2, row3) = (row + others.second, row + others.third, row + others.fourth)
      let (target1, target2, target3) = (target + targets.second, target + targets.third, target + targets.fourth)
      forEachVector(D) { index, lanes in
        storeRounded(load(row, index, lanes) * inverses[0], target, index)
        storeRounded(load(row1, index, lanes) * inverses[1], target1, index)
        storeRounded(load(row2, index, lanes) * inverses[2], target2, index)
        storeRounded(load(row3, index, lanes) * inverses[3], target3, index)
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
    forEachFour(key, stride, L, D) { token, row, others, maxima in
      let inverses = inverseScales(maxima)
      let target = panels + token / 64 &* 256 &* groups + token % 64 &* 4
      var t0 = Ints(), t1 = Ints(), t2 = Ints(), t3 = Ints()
      forEachVector(D) { index, lanes in
        let b0 = roundedWeights(load(row, index, lanes) * inverses[0])
        let b1 = roundedWeights(load(row + others.second, index, lanes) * inverses[1])
        let b2 = roundedWeights(load(row + others.third, index, lanes) * inverses[2])
        let b3 = roundedWeights(load(row + others.fourth, index, lanes) * inverses[3])
        t0 = t0 &+ b0
        t1 = t1 &+ b1
        t2 = t2 &+ b2
        t3 = t3 &+ b3
        let words = v_transpose4(
          unsafeBitCast(v_narrow(b0), to: SIMD4<Int32>.self), unsafeBitCast(v_narrow(b1), to: SIMD4<Int32>.self),
          unsafeBitCast(v_narrow(b2), to: SIMD4<Int32>.self), unsafeBitCast(v_narrow(b3), to: SIMD4<Int32>.self))
        let group = target + index &* 64
        group.storeBytes(of: words.r0, as: SIMD4<Int32>.self)
        if lanes > 4 { group.storeBytes(of: words.r1, toByteOffset: 256, as: SIMD4<Int32>.self) }
        if lanes > 8 { group.storeBytes(of: words.r2, toByteOffset: 512, as: SIMD4<Int32>.self) }
        if lanes > 12 { group.storeBytes(of: words.r3, toByteOffset: 768, as: SIMD4<Int32>.self) }
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
    var channel = 0
    while channel < D {
      let target = panels + channel / 64 &* 256 &* groups + channel % 64 &* 4
      let (source, scale, sum) = (value + channel, scales + channel, UnsafeMutableRawPointer(sums + channel))
      if channel &+ 16 <= D {
        layOutChannels(source, stride, L, 16, target, scale, sum)
      } else {
        layOutChannels(source, stride, L, D &- channel, target, scale, sum)
      }
      channel &+= 16
    }
  }

  /// 16 channels, or as many as there are `lanes`.
  @inline(__always)
  private static func layOutChannels(
    _ column: UnsafePointer<Float>, _ stride: Int, _ L: Int, _ lanes: Int, _ target: UnsafeMutableRawPointer,
    _ scales: UnsafeMutablePointer<Float>, _ sums: UnsafeMutableRawPointer
  ) {
    @inline(__always) func values(_ token: Int) -> Floats { load(column + token &* stride, 0, lanes) }
    var maximum = Floats(), other = Floats()
    var token = 0
    while token &+ 2 <= L {
      maximum = v_max_magnitude(maximum, values(token))
      other = v_max_magnitude(other, values(token &+ 1))
      token &+= 2
    }
    if token < L { other = v_max_magnitude(other, values(token)) }
    maximum = v_max_magnitude(maximum, other)
    let quotient = Floats(repeating: 127) / maximum
    let inverse = v_select_less(quotient, Floats(repeating: .infinity), quotient, Floats())
    var sum = Ints()
    @inline(__always) func rounded(_ token: Int) -> Ints {
      let bits = roundedWeights(values(token) * inverse)
      sum = sum &+ bits
      return bits
    }
    @inline(__always) func store(_ group: Int, _ b0: Ints, _ b1: Ints, _ b2: Ints, _ b3: Ints) {
      let byte = Ints(repeating: 255)
      let low = (b0 & byte) | ((b1 & byte) &<< Ints(repeating: 8))
      let high = ((b2 & byte) &<< Ints(repeating: 16)) | (b3 &<< Ints(repeating: 24))
      target.storeBytes(of: low | high, toByteOffset: group &* 256, as: Ints.self)
    }
    var group = 0
    while group < L / 4 {
      let first = group &* 4
      store(group, rounded(first), rounded(first &+ 1), rounded(first &+ 2), rounded(first &+ 3))
      group &+= 1
    }
    let first = group &* 4
    if first < L {
      let b1 = first &+ 1 < L ? rounded(first &+ 1) : Ints()
      let b2 = first &+ 2 < L ? rounded(first &+ 2) : Ints()
      store(group, rounded(first), b1, b2, Ints())
    }
    sum = sum &- Ints(repeating: roundedZero &* Int32(truncatingIfNeeded: L))
    scales.store(maximum / Floats(repeating: 127), 0)
    sums.storeBytes(of: sum, as: Ints.self)
  }
}
