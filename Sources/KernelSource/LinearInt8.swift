import CVector

/// Turns exact int32 sums of products into fp32: sum · (weight scale · token scale) + bias.
struct Dequantizer {
  let scales: UnsafePointer<Float>
  let rowSums: UnsafePointer<Int32>
  let bias: UnsafePointer<Float>

  /// What 16 sums start from: where the operand's bytes are 128 too high, minus what that adds to them.
  @inline(__always)
  func start(_ output: Int) -> Ints {
    #if AVX512_VNNI || AVX_VNNI
      Ints() &- (UnsafeRawPointer(rowSums + output).loadUnaligned(as: Ints.self) &<< Ints(repeating: 7))
    #else
      Ints()
    #endif
  }

  /// Stores the first `count` of 16 outputs.
  @inline(__always)
  func store(_ sums: Ints, _ output: Int, _ scale: Float, _ row: UnsafeMutablePointer<Float>, _ count: Int) {
    let scale = scales.vector(output) * Floats(repeating: scale)
    let values = v_fma(v_tofloat(sums), scale, bias.vector(output))
    if count >= 16 { row.store(values, output) } else { row.storePartial(values, output, count) }
  }
}

// What an instruction set keeps in registers for one row of a tile, and the weights of one group of inputs: `Sums`,
// `Weights` and how the one is advanced by the other. `Sums.outputs` outputs of a panel are made in one pass.
#if AVX512_VNNI
  /// 64 outputs: six rows are 24 accumulators, with 4 weights and an operand in 32 registers.
  private struct Sums {
    static let outputs = 64
    static let groupBytes = 4
    var c0, c1, c2, c3: Ints

    @inline(__always)
    init(_ dequantizer: Dequantizer, _ output: Int, _ vectors: Int) {
      c0 = dequantizer.start(output)
      c1 = dequantizer.start(output &+ 16)
      c2 = vectors > 2 ? dequantizer.start(output &+ 32) : Ints()
      c3 = vectors > 2 ? dequantizer.start(output &+ 48) : Ints()
    }

    @inline(__always)
    mutating func add(_ operand: UnsafeRawPointer, _ weights: Weights, _ vectors: Int) {
      let x = unsafeBitCast(SIMD16<UInt32>(repeating: operand.loadUnaligned(as: UInt32.self)), to: SIMD64<Int8>.self)
      c0 = v_dot4(c0, x, weights.b0)
      c1 = v_dot4(c1, x, weights.b1)
      if vectors > 2 {
        c2 = v_dot4(c2, x, weights.b2)
        c3 = v_dot4(c3, x, weights.b3)
      }
    }

    @inline(__always)
    func store(
      _ dequantizer: Dequantizer, _ output: Int, _ scale: Float, _ row: UnsafeMutablePointer<Float>, _ columns: Int,
      _ vectors: Int
    ) {
      dequantizer.store(c0, output, scale, row, columns &- output)
      if columns &- output > 16 { dequantizer.store(c1, output &+ 16, scale, row, columns &- output &- 16) }
      if vectors > 2 {
        if columns &- output > 32 { dequantizer.store(c2, output &+ 32, scale, row, columns &- output &- 32) }
        if columns &- output > 48 { dequantizer.store(c3, output &+ 48, scale, row, columns &- output &- 48) }
      }
    }
  }

  private struct Weights {
    let b0, b1, b2, b3: SIMD64<Int8>

    @inline(__always)
    init(_ panel: UnsafeRawPointer, _ vectors: Int) {
      b0 = panel.load(as: SIMD64<Int8>.self)
      b1 = panel.load(fromByteOffset: 64, as: SIMD64<Int8>.self)
      b2 = vectors > 2 ? panel.load(fromByteOffset: 128, as: SIMD64<Int8>.self) : SIMD64<Int8>()
      b3 = vectors > 2 ? panel.load(fromByteOffset: 192, as: SIMD64<Int8>.self) : SIMD64<Int8>()
    }
  }
