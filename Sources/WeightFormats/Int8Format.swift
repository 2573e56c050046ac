import CVector
import Storage

/// int8 on a symmetric grid, a scale for each output of a matrix and each row of a table (`Grid`). Kernels read it in place.
///
/// A matrix lies in panels of 64 outputs (rows of W), the last one filled up with zeros. Within a panel 4 consecutive inputs of
/// an output lie together: for each group of 4 inputs, 64 outputs x 4 bytes. Then, each at a multiple of 64 bytes and as long as
/// the padded outputs: the scale (fp32), the sum of the integers (int32) and the bias (fp32) of each output.
///
/// A table has all rows one after the other, then at the next multiple of 64 bytes a scale (fp32) for each.
package enum Int8Format: WeightFormatRules {
  package static let matrixLayout = LayoutNumber(rawValue: 2)
  package static let tableLayout = LayoutNumber(rawValue: 4)
  package static let layoutNames = [matrixLayout: "int8 panels", tableLayout: "int8 rows"]
  package static let holdsSmallIntegers = true
  package static let isExact = false
  package static let largestMagnitude = Float.greatestFiniteMagnitude
  package static let hasGrid = true

  // MARK: A matrix

  /// Where the parts of a block start, in bytes.
  private struct Parts {
    let paddedInputs, scales, rowSums, bias, end: Int

    init(_ shape: MatrixShape) {
      let outputs = shape.outputs.roundedUp(toMultipleOf: Panels.outputs)
      paddedInputs = shape.inputs.roundedUp(toMultipleOf: 4)
      scales = outputs * paddedInputs
      rowSums = scales + outputs * 4
      bias = rowSums + outputs * 4
      end = bias + outputs * 4
    }

    /// Where a weight lies among the panels.
    @inline(__always) func position(_ output: Int, _ input: Int) -> Int {
      output / 64 * 64 * paddedInputs + input / 4 * 256 + output % 64 * 4 + input % 4
    }
  }

  package static func byteCount(_ shape: MatrixShape) -> Int { Parts(shape).end }

  package static func pack(
    _ weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, _ shape: MatrixShape, onGridOf base: UnsafeRawPointer? = nil,
    into block: UnsafeMutableRawPointer
  ) {
    let parts = Parts(shape)
    let panels = block.assumingMemoryBound(to: Int8.self)
    let scales = (block + parts.scales).assumingMemoryBound(to: Float.self)
    let sums = (block + parts.rowSums).assumingMemoryBound(to: Int32.self)
    let keptScales = base.map { ($0 + parts.scales).assumingMemoryBound(to: Float.self) }
    for output in 0..<shape.outputs {
      let row = UnsafeBufferPointer(start: weights + output * shape.inputs, count: shape.inputs)
      let grid = keptScales.map { Grid(scale: $0[output]) } ?? Grid(row)
      var sum: Int32 = 0
      for input in 0..<shape.inputs {
        let value = grid.quantize(row[input])
        sum += Int32(value)
        panels[parts.position(output, input)] = value
      }
      scales[output] = grid.scale
      sums[output] = sum
    }
    if let bias { (block + parts.bias).assumingMemoryBound(to: Float.self).update(from: bias, count: shape.outputs) }
  }

  package static func unpack(
    _ block: UnsafeRawPointer, _ shape: MatrixShape, outputs: Range<Int>, into weights: UnsafeMutablePointer<Float>
  ) {
    let parts = Parts(shape)
    let panels = block.assumingMemoryBound(to: Int8.self)
    let scales = (block + parts.scales).assumingMemoryBound(to: Float.self)
    for output in outputs {
      let row = weights + (output - outputs.lowerBound) * shape.inputs
      for input in 0..<shape.inputs { row[input] = Float(panels[parts.position(output, input)]) * scales[output] }
    }
  }

  package static func bias(_ block: UnsafeRawPointer, _ shape: MatrixShape) -> UnsafePointer<Float> { matrix(block, shape).bias }

  /// The block's matrix, read in place.
  package static func matrix(_ block: UnsafeRawPointer, _ shape: MatrixShape) -> Int8Matrix {
    let parts = Parts(shape)
    return Int8Matrix(
      panels: block, scales: (block + parts.scales).assumingMemoryBound(to: Float.self),
      rowSums: (block + parts.rowSums).assumingMemoryBound(to: Int32.self),
      bias: (block + parts.bias).assumingMemoryBound(to: Float.self), outputs: shape.outputs, inputs: shape.inputs)
  }

  package static func open(_ block: UnsafeRawPointer, _ shape: MatrixShape) -> (matrix: ProductMatrix, memory: AlignedBuffer?) {
    (.int8(matrix(block, shape)), nil)
  }

  // MARK: A table

  private static func scalesOffset(_ shape: TableShape) -> Int { (shape.rows * shape.width).roundedUp(toMultipleOf: 64) }

  private static func scales(_ block: UnsafeRawPointer, _ shape: TableShape) -> UnsafePointer<Float> {
    (block + scalesOffset(shape)).assumingMemoryBound(to: Float.self)
  }

  package static func byteCount(_ shape: TableShape) -> Int { scalesOffset(shape) + shape.rows * 4 }

  package static func pack(
    _ values: UnsafePointer<Float>, _ shape: TableShape, onGridOf base: UnsafeRawPointer? = nil,
    into block: UnsafeMutableRawPointer
  ) {
    let target = block.assumingMemoryBound(to: Int8.self)
    let newScales = (block + scalesOffset(shape)).assumingMemoryBound(to: Float.self)
    let keptScales = base.map { scales($0, shape) }
    for row in 0..<shape.rows {
      let source = UnsafeBufferPointer(start: values + row * shape.width, count: shape.width)
      let grid = keptScales.map { Grid(scale: $0[row]) } ?? Grid(source)
      newScales[row] = grid.scale
      for column in 0..<shape.width { target[row * shape.width + column] = grid.quantize(source[column]) }
    }
  }

  package static func unpack(
    _ block: UnsafeRawPointer, _ shape: TableShape, _ changes: TableChanges? = nil, rows: Range<Int>, into values: UnsafeMutablePointer<Float>
  ) {
    let table = table(block, shape, changes)
    for row in rows {
      let (source, target) = (table.row(row), values + (row - rows.lowerBound) * shape.width)
      for column in 0..<shape.width { target[column] = Float(source[column]) * table.scales[row] }
    }
  }

  package static func changeableRowBytes(_ shape: TableShape) -> Int? { shape.width }

  /// The block's table, read in place.
  package static func table(_ block: UnsafeRawPointer, _ shape: TableShape, _ changes: TableChanges? = nil) -> Int8Table {
    Int8Table(values: block.assumingMemoryBound(to: Int8.self), scales: scales(block, shape), width: shape.width, changes: changes)
  }

  package static func open(
    _ block: UnsafeRawPointer, _ shape: TableShape, _ changes: TableChanges?
  ) -> (table: GatheredTable, memory: AlignedBuffer?) {
    (.int8(table(block, shape, changes)), nil)
  }
}
