import CVector
import Storage

/// fp32. Kernels read it in place.
///
/// A matrix lies in panels of 64 outputs (rows of W), the last one filled up with zeros: for each input 64 floats. Then the
/// biases, as many as there are padded outputs. A table has its rows one after the other.
package enum Float32Format: WeightFormatRules {
  package static let matrixLayout = LayoutNumber(rawValue: 3)
  package static let tableLayout = LayoutNumber.float32
  package static let layoutNames = [matrixLayout: "float32 panels", tableLayout: "float32"]
  package static let holdsSmallIntegers = false
  package static let isExact = true
  package static let largestMagnitude = Float.greatestFiniteMagnitude
  package static let hasGrid = false

  // MARK: A matrix

  private static func biasOffset(_ shape: MatrixShape) -> Int {
    shape.outputs.roundedUp(toMultipleOf: Panels.outputs) * shape.inputs * 4
  }

  /// Where a weight lies among the panels, in floats.
  @inline(__always) private static func position(_ output: Int, _ input: Int, _ inputs: Int) -> Int {
    (output / 64 * inputs + input) * 64 + output % 64
  }

  package static func byteCount(_ shape: MatrixShape) -> Int {
    biasOffset(shape) + shape.outputs.roundedUp(toMultipleOf: Panels.outputs) * 4
  }

  package static func pack(
    _ weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, _ shape: MatrixShape, onGridOf base: UnsafeRawPointer? = nil,
    into block: UnsafeMutableRawPointer
  ) {
    let panels = block.assumingMemoryBound(to: Float.self)
    for output in 0..<shape.outputs {
      for input in 0..<shape.inputs { panels[position(output, input, shape.inputs)] = weights[output * shape.inputs + input] }
    }
    if let bias { (block + biasOffset(shape)).assumingMemoryBound(to: Float.self).update(from: bias, count: shape.outputs) }
  }

  package static func unpack(
    _ block: UnsafeRawPointer, _ shape: MatrixShape, outputs: Range<Int>, into weights: UnsafeMutablePointer<Float>
  ) {
    let panels = block.assumingMemoryBound(to: Float.self)
    for output in outputs {
      let row = weights + (output - outputs.lowerBound) * shape.inputs
      for input in 0..<shape.inputs { row[input] = panels[position(output, input, shape.inputs)] }
    }
  }

  package static func bias(_ block: UnsafeRawPointer, _ shape: MatrixShape) -> UnsafePointer<Float> {
    (block + biasOffset(shape)).assumingMemoryBound(to: Float.self)
  }

  /// The block's matrix, read in place.
  package static func matrix(_ block: UnsafeRawPointer, _ shape: MatrixShape) -> FloatMatrix {
    FloatMatrix(
      panels: block.assumingMemoryBound(to: Float.self), bias: bias(block, shape), outputs: shape.outputs, inputs: shape.inputs)
  }

  package static func open(_ block: UnsafeRawPointer, _ shape: MatrixShape) -> (matrix: ProductMatrix, memory: AlignedBuffer?) {
    (.float32(matrix(block, shape)), nil)
  }

  // MARK: A table

  package static func byteCount(_ shape: TableShape) -> Int { shape.rows * shape.width * 4 }

  package static func pack(
    _ values: UnsafePointer<Float>, _ shape: TableShape, onGridOf base: UnsafeRawPointer? = nil,
    into block: UnsafeMutableRawPointer
  ) {
    block.copyMemory(from: values, byteCount: byteCount(shape))
  }

  package static func unpack(
    _ block: UnsafeRawPointer, _ shape: TableShape, _ changes: TableChanges? = nil, rows: Range<Int>, into values: UnsafeMutablePointer<Float>
  ) {
    values.update(from: block.assumingMemoryBound(to: Float.self) + rows.lowerBound * shape.width, count: rows.count * shape.width)
  }

  package static func changeableRowBytes(_ shape: TableShape) -> Int? { nil }

  package static func open(
    _ block: UnsafeRawPointer, _ shape: TableShape, _ changes: TableChanges?
  ) -> (table: GatheredTable, memory: AlignedBuffer?) {
    (.float32(FloatTable(values: block.assumingMemoryBound(to: Float.self), width: shape.width)), nil)
  }
}
