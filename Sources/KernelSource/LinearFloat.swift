import CVector

/// Six rows by two native vectors of outputs: twelve accumulators, each one chain of fused multiply-adds over k, so
/// that a value does not depend on the tile it was made in. Fits 16 registers (AVX2) and hides four cycles of latency
/// on two multipliers.
///
/// `b` is [K][columns] with `bStride` floats from one k to the next; rows from `M` on repeat the last and are not stored.
@inline(__always)
private func tile(
  _ a: UnsafePointer<Float>, _ aStride: Int, _ M: Int, _ b: UnsafePointer<Float>, _ bStride: Int, _ K: Int,
  _ bias: UnsafePointer<Float>?, _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ columns: Int
) {
  let width = NativeFloats.scalarCount
  let a0 = a
  let a1 = a + min(1, M &- 1) &* aStride
  let a2 = a + min(2, M &- 1) &* aStride
  let a3 = a + min(3, M &- 1) &* aStride
  let a4 = a + min(4, M &- 1) &* aStride
  let a5 = a + min(5, M &- 1) &* aStride
  var c00 = NativeFloats()
  var c01 = NativeFloats()
  var c10 = NativeFloats()
  var c11 = NativeFloats()
  var c20 = NativeFloats()
  var c21 = NativeFloats()
  var c30 = NativeFloats()
  var c31 = NativeFloats()
  var c40 = NativeFloats()
  var c41 = NativeFloats()
  var c50 = NativeFloats()
  var c51 = NativeFloats()
  var source = b
  for k in 0..<K {
    let b0 = source.native(0)
    let b1 = source.native(width)
    source += bStride
    let x0 = NativeFloats(repeating: a0[k])
    c00 = multiplyAdd(x0, b0, c00)
    c01 = multiplyAdd(x0, b1, c01)
    let x1 = NativeFloats(repeating: a1[k])
    c10 = multiplyAdd(x1, b0, c10)
    c11 = multiplyAdd(x1, b1, c11)
    let x2 = NativeFloats(repeating: a2[k])
    c20 = multiplyAdd(x2, b0, c20)
    c21 = multiplyAdd(x2, b1, c21)
    let x3 = NativeFloats(repeating: a3[k])
    c30 = multiplyAdd(x3, b0, c30)
    c31 = multiplyAdd(x3, b1, c31)
    let x4 = NativeFloats(repeating: a4[k])
    c40 = multiplyAdd(x4, b0, c40)
    c41 = multiplyAdd(x4, b1, c41)
    let x5 = NativeFloats(repeating: a5[k])
    c50 = multiplyAdd(x5, b0, c50)
    c51 = multiplyAdd(x5, b1, c51)
  }
  if let bias {
    let bias0 = bias.native(0)
    let bias1 = bias.native(width)
    c00 += bias0
    c01 += bias1
    c10 += bias0
    c11 += bias1
    c20 += bias0
    c21 += bias1
    c30 += bias0
    c31 += bias1
    c40 += bias0
    c41 += bias1
    c50 += bias0
    c51 += bias1
  }
  storeTileRow(c00, c01, out + 0 &* outStride, columns)
  if M > 1 {
    storeTileRow(c10, c11, out + 1 &* outStride, columns)
  }
  if M > 2 {
    storeTileRow(c20, c21, out + 2 &* outStride, columns)
  }
  if M > 3 {
    storeTileRow(c30, c31, out + 3 &* outStride, columns)
  }
  if M > 4 {
    storeTileRow(c40, c41, out + 4 &* outStride, columns)
  }
  if M > 5 {
    storeTileRow(c50, c51, out + 5 &* outStride, columns)
  }
}

/// Stores the first `columns` of two vectors.
@inline(__always)
private func storeTileRow(_ low: NativeFloats, _ high: NativeFloats, _ row: UnsafeMutablePointer<Float>, _ columns: Int) {
  let width = NativeFloats.scalarCount
  if columns >= 2 &* width {
    row.storeNative(low, 0)
    row.storeNative(high, width)
  } else {
    for lane in 0..<columns { row[lane] = lane < width ? low[lane] : high[lane &- width] }
  }
}

/// [M, K] by [K, N] where `b` has `bStride` floats for each k, at least N rounded up to two native vectors.
@inline(__always)
func multiplyFloat(
  _ a: UnsafePointer<Float>, _ aStride: Int, _ M: Int, _ b: UnsafePointer<Float>, _ bStride: Int, _ K: Int, _ N: Int,
  _ bias: UnsafePointer<Float>?, _ out: UnsafeMutablePointer<Float>, _ outStride: Int
) {
  let step = 2 &* NativeFloats.scalarCount
  var column = 0
  while column < N {
    var row = 0
    while row < M {
      tile(
        a + row &* aStride, aStride, min(6, M &- row), b + column, bStride, K, bias == nil ? nil : bias! + column,
        out + row &* outStride + column, outStride, min(step, N &- column))
      row &+= 6
    }
    column &+= step
  }
}

extension Kernel {
  /// out = x Wᵀ + b in fp32: x [M, K], W in panels of 64 outputs ([K][64] each), out [M, N].
  @inline(never)
  package static func linearFloat(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ panels: UnsafePointer<Float>, _ bias: UnsafePointer<Float>,
    _ N: Int, _ K: Int, _ out: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    var column = 0
    while column < N {
      multiplyFloat(
        x, xStride, M, panels + column &* K, 64, K, min(64, N &- column), bias + column, out + column, outStride)
      column &+= 64
    }
  }
}
