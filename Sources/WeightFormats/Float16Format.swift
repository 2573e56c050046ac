import Storage

/// fp16, row-major: half the bytes of fp32, and every weight within a part in 2048 of what it was (IEEE 754 binary16). It is
/// widened to fp32 when a model is opened.
///
/// A matrix has its rows one after the other, then at the next multiple of 64 bytes a bias (fp32) for each output. A table has
/// rows alone.
package enum Float16Format: WeightFormatRules {
  package static let matrixLayout = LayoutNumber(rawValue: 5)
  package static let tableLayout = matrixLayout
  package static let layoutNames = [matrixLayout: "float16 rows"]
  package static let holdsSmallIntegers = false
  package static let isExact = false
  package static let largestMagnitude = Float(Float16.greatestFiniteMagnitude)
  package static let hasGrid = false

  // MARK: A matrix

  private static func biasOffset(_ shape: MatrixShape) -> Int { (shape.outputs * shape.inputs * 2).roundedUp(toMultipleOf: 64) }

  package static func byteCount(_ shape: MatrixShape) -> Int { biasOffset(shape) + shape.outputs * 4 }

  package static func pack(
    _ weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, _ shape: MatrixShape, onGridOf base: UnsafeRawPointer? = nil,
    into block: UnsafeMutableRawPointer
  ) {
    narrow(weights, shape.outputs * shape.inputs, into: block)
    if let bias { (block + biasOffset(shape)).assumingMemoryBound(to: Float.self).update(from: bias, count: shape.outputs) }
  }

  package static func unpack(
    _ block: UnsafeRawPointer, _ shape: MatrixShape, outputs: Range<Int>, into weights: UnsafeMutablePointer<Float>
  ) {
    widen(block + outputs.lowerBound * shape.inputs * 2, outputs.count * shape.inputs, into: weights)
  }

  package static func bias(_ block: UnsafeRawPointer, _ shape: MatrixShape) -> UnsafePointer<Float> {
    (block + biasOffset(shape)).assumingMemoryBound(to: Float.self)
  }

  package static func open(
    _ block: UnsafeRawPointer, _ shape: MatrixShape
  ) throws(OutOfMemory) -> (matrix: ProductMatrix, memory: AlignedBuffer?) {
    let weights = try AlignedBuffer(count: shape.outputs * shape.inputs, of: Float.self, zeroed: false)
    unpack(block, shape, outputs: 0..<shape.outputs, into: weights.bound(to: Float.self))
    let memory = try AlignedBuffer(byteCount: Float32Format.byteCount(shape))
    Float32Format.pack(weights.bound(to: Float.self), bias: bias(block, shape), shape, into: memory.baseAddress)
    return (.float32(Float32Format.matrix(memory.baseAddress, shape)), memory)
  }

  // MARK: A table

  package static func byteCount(_ shape: TableShape) -> Int { shape.rows * shape.width * 2 }

  package static func pack(
    _ values: UnsafePointer<Float>, _ shape: TableShape, onGridOf base: UnsafeRawPointer? = nil,
    into block: UnsafeMutableRawPointer
  ) {
    narrow(values, shape.rows * shape.width, into: block)
  }

  package static func unpack(
    _ block: UnsafeRawPointer, _ shape: TableShape, _ changes: TableChanges? = nil, rows: Range<Int>, into values: UnsafeMutablePointer<Float>
  ) {
    widen(block + rows.lowerBound * shape.width * 2, rows.count * shape.width, into: values)
  }

  package static func changeableRowBytes(_ shape: TableShape) -> Int? { nil }

  package static func open(
    _ block: UnsafeRawPointer, _ shape: TableShape, _ changes: TableChanges?
  ) throws(OutOfMemory) -> (table: GatheredTable, memory: AlignedBuffer?) {
    let memory = try AlignedBuffer(byteCount: Float32Format.byteCount(shape), zeroed: false)
    unpack(block, shape, rows: 0..<shape.rows, into: memory.bound(to: Float.self))
    return (.float32(FloatTable(values: memory.bound(to: Float.self), width: shape.width)), memory)
  }

  // MARK: Values

  private static func narrow(_ values: UnsafePointer<Float>, _ count: Int, into block: UnsafeMutableRawPointer) {
    let halves = block.assumingMemoryBound(to: Float16.self)
    for index in 0..<count { halves[index] = Float16(values[index]) }
  }

  private static func widen(_ block: UnsafeRawPointer, _ count: Int, into values: UnsafeMutablePointer<Float>) {
    let halves = block.assumingMemoryBound(to: Float16.self)
    for index in 0..<count { values[index] = Float(halves[index]) }
  }
}
