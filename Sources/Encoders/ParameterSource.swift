/// Where a model's parameters come from: a checkpoint folder, or a bundle whose int8 weights are dequantised.
package protocol ParameterSource {
  /// Fills `values` (row-major, `parameter.count` elements) and returns true; returns false when the source has no
  /// such parameter. Throws when it has one that cannot be read or has another shape.
  func read(_ parameter: Parameter, into values: UnsafeMutableBufferPointer<Float>) throws -> Bool
}
