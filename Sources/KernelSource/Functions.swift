import CVector

// Elementary functions on 16 lanes. One definition of each; errors in ulps are in the tests. Of what is no number each is none:
// that is what selections by `v_select_less` are for, whose comparison it fails.

/// e^x for x up to 88; below -80 it is e^-80, so that the shares of a sum by it stay normal numbers, which are fast.
///
/// Source: Cephes `expf` (Moshier): x = n ln 2 + r, a polynomial of degree 5 in r.
@inline(__always)
func exponential(_ x: Floats) -> Floats {
  let (low, high) = (Floats(repeating: -80), Floats(repeating: 88))
  let raised = v_select_less(x, low, low, x)
  let clamped = v_select_less(high, raised, high, raised)
  let n = v_round(clamped * Floats(repeating: 1.4426950408889634))
  var r = v_fma(n, Floats(repeating: -0.693359375), clamped)
  r = v_fma(n, Floats(repeating: 2.12194440e-4), r)
  var p = Floats(repeating: 1.9875691500e-4)
  p = v_fma(p, r, Floats(repeating: 1.3981999507e-3))
  p = v_fma(p, r, Floats(repeating: 8.3334519073e-3))
  p = v_fma(p, r, Floats(repeating: 4.1665795894e-2))
  p = v_fma(p, r, Floats(repeating: 1.6666665459e-1))
  p = v_fma(p, r, Floats(repeating: 5.0000001201e-1))
  let value = v_fma(p, r * r, r) + Floats(repeating: 1)
  return v_frombits(v_bits(value) &+ (v_toint(n) &<< Ints(repeating: 23)))
}

/// 127 · 2^x for x from -126 to 0 (less counts as -126), within 8e-5 of itself: for what is rounded to whole steps, of which
/// that is a hundredth of one.
///
/// Source: a minimax fit of degree 3 to 2^x on [-0.5, 0.5].
@inline(__always)
func stepsOfPowerOfTwo(_ x: Floats) -> Floats {
  let clamped = v_max(x, Floats(repeating: -126))
  // The lowest bits of the sum are the whole part of x, rounded half to even.
  let sum = clamped + Floats(repeating: 12_582_912)
  let f = clamped - (sum - Floats(repeating: 12_582_912))
  var p = Floats(repeating: 127 * 0.05517167)
  p = v_fma(p, f, Floats(repeating: 127 * 0.24261112))
  p = v_fma(p, f, Floats(repeating: 127 * 0.69326099))
  p = v_fma(p, f, Floats(repeating: 127 * 0.99992807))
  return v_frombits(v_bits(p) &+ (v_bits(sum) &<< Ints(repeating: 23)))
}

/// erf(x / √2), within 3e-7: the odd part of twice the normal distribution function.
///
/// Source: a Chebyshev fit of degree 14 in x² on |x| ≤ 5.4, beyond which the function is 1 in fp32.
@inline(__always)
func normalErrorFunction(_ x: Floats) -> Floats {
  let clamped = v_min(v_max(x, Floats(repeating: -5.4)), Floats(repeating: 5.4))
  let u = v_fma(clamped * clamped, Floats(repeating: 0.06858710562414265), Floats(repeating: -1))
  var p = Floats(repeating: 0.0007865169318392873)
  p = v_fma(p, u, Floats(repeating: -0.0020690662786364555))
  p = v_fma(p, u, Floats(repeating: 0.0017575991805642843))
  p = v_fma(p, u, Floats(repeating: -0.0023396972101181746))
  p = v_fma(p, u, Floats(repeating: 0.0072942390106618404))
  p = v_fma(p, u, Floats(repeating: -0.013463998213410378))
  p = v_fma(p, u, Floats(repeating: 0.019326239824295044))
  p = v_fma(p, u, Floats(repeating: -0.027911115437746048))
  p = v_fma(p, u, Floats(repeating: 0.03927963599562645))
  p = v_fma(p, u, Floats(repeating: -0.05149625614285469))
  p = v_fma(p, u, Floats(repeating: 0.06423527747392654))
  p = v_fma(p, u, Floats(repeating: -0.07841333746910095))
  p = v_fma(p, u, Floats(repeating: 0.09699904173612595))
  p = v_fma(p, u, Floats(repeating: -0.13065612316131592))
  p = v_fma(p, u, Floats(repeating: 0.26185622811317444))
  return v_min(v_max(clamped * p, Floats(repeating: -1)), Floats(repeating: 1))
}

