import CVector

// The activation grid: symmetric, one scale for each row (token), q = round half to even of x · 127 / max|x|, in
// [-127, 127]; a row of zeros has scale 0, one that holds what is no number such a scale. How q lies in memory is the instruction set's own affair.
//
// Rounding is one addition: 1.5 · 2^23 + q is a float whose lowest bits are those of q. The narrower integer is cut out of
// its bits.
#if AVX512_VNNI || AVX_VNNI
  /// Unsigned bytes, 128 too high: `vpdpbusd` multiplies unsigned by signed; the row sums take the surplus off.
  let operandElementSize = 1
  private let roundingConstant: Float = 12_582_912 + 128
  @inline(__always) private func storeOperand(_ bits: Ints, _ row: UnsafeMutableRawPointer, _ index: Int) {
    row.storeBytes(of: v_narrow(bits), toByteOffset: index, as: SIMD16<Int8>.self)
  }
#elseif arch(x86_64)
  /// 16-bit integers: `pmaddwd` is exact and as fast here as any trick with bytes.
  let operandElementSize = 2
  private let roundingConstant: Float = 12_582_912
  @inline(__always) private func storeOperand(_ bits: Ints, _ row: UnsafeMutableRawPointer, _ index: Int) {
    row.storeBytes(of: v_narrow16(bits), toByteOffset: index &* 2, as: SIMD16<Int16>.self)
  }
#else
  /// Signed bytes.
  let operandElementSize = 1
  private let roundingConstant: Float = 12_582_912
  @inline(__always) private func storeOperand(_ bits: Ints, _ row: UnsafeMutableRawPointer, _ index: Int) {
    row.storeBytes(of: v_narrow(bits), toByteOffset: index, as: SIMD16<Int8>.self)
  }
#endif

/// Rounds 16 values in [-127, 127] half to even and stores them as elements of an operand row. The result is for
/// `sumsOfRounded`.
@inline(__always) @discardableResult
func storeRounded(_ values: Floats, _ row: UnsafeMutableRawPointer, _ index: Int) -> Ints {
  let bits = v_bits(values + Floats(repeating: roundingConstant))
  storeOperand(bits, row, index)
  return bits
}

/// The sums of all the integers that `storeRounded` stored in each of four rows, from the sums of its `count` results.
@inline(__always)
func sumsOfRounded(_ a: Ints, _ b: Ints, _ c: Ints, _ d: Ints, _ count: Int) -> SIMD4<Int32> {
  let surplus = Int32(truncatingIfNeeded: 16 &* count) &* Int32(bitPattern: roundingConstant.bitPattern)
  return v_hsum_of4_int(a, b, c, d) &- SIMD4(repeating: surplus)
}

/// 127 / maximum; 0 for a row of zeros, or one so small that this overflows, as for `Grid`.
@inline(__always)
func inverseScale(_ maximum: Float) -> Float {
  let inverse = 127 / maximum
  return inverse < Float.infinity ? inverse : 0
}

/// The same for four rows.
@inline(__always)
func inverseScales(_ maxima: SIMD4<Float>) -> SIMD4<Float> {
  let inverses = SIMD4<Float>(repeating: 127) / maxima
  return v_select_less4(inverses, SIMD4(repeating: .infinity), inverses, SIMD4())
}

/// Quantises one row whose largest magnitude is known; the operand is filled up to a multiple of 16 with zeros.
@inline(__always)
func quantizeRow(
  _ x: UnsafePointer<Float>, _ K: Int, _ maximum: Float, _ q: UnsafeMutableRawPointer,
  _ scale: UnsafeMutablePointer<Float>
) {
  scale.pointee = maximum / 127
  roundRow(x, K, inverseScale(maximum), q)
}

@inline(__always)
func roundRow(_ x: UnsafePointer<Float>, _ K: Int, _ inverse: Float, _ q: UnsafeMutableRawPointer) {
  let inverse = Floats(repeating: inverse)
  forEachVector(K) { index, lanes in storeRounded(load(x, index, lanes) * inverse, q, index) }
}

extension Kernel {
  /// Bytes from one operand row to the next: K elements, padded to 64.
  package static func operandStride(_ K: Int) -> Int { (K &+ 63) / 64 &* 64 &* operandElementSize }

  /// Applies an activation and quantises: `x` [M, K] fp32 to operand rows `q` and their `scales` [M].
  /// `x` is overwritten by the activated values when there is an activation; GELU is within 8e-5, a fraction of a step.
  @inline(never)
  package static func quantizeRows(
    _ x: UnsafeMutablePointer<Float>, _ xStride: Int, _ M: Int, _ K: Int, _ activation: Int32,
    _ q: UnsafeMutableRawPointer, _ qStride: Int, _ scales: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<M {
      let values = x + row &* xStride
      var highest = Accumulators()
      switch activation {
      case 0:
        highest.forEachVector(K) { index, lanes, highest in highest = v_max_magnitude(highest, load(values, index, lanes)) }
      case 1:
        highest.forEachVector(K) { index, lanes, highest in
          let value = coarseGelu(load(values, index, lanes))
          store(value, values, index, lanes)
          highest = v_max_magnitude(highest, value)
        }
      default:
        highest.forEachVector(K) { index, lanes, highest in
          let value = activated(load(values, index, lanes), activation)
          store(value, values, index, lanes)
          highest = v_max_magnitude(highest, value)
        }
      }
      quantizeRow(values, K, highest.largest, q + row &* qStride, scales + row)
    }
  }
}
