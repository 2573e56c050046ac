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
  @inline(__always) func partial(_ index: Int, _ count: Int) -> Floats { v_load_first(self + index, count) }
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
    v_store_first(vector, self + index, count)
  }
}

/// Walks `count` floats in vectors of 16; `lanes` is 16 but for the last, whose vector is loaded with zeros behind it.
/// The body is compiled twice, so that whole vectors never ask.
@inline(__always)
func forEachVector(_ count: Int, _ body: (_ index: Int, _ lanes: Int) -> Void) {
  var index = 0
  while index &+ 16 <= count {
    body(index, 16)
    index &+= 16
  }
  if index < count { body(index, count &- index) }
}

@inline(__always)
func load(_ row: UnsafePointer<Float>, _ index: Int, _ lanes: Int) -> Floats {
  lanes == 16 ? row.vector(index) : row.partial(index, lanes)
}

@inline(__always)
func store(_ vector: Floats, _ row: UnsafeMutablePointer<Float>, _ index: Int, _ lanes: Int) {
  if lanes == 16 { row.store(vector, index) } else { row.storePartial(vector, index, lanes) }
}

/// How far the second, third and fourth of up to four rows are from the first; the last one again where there are fewer.
struct OtherRows {
  let second, third, fourth: Int

  /// - Parameter count: how many rows there are, the first one included.
  @inline(__always)
  init(_ count: Int, _ stride: Int) {
    second = count > 1 ? stride : 0
    third = count > 2 ? 2 &* stride : second
    fourth = count > 3 ? 3 &* stride : third
  }
}

/// Four sums that one after the other take a vector each, so that a reduction does not wait for its last addition.
struct Accumulators {
  var a0, a1, a2, a3: Floats

  @inline(__always)
  init(_ start: Float = 0) {
    a0 = Floats(repeating: start)
    a1 = a0
    a2 = a0
    a3 = a0
  }

  /// Calls `body` with each vector's place and the sum it belongs to: vector n to sum n mod 4.
  @inline(__always)
  mutating func forEachVector(_ count: Int, _ body: (_ index: Int, _ lanes: Int, _ sum: inout Floats) -> Void) {
    var index = 0
    while index &+ 64 <= count {
      body(index, 16, &a0)
      body(index &+ 16, 16, &a1)
      body(index &+ 32, 16, &a2)
      body(index &+ 48, 16, &a3)
      index &+= 64
    }
    if index &+ 16 <= count {
      body(index, 16, &a0)
      index &+= 16
    }
    if index &+ 16 <= count {
      body(index, 16, &a1)
      index &+= 16
    }
    if index &+ 16 <= count {
      body(index, 16, &a2)
      index &+= 16
    }
    if index < count { body(index, count &- index, &a3) }
  }

  /// The sum, and the highest, of each lane.
  @inline(__always) var lanes: Floats { (a0 + a1) + (a2 + a3) }
  @inline(__always) var highestLanes: Floats { v_max(v_max(a0, a1), v_max(a2, a3)) }
  /// The largest magnitude of each lane, and of all, where the sums are magnitudes (`v_max_magnitude`).
  @inline(__always) var largestLanes: Floats { v_max_magnitude(v_max_magnitude(a0, a1), v_max_magnitude(a2, a3)) }
  @inline(__always) var largest: Float { v_hmax_magnitude(largestLanes) }
  @inline(__always) var sum: Float { v_hsum(lanes) }
  @inline(__always) var maximum: Float { v_hmax(highestLanes) }
}
