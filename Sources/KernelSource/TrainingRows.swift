import CVector

// Dropout is counter-based: whether an element is kept is a function of a key (made from the seed, the step and the
// verb) and the element's number, so that the backward pass asks again instead of storing a mask, and a resumed run
// draws the same.

/// 16 pseudo-random numbers from 0 to below 1, for elements `first` to `first + 15`.
///
/// A keyed integer hash with full avalanche (the multipliers of Wellons' `lowbias32`), the key mixed in twice.
@inline(__always)
private func uniform(_ key: UInt64, _ first: Int) -> Floats {
  let lanes = SIMD16<UInt32>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  let low = SIMD16<UInt32>(repeating: UInt32(truncatingIfNeeded: key))
  let high = SIMD16<UInt32>(repeating: UInt32(truncatingIfNeeded: key &>> 32))
  var x = (lanes &+ SIMD16<UInt32>(repeating: UInt32(truncatingIfNeeded: first))) &* SIMD16<UInt32>(repeating: 0x9E37_79B1)
  x ^= low
  x ^= x &>> SIMD16<UInt32>(repeating: 16)
  x = x &* SIMD16<UInt32>(repeating: 0x7FEB_352D)
  x ^= x &>> SIMD16<UInt32>(repeating: 15)
  x ^= high
  x = x &* SIMD16<UInt32>(repeating: 0x846C_A68B)
  x ^= x &>> SIMD16<UInt32>(repeating: 16)
  let bits = unsafeBitCast(x &>> SIMD16<UInt32>(repeating: 8), to: Ints.self)
  return v_tofloat(bits) * Floats(repeating: 0x1p-24)
}

/// `x` where the element is kept, scaled to keep the expected value; 0 where it is dropped.
@inline(__always)
private func dropped(_ x: Floats, _ rate: Float, _ key: UInt64, _ first: Int) -> Floats {
  v_select_less(uniform(key, first), Floats(repeating: rate), Floats(), x * Floats(repeating: 1 / (1 - rate)))
}

/// The derivative of an activation at `x`.
@inline(__always)
private func derivative(_ x: Floats, _ activation: Int32) -> Floats {
  let one = Floats(repeating: 1)
  switch activation {
  case 1:
    let density = exponential(x * x * Floats(repeating: -0.5)) * Floats(repeating: 0.3989422804014327)
    return v_fma(normalErrorFunction(x), Floats(repeating: 0.5), v_fma(x, density, Floats(repeating: 0.5)))
  case 2:
    let square = x * x
    let inner = v_fma(square * x, Floats(repeating: 0.044715), x) * Floats(repeating: 0.7978845608028654)
    let slope = v_fma(square, Floats(repeating: 3 * 0.044715), one) * Floats(repeating: 0.7978845608028654)
    let t = hyperbolicTangent(inner)
    return (one + t + x * (one - t * t) * slope) * Floats(repeating: 0.5)
  case 3: return v_select_less(Floats(), x, one, Floats())
  case 4:
    let t = hyperbolicTangent(x)
    return one - t * t
  case 5:
    let s = logistic(x)
    return s * v_fma(x, one - s, one)
  default: return one
  }
}

extension Kernel {
  /// out = f(x), `count` floats.
  @inline(never)
  package static func activateCopy(
    _ x: UnsafePointer<Float>, _ count: Int, _ activation: Int32, _ out: UnsafeMutablePointer<Float>
  ) {
    forEachVector(count) { index, lanes in
      store(activated(load(x, index, lanes), activation), out, index, lanes)
    }
  }

  /// out = f(x), and x becomes f'(x), `count` floats.
  @inline(never)
  package static func activateAndDerive(
    _ x: UnsafeMutablePointer<Float>, _ count: Int, _ activation: Int32, _ out: UnsafeMutablePointer<Float>
  ) {
    forEachVector(count) { index, lanes in
      let value = load(x, index, lanes)
      store(activated(value, activation), out, index, lanes)
      store(derivative(value, activation), x, index, lanes)
    }
  }

