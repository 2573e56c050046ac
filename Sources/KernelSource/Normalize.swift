import CVector

extension Kernel {
  /// Normalises `x + residual`, by a kind of `Encoders.Normalization`: 0, layer normalisation (Ba et al., 2016) with the biased
  /// variance in two passes; 1, by the root mean square (Zhang and Sennrich, 2019); 2, not at all: weight and bias alone.
  ///
  /// - Parameters:
  ///   - x: [M, width].
  ///   - residual: [M, width], or nil.
  ///   - weight, bias: [width].
  ///   - out: [M, width]; may be `x`.
  ///   - q, scales: where the rows go quantised besides, or nil.
  @inline(never)
  package static func normalizeRows(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ residual: UnsafePointer<Float>?, _ residualStride: Int, _ M: Int,
    _ width: Int, _ kind: Int32, _ weight: UnsafePointer<Float>, _ bias: UnsafePointer<Float>, _ epsilon: Float,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ q: UnsafeMutableRawPointer?, _ qStride: Int,
    _ scales: UnsafeMutablePointer<Float>?
  ) {
    // Four rows at a time, so that none waits for its own reductions.
    var row = 0
    while row < M {
      let count = min(4, M &- row)
      let target = out + row &* outStride
      // Sums with the residual go where the result will be, so that nothing else is written.
      let values = residual == nil ? x + row &* xStride : UnsafePointer(target)
      let valueStride = residual == nil ? xStride : outStride
      func sum(_ place: Int) -> Floats {
        guard place < count else { return Floats() }
        let values = x + (row &+ place) &* xStride
        guard let residual else { return kind == 0 ? sumRow(values, width) : Floats() }
        return addRows(values, residual + (row &+ place) &* residualStride, target + place &* outStride, width)
      }
      let sums = v_hsum_of4(sum(0), sum(1), sum(2), sum(3))
      let means = kind == 0 ? sums / SIMD4(repeating: Float(width)) : SIMD4()
      func squares(_ place: Int) -> Floats {
        place < count && kind != 2 ? sumSquares(values + place &* valueStride, means[place], width) : Floats()
      }
      let variances = v_hsum_of4(squares(0), squares(1), squares(2), squares(3)) / SIMD4(repeating: Float(width))
      let inverses = kind == 2 ? SIMD4(repeating: 1) : SIMD4(repeating: 1) / (variances + SIMD4(repeating: epsilon)).squareRoot()
      func normalize(_ place: Int) -> Floats {
        guard place < count else { return Floats() }
        return normalizeRow(
          values + place &* valueStride, means[place], inverses[place], weight, bias, target + place &* outStride, width)
      }
      let maxima = v_hmax_magnitude_of4(normalize(0), normalize(1), normalize(2), normalize(3))
      if let q, let scales {
        let inverses = inverseScales(maxima)
        for place in 0..<count {
          scales[row &+ place] = maxima[place] / 127
          roundRow(target + place &* outStride, width, inverses[place], q + (row &+ place) &* qStride)
        }
      }
      row &+= 4
    }
  }

  /// The sum of a row, spread over lanes.
  @inline(never)
  private static func sumRow(_ values: UnsafePointer<Float>, _ width: Int) -> Floats {
    var total = Accumulators()
    total.forEachVector(width) { index, lanes, sum in sum += load(values, index, lanes) }
    return total.lanes
  }

  /// The same of the sum of two rows, which becomes `out`.
  @inline(never)
  private static func addRows(
    _ values: UnsafePointer<Float>, _ residual: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ width: Int
  ) -> Floats {
    var total = Accumulators()
    total.forEachVector(width) { index, lanes, sum in
      let value = load(values, index, lanes) + load(residual, index, lanes)
      store(value, out, index, lanes)
      sum += value
    }
    return total.lanes
  }

  /// The squares of a row's distances from its mean, likewise.
  @inline(never)
  private static func sumSquares(_ values: UnsafePointer<Float>, _ mean: Float, _ width: Int) -> Floats {
    let mean = Floats(repeating: mean)
    var squares = Accumulators()
    squares.forEachVector(width) { index, lanes, sum in
      var centered = load(values, index, lanes) - mean
      // Lanes beyond the row must count as zero, not as minus the mean.
      if lanes < 16 { for lane in lanes..<16 { centered[lane] = 0 } }
      sum = v_fma(centered, centered, sum)
    }
    return squares.lanes
  }

  /// Returns the largest magnitude of each lane.
  @inline(never)
  private static func normalizeRow(
    _ values: UnsafePointer<Float>, _ mean: Float, _ inverse: Float, _ weight: UnsafePointer<Float>,
    _ bias: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ width: Int
  ) -> Floats {
    let mean = Floats(repeating: mean)
    let inverse = Floats(repeating: inverse)
    var highest = Accumulators()
    highest.forEachVector(width) { index, lanes, highest in
      let normal = (load(values, index, lanes) - mean) * inverse
      let value = v_fma(normal, load(weight, index, lanes), load(bias, index, lanes))
      store(value, target, index, lanes)
      highest = v_max_magnitude(highest, value)  // Lanes beyond the row are zero: their weight and bias are.
    }
    return highest.largestLanes
  }

  /// out[row] = (int8 row of a table) · its scale, or that added to what `out` holds.
  ///
  /// - Parameters:
  ///   - indices: the table's row for each of the M rows.
  ///   - values, scales: the table: int8 [rows, width] and fp32 [rows].
  @inline(never)
  package static func gatherInt8Rows(
    _ indices: UnsafePointer<Int32>, _ M: Int, _ values: UnsafePointer<Int8>, _ scales: UnsafePointer<Float>,
    _ width: Int, _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ adds: Bool
  ) {
    let whole = width / 16 &* 16
    for row in 0..<M {
      let index = Int(indices[row])
      let source = UnsafeRawPointer(values + index &* width)
      let target = out + row &* outStride
      let scale = Floats(repeating: scales[index])
      // A vocabulary's rows lie anywhere in a table that no cache holds.
      let ahead = UnsafeRawPointer(values + Int(indices[min(row &+ 2, M &- 1)]) &* width)
      for line in 0..<(width &+ 63) / 64 { v_prefetch(ahead + line &* 64) }
      var column = 0
      while column < whole {
        let value = v_tofloat(v_widen(source.loadUnaligned(fromByteOffset: column, as: SIMD16<Int8>.self)))
        target.store(v_fma(value, scale, adds ? target.vector(column) : Floats()), column)
        column &+= 16
      }
      while column < width {
        var lane = Floats()
        lane[0] = Float(values[index &* width &+ column])
        var sum = Floats()
        if adds { sum[0] = target[column] }
        target[column] = v_fma(lane, scale, sum)[0]
        column &+= 1
      }
    }
  }

  /// The same for a table in fp32 [rows, width].
  @inline(never)
  package static func gatherFloatRows(
    _ indices: UnsafePointer<Int32>, _ M: Int, _ values: UnsafePointer<Float>, _ width: Int,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ adds: Bool
  ) {
    for row in 0..<M {
      let source = values + Int(indices[row]) &* width
      let target = out + row &* outStride
      forEachVector(width) { column, lanes in
        let value = load(source, column, lanes)
        store(adds ? value + load(target, column, lanes) : value, target, column, lanes)
      }
    }
  }
}
