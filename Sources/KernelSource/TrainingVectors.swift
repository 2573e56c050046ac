import CVector

extension Kernel {
  /// sums [columns] += the sum over the M rows of x; rows are `stride` floats apart. In the order of the rows.
  @inline(never)
  package static func addColumnSums(
    _ x: UnsafePointer<Float>, _ stride: Int, _ M: Int, _ columns: Int, _ sums: UnsafeMutablePointer<Float>
  ) {
    forEachVector(columns) { index, lanes in
      var sum = load(sums, index, lanes)
      for row in 0..<M { sum += load(x + row &* stride, index, lanes) }
      store(sum, sums, index, lanes)
    }
  }

  /// The sum of the squares of `count` floats, in Double.
  @inline(never)
  package static func sumOfSquares(_ x: UnsafePointer<Float>, _ count: Int) -> Double {
    // Short runs in fp32 lanes, their sums in Double: exact enough for a norm and as fast as memory.
    var total = 0.0
    var start = 0
    while start < count {
      var squares = Accumulators()
      squares.forEachVector(min(1024, count &- start)) { index, lanes, sum in
        let value = load(x, start &+ index, lanes)
        sum = v_fma(value, value, sum)
      }
      total += Double(squares.sum)
      start &+= 1024
    }
    return total
  }

  /// AdamW (Loshchilov and Hutter, 2017) as PyTorch computes it.
  ///
  /// p ← p (1 - lr · wd); m ← m + (1 - β1)(g - m); v ← β2 v + (1 - β2) g²;
  /// p ← p - lr / (1 - β1^t) · m / (√v / √(1 - β2^t) + ε), with g the gradient times `gradientScale` (clipping).
  ///
  /// - Parameters:
  ///   - decay: 1 - lr · wd.
  ///   - stepSize: lr / (1 - β1^t).
  ///   - correction: √(1 - β2^t).
  @inline(never)
  package static func adamW(
    _ p: UnsafeMutablePointer<Float>, _ g: UnsafePointer<Float>, _ m: UnsafeMutablePointer<Float>,
    _ v: UnsafeMutablePointer<Float>, _ count: Int, _ gradientScale: Float, _ decay: Float, _ stepSize: Float,
    _ beta1: Float, _ beta2: Float, _ epsilon: Float, _ correction: Float
  ) {
    let oneMinusBeta1 = Floats(repeating: 1 - beta1)
    let oneMinusBeta2 = Floats(repeating: 1 - beta2)
    forEachVector(count) { index, lanes in
      let gradient = load(g, index, lanes) * Floats(repeating: gradientScale)
      let first = load(m, index, lanes)
      let mean = v_fma(gradient - first, oneMinusBeta1, first)
      let square = load(v, index, lanes) * Floats(repeating: beta2) + gradient * gradient * oneMinusBeta2
      let denominator = v_sqrt(square) / Floats(repeating: correction) + Floats(repeating: epsilon)
      let decayed = load(p, index, lanes) * Floats(repeating: decay)
      store(mean, m, index, lanes)
      store(square, v, index, lanes)
      store(decayed - Floats(repeating: stepSize) * (mean / denominator), p, index, lanes)
    }
  }

  /// y *= x, `count` floats.
  @inline(never)
  package static func multiply(_ x: UnsafePointer<Float>, _ count: Int, _ y: UnsafeMutablePointer<Float>) {
    forEachVector(count) { index, lanes in
      store(load(y, index, lanes) * load(x, index, lanes), y, index, lanes)
    }
  }
}
