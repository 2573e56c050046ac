import CVector

/// The kernels. This folder is compiled once for each instruction set, into a module of its own, so that the same
/// source becomes SSE2, AVX2, AVX-512 and NEON code.
///
/// Rules of this folder: pointers, integers and SIMD values only (no array, string, closure or generic over them), so
/// that no module owns a weak symbol that the linker could take for an older processor. Reductions run over the 16
/// lanes of `Floats` and end in `v_hsum`, products over k are one chain of fused multiply-adds for each output: so
/// the bits are the same on every instruction set with FMA, in any row or column range, with any number of threads.
///
/// Dimension letters: M rows (tokens), N outputs, K inputs, L tokens of a text, D width of a head.
package enum Kernel {}

typealias Floats = SIMD16<Float>
typealias Ints = SIMD16<Int32>

// The vector that the instruction set has in hardware, for tiles that must fit its registers.
#if AVX512_VNNI
  typealias NativeFloats = SIMD16<Float>
  @inline(__always) func multiplyAdd(_ a: NativeFloats, _ b: NativeFloats, _ c: NativeFloats) -> NativeFloats { v_fma(a, b, c) }
#elseif AVX2 || AVX_VNNI
  typealias NativeFloats = SIMD8<Float>
  @inline(__always) func multiplyAdd(_ a: NativeFloats, _ b: NativeFloats, _ c: NativeFloats) -> NativeFloats { v_fma8(a, b, c) }
#else
  typealias NativeFloats = SIMD4<Float>
  @inline(__always) func multiplyAdd(_ a: NativeFloats, _ b: NativeFloats, _ c: NativeFloats) -> NativeFloats { v_fma4(a, b, c) }
#endif

extension UnsafePointer<Float> {
  @inline(__always) func vector(_ index: Int) -> Floats {
    UnsafeRawPointer(self + index).loadUnaligned(as: Floats.self)
  }

  @inline(__always) func native(_ index: Int) -> NativeFloats {
    UnsafeRawPointer(self + index).loadUnaligned(as: NativeFloats.self)
  }

  /// The first `count` (1 to 15) lanes from memory, the others zero; reads nothing beyond them.
  @inline(__always) func partial(_ index: Int, _ count: Int) -> Floats {
    var vector = Floats()
    for lane in 0..<count { vector[lane] = self[index + lane] }
    return vector
  }
}

extension UnsafeMutablePointer<Float> {
  @inline(__always) func vector(_ index: Int) -> Floats { UnsafePointer(self).vector(index) }

  @inline(__always) func store(_ vector: Floats, _ index: Int) {
    UnsafeMutableRawPointer(self + index).storeBytes(of: vector, as: Floats.self)
  }

  @inline(__always) func storeNative(_ vector: NativeFloats, _ index: Int) {
    UnsafeMutableRawPointer(self + index).storeBytes(of: vector, as: NativeFloats.self)
  }

  @inline(__always) func storePartial(_ vector: Floats, _ index: Int, _ count: Int) {
    for lane in 0..<count { self[index + lane] = vector[lane] }
  }
}

/// Calls nothing, allocates nothing: walks a row of `count` floats in vectors of 16, the last one filled with zeros.
@inline(__always)
func loadLanes(_ row: UnsafePointer<Float>, _ index: Int, _ count: Int) -> Floats {
  index + 16 <= count ? row.vector(index) : row.partial(index, count - index)
}

@inline(__always)
func storeLanes(_ vector: Floats, _ row: UnsafeMutablePointer<Float>, _ index: Int, _ count: Int) {
  if index + 16 <= count { row.store(vector, index) } else { row.storePartial(vector, index, count - index) }
}