#elseif AVX_VNNI || arch(arm64)
  /// 16 outputs: in two registers of AVX six rows are 12 accumulators of 16, in four of NEON 24 of 32.
  private struct Sums {
    static let outputs = 16
    static let groupBytes = 4
    var c: Ints

    @inline(__always)
    init(_ dequantizer: Dequantizer, _ output: Int, _: Int) { c = dequantizer.start(output) }

    @inline(__always)
    mutating func add(_ operand: UnsafeRawPointer, _ weights: Weights, _: Int) {
      let x = unsafeBitCast(SIMD16<UInt32>(repeating: operand.loadUnaligned(as: UInt32.self)), to: SIMD64<Int8>.self)
      c = v_dot4(c, x, weights.b)
    }

    @inline(__always)
    func store(
      _ dequantizer: Dequantizer, _ output: Int, _ scale: Float, _ row: UnsafeMutablePointer<Float>, _ columns: Int, _: Int
    ) {
      dequantizer.store(c, output, scale, row, columns &- output)
    }
  }

  private struct Weights {
    let b: SIMD64<Int8>

    @inline(__always)
    init(_ panel: UnsafeRawPointer, _: Int) { b = panel.load(as: SIMD64<Int8>.self) }
  }
#else
  /// 8 outputs, two sums of pairs of 16-bit products each: six rows are 12 accumulators, with 2 weights and an operand
  /// in 16 registers (AVX2).
  private struct Sums {
    static let outputs = 8
    static let groupBytes = 8
    var c0, c1: SIMD8<Int32>

    @inline(__always)
    init(_: Dequantizer, _: Int, _: Int) {
      c0 = SIMD8()
      c1 = SIMD8()
    }

    @inline(__always)
    mutating func add(_ operand: UnsafeRawPointer, _ weights: Weights, _: Int) {
      let x = unsafeBitCast(SIMD4<UInt64>(repeating: operand.loadUnaligned(as: UInt64.self)), to: SIMD16<Int16>.self)
      c0 = c0 &+ v_multiply_pairs(x, weights.b0)
      c1 = c1 &+ v_multiply_pairs(x, weights.b1)
    }

    @inline(__always)
    func store(
      _ dequantizer: Dequantizer, _ output: Int, _ scale: Float, _ row: UnsafeMutablePointer<Float>, _ columns: Int, _: Int
    ) {
      // The vectors of scales and biases are padded to 64, and one of 16 may be read at output 56 only from 48.
      let sums = v_add_neighbours(c0, c1)
      let scale = loadEight(dequantizer.scales + output) * SIMD8(repeating: scale)
      let values = v_fma8(v_tofloat8(sums), scale, loadEight(dequantizer.bias + output))
      if columns &- output >= 8 {
        UnsafeMutableRawPointer(row + output).storeBytes(of: values, as: SIMD8<Float>.self)
      } else {
        for lane in 0..<(columns &- output) { row[output &+ lane] = values[lane] }
      }
    }

    @inline(__always)
    private func loadEight(_ values: UnsafePointer<Float>) -> SIMD8<Float> {
      UnsafeRawPointer(values).loadUnaligned(as: SIMD8<Float>.self)
    }
  }

  private struct Weights {
    let b0, b1: SIMD16<Int16>

    @inline(__always)
    init(_ panel: UnsafeRawPointer, _: Int) {
      b0 = v_widen16(panel.load(as: SIMD16<Int8>.self))
      b1 = v_widen16(panel.load(fromByteOffset: 16, as: SIMD16<Int8>.self))
    }
  }
#endif

