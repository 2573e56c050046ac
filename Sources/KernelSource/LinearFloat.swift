import CVector

/// The sums of one row of a tile: four native vectors of outputs with AVX-512 (six rows are 24 accumulators of 32
/// registers), two elsewhere (12 of 16 with AVX2). Each is one chain of fused multiply-adds over k, so that a value does
/// not depend on the tile it was made in.
private struct FloatSums {
  #if AVX512_VNNI
    static let vectors = 4
    var c2 = NativeFloats(), c3 = NativeFloats()
  #else
    static let vectors = 2
  #endif
  var c0 = NativeFloats(), c1 = NativeFloats()

  @inline(__always)
  mutating func add(_ a: UnsafePointer<Float>, _ b: FloatWeights, _ vectors: Int) {
    let x = NativeFloats(repeating: a.pointee)
    c0 = multiplyAdd(x, b.b0, c0)
    c1 = multiplyAdd(x, b.b1, c1)
    #if AVX512_VNNI
      if vectors > 2 {
        c2 = multiplyAdd(x, b.b2, c2)
        c3 = multiplyAdd(x, b.b3, c3)
      }
    #endif
  }

  /// Adds the bias if there is one and stores the first `columns`.
  @inline(__always)
  func store(_ bias: UnsafePointer<Float>?, _ row: UnsafeMutablePointer<Float>, _ columns: Int, _ vectors: Int) {
    store(c0, 0, bias, row, columns)
    store(c1, 1, bias, row, columns)
    #if AVX512_VNNI
      if vectors > 2 {
        store(c2, 2, bias, row, columns)
        store(c3, 3, bias, row, columns)
      }
    #endif
  }

  @inline(__always)
  private func store(
    _ sum: NativeFloats, _ vector: Int, _ bias: UnsafePointer<Float>?, _ row: UnsafeMutablePointer<Float>, _ columns: Int
  ) {
    let first = vector &* NativeFloats.scalarCount
    if first >= columns { return }
    let value = bias == nil ? sum : sum + bias!.native(first)
    if columns >= first &+ NativeFloats.scalarCount {
      row.storeNative(value, first)
    } else {
      for lane in 0..<(columns &- first) { row[first &+ lane] = value[lane] }
    }
  }
}

private struct FloatWeights {
  let b0, b1: NativeFloats
  #if AVX512_VNNI
    let b2, b3: NativeFloats
  #endif

  @inline(__always)
  init(_ b: UnsafePointer<Float>, _ vectors: Int) {
    let width = NativeFloats.scalarCount
    b0 = b.native(0)
    b1 = b.native(width)
    #if AVX512_VNNI
      b2 = vectors > 2 ? b.native(2 &* width) : NativeFloats()
      b3 = vectors > 2 ? b.native(3 &* width) : NativeFloats()
    #endif
  }
}

/// Rows [M, K] by columns [K, …] of `b`, `bStride` floats from one k to the next.
private struct FloatTile: RowTile {
  var a: UnsafePointer<Float>
  let aStride: Int
  let b: UnsafePointer<Float>
  let bStride: Int
  let K: Int
  let bias: UnsafePointer<Float>?
  let columns: Int
  var out: UnsafeMutablePointer<Float>
  let outStride: Int
  /// What to fetch that comes after `b`, and so many bytes on for each k.
  var ahead: UnsafeRawPointer
  let aheadStep: Int

  @inline(__always)
  func multiply(_ rows: Int, _ vectors: Int) {
    var c0 = FloatSums(), c1 = FloatSums(), c2 = FloatSums(), c3 = FloatSums(), c4 = FloatSums(), c5 = FloatSums()
    let a1 = a + aStride
    let a2 = a1 + aStride
    let a3 = a2 + aStride
    let a4 = a3 + aStride
    let a5 = a4 + aStride
    var source = b
    var ahead = ahead
    var k = 0
    while k < K {
      prefetch(&ahead, aheadStep)
      let weights = FloatWeights(source, vectors)
      source += bStride
      c0.add(a + k, weights, vectors)
      if rows > 1 { c1.add(a1 + k, weights, vectors) }
      if rows > 2 { c2.add(a2 + k, weights, vectors) }
      if rows > 3 { c3.add(a3 + k, weights, vectors) }
      if rows > 4 { c4.add(a4 + k, weights, vectors) }
      if rows > 5 { c5.add(a5 + k, weights, vectors) }
      k &+= 1
    }
    c0.store(bias, out, columns, vectors)
    if rows > 1 { c1.store(bias, out + outStride, columns, vectors) }
    if rows > 2 { c2.store(bias, out + 2 &* outStride, columns, vectors) }
    if rows > 3 { c3.store(bias, out + 3 &* outStride, columns, vectors) }
    if rows > 4 { c4.store(bias, out + 4 &* outStride, columns, vectors) }
    if rows > 5 { c5.store(bias, out + 5 &* outStride, columns, vectors) }
  }

  @inline(__always)
  mutating func advance(_ rows: Int) {
    a += rows &* aStride
    out += rows &* outStride
    ahead += K &* aheadStep
  }
}

/// [M, K] by [K, N] where `b` has `bStride` floats for each k, at least N rounded up to 32.
///
/// - Parameters:
///   - next: what will be multiplied after `b`, to be fetched meanwhile.
func multiplyFloat(
  _ a: UnsafePointer<Float>, _ aStride: Int, _ M: Int, _ b: UnsafePointer<Float>, _ bStride: Int, _ K: Int, _ N: Int,
  _ bias: UnsafePointer<Float>?, _ out: UnsafeMutablePointer<Float>, _ outStride: Int, next: UnsafePointer<Float>? = nil
) {
  let step = FloatSums.vectors &* NativeFloats.scalarCount
  let aheadStep = next == nil ? 0 : prefetchStep(M, passes: 64 / step)
  var column = 0
  while column < N {
    var tile = FloatTile(
      a: a, aStride: aStride, b: b + column, bStride: bStride, K: K, bias: bias == nil ? nil : bias! + column,
      columns: min(step, N &- column), out: out + column, outStride: outStride,
      ahead: UnsafeRawPointer(next == nil ? b : next! + column &* K), aheadStep: aheadStep)
    if N &- column > step / 2 || FloatSums.vectors == 2 { tile.multiplyWide(M) } else { tile.multiplyNarrow(M) }
    column &+= step
  }
}

/// x [M, K] by panels of 64 columns ([K][64] each), with a bias if there is one: out [M, N].
@inline(never)
func multiplyPanels(
  _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ panels: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?,
  _ N: Int, _ K: Int, _ out: UnsafeMutablePointer<Float>, _ outStride: Int
) {
  var column = 0
  while column < N {
    multiplyFloat(
      x, xStride, M, panels + column &* K, 64, K, min(64, N &- column), bias == nil ? nil : bias! + column,
      out + column, outStride, next: panels + (column &+ 64) &* K)
    column &+= 64
  }
}

extension Kernel {
  /// out = x Wᵀ + b in fp32: x [M, K], W in panels of 64 outputs ([K][64] each), out [M, N].
  @inline(never)
  package static func linearFloat(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ panels: UnsafePointer<Float>, _ bias: UnsafePointer<Float>,
    _ N: Int, _ K: Int, _ out: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    multiplyPanels(x, xStride, M, panels, bias, N, K, out, outStride)
  }
}
