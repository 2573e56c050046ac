/// The kernels that only training needs, of one instruction set. `KernelSource` documents each.
package protocol TrainingKernelTable: SendableMetatype {
  typealias Floats = UnsafePointer<Float>
  typealias MutableFloats = UnsafeMutablePointer<Float>

  static func activateCopy(_ x: Floats, _ count: Int, _ activation: Int32, _ out: MutableFloats)
  static func activateAndDerive(_ x: MutableFloats, _ count: Int, _ activation: Int32, _ out: MutableFloats)
  static func gateBackward(
    _ x: Floats, _ M: Int, _ N: Int, _ activation: Int32, _ dy: Floats, _ dx: MutableFloats
  )
  static func dropout(
    _ x: Floats, _ count: Int, _ rate: Float, _ key: UInt64, _ first: Int, _ out: MutableFloats, _ adds: Bool
  )
  static func normalizeForward(
    _ x: Floats, _ residual: Floats?, _ M: Int, _ width: Int, _ kind: Int32, _ weight: Floats, _ bias: Floats?, _ epsilon: Float,
    _ rate: Float, _ key: UInt64, _ first: Int, _ normalized: MutableFloats, _ inverseDeviation: MutableFloats,
    _ out: MutableFloats
  )
  static func scaleAndShift(
    _ normalized: Floats, _ M: Int, _ width: Int, _ weight: Floats, _ bias: Floats?, _ out: MutableFloats
  )
  static func normalizeBackward(
    _ dy: Floats, _ normalized: Floats, _ inverseDeviation: Floats, _ M: Int, _ width: Int, _ kind: Int32, _ weight: Floats,
    _ rate: Float, _ key: UInt64, _ first: Int, _ dx: MutableFloats?, _ addsX: Bool, _ dResidual: MutableFloats?,
    _ addsResidual: Bool, _ dWeight: MutableFloats, _ dBias: MutableFloats
  )
  static func softmaxBackward(
    _ p: Floats, _ dp: MutableFloats, _ stride: Int, _ M: Int, _ L: Int, _ scale: Float, _ rate: Float, _ key: UInt64,
    _ first: Int
  )
  static func addColumnSums(_ x: Floats, _ stride: Int, _ M: Int, _ columns: Int, _ sums: MutableFloats)
  static func sumOfSquares(_ x: Floats, _ count: Int) -> Double
  static func adamW(
    _ p: MutableFloats, _ g: Floats, _ m: MutableFloats, _ v: MutableFloats, _ count: Int, _ gradientScale: Float,
    _ decay: Float, _ stepSize: Float, _ beta1: Float, _ beta2: Float, _ epsilon: Float, _ correction: Float
  )
  static func multiply(_ x: Floats, _ count: Int, _ y: MutableFloats)
}