/// Rows of an operand by `Sums.outputs` outputs of one panel.
private struct Int8Tile: RowTile {
  var q: UnsafeRawPointer
  let qStride: Int
  var scales: UnsafePointer<Float>
  /// The weights, scales, sums and biases of the panel.
  let panel: UnsafeRawPointer
  let groups: Int
  let dequantizer: Dequantizer
  /// The panel's first output that is made, and where its outputs end.
  var output: Int
  let columns: Int
  var out: UnsafeMutablePointer<Float>
  let outStride: Int
  /// What to fetch of the panel after this one, and so many bytes on for each group of inputs.
  var ahead: UnsafeRawPointer
  let aheadStep: Int

  @inline(__always)
  func multiply(_ rows: Int, _ vectors: Int) {
    let start = Sums(dequantizer, output, vectors)
    var c0 = start, c1 = start, c2 = start, c3 = start, c4 = start, c5 = start
    let a0 = q
    let a1 = a0 + qStride
    let a2 = a1 + qStride
    let a3 = a2 + qStride
    let a4 = a3 + qStride
    let a5 = a4 + qStride
    var weights = panel + output &* 4
    var ahead = ahead
    var offset = 0
    let end = groups &* Sums.groupBytes
    while offset < end {
      prefetch(&ahead, aheadStep)
      let b = Weights(weights, vectors)
      c0.add(a0 + offset, b, vectors)
      if rows > 1 { c1.add(a1 + offset, b, vectors) }
      if rows > 2 { c2.add(a2 + offset, b, vectors) }
      if rows > 3 { c3.add(a3 + offset, b, vectors) }
      if rows > 4 { c4.add(a4 + offset, b, vectors) }
      if rows > 5 { c5.add(a5 + offset, b, vectors) }
      weights += 256
      offset &+= Sums.groupBytes
    }
    c0.store(dequantizer, output, scales[0], out, columns, vectors)
    if rows > 1 { c1.store(dequantizer, output, scales[1], out + outStride, columns, vectors) }
    if rows > 2 { c2.store(dequantizer, output, scales[2], out + 2 &* outStride, columns, vectors) }
    if rows > 3 { c3.store(dequantizer, output, scales[3], out + 3 &* outStride, columns, vectors) }
    if rows > 4 { c4.store(dequantizer, output, scales[4], out + 4 &* outStride, columns, vectors) }
    if rows > 5 { c5.store(dequantizer, output, scales[5], out + 5 &* outStride, columns, vectors) }
  }

  @inline(__always)
  mutating func advance(_ rows: Int) {
    q += rows &* qStride
    scales += rows
    out += rows &* outStride
    ahead += groups &* aheadStep
  }
}

extension Kernel {
  /// out = x Wᵀ + b from int8: operand rows `q` [M, K] with `scales` [M], W in panels of 64 outputs by 4 inputs,
  /// out [M, N] fp32. Sums are exact in int32.
  @inline(never)
  package static func linearInt8(
    _ q: UnsafeRawPointer, _ qStride: Int, _ scales: UnsafePointer<Float>, _ M: Int, _ panels: UnsafeRawPointer,
    _ weightScales: UnsafePointer<Float>, _ rowSums: UnsafePointer<Int32>, _ bias: UnsafePointer<Float>, _ N: Int,
    _ K: Int, _ out: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    let groups = (K &+ 3) / 4
    let aheadStep = prefetchStep(M, passes: 64 / Sums.outputs)
    var column = 0
    while column < N {
      let columns = min(64, N &- column)
      var output = 0
      while output < columns {
        var tile = Int8Tile(
          q: q, qStride: qStride, scales: scales, panel: panels + column &* groups &* 4, groups: groups,
          dequantizer: Dequantizer(scales: weightScales + column, rowSums: rowSums + column, bias: bias + column),
          output: output, columns: columns, out: out + column, outStride: outStride,
          ahead: panels + (column &+ 64 &+ output) &* groups &* 4, aheadStep: aheadStep)
        if columns > 32 { tile.multiplyWide(M) } else { tile.multiplyNarrow(M) }
        output &+= Sums.outputs
      }
      column &+= 64
    }
  }
}
