import CVector

extension Kernel {
  /// y += x, `count` floats.
  @inline(never)
  package static func add(_ x: UnsafePointer<Float>, _ count: Int, _ y: UnsafeMutablePointer<Float>) {
    var index = 0
    while index < count {
      storeLanes(loadLanes(y, index, count) + loadLanes(x, index, count), y, index, count)
      index &+= 16
    }
  }

  /// Each of the M rows becomes the vector [N].
  @inline(never)
  package static func fillRows(_ vector: UnsafePointer<Float>, _ M: Int, _ N: Int, _ rows: UnsafeMutablePointer<Float>) {
    for row in 0..<M { (rows + row &* N).update(from: vector, count: N) }
  }

  /// sums [columns] += the sum over the M rows of x; rows are `stride` floats apart. In the order of the rows.
  @inline(never)
  package static func addColumnSums(
    _ x: UnsafePointer<Float>, _ stride: Int, _ M: Int, _ columns: Int, _ sums: UnsafeMutablePointer<Float>
  ) {
    var index = 0
    while index < columns {
      var sum = loadLanes(sums, index, columns)
      for row in 0..<M { sum += loadLanes(x + row &* stride, index, columns) }
      storeLanes(sum, sums, index, columns)
      index &+= 16
    }
  }

  /// The sum of the squares of `count` floats, in Double.
  @inline(never)
  package static func sumOfSquares(_ x: UnsafePointer<Float>, _ count: Int) -> Double {
    // Short runs in fp32 lanes, their sums in Double: exact enough for a norm and as fast as memory.
    var total = 0.0
    var index = 0
    while index < count {
      let end = min(count, index &+ 1024)
      var sum = Floats()
      while index < end {
        let value = loadLanes(x, index, end)
        sum = v_fma(value, value, sum)
        index &+= 16
      }
      index = end
      total += Double(v_hsum(sum))
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
    var index = 0
    while index < count {
      let gradient = loadLanes(g, index, count) * Floats(repeating: gradientScale)
      let first = loadLanes(m, index, count)
      let mean = v_fma(gradient - first, oneMinusBeta1, first)
      let square = loadLanes(v, index, count) * Floats(repeating: beta2) + gradient * gradient * oneMinusBeta2
      let denominator = v_sqrt(square) / Floats(repeating: correction) + Floats(repeating: epsilon)
      let decayed = loadLanes(p, index, count) * Floats(repeating: decay)
      storeLanes(mean, m, index, count)
      storeLanes(square, v, index, count)
      storeLanes(decayed - Floats(repeating: stepSize) * (mean / denominator), p, index, count)
      index &+= 16
    }
  }

  /// x *= factor, `count` floats.
  @inline(never)
  package static func scale(_ x: UnsafeMutablePointer<Float>, _ count: Int, _ factor: Float) {
    var index = 0
    while index < count {
      storeLanes(loadLanes(x, index, count) * Floats(repeating: factor), x, index, count)
      index &+= 16
    }
  }
}
