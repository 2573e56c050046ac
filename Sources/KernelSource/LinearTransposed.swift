import CVector

// The way back from outputs to inputs. Weights are turned round, four outputs by 16 inputs, so that lanes are inputs; each
// input's value is then one chain of multiply-adds over the outputs.

/// Four rows of a layer's panels, of 64 words for as many outputs: a word is one input in fp32, four in int8.
private struct PanelRows {
  let r0, r1, r2, r3: UnsafeRawPointer
  /// Bytes from one panel to the next.
  let panelBytes: Int

  /// - Parameter count: of the rows of a panel; after the last one it comes again.
  @inline(__always)
  init(_ panels: UnsafeRawPointer, _ row: Int, _ count: Int) {
    let last = count &- 1
    r0 = panels + min(row, last) &* 256
    r1 = panels + min(row &+ 1, last) &* 256
    r2 = panels + min(row &+ 2, last) &* 256
    r3 = panels + min(row &+ 3, last) &* 256
    panelBytes = count &* 256
  }

  /// The words of four outputs, from a multiple of four on, each output's together.
  @inline(__always)
  func turned(_ output: Int) -> i32x4x4 {
    let place = output / 64 &* panelBytes &+ output % 64 &* 4
    return v_transpose4(
      r0.load(fromByteOffset: place, as: SIMD4<Int32>.self), r1.load(fromByteOffset: place, as: SIMD4<Int32>.self),
      r2.load(fromByteOffset: place, as: SIMD4<Int32>.self), r3.load(fromByteOffset: place, as: SIMD4<Int32>.self))
  }
}

private typealias FourOutputs = (w0: Floats, w1: Floats, w2: Floats, w3: Floats)

/// The weights of 16 inputs.
private protocol InputWeights {
  init(_ panels: UnsafeRawPointer, _ K: Int, _ input: Int)
  func outputs(_ first: Int) -> FourOutputs
}

private struct Int8Inputs: InputWeights {
  let rows: PanelRows

  @inline(__always)
  init(_ panels: UnsafeRawPointer, _ K: Int, _ input: Int) { rows = PanelRows(panels, input / 4, (K &+ 3) / 4) }

  @inline(__always)
  func outputs(_ first: Int) -> FourOutputs {
    @inline(__always) func floats(_ bytes: SIMD4<Int32>) -> Floats {
      v_tofloat(v_widen(unsafeBitCast(bytes, to: SIMD16<Int8>.self)))
    }
    let words = rows.turned(first)
    return (floats(words.r0), floats(words.r1), floats(words.r2), floats(words.r3))
  }
}

private struct FloatInputs: InputWeights {
  let rows0, rows1, rows2, rows3: PanelRows

  @inline(__always)
  init(_ panels: UnsafeRawPointer, _ K: Int, _ input: Int) {
    rows0 = PanelRows(panels, input, K)
    rows1 = PanelRows(panels, input &+ 4, K)
    rows2 = PanelRows(panels, input &+ 8, K)
    rows3 = PanelRows(panels, input &+ 12, K)
  }

  @inline(__always)
  func outputs(_ first: Int) -> FourOutputs {
    let (a, b, c, d) = (rows0.turned(first), rows1.turned(first), rows2.turned(first), rows3.turned(first))
    return (
      v_frombits(v_join4(a.r0, b.r0, c.r0, d.r0)), v_frombits(v_join4(a.r1, b.r1, c.r1, d.r1)),
      v_frombits(v_join4(a.r2, b.r2, c.r2, d.r2)), v_frombits(v_join4(a.r3, b.r3, c.r3, d.r3))
    )
  }
}

/// Rows whose sums are kept at a time.
private let blockRows = 6

/// A block of up to six rows on its way back.
private struct TransposedBlock {
  /// The outputs that are multiplied, in fours, and for each of them six values: zero where no output is meant, anything
  /// where no row is.
  let start, end: Int
  let values: UnsafePointer<Float>
  let rows: Int
  let panels: UnsafeRawPointer
  let K: Int
  let out: UnsafeMutablePointer<Float>
  let outStride: Int

  @inline(__always)
  func multiply<Weights: InputWeights>(_: Weights.Type) {
    switch rows {
    case 1: one(Weights.self)
    case 2, 3: three(Weights.self)
    default: six(Weights.self)
    }
  }

  @inline(never) private func one<Weights: InputWeights>(_: Weights.Type) { multiply(1, Weights.self) }
  @inline(never) private func three<Weights: InputWeights>(_: Weights.Type) { multiply(3, Weights.self) }
  @inline(never) private func six<Weights: InputWeights>(_: Weights.Type) { multiply(6, Weights.self) }

