import CVector

// The activation grid: symmetric, one scale for each row (token), q = round half to even of x · 127 / max|x|, in
// [-127, 127]; a row of zeros has scale 0. How q lies in memory is the instruction set's own affair.
#if AVX512_VNNI || AVX_VNNI
  /// Unsigned bytes, 128 too high: `vpdpbusd` multiplies unsigned by signed; the row sums take the surplus off.
  let operandElementSize = 1
  @inline(__always) func storeOperand(_ q: Ints, _ row: UnsafeMutableRawPointer, _ index: Int) {
    row.storeBytes(of: v_narrow(q &+ Ints(repeating: 128)), toByteOffset: index, as: SIMD16<Int8>.self)
  }
#elseif arch(x86_64)
  /// 16-bit integers: `pmaddwd` is exact and as fast here as any trick with bytes.
  let operandElementSize = 2
  @inline(__always) func storeOperand(_ q: Ints, _ row: UnsafeMutableRawPointer, _ index: Int) {
    row.storeBytes(of: v_narrow16(q), toByteOffset: index &* 2, as: SIMD16<Int16>.self)
  }
#else
  /// Signed bytes.
  let operandElementSize = 1
  @inline(__always) func storeOperand(_ q: Ints, _ row: UnsafeMutableRawPointer, _ index: Int) {
    row.storeBytes(of: v_narrow(q), toByteOffset: index, as: SIMD16<Int8>.self)
  }
#endif

/// Quantises one row whose largest magnitude is known; the operand is filled up to a multiple of 16 with zeros.
@inline(__always)
func quantizeRow(
  _ x: UnsafePointer<Float>, _ K: Int, _ maximum: Float, _ q: UnsafeMutableRawPointer,
  _ scale: UnsafeMutablePointer<Float>
) {
  scale.pointee = maximum / 127
  // A row so small that its inverse overflows is a row of zeros, as for `Grid`.
  let reciprocal = 127 / maximum
  let inverse = Floats(repeating: reciprocal < Float.infinity ? reciprocal : 0)
  var index = 0
  while index < K {
    storeOperand(v_toint(v_round(loadLanes(x, index, K) * inverse)), q, index)
    index &+= 16
  }
}

extension Kernel {
  /// Bytes from one operand row to the next: K elements, padded to 64.
  package static func operandStride(_ K: Int) -> Int { (K &+ 63) / 64 &* 64 &* operandElementSize }

  /// Applies an activation and quantises: `x` [M, K] fp32 to operand rows `q` and their `scales` [M].
  /// `x` is overwritten by the activated values when there is an activation.
  @inline(never)
  package static func quantizeRows(
    _ x: UnsafeMutablePointer<Float>, _ xStride: Int, _ M: Int, _ K: Int, _ activation: Int32,
    _ q: UnsafeMutableRawPointer, _ qStride: Int, _ scales: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<M {
      let values = x + row &* xStride
      var highest = Floats()
      var index = 0
      if activation == 0 {
        while index < K {
          highest = v_max(highest, v_abs(loadLanes(values, index, K)))
          index &+= 16
        }
      } else if activation == 1 {
        while index < K {
          let value = gelu(loadLanes(values, index, K))
          storeLanes(value, values, index, K)
          highest = v_max(highest, v_abs(value))
          index &+= 16
        }
      } else {
        while index < K {
          let value = activated(loadLanes(values, index, K), activation)
          storeLanes(value, values, index, K)
          highest = v_max(highest, v_abs(value))
          index &+= 16
        }
      }
      quantizeRow(values, K, v_hmax(highest), q + row &* qStride, scales + row)
    }
  }
}
