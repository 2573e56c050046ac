import CVector

/// Weights of a group of up to four inputs, 16 outputs each.
private struct InputGroup {
  let w0, w1, w2, w3: Floats

  /// Of int8: a byte of each 32-bit lane.
  @inline(__always)
  init(_ words: Ints) {
    let top = Ints(repeating: 24)
    w0 = v_tofloat((words &<< top) &>> top)
    w1 = v_tofloat((words &<< Ints(repeating: 16)) &>> top)
    w2 = v_tofloat((words &<< Ints(repeating: 8)) &>> top)
    w3 = v_tofloat(words &>> top)
  }

  /// Of fp32: the first `count` of four inputs, 64 floats apart.
  @inline(__always)
  init(_ panel: UnsafePointer<Float>, _ count: Int) {
    w0 = panel.vector(0)
    w1 = count > 1 ? panel.vector(64) : Floats()
    w2 = count > 2 ? panel.vector(128) : Floats()
    w3 = count > 3 ? panel.vector(192) : Floats()
  }
}

/// Some outputs of one panel, a value for each, on their way back to the layer's inputs.
private struct Outputs {
  /// By the lanes of the panel from a place on; zero where no output is meant.
  var x0 = Floats(), x1 = Floats(), x2 = Floats(), x3 = Floats()

  /// - Parameters:
  ///   - values: of the outputs from the lane `first` (which may be negative) to `end`.
  ///   - scales: of the panel's outputs; nil for ones.
  @inline(__always)
  init(
    _ values: UnsafePointer<Float>, _ first: Int, _ end: Int, _ scales: UnsafePointer<Float>?, from lane: Int,
    _ vectors: Int
  ) {
    x0 = Self.vector(values, first, end, scales, lane)
    x1 = Self.vector(values, first, end, scales, lane &+ 16)
    if vectors > 2 {
      x2 = Self.vector(values, first, end, scales, lane &+ 32)
      x3 = Self.vector(values, first, end, scales, lane &+ 48)
    }
  }

  @inline(__always)
  private static func vector(
    _ values: UnsafePointer<Float>, _ first: Int, _ end: Int, _ scales: UnsafePointer<Float>?, _ lane: Int
  ) -> Floats {
    var vector = Floats()
    if first <= lane && lane &+ 16 <= end {
      vector = (values - first).vector(lane)
    } else {
      for place in max(first, lane)..<max(first, lane, min(end, lane &+ 16)) { vector[place &- lane] = values[place &- first] }
    }
    return scales == nil ? vector : vector * scales!.vector(lane)
  }

  /// One chain of multiply-adds for each of a group's inputs.
  @inline(__always)
  func multiply(_ g0: InputGroup, _ g1: InputGroup, _ g2: InputGroup, _ g3: InputGroup, _ vectors: Int) -> SIMD4<Float> {
    var s0 = v_fma(x1, g1.w0, x0 * g0.w0)
    var s1 = v_fma(x1, g1.w1, x0 * g0.w1)
    var s2 = v_fma(x1, g1.w2, x0 * g0.w2)
    var s3 = v_fma(x1, g1.w3, x0 * g0.w3)
    if vectors > 2 {
      s0 = v_fma(x3, g3.w0, v_fma(x2, g2.w0, s0))
      s1 = v_fma(x3, g3.w1, v_fma(x2, g2.w1, s1))
      s2 = v_fma(x3, g3.w2, v_fma(x2, g2.w2, s2))
      s3 = v_fma(x3, g3.w3, v_fma(x2, g2.w3, s3))
    }
    return v_hsum_of4(s0, s1, s2, s3)
  }
}

/// The outputs of one panel that rows have values for.
private struct TransposedPanel {
  /// The panel's place among the layer's outputs, and those that are meant: `first` (which may be negative) to `end`.
  let column, first, end: Int
  /// Whether they need more than half of the panel's width; the lane from which the whole, or that half, has them all.
  let isWide: Bool
  let lane: Int