  /// - Parameter width: the rows that are made, a constant at every call; those there are get stored.
  @inline(__always)
  private func multiply<Weights: InputWeights>(_ width: Int, _: Weights.Type) {
    var input = 0
    while input < K {
      let weights = Weights(panels, K, input)
      var c0 = Floats(), c1 = Floats(), c2 = Floats(), c3 = Floats(), c4 = Floats(), c5 = Floats()
      @inline(__always) func add(_ x: UnsafePointer<Float>, _ w: Floats) {
        c0 = v_fma(Floats(repeating: x[0]), w, c0)
        if width > 1 { c1 = v_fma(Floats(repeating: x[1]), w, c1) }
        if width > 2 { c2 = v_fma(Floats(repeating: x[2]), w, c2) }
        if width > 3 { c3 = v_fma(Floats(repeating: x[3]), w, c3) }
        if width > 4 { c4 = v_fma(Floats(repeating: x[4]), w, c4) }
        if width > 5 { c5 = v_fma(Floats(repeating: x[5]), w, c5) }
      }
      var x = values
      var output = start
      while output < end {
        let four = weights.outputs(output)
        add(x, four.w0)
        add(x + blockRows, four.w1)
        add(x + 2 &* blockRows, four.w2)
        add(x + 3 &* blockRows, four.w3)
        x += 4 &* blockRows
        output &+= 4
      }
      let lanes = min(16, K &- input)
      store(c0, out, input, lanes)
      if width > 1 && rows > 1 { store(c1, out + outStride, input, lanes) }
      if width > 2 && rows > 2 { store(c2, out + 2 &* outStride, input, lanes) }
      if width > 3 && rows > 3 { store(c3, out + 3 &* outStride, input, lanes) }
      if width > 4 && rows > 4 { store(c4, out + 4 &* outStride, input, lanes) }
      if width > 5 && rows > 5 { store(c5, out + 5 &* outStride, input, lanes) }
      input &+= 16
    }
  }
}

extension Kernel {
  /// The floats of scratch memory that the functions below need for D outputs.
  package static func linearTransposedScratch(_ D: Int) -> Int { (D &+ 6) &* blockRows }

  /// out = x W, for W the D outputs of a layer from `first` on, dequantised: x [M, D], out [M, K], both fp32.
  ///
  /// - Parameter scratch: `linearTransposedScratch(D)` floats.
  @inline(never)
  package static func linearTransposedInt8(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ panels: UnsafeRawPointer, _ weightScales: UnsafePointer<Float>,
    _ first: Int, _ D: Int, _ K: Int, _ out: UnsafeMutablePointer<Float>, _ outStride: Int,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    forEachBlock(x, xStride, M, panels, weightScales, first, D, K, out, outStride, scratch) { $0.multiply(Int8Inputs.self) }
  }

  /// The same for fp32 weights.
  @inline(never)
  package static func linearTransposedFloat(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ panels: UnsafePointer<Float>, _ first: Int, _ D: Int, _ K: Int,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    forEachBlock(x, xStride, M, panels, nil, first, D, K, out, outStride, scratch) { $0.multiply(FloatInputs.self) }
  }

  /// Calls `body` for every six rows, with their values times `scales` (nil for ones) in scratch memory.
  @inline(__always)
  private static func forEachBlock(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ panels: UnsafeRawPointer, _ scales: UnsafePointer<Float>?,
    _ first: Int, _ D: Int, _ K: Int, _ out: UnsafeMutablePointer<Float>, _ outStride: Int,
    _ scratch: UnsafeMutablePointer<Float>, _ body: (TransposedBlock) -> Void
  ) {
    let start = first / 4 &* 4
    let end = (first &+ D &+ 3) / 4 &* 4
    for place in 0..<(end &- start) &* blockRows { scratch[place] = 0 }
    var row = 0
    while row < M {
      let rows = min(blockRows, M &- row)
      for output in 0..<D {
        let values = scratch + (first &- start &+ output) &* blockRows
        let scale = scales == nil ? 1 : scales![first &+ output]
        for place in 0..<rows { values[place] = x[(row &+ place) &* xStride &+ output] * scale }
      }
      body(
        TransposedBlock(
          start: start, end: end, values: scratch, rows: rows, panels: panels, K: K, out: out + row &* outStride,
          outStride: outStride))
      row &+= blockRows
    }
  }
}
