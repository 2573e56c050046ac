import CVector

/// Turns int32 sums into fp32: (sum - 128 · row sum if the operand is biased) · (weight scale · token scale) + bias.
private struct Dequantizer {
  let scales: UnsafePointer<Float>
  let rowSums: UnsafePointer<Int32>
  let bias: UnsafePointer<Float>

  @inline(__always)
  func values(_ sums: Ints, _ column: Int, _ scale: Float) -> Floats {
    #if AVX512_VNNI || AVX_VNNI
      let surplus = UnsafeRawPointer(rowSums + column).loadUnaligned(as: Ints.self) &<< Ints(repeating: 7)
      let exact = v_tofloat(sums &- surplus)
    #else
      let exact = v_tofloat(sums)
    #endif
    return v_fma(exact, scales.vector(column) * Floats(repeating: scale), bias.vector(column))
  }

  /// Stores the first `count` of 16 outputs.
  @inline(__always)
  func store(_ sums: Ints, _ block: Int, _ scale: Float, _ row: UnsafeMutablePointer<Float>, _ count: Int) {
    let values = values(sums, block &* 16, scale)
    if count >= 16 { row.store(values, block &* 16) } else { row.storePartial(values, block &* 16, count) }
  }

  /// Stores the first `count` of 8 outputs.
  @inline(__always)
  func store(_ sums: SIMD8<Int32>, _ block: Int, _ scale: Float, _ row: UnsafeMutablePointer<Float>, _ count: Int) {
    let values = values(Ints(lowHalf: sums, highHalf: sums), block &* 8, scale).lowHalf
    let target = row + block &* 8
    if count >= 8 {
      UnsafeMutableRawPointer(target).storeBytes(of: values, as: SIMD8<Float>.self)
    } else {
      for lane in 0..<count { target[lane] = values[lane] }
    }
  }

  /// Stores the first `columns` of 64 outputs.
  @inline(__always)
  func store(
    _ c0: Ints, _ c1: Ints, _ c2: Ints, _ c3: Ints, _ scale: Float, _ row: UnsafeMutablePointer<Float>, _ columns: Int
  ) {
    store(c0, 0, scale, row, columns)
    if columns > 16 { store(c1, 1, scale, row, columns &- 16) }
    if columns > 32 { store(c2, 2, scale, row, columns &- 32) }
    if columns > 48 { store(c3, 3, scale, row, columns &- 48) }
  }
}

/// Four operand elements of a row, sixteen times.
@inline(__always)
private func broadcast(_ row: UnsafeRawPointer, _ offset: Int) -> SIMD64<Int8> {
  unsafeBitCast(
    SIMD16<UInt32>(repeating: row.loadUnaligned(fromByteOffset: offset, as: UInt32.self)), to: SIMD64<Int8>.self)
}

/// Four 16-bit operand elements of a row, four times.
@inline(__always)
private func broadcastPairs(_ row: UnsafeRawPointer, _ offset: Int) -> SIMD16<Int16> {
  unsafeBitCast(
    SIMD4<UInt64>(repeating: row.loadUnaligned(fromByteOffset: offset, as: UInt64.self)), to: SIMD16<Int16>.self)
}

