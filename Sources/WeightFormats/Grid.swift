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
