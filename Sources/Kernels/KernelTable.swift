/// The kernels of one instruction set, as a metatype: `any KernelTable.Type` is a table of functions that is chosen once.
/// `KernelSource` documents each function.
///
/// Most take a range of rows by its first pointer and its count, and no row's result depends on another: a caller may
/// split rows over threads as it likes.
package protocol KernelTable: SendableMetatype {
  typealias Floats = UnsafePointer<Float>
  typealias MutableFloats = UnsafeMutablePointer<Float>

  static var instructionSet: InstructionSet { get }

  static func operandStride(_ K: Int) -> Int
  static func quantizeRows(
    _ x: MutableFloats, _ xStride: Int, _ M: Int, _ K: Int, _ activation: Int32, _ q: UnsafeMutableRawPointer,
    _ qStride: Int, _ scales: MutableFloats
  )
  static func linearInt8(
    _ q: UnsafeRawPointer, _ qStride: Int, _ scales: Floats, _ M: Int, _ panels: UnsafeRawPointer, _ weightScales: Floats,
    _ rowSums: UnsafePointer<Int32>, _ bias: Floats, _ N: Int, _ K: Int, _ out: MutableFloats, _ outStride: Int
  )
  static func linearFloat(
    _ x: Floats, _ xStride: Int, _ M: Int, _ panels: Floats, _ bias: Floats, _ N: Int, _ K: Int, _ out: MutableFloats,
    _ outStride: Int
  )
  static func linearTransposedScratch(_ D: Int) -> Int
  static func linearTransposedInt8(
    _ x: Floats, _ xStride: Int, _ M: Int, _ panels: UnsafeRawPointer, _ weightScales: Floats, _ first: Int, _ D: Int,
    _ K: Int, _ out: MutableFloats, _ outStride: Int, _ scratch: MutableFloats
  )
  static func linearTransposedFloat(
    _ x: Floats, _ xStride: Int, _ M: Int, _ panels: Floats, _ first: Int, _ D: Int, _ K: Int, _ out: MutableFloats,
    _ outStride: Int, _ scratch: MutableFloats
  )
  static func activate(_ rows: MutableFloats, _ stride: Int, _ M: Int, _ N: Int, _ activation: Int32)
  static func normalizeRows(
    _ x: Floats, _ xStride: Int, _ residual: Floats?, _ residualStride: Int, _ M: Int, _ width: Int,
    _ kind: Int32, _ weight: Floats, _ bias: Floats, _ epsilon: Float, _ out: MutableFloats, _ outStride: Int,
    _ q: UnsafeMutableRawPointer?, _ qStride: Int, _ scales: MutableFloats?
  )
  static func gateRows(
    _ x: Floats, _ xStride: Int, _ M: Int, _ N: Int, _ out: MutableFloats, _ outStride: Int
  )
  static func rotateRows(
    _ rows: MutableFloats, _ stride: Int, _ M: Int, _ D: Int, _ cosines: Floats, _ sines: Floats, _ direction: Float
  )
  static func add(_ x: Floats, _ count: Int, _ y: MutableFloats)
  static func scale(_ x: MutableFloats, _ count: Int, _ factor: Float)
  static func gatherInt8Rows(
    _ indices: UnsafePointer<Int32>, _ M: Int, _ values: UnsafePointer<Int8>, _ scales: Floats, _ width: Int,
    _ out: MutableFloats, _ outStride: Int, _ adds: Bool
  )
  static func gatherFloatRows(
    _ indices: UnsafePointer<Int32>, _ M: Int, _ values: Floats, _ width: Int, _ out: MutableFloats, _ outStride: Int,
    _ adds: Bool
  )
  static func attentionScratch(_ M: Int, _ L: Int, _ D: Int) -> Int
  static func attention(
    _ query: Floats, _ key: Floats, _ value: Floats, _ stride: Int, _ M: Int, _ L: Int, _ D: Int, _ group: Int,
    _ seen: Int, _ scale: Float, _ bias: Floats?, _ out: MutableFloats, _ outStride: Int, _ scratch: MutableFloats
  )
  static func attentionInt8Scratch(_ M: Int, _ L: Int, _ D: Int) -> Int
  static func attentionInt8(
    _ query: Floats, _ key: Floats, _ value: Floats, _ stride: Int, _ M: Int, _ L: Int, _ D: Int, _ group: Int,
    _ seen: Int, _ scale: Float, _ bias: Floats?, _ out: MutableFloats, _ outStride: Int, _ scratch: MutableFloats
  )
  static func addBias(_ scores: MutableFloats, _ stride: Int, _ M: Int, _ L: Int, _ bias: Floats)
  static func disentangledAttentionScratch(_ L: Int, _ D: Int, _ R: Int) -> Int
  static func disentangledAttention(
    _ query: Floats, _ key: Floats, _ value: Floats, _ stride: Int, _ M: Int, _ L: Int, _ D: Int, _ scale: Float,
    _ positionKeys: UnsafeRawPointer?, _ positionQueries: UnsafeRawPointer?, _ R: Int, _ keyColumns: UnsafePointer<Int32>,
    _ queryColumns: UnsafePointer<Int32>, _ linear: Int, _ out: MutableFloats, _ outStride: Int, _ scratch: MutableFloats
  )
  static func disentangledAttentionInt8Scratch(_ L: Int, _ D: Int, _ R: Int) -> Int
  static func disentangledAttentionInt8(
    _ query: Floats, _ key: Floats, _ value: Floats, _ stride: Int, _ M: Int, _ L: Int, _ D: Int, _ scale: Float,
    _ positionKeys: UnsafeRawPointer?, _ positionQueries: UnsafeRawPointer?, _ R: Int, _ keyColumns: UnsafePointer<Int32>,
    _ queryColumns: UnsafePointer<Int32>, _ linear: Int, _ out: MutableFloats, _ outStride: Int, _ scratch: MutableFloats
  )
  static func softmaxRows(_ rows: MutableFloats, _ stride: Int, _ M: Int, _ count: Int, _ scale: Float)
  static func softmaxQuantizedRows(
    _ rows: MutableFloats, _ stride: Int, _ M: Int, _ count: Int, _ scale: Float, _ q: UnsafeMutableRawPointer,
    _ qStride: Int, _ scales: MutableFloats
  )
  static func exponentials(_ values: MutableFloats, _ count: Int)
}