// A tile multiplies up to 6 (or 2) operand rows by one panel of 64 outputs. Rows from M on repeat the last and are
// not stored.
#if AVX512_VNNI
  // 6 rows by 64 outputs: 24 accumulators, 4 weights and an operand in 32 registers.
  @inline(__always)
  private func tile6(
    _ a: UnsafeRawPointer, _ aStride: Int, _ M: Int, _ b: UnsafeRawPointer, _ groups: Int, _ dequantizer: Dequantizer,
    _ scales: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ columns: Int
  ) {
    let a0 = a
    let a1 = a + min(1, M &- 1) &* aStride
    let a2 = a + min(2, M &- 1) &* aStride
    let a3 = a + min(3, M &- 1) &* aStride
    let a4 = a + min(4, M &- 1) &* aStride
    let a5 = a + min(5, M &- 1) &* aStride
    var c00 = Ints(), c01 = Ints(), c02 = Ints(), c03 = Ints()
    var c10 = Ints(), c11 = Ints(), c12 = Ints(), c13 = Ints()
    var c20 = Ints(), c21 = Ints(), c22 = Ints(), c23 = Ints()
    var c30 = Ints(), c31 = Ints(), c32 = Ints(), c33 = Ints()
    var c40 = Ints(), c41 = Ints(), c42 = Ints(), c43 = Ints()
    var c50 = Ints(), c51 = Ints(), c52 = Ints(), c53 = Ints()
    var weights = b
    var offset = 0
    let end = groups &* 4
    while offset < end {
      let b0 = weights.load(fromByteOffset: 0, as: SIMD64<Int8>.self)
      let b1 = weights.load(fromByteOffset: 64, as: SIMD64<Int8>.self)
      let b2 = weights.load(fromByteOffset: 128, as: SIMD64<Int8>.self)
      let b3 = weights.load(fromByteOffset: 192, as: SIMD64<Int8>.self)
      let x0 = broadcast(a0, offset)
      c00 = v_dot4(c00, x0, b0)
      c01 = v_dot4(c01, x0, b1)
      c02 = v_dot4(c02, x0, b2)
      c03 = v_dot4(c03, x0, b3)
      let x1 = broadcast(a1, offset)
      c10 = v_dot4(c10, x1, b0)
      c11 = v_dot4(c11, x1, b1)
      c12 = v_dot4(c12, x1, b2)
      c13 = v_dot4(c13, x1, b3)
      let x2 = broadcast(a2, offset)
      c20 = v_dot4(c20, x2, b0)
      c21 = v_dot4(c21, x2, b1)
      c22 = v_dot4(c22, x2, b2)
      c23 = v_dot4(c23, x2, b3)
      let x3 = broadcast(a3, offset)
      c30 = v_dot4(c30, x3, b0)
      c31 = v_dot4(c31, x3, b1)
      c32 = v_dot4(c32, x3, b2)
      c33 = v_dot4(c33, x3, b3)
      let x4 = broadcast(a4, offset)
      c40 = v_dot4(c40, x4, b0)
      c41 = v_dot4(c41, x4, b1)
      c42 = v_dot4(c42, x4, b2)
      c43 = v_dot4(c43, x4, b3)
      let x5 = broadcast(a5, offset)
      c50 = v_dot4(c50, x5, b0)
      c51 = v_dot4(c51, x5, b1)
      c52 = v_dot4(c52, x5, b2)
      c53 = v_dot4(c53, x5, b3)
      weights += 256
      offset &+= 4
    }
    dequantizer.store(c00, c01, c02, c03, scales[0], out + 0 &* outStride, columns)
    if M > 1 {
      dequantizer.store(c10, c11, c12, c13, scales[1], out + 1 &* outStride, columns)
    }
    if M > 2 {
      dequantizer.store(c20, c21, c22, c23, scales[2], out + 2 &* outStride, columns)
    }
    if M > 3 {
      dequantizer.store(c30, c31, c32, c33, scales[3], out + 3 &* outStride, columns)
    }
    if M > 4 {
      dequantizer.store(c40, c41, c42, c43, scales[4], out + 4 &* outStride, columns)
    }
    if M > 5 {
      dequantizer.store(c50, c51, c52, c53, scales[5], out + 5 &* outStride, columns)
    }
  }

  @inline(__always)
  private func tile2(
    _ a: UnsafeRawPointer, _ aStride: Int, _ M: Int, _ b: UnsafeRawPointer, _ groups: Int, _ dequantizer: Dequantizer,
    _ scales: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ columns: Int
  ) {
    let a0 = a
    let a1 = a + min(1, M &- 1) &* aStride
    var c00 = Ints(), c01 = Ints(), c02 = Ints(), c03 = Ints()
    var c10 = Ints(), c11 = Ints(), c12 = Ints(), c13 = Ints()
    var weights = b
    var offset = 0
    let end = groups &* 4
    while offset < end {
      let b0 = weights.load(fromByteOffset: 0, as: SIMD64<Int8>.self)
      let b1 = weights.load(fromByteOffset: 64, as: SIMD64<Int8>.self)
      let b2 = weights.load(fromByteOffset: 128, as: SIMD64<Int8>.self)
      let b3 = weights.load(fromByteOffset: 192, as: SIMD64<Int8>.self)
      let x0 = broadcast(a0, offset)
      c00 = v_dot4(c00, x0, b0)
      c01 = v_dot4(c01, x0, b1)
      c02 = v_dot4(c02, x0, b2)
      c03 = v_dot4(c03, x0, b3)
      let x1 = broadcast(a1, offset)
      c10 = v_dot4(c10, x1, b0)
      c11 = v_dot4(c11, x1, b1)
      c12 = v_dot4(c12, x1, b2)
      c13 = v_dot4(c13, x1, b3)
      weights += 256
      offset &+= 4
    }
    dequantizer.store(c00, c01, c02, c03, scales[0], out + 0 &* outStride, columns)
    if M > 1 {
      dequantizer.store(c10, c11, c12, c13, scales[1], out + 1 &* outStride, columns)
    }
  }