/// x Φ(x), the exact GELU (Hendrycks and Gimpel, 2016).
@inline(__always)
func gelu(_ x: Floats) -> Floats {
  let half = x * Floats(repeating: 0.5)
  return v_fma(half, normalErrorFunction(x), half)
}

/// x Φ(x) within 8e-5, and within rounding x or 0 from a magnitude of 4.2 on: for what is rounded to 127 steps.
///
/// Source: a minimax fit of degree 7 in x² to the error function on |x| ≤ 4.2, with the value 1 prescribed at the end.
@inline(__always)
func coarseGelu(_ x: Floats) -> Floats {
  let clamped = v_min(v_max(x, Floats(repeating: -4.2)), Floats(repeating: 4.2))
  let u = v_fma(clamped * clamped, Floats(repeating: 0.1133786848), Floats(repeating: -1))
  var p = Floats(repeating: -0.007488659)
  p = v_fma(p, u, Floats(repeating: 0.02235175))
  p = v_fma(p, u, Floats(repeating: -0.032934323))
  p = v_fma(p, u, Floats(repeating: 0.047555126))
  p = v_fma(p, u, Floats(repeating: -0.07585233))
  p = v_fma(p, u, Floats(repeating: 0.11189752))
  p = v_fma(p, u, Floats(repeating: -0.16314296))
  p = v_fma(p, u, Floats(repeating: 0.33570912))
  let half = x * Floats(repeating: 0.5)
  return v_fma(half, clamped * p, half)
}

/// Source: Cephes `tanhf`: a polynomial below 0.625, 1 - 2 / (e^2x + 1) above.
@inline(__always)
func hyperbolicTangent(_ x: Floats) -> Floats {
  let magnitude = v_abs(x)
  let square = x * x
  var p = Floats(repeating: -5.70498872745e-3)
  p = v_fma(p, square, Floats(repeating: 2.06390887954e-2))
  p = v_fma(p, square, Floats(repeating: -5.37397155531e-2))
  p = v_fma(p, square, Floats(repeating: 1.33314422036e-1))
  p = v_fma(p, square, Floats(repeating: -3.33332819422e-1))
  let small = v_fma(p * square, x, x)
  let grown = exponential(v_min(magnitude, Floats(repeating: 10)) * Floats(repeating: 2))
  let large = Floats(repeating: 1) - Floats(repeating: 2) / (grown + Floats(repeating: 1))
  let signed = v_select_less(x, Floats(), Floats() - large, large)
  return v_select_less(Floats(repeating: Float(0.625).nextDown), magnitude, signed, small)
}

/// The tanh approximation of GELU: x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).
@inline(__always)
func geluTanh(_ x: Floats) -> Floats {
  let cube = x * x * x
  let inner = v_fma(cube, Floats(repeating: 0.044715), x) * Floats(repeating: 0.7978845608028654)
  let half = x * Floats(repeating: 0.5)
  return v_fma(half, hyperbolicTangent(inner), half)
}

/// 1 / (1 + e^-x).
@inline(__always)
func logistic(_ x: Floats) -> Floats {
  Floats(repeating: 1) / (exponential(Floats() - x) + Floats(repeating: 1))
}

/// The activations by the numbers of `Encoders.Activation`.
@inline(__always)
func activated(_ x: Floats, _ activation: Int32) -> Floats {
  switch activation {
  case 1: gelu(x)
  case 2: geluTanh(x)
  case 3: v_select_less(x, Floats(), Floats(), x) + Floats()  // no negative zero
  case 4: hyperbolicTangent(x)
  case 5: x * logistic(x)
  default: x
  }
}

extension Kernel {
  /// Applies an activation to rows in place.
  @inline(never)
  package static func activate(
    _ rows: UnsafeMutablePointer<Float>, _ stride: Int, _ M: Int, _ N: Int, _ activation: Int32
  ) {
    guard activation != 0 else { return }
    for row in 0..<M {
      let values = rows + row &* stride
      forEachVector(N) { index, lanes in
        store(activated(load(values, index, lanes), activation), values, index, lanes)
      }
    }
  }

  /// e^x of `count` floats, for tests of its error.
  @inline(never)
  package static func exponentials(_ values: UnsafeMutablePointer<Float>, _ count: Int) {
    forEachVector(count) { index, lanes in store(exponential(load(values, index, lanes)), values, index, lanes) }
  }