  /// The gradient of f(the first N of each row of x) · the N behind them: `dx` [M, 2N] from `x` [M, 2N] and the gradient `dy` [M, N] of its result.
  @inline(never)
  package static func gateBackward(
    _ x: UnsafePointer<Float>, _ M: Int, _ N: Int, _ activation: Int32, _ dy: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<M {
      let values = x + 2 &* row &* N
      let target = dx + 2 &* row &* N
      let upstream = dy + row &* N
      forEachVector(N) { index, lanes in
        let value = load(values, index, lanes)
        let gradient = load(upstream, index, lanes)
        let gate = load(values + N, index, lanes)
        store(gradient * gate * derivative(value, activation), target, index, lanes)
        store(gradient * activated(value, activation), target + N, index, lanes)
      }
    }
  }

  /// out = dropout(x), or that added to what `out` holds. `first` is the number of the first element.
  @inline(never)
  package static func dropout(
    _ x: UnsafePointer<Float>, _ count: Int, _ rate: Float, _ key: UInt64, _ first: Int,
    _ out: UnsafeMutablePointer<Float>, _ adds: Bool
  ) {
    forEachVector(count) { index, lanes in
      var value = load(x, index, lanes)
      if rate > 0 { value = dropped(value, rate, key, first &+ index) }
      if adds { value += load(out, index, lanes) }
      store(value, out, index, lanes)
    }
  }

  /// Normalises `dropout(x) + residual` as `normalizeRows` does, and keeps what its gradient needs.
  ///
  /// - Parameters:
  ///   - x: [M, width]; residual: the same, or nil.
  ///   - bias: [width], or nil for none.
  ///   - normalized: out, [M, width]: the rows before weight and bias.
  ///   - inverseDeviation: out, [M].
  ///   - out: [M, width].
  @inline(never)
  package static func normalizeForward(
    _ x: UnsafePointer<Float>, _ residual: UnsafePointer<Float>?, _ M: Int, _ width: Int, _ kind: Int32, _ weight: UnsafePointer<Float>,
    _ bias: UnsafePointer<Float>?, _ epsilon: Float, _ rate: Float, _ key: UInt64, _ first: Int,
    _ normalized: UnsafeMutablePointer<Float>, _ inverseDeviation: UnsafeMutablePointer<Float>,
    _ out: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<M {
      let source = x + row &* width
      let normal = normalized + row &* width
      let target = out + row &* width
      var total = Accumulators()
      total.forEachVector(width) { index, lanes, sum in
        var value = load(source, index, lanes)
        if rate > 0 { value = dropped(value, rate, key, first &+ row &* width &+ index) }
        if let residual { value += load(residual + row &* width, index, lanes) }
        // Dropped lanes beyond the row are zero as well: what they are made of is.
        store(value, normal, index, lanes)
        sum += value
      }
      let mean = Floats(repeating: kind == 0 ? total.sum / Float(width) : 0)
      var squares = Accumulators()
      squares.forEachVector(width) { index, lanes, sum in
        var centered = load(normal, index, lanes) - mean
        if lanes < 16 { for lane in lanes..<16 { centered[lane] = 0 } }
        sum = v_fma(centered, centered, sum)
      }
      let inverse = kind == 2 ? 1 : 1 / (squares.sum / Float(width) + epsilon).squareRoot()
      inverseDeviation[row] = inverse
      forEachVector(width) { index, lanes in
        let value = (load(normal, index, lanes) - mean) * Floats(repeating: inverse)
        store(value, normal, index, lanes)
        var shift = Floats()
        if let bias { shift = load(bias, index, lanes) }
        store(v_fma(value, load(weight, index, lanes), shift), target, index, lanes)
      }
    }
  }

  /// out = normalized · weight + bias, [M, width]: what `normalizeForward` made of the rows that it kept.
  @inline(never)
  package static func scaleAndShift(
    _ normalized: UnsafePointer<Float>, _ M: Int, _ width: Int, _ weight: UnsafePointer<Float>,
    _ bias: UnsafePointer<Float>?, _ out: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<M {
      let start = row &* width
      forEachVector(width) { index, lanes in
        let value = load(normalized + start, index, lanes)
        var shift = Floats()
        if let bias { shift = load(bias, index, lanes) }
        store(v_fma(value, load(weight, index, lanes), shift), out + start, index, lanes)
      }
    }
  }