#elseif AVX_VNNI || arch(arm64)
  // 6 rows by 16 outputs at a time.
  @inline(__always)
  private func tile6(
    _ a: UnsafeRawPointer, _ aStride: Int, _ M: Int, _ b: UnsafeRawPointer, _ groups: Int, _ dequantizer: Dequantizer,
    _ scales: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ columns: Int
  ) {
    let a0 = a
    let a1 = a + min(1, M &- 1) &* aStride
    let a2 = a + min(2, M &- 1) &* aStride
    let a3 = a + min(3, M &- 1) &* aStride
    let a4 = a + min(4, M &- 1) &* aStride
    let a5 = a + min(5, M &- 1) &* aStride
    for block in 0..<4 where block &* 16 < columns {
      var c0 = Ints()
      var c1 = Ints()
      var c2 = Ints()
      var c3 = Ints()
      var c4 = Ints()
      var c5 = Ints()
      var weights = b + block &* 64
      var offset = 0
      let end = groups &* 4
      while offset < end {
        let b0 = weights.load(as: SIMD64<Int8>.self)
        c0 = v_dot4(c0, broadcast(a0, offset), b0)
        c1 = v_dot4(c1, broadcast(a1, offset), b0)
        c2 = v_dot4(c2, broadcast(a2, offset), b0)
        c3 = v_dot4(c3, broadcast(a3, offset), b0)
        c4 = v_dot4(c4, broadcast(a4, offset), b0)
        c5 = v_dot4(c5, broadcast(a5, offset), b0)
        weights += 256
        offset &+= 4
      }
      let count = min(16, columns &- block &* 16)
      dequantizer.store(c0, block, scales[0], out + 0 &* outStride, count)
      if M > 1 { dequantizer.store(c1, block, scales[1], out + 1 &* outStride, count) }
      if M > 2 { dequantizer.store(c2, block, scales[2], out + 2 &* outStride, count) }
      if M > 3 { dequantizer.store(c3, block, scales[3], out + 3 &* outStride, count) }
      if M > 4 { dequantizer.store(c4, block, scales[4], out + 4 &* outStride, count) }
      if M > 5 { dequantizer.store(c5, block, scales[5], out + 5 &* outStride, count) }
    }
  }

  @inline(__always)
  private func tile2(
    _ a: UnsafeRawPointer, _ aStride: Int, _ M: Int, _ b: UnsafeRawPointer, _ groups: Int, _ dequantizer: Dequantizer,
    _ scales: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ columns: Int
  ) {
    let a0 = a
    let a1 = a + min(1, M &- 1) &* aStride
    for block in 0..<4 where block &* 16 < columns {
      var c0 = Ints()
      var c1 = Ints()
      var weights = b + block &* 64
      var offset = 0
      let end = groups &* 4
      while offset < end {
        let b0 = weights.load(as: SIMD64<Int8>.self)
        c0 = v_dot4(c0, broadcast(a0, offset), b0)
        c1 = v_dot4(c1, broadcast(a1, offset), b0)
        weights += 256
        offset &+= 4
      }
      let count = min(16, columns &- block &* 16)
      dequantizer.store(c0, block, scales[0], out + 0 &* outStride, count)
      if M > 1 { dequantizer.store(c1, block, scales[1], out + 1 &* outStride, count) }
    }
  }