  /// Turns each row of scores into probabilities, in place.
  ///
  /// Each row has room for a multiple of 16 floats; those from `count` on are set to nearly zero.
  @inline(never)
  package static func softmaxRows(
    _ rows: UnsafeMutablePointer<Float>, _ stride: Int, _ M: Int, _ count: Int, _ scale: Float
  ) {
    let padded = (count &+ 15) / 16 &* 16
    for row in 0..<M {
      let scores = rows + row &* stride
      var highest = Accumulators(-Float.infinity)
      highest.forEachVector(count) { index, lanes, highest in
        highest = v_max(highest, visible(lanes, of: scores.vector(index)))
      }
      // The scale is positive, so the highest score stays the highest.
      let maximum = Floats(repeating: highest.maximum)
      var total = Accumulators()
      total.forEachVector(count) { index, lanes, sum in
        let value = exponential((visible(lanes, of: scores.vector(index)) - maximum) * Floats(repeating: scale))
        scores.store(value, index)
        sum += value
      }
      let inverse = Floats(repeating: 1 / total.sum)
      forEachVector(padded) { index, _ in scores.store(scores.vector(index) * inverse, index) }
    }
  }

  /// The same for scores [M, count] whose probabilities become operand rows `q` with `scales` [M], written up to a multiple
  /// of 4: q is 127 for the highest score of a row and in proportion for the others; the scale is one over the sum of q, so
  /// that what the grid makes of the probabilities sums to one.
  ///
  /// Each row of scores has room for a multiple of 16 floats.
  @inline(never)
  package static func softmaxQuantizedRows(
    _ rows: UnsafeMutablePointer<Float>, _ stride: Int, _ M: Int, _ count: Int, _ scale: Float,
    _ q: UnsafeMutableRawPointer, _ qStride: Int, _ scales: UnsafeMutablePointer<Float>
  ) {
    let factor = Floats(repeating: scale * 1.4426950408889634)
    // Four rows at a time (the last ones again where there are fewer), so that none waits for its own reductions.
    var first = 0
    while first < M {
      let others = OtherRows(M &- first, stride)
      let s0 = rows + first &* stride
      let s1 = s0 + others.second
      let s2 = s0 + others.third
      let s3 = s0 + others.fourth
      var m0 = Floats(repeating: -Float.infinity), m1 = m0, m2 = m0, m3 = m0
      forEachVector(count) { index, lanes in
        m0 = v_max(m0, visible(lanes, of: s0.vector(index)))
        m1 = v_max(m1, visible(lanes, of: s1.vector(index)))
        m2 = v_max(m2, visible(lanes, of: s2.vector(index)))
        m3 = v_max(m3, visible(lanes, of: s3.vector(index)))
      }
      let maxima = v_hmax_of4(m0, m1, m2, m3)
      m0 = Floats(repeating: maxima[0])
      m1 = Floats(repeating: maxima[1])
      m2 = Floats(repeating: maxima[2])
      m3 = Floats(repeating: maxima[3])
      let targets = OtherRows(M &- first, qStride)
      let q0 = q + first &* qStride
      let q1 = q0 + targets.second
      let q2 = q0 + targets.third
      let q3 = q0 + targets.fourth
      var t0 = Ints(), t1 = Ints(), t2 = Ints(), t3 = Ints()
      forEachVector(count) { index, lanes in
        t0 = t0 &+ storeProbabilities(visible(lanes, of: s0.vector(index)), m0, factor, q0, index)
        t1 = t1 &+ storeProbabilities(visible(lanes, of: s1.vector(index)), m1, factor, q1, index)
        t2 = t2 &+ storeProbabilities(visible(lanes, of: s2.vector(index)), m2, factor, q2, index)
        t3 = t3 &+ storeProbabilities(visible(lanes, of: s3.vector(index)), m3, factor, q3, index)
      }
      let sums = sumsOfRounded(t0, t1, t2, t3, (count &+ 15) / 16)
      UnsafeMutableRawPointer(scales + first).storeBytes(
        of: SIMD4(repeating: 1) / v_tofloat4(sums), as: SIMD4<Float>.self)
      first &+= 4
    }
  }

  @inline(__always)
  private static func storeProbabilities(
    _ scores: Floats, _ maximum: Floats, _ factor: Floats, _ q: UnsafeMutableRawPointer, _ index: Int
  ) -> Ints {
    storeRounded(stepsOfPowerOfTwo((scores - maximum) * factor), q, index)
  }

  /// The first lanes of some scores; the others become -infinity.
  @inline(__always)
  private static func visible(_ lanes: Int, of scores: Floats) -> Floats {
    guard lanes < 16 else { return scores }
    let numbers = Floats(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    return v_select_less(numbers, Floats(repeating: Float(lanes)), scores, Floats(repeating: -Float.infinity))
  }
}