  /// The gradients of `normalise(dropout(x) + residual)`; the parameters' gradients of these rows are added to
  /// `dWeight` and `dBias` [width].
  ///
  /// - Parameters:
  ///   - dx: [M, width], what dropout passes on of the sum's gradient; `addsX` adds it to what is there. Nil when
  ///     nobody wants it.
  ///   - dResidual: the same without dropout, or nil.
  @inline(never)
  package static func normalizeBackward(
    _ dy: UnsafePointer<Float>, _ normalized: UnsafePointer<Float>, _ inverseDeviation: UnsafePointer<Float>, _ M: Int,
    _ width: Int, _ kind: Int32, _ weight: UnsafePointer<Float>, _ rate: Float, _ key: UInt64, _ first: Int,
    _ dx: UnsafeMutablePointer<Float>?, _ addsX: Bool, _ dResidual: UnsafeMutablePointer<Float>?, _ addsResidual: Bool,
    _ dWeight: UnsafeMutablePointer<Float>, _ dBias: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<M {
      let start = row &* width
      let upstream = dy + start
      let normal = normalized + start
      var sum = Floats()
      var projection = Floats()
      forEachVector(width) { index, lanes in
        let gradient = load(upstream, index, lanes)
        let value = load(normal, index, lanes)
        store(v_fma(gradient, value, load(dWeight, index, lanes)), dWeight, index, lanes)
        store(load(dBias, index, lanes) + gradient, dBias, index, lanes)
        let scaled = gradient * load(weight, index, lanes)
        sum += scaled
        projection = v_fma(scaled, value, projection)
      }
      // What the mean and the deviation pass on, where the kind has them.
      let mean = Floats(repeating: kind == 0 ? v_hsum(sum) / Float(width) : 0)
      let slope = Floats(repeating: kind == 2 ? 0 : v_hsum(projection) / Float(width))
      let inverse = Floats(repeating: inverseDeviation[row])
      forEachVector(width) { index, lanes in
        let scaled = load(upstream, index, lanes) * load(weight, index, lanes)
        let value = (scaled - mean - load(normal, index, lanes) * slope) * inverse
        if let dResidual {
          let target = dResidual + start
          store(addsResidual ? load(target, index, lanes) + value : value, target, index, lanes)
        }
        if let dx {
          let target = dx + start
          var passed = value
          if rate > 0 { passed = dropped(value, rate, key, first &+ start &+ index) }
          store(addsX ? load(target, index, lanes) + passed : passed, target, index, lanes)
        }
      }
    }
  }

  /// The gradient of a softmax with dropout behind it: `dp` [M, L] (of the dropped probabilities) becomes the gradient
  /// of the scores, `scale` included. Rows are `stride` floats apart; element (i, j) has the number first + i · stride + j.
  @inline(never)
  package static func softmaxBackward(
    _ p: UnsafePointer<Float>, _ dp: UnsafeMutablePointer<Float>, _ stride: Int, _ M: Int, _ L: Int, _ scale: Float,
    _ rate: Float, _ key: UInt64, _ first: Int
  ) {
    for row in 0..<M {
      let probabilities = p + row &* stride
      let gradients = dp + row &* stride
      var total = Accumulators()
      total.forEachVector(L) { index, lanes, sum in
        var gradient = load(gradients, index, lanes)
        if rate > 0 {
          gradient = dropped(gradient, rate, key, first &+ row &* stride &+ index)
          store(gradient, gradients, index, lanes)
        }
        sum = v_fma(gradient, load(probabilities, index, lanes), sum)
      }
      let mean = Floats(repeating: total.sum)
      forEachVector(L) { index, lanes in
        let value = (load(gradients, index, lanes) - mean) * load(probabilities, index, lanes)
        store(value * Floats(repeating: scale), gradients, index, lanes)
      }
    }
  }
}