#else
  // 6 rows by 8 outputs at a time, in pairs of 16-bit products: 12 accumulators, 2 weights and an operand in 16 registers.
  @inline(__always)
  private func tile6(
    _ a: UnsafeRawPointer, _ aStride: Int, _ M: Int, _ b: UnsafeRawPointer, _ groups: Int, _ dequantizer: Dequantizer,
    _ scales: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ columns: Int
  ) {
    let a0 = a
    let a1 = a + min(1, M &- 1) &* aStride
    let a2 = a + min(2, M &- 1) &* aStride
    let a3 = a + min(3, M &- 1) &* aStride
    let a4 = a + min(4, M &- 1) &* aStride
    let a5 = a + min(5, M &- 1) &* aStride
    for block in 0..<8 where block &* 8 < columns {
      var c00 = SIMD8<Int32>(), c01 = SIMD8<Int32>()
      var c10 = SIMD8<Int32>(), c11 = SIMD8<Int32>()
      var c20 = SIMD8<Int32>(), c21 = SIMD8<Int32>()
      var c30 = SIMD8<Int32>(), c31 = SIMD8<Int32>()
      var c40 = SIMD8<Int32>(), c41 = SIMD8<Int32>()
      var c50 = SIMD8<Int32>(), c51 = SIMD8<Int32>()
      var weights = b + block &* 32
      var offset = 0
      let end = groups &* 8
      while offset < end {
        let b0 = v_widen16(weights.load(as: SIMD16<Int8>.self))
        let b1 = v_widen16(weights.load(fromByteOffset: 16, as: SIMD16<Int8>.self))
        let x0 = broadcastPairs(a0, offset)
        c00 = c00 &+ v_multiply_pairs(x0, b0)
        c01 = c01 &+ v_multiply_pairs(x0, b1)
        let x1 = broadcastPairs(a1, offset)
        c10 = c10 &+ v_multiply_pairs(x1, b0)
        c11 = c11 &+ v_multiply_pairs(x1, b1)
        let x2 = broadcastPairs(a2, offset)
        c20 = c20 &+ v_multiply_pairs(x2, b0)
        c21 = c21 &+ v_multiply_pairs(x2, b1)
        let x3 = broadcastPairs(a3, offset)
        c30 = c30 &+ v_multiply_pairs(x3, b0)
        c31 = c31 &+ v_multiply_pairs(x3, b1)
        let x4 = broadcastPairs(a4, offset)
        c40 = c40 &+ v_multiply_pairs(x4, b0)
        c41 = c41 &+ v_multiply_pairs(x4, b1)
        let x5 = broadcastPairs(a5, offset)
        c50 = c50 &+ v_multiply_pairs(x5, b0)
        c51 = c51 &+ v_multiply_pairs(x5, b1)
        weights += 256
        offset &+= 8
      }
      let count = min(8, columns &- block &* 8)
      dequantizer.store(v_add_neighbours(c00, c01), block, scales[0], out + 0 &* outStride, count)
      if M > 1 { dequantizer.store(v_add_neighbours(c10, c11), block, scales[1], out + 1 &* outStride, count) }
      if M > 2 { dequantizer.store(v_add_neighbours(c20, c21), block, scales[2], out + 2 &* outStride, count) }
      if M > 3 { dequantizer.store(v_add_neighbours(c30, c31), block, scales[3], out + 3 &* outStride, count) }
      if M > 4 { dequantizer.store(v_add_neighbours(c40, c41), block, scales[4], out + 4 &* outStride, count) }
      if M > 5 { dequantizer.store(v_add_neighbours(c50, c51), block, scales[5], out + 5 &* outStride, count) }
    }
  }

  @inline(__always)
  private func tile2(
    _ a: UnsafeRawPointer, _ aStride: Int, _ M: Int, _ b: UnsafeRawPointer, _ groups: Int, _ dequantizer: Dequantizer,
    _ scales: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ columns: Int
  ) {
    let a0 = a
    let a1 = a + min(1, M &- 1) &* aStride
    for block in 0..<8 where block &* 8 < columns {
      var c00 = SIMD8<Int32>(), c01 = SIMD8<Int32>()
      var c10 = SIMD8<Int32>(), c11 = SIMD8<Int32>()
      var weights = b + block &* 32
      var offset = 0
      let end = groups &* 8
      while offset < end {
        let b0 = v_widen16(weights.load(as: SIMD16<Int8>.self))
        let b1 = v_widen16(weights.load(fromByteOffset: 16, as: SIMD16<Int8>.self))
        let x0 = broadcastPairs(a0, offset)
        c00 = c00 &+ v_multiply_pairs(x0, b0)
        c01 = c01 &+ v_multiply_pairs(x0, b1)
        let x1 = broadcastPairs(a1, offset)
        c10 = c10 &+ v_multiply_pairs(x1, b0)
        c11 = c11 &+ v_multiply_pairs(x1, b1)
        weights += 256
        offset &+= 8
      }
      let count = min(8, columns &- block &* 8)
      dequantizer.store(v_add_neighbours(c00, c01), block, scales[0], out + 0 &* outStride, count)
      if M > 1 { dequantizer.store(v_add_neighbours(c10, c11), block, scales[1], out + 1 &* outStride, count) }
    }
  }
#endif

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
    var column = 0
    while column < N {
      let panel = panels + column &* groups &* 4
      let dequantizer = Dequantizer(scales: weightScales + column, rowSums: rowSums + column, bias: bias + column)
      let columns = min(64, N &- column)
      var row = 0
      while row < M {
        let rows = M &- row
        if rows >= 6 {
          tile6(
            q + row &* qStride, qStride, 6, panel, groups, dequantizer, scales + row, out + row &* outStride + column,
            outStride, columns)
          row &+= 6
        } else {
          tile2(
            q + row &* qStride, qStride, rows, panel, groups, dequantizer, scales + row,
            out + row &* outStride + column, outStride, columns)
          row &+= 2
        }
      }
      column &+= 64
    }
  }
}
