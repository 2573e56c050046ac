/// The symmetric int8 grid of one row: q = round half to even of x · 127 / max|x|, in [-127, 127], x ≈ q · scale.
///
/// Weights (a scale for each output), embedding rows and activations (a scale for each token) all lie on this grid.
/// The kernels quantise activations with the same arithmetic (`quantizeRows`).
package struct Grid: Sendable, Equatable {
  /// max|x| / 127; 0 for a row of zeros.
  package let scale: Float
  private let inverse: Float

  package init(_ row: UnsafeBufferPointer<Float>) {
    var maximum: Float = 0
    for value in row { maximum = max(maximum, value.magnitude) }
    scale = maximum / 127
    // A row so small that its inverse overflows is a row of zeros.
    let inverse = maximum > 0 ? 127 / maximum : 0
    self.inverse = inverse.isFinite ? inverse : 0
  }

  /// The grid of another row, whose scale is kept.
  package init(scale: Float) {
    self.scale = scale
    let inverse = scale > 0 ? 1 / scale : 0
    self.inverse = inverse.isFinite ? inverse : 0
  }

  /// The nearest value of the grid; what is outside of it becomes its end.
  package func quantize(_ value: Float) -> Int8 {
    Int8(max(-127, min(127, (value * inverse).rounded(.toNearestOrEven))))
  }
}

/// Tables of int8 rows: all rows one after the other, then at the next multiple of 64 bytes a scale for each.
extension Grid {
  package static func rowScalesOffset(rows: Int, width: Int) -> Int { (rows * width + 63) / 64 * 64 }
  package static func rowsByteCount(rows: Int, width: Int) -> Int { rowScalesOffset(rows: rows, width: width) + rows * 4 }

  /// - Parameters:
  ///   - values: [rows, width].
  ///   - keptScales: [rows], of another table on whose grid the values are to be; nil for a grid of each row's own.
  ///   - block: `rowsByteCount` bytes of zeros.
  package static func quantizeRows(
    _ values: UnsafePointer<Float>, rows: Int, width: Int, scales keptScales: UnsafePointer<Float>? = nil,
    into block: UnsafeMutableRawPointer
  ) {
    let target = block.assumingMemoryBound(to: Int8.self)
    let scales = (block + rowScalesOffset(rows: rows, width: width)).assumingMemoryBound(to: Float.self)
    for row in 0..<rows {
      let source = UnsafeBufferPointer(start: values + row * width, count: width)
      let grid = keptScales.map { Grid(scale: $0[row]) } ?? Grid(source)
      scales[row] = grid.scale
      for column in 0..<width { target[row * width + column] = grid.quantize(source[column]) }
    }
  }

  package static func dequantizeRows(
    _ block: UnsafeRawPointer, rows: Int, width: Int, into values: UnsafeMutablePointer<Float>
  ) {
    let source = block.assumingMemoryBound(to: Int8.self)
    let scales = (block + rowScalesOffset(rows: rows, width: width)).assumingMemoryBound(to: Float.self)
    for row in 0..<rows {
      for column in 0..<width { values[row * width + column] = Float(source[row * width + column]) * scales[row] }
    }
  }
}