  @inline(__always)
  init(_ column: Int, _ first: Int, _ end: Int) {
    (self.column, self.first, self.end) = (column, first, end)
    isWide = first < 32 && end > 32
    lane = isWide || end <= 32 ? 0 : 32
  }

  /// Makes, or adds to, out [M, K] from x [M, D].
  @inline(__always)
  func multiply(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ scales: UnsafePointer<Float>?, _ K: Int,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int,
    _ weights: (_ input: Int, _ count: Int, _ vector: Int) -> InputGroup
  ) {
    if isWide {
      multiply(x, xStride, M, scales, K, out, outStride, 4, weights)
    } else {
      multiply(x, xStride, M, scales, K, out, outStride, 2, weights)
    }
  }

  /// Rows go in pairs, for which weights are read and converted once. `vectors` is a constant at every call.
  @inline(__always)
  private func multiply(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ scales: UnsafePointer<Float>?, _ K: Int,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ vectors: Int,
    _ weights: (_ input: Int, _ count: Int, _ vector: Int) -> InputGroup
  ) {
    var row = 0
    while row < M {
      let isPair = row &+ 1 < M
      let values = x + row &* xStride
      let one = Outputs(values, first, end, scales, from: lane, vectors)
      let two = isPair ? Outputs(values + xStride, first, end, scales, from: lane, vectors) : one
      let target = out + row &* outStride
      var input = 0
      while input < K {
        let count = min(4, K &- input)
        let (g0, g1) = (weights(input, count, 0), weights(input, count, 1))
        let (g2, g3) = vectors > 2 ? (weights(input, count, 2), weights(input, count, 3)) : (g0, g1)
        store(one.multiply(g0, g1, g2, g3, vectors), count, target + input)
        if isPair { store(two.multiply(g0, g1, g2, g3, vectors), count, target + outStride + input) }
        input &+= 4
      }
      row &+= 2
    }
  }

  /// The panel in which the outputs begin writes, those after it add.
  @inline(__always)
  private func store(_ sums: SIMD4<Float>, _ count: Int, _ target: UnsafeMutablePointer<Float>) {
    for place in 0..<count { target[place] = first < 0 ? target[place] + sums[place] : sums[place] }
  }
}

extension Kernel {
  /// out = x W, for W the D outputs of a layer from `first` on, dequantised: x [M, D], out [M, K], both fp32.
  @inline(never)
  package static func linearTransposedInt8(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ panels: UnsafeRawPointer, _ weightScales: UnsafePointer<Float>,
    _ first: Int, _ D: Int, _ K: Int, _ out: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    let groups = (K &+ 3) / 4
    forEachPanel(first, D) { place in
      let panel = panels + place.column &* groups &* 4 + place.lane &* 4
      place.multiply(x, xStride, M, weightScales + place.column, K, out, outStride) { input, _, vector in
        InputGroup(panel.load(fromByteOffset: input &* 64 &+ vector &* 64, as: Ints.self))
      }
    }
  }

  /// The same for fp32 weights.
  @inline(never)
  package static func linearTransposedFloat(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ panels: UnsafePointer<Float>, _ first: Int, _ D: Int, _ K: Int,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    forEachPanel(first, D) { place in
      let panel = panels + place.column &* K + place.lane
      place.multiply(x, xStride, M, nil, K, out, outStride) { input, count, vector in
        InputGroup(panel + input &* 64 + vector &* 16, count)
      }
    }
  }

  /// Calls `body` for each panel that has some of the D outputs from `first` on.
  @inline(__always)
  private static func forEachPanel(_ first: Int, _ D: Int, _ body: (TransposedPanel) -> Void) {
    var column = first / 64 &* 64
    while column < first &+ D {
      body(TransposedPanel(column, first &- column, first &+ D &- column))
      column &+= 64
    }
  }
}
