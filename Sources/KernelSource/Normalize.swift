import CVector

extension Kernel {
  /// Layer normalisation (Ba et al., 2016) of `x + residual`, with the biased variance in two passes.
  ///
  /// - Parameters:
  ///   - x: [M, width]; overwritten by the sum when there is a residual.
  ///   - residual: [M, width], or nil.
  ///   - weight, bias: [width].
  ///   - out: [M, width]; may be `x`.
  ///   - q, scales: where the rows go quantised besides, or nil.
  @inline(never)
  package static func normalizeRows(
    _ x: UnsafeMutablePointer<Float>, _ xStride: Int, _ residual: UnsafePointer<Float>?, _ residualStride: Int, _ M: Int,
    _ width: Int, _ weight: UnsafePointer<Float>, _ bias: UnsafePointer<Float>, _ epsilon: Float,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ q: UnsafeMutableRawPointer?, _ qStride: Int,
    _ scales: UnsafeMutablePointer<Float>?
  ) {
    for row in 0..<M {
      let values = x + row &* xStride
      let target = out + row &* outStride
      var total = Accumulators()
      if let residual {
        let other = residual + row &* residualStride
        total.forEachVector(width) { index, lanes, sum in
          let value = load(values, index, lanes) + load(other, index, lanes)
          store(value, values, index, lanes)
          sum += value
        }
      } else {
        total.forEachVector(width) { index, lanes, sum in sum += load(values, index, lanes) }
      }
      let mean = Floats(repeating: total.sum / Float(width))
      var squares = Accumulators()
      squares.forEachVector(width) { index, lanes, sum in
        var centered = load(values, index, lanes) - mean
        // Lanes beyond the row must count as zero, not as minus the mean.
        if lanes < 16 { for lane in lanes..<16 { centered[lane] = 0 } }
        sum = v_fma(centered, centered, sum)
      }
      let variance = squares.sum / Float(width)
      let inverse = Floats(repeating: 1 / (variance + epsilon).squareRoot())
      var highest = Accumulators()
      highest.forEachVector(width) { index, lanes, highest in
        let normal = (load(values, index, lanes) - mean) * inverse
        let value = v_fma(normal, load(weight, index, lanes), load(bias, index, lanes))
        store(value, target, index, lanes)
        highest = v_max(highest, v_abs(value))  // Lanes beyond the row are zero: their weight and bias are.
      }
      if let q, let scales { quantizeRow(target, width, highest.maximum, q + row &* qStride, scales + row) }
    }
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
