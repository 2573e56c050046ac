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

  /// Adds one chain of multiply-adds for each input, or starts with it.
  @inline(__always)
  func multiply(
    _ K: Int, _ out: UnsafeMutablePointer<Float>, adds: Bool, _ vectors: Int,
    _ weights: (_ input: Int, _ count: Int, _ vector: Int) -> InputGroup
  ) {
    var input = 0
    while input < K {
      let count = min(4, K &- input)
      let g0 = weights(input, count, 0)
      var s0 = x0 * g0.w0, s1 = x0 * g0.w1, s2 = x0 * g0.w2, s3 = x0 * g0.w3
      @inline(__always) func add(_ x: Floats, _ group: InputGroup) {
        s0 = v_fma(x, group.w0, s0)
        s1 = v_fma(x, group.w1, s1)
        s2 = v_fma(x, group.w2, s2)
        s3 = v_fma(x, group.w3, s3)
      }
      add(x1, weights(input, count, 1))
      if vectors > 2 {
        add(x2, weights(input, count, 2))
        add(x3, weights(input, count, 3))
      }
      let sums = v_hsum_of4(s0, s1, s2, s3)
      for place in 0..<count { out[input &+ place] = adds ? out[input &+ place] + sums[place] : sums[place] }
      input &+= 4
    }
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
    forEachPanel(first, D) { column, lane, isWide in
      let scales = weightScales + column
      let panel = panels + column &* groups &* 4 + lane &* 4
      for row in 0..<M {
        let (values, out) = (x + row &* xStride, out + row &* outStride)
        @inline(__always) func weights(_ input: Int, _: Int, _ vector: Int) -> InputGroup {
          InputGroup(panel.load(fromByteOffset: input &* 64 &+ vector &* 64, as: Ints.self))
        }
        let (start, end, adds) = (first &- column, first &+ D &- column, column > first)
        if isWide {
          Outputs(values, start, end, scales, from: lane, 4).multiply(K, out, adds: adds, 4, weights)
        } else {
          Outputs(values, start, end, scales, from: lane, 2).multiply(K, out, adds: adds, 2, weights)
        }
      }
    }
  }

  /// The same for fp32 weights.
  @inline(never)
  package static func linearTransposedFloat(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ panels: UnsafePointer<Float>, _ first: Int, _ D: Int, _ K: Int,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    forEachPanel(first, D) { column, lane, isWide in
      let panel = panels + column &* K + lane
      for row in 0..<M {
        let (values, out) = (x + row &* xStride, out + row &* outStride)
        @inline(__always) func weights(_ input: Int, _ count: Int, _ vector: Int) -> InputGroup {
          InputGroup(panel + input &* 64 + vector &* 16, count)
        }
        let (start, end, adds) = (first &- column, first &+ D &- column, column > first)
        if isWide {
          Outputs(values, start, end, nil, from: lane, 4).multiply(K, out, adds: adds, 4, weights)
        } else {
          Outputs(values, start, end, nil, from: lane, 2).multiply(K, out, adds: adds, 2, weights)
        }
      }
    }
  }

  /// Calls `body` for each panel that has some of the D outputs from `first` on: with the panel's first output, and with
  /// the lane from which its whole width, or half of it, has them all.
  @inline(__always)
  private static func forEachPanel(_ first: Int, _ D: Int, _ body: (_ column: Int, _ lane: Int, _ isWide: Bool) -> Void) {
    var column = first / 64 &* 64
    while column < first &+ D {
      let (start, end) = (max(0, first &- column), min(64, first &+ D &- column))
      if end <= 32 { body(column, 0, false) } else if start >= 32 { body(column, 32, false) } else { body(column, 0, true) }
      column &+= 64
    }
  }
}
