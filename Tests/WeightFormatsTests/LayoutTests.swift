import CVector
import Storage
import TestSupport
import Testing
import WeightFormats

@Suite struct LayoutTests {
  private static let shapes = [(1, 1), (2, 5), (63, 4), (64, 64), (65, 3), (130, 7)]

  /// The positions of the specification: panels of 64 outputs, 4 inputs of an int8 output together.
  @Test(arguments: shapes) func int8Panels(outputs: Int, inputs: Int) throws {
    let (shape, weights, bias) = (MatrixShape(outputs: outputs, inputs: inputs), floats(outputs * inputs), floats(outputs, seed: 2))
    let block = try packed(.int8, weights, bias, shape)
    let matrix = Int8Format.matrix(block.baseAddress, shape)
    let (padded, paddedInputs) = ((outputs + 63) / 64 * 64, (inputs + 3) / 4 * 4)
    #expect(block.byteCount == padded * paddedInputs + padded * 12)
    #expect(UnsafeRawPointer(matrix.scales) == block.baseAddress + padded * paddedInputs)
    #expect(UnsafeRawPointer(matrix.rowSums) == block.baseAddress + padded * paddedInputs + padded * 4)
    #expect(UnsafeRawPointer(matrix.bias) == block.baseAddress + padded * paddedInputs + padded * 8)
    #expect((0..<padded).allSatisfy { matrix.bias[$0] == ($0 < outputs ? bias[$0] : 0) })
    for output in 0..<padded {
      let row = output < outputs ? Array(weights[output * inputs..<(output + 1) * inputs]) : []
      let scale = (row.map(\.magnitude).max() ?? 0) / 127
      let integers = row.map { Int(($0 / (127 * scale) * 127).rounded(.toNearestOrEven)) }
      #expect(matrix.scales[output] == scale)
      var sum = 0
      for input in 0..<paddedInputs {
        let position = output / 64 * 64 * paddedInputs + input / 4 * 256 + output % 64 * 4 + input % 4
        let found = Int(block.bound(to: Int8.self)[position])
        let isInside = output < outputs && input < inputs
        // A weight half way between two steps may be rounded either way by another order of operations.
        #expect(isInside ? abs(found - integers[input]) <= 1 && abs(Float(found) * scale - row[input]) <= scale * 0.5001 : found == 0)
        sum += found
      }
      #expect(matrix.rowSums[output] == Int32(sum))
    }
  }

  @Test(arguments: shapes) func float32Panels(outputs: Int, inputs: Int) throws {
    let (shape, weights, bias) = (MatrixShape(outputs: outputs, inputs: inputs), floats(outputs * inputs), floats(outputs, seed: 2))
    let block = try packed(.fp32, weights, bias, shape)
    let padded = (outputs + 63) / 64 * 64
    let matrix = Float32Format.matrix(block.baseAddress, shape)
    #expect(block.byteCount == padded * inputs * 4 + padded * 4)
    #expect(UnsafeRawPointer(matrix.bias) == block.baseAddress + padded * inputs * 4)
    #expect((0..<padded).allSatisfy { matrix.bias[$0] == ($0 < outputs ? bias[$0] : 0) })
    for output in 0..<padded {
      for input in 0..<inputs {
        let found = matrix.panels[(output / 64 * inputs + input) * 64 + output % 64]
        #expect(found == (output < outputs ? weights[output * inputs + input] : 0))
      }
    }
  }

  @Test(arguments: shapes) func float16Rows(outputs: Int, inputs: Int) throws {
    let (shape, weights, bias) = (MatrixShape(outputs: outputs, inputs: inputs), floats(outputs * inputs), floats(outputs, seed: 2))
    let block = try packed(.fp16, weights, bias, shape)
    let start = (outputs * inputs * 2 + 63) / 64 * 64
    #expect(block.byteCount == start + outputs * 4)
    #expect((0..<outputs * inputs).allSatisfy { block.bound(to: Float16.self)[$0] == Float16(weights[$0]) })
    #expect((0..<outputs).allSatisfy { (block.baseAddress + start).load(fromByteOffset: $0 * 4, as: Float.self) == bias[$0] })
  }

  /// Any rows of a matrix come back, exactly or as near as the format says; packing what came back gives the same block.
  @Test(arguments: WeightFormat.allCases, shapes) func matricesComeBack(format: WeightFormat, size: (Int, Int)) throws {
    let shape = MatrixShape(outputs: size.0, inputs: size.1)
    let (weights, bias) = (floats(size.0 * size.1), floats(size.0, seed: 2))
    let block = try packed(format, weights, bias, shape)
    for outputs in [0..<shape.outputs, shape.outputs / 2..<shape.outputs, 0..<1] {
      var found = [Float](repeating: .nan, count: outputs.count * shape.inputs)
      format.rules.unpack(block.baseAddress, shape, outputs: outputs, into: &found)
      requireNear(format, found, Array(weights[outputs.lowerBound * shape.inputs..<outputs.upperBound * shape.inputs]), shape.inputs)
      guard outputs.count == shape.outputs else { continue }
      let again = try packed(format, found, bias, shape)
      var twice = found
      format.rules.unpack(again.baseAddress, shape, outputs: outputs, into: &twice)
      requireNear(format, twice, found, shape.inputs, share: 1e-3)
    }
    #expect((0..<shape.outputs).allSatisfy { format.rules.bias(block.baseAddress, shape)[$0] == bias[$0] })
  }

  @Test(arguments: WeightFormat.allCases, shapes) func tablesComeBack(format: WeightFormat, size: (Int, Int)) throws {
    let shape = TableShape(rows: size.0, width: size.1)
    let values = floats(size.0 * size.1)
    let block = try AlignedBuffer(byteCount: format.rules.byteCount(shape))
    format.rules.pack(values, shape, onGridOf: nil, into: block.baseAddress)
    var found = [Float](repeating: .nan, count: values.count)
    format.rules.unpack(block.baseAddress, shape, nil, rows: 0..<shape.rows, into: &found)
    requireNear(format, found, values, shape.width)
  }

  /// Weights on the grid of others keep its scales; formats without a grid do not look at them.
  @Test(arguments: WeightFormat.allCases) func otherGrids(format: WeightFormat) throws {
    let shape = MatrixShape(outputs: 65, inputs: 20)
    let base = try packed(format, floats(65 * 20, seed: 3), nil, shape)
    let weights = floats(65 * 20, seed: 4)
    let (own, others) = try (packed(format, weights, nil, shape), packed(format, weights, nil, shape, onGridOf: base))
    #expect(own.bytes.elementsEqual(others.bytes) == !format.rules.hasGrid)
    guard format.rules.hasGrid else { return }
    let (kept, found) = (Int8Format.matrix(base.baseAddress, shape).scales, Int8Format.matrix(others.baseAddress, shape).scales)
    #expect((0..<65).allSatisfy { kept[$0] == found[$0] })
  }

  /// Numbers that stand in bundles: what they are is for ever.
  @Test func numbers() {
    let numbers = WeightFormat.allCases.map { [$0.rules.matrixLayout.rawValue, $0.rules.tableLayout.rawValue] }
    #expect(numbers == [[2, 4], [3, 1], [5, 5]])
    #expect((0..<8).map { LayoutNumber(rawValue: $0).description } == [
      "bytes", "float32", "int8 panels", "float32 panels", "int8 rows", "float16 rows", "layout 6", "layout 7",
    ])
    #expect((0..<8).map { LayoutNumber(rawValue: $0).isKnown } == [true, true, true, true, true, true, false, false])
    #expect((0..<8).filter { LayoutNumber(rawValue: $0).holdsSmallIntegers } == [2, 4])
    for format in WeightFormat.allCases {
      #expect(WeightFormat(matrixLayout: format.rules.matrixLayout) == format)
      #expect(WeightFormat(tableLayout: format.rules.tableLayout) == format)
    }
    #expect(WeightFormat(matrixLayout: .float32) == nil && WeightFormat(tableLayout: LayoutNumber(rawValue: 2)) == nil)
  }

  private func packed(
    _ format: WeightFormat, _ weights: [Float], _ bias: [Float]?, _ shape: MatrixShape, onGridOf base: AlignedBuffer? = nil
  ) throws -> AlignedBuffer {
    let block = try AlignedBuffer(byteCount: format.rules.byteCount(shape))
    let bias = try AlignedBuffer(copying: bias ?? [Float](repeating: 0, count: shape.outputs))
    format.rules.pack(weights, bias: bias.bound(to: Float.self), shape, onGridOf: base.map { UnsafeRawPointer($0.baseAddress) }, into: block.baseAddress)
    withExtendedLifetime((bias, base)) {}
    return block
  }

  private func floats(_ count: Int, seed: UInt64 = 1) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float.random(in: -2...2, using: &generator) }
  }

  /// - Parameter share: of what the format may round by.
  private func requireNear(_ format: WeightFormat, _ found: [Float], _ expected: [Float], _ width: Int, share: Float = 1) {
    for row in 0..<found.count / width {
      let range = row * width..<(row + 1) * width
      let largest = expected[range].map(\.magnitude).max()!
      let step = format == .int8 ? largest / 127 * 0.5001 : format == .fp16 ? largest / 2048 : 0
      #expect(zip(found[range], expected[range]).allSatisfy { abs($0 - $1) <= step * share }, "\(format), row \(row)")
    }
  }
}

extension AlignedBuffer {
  fileprivate convenience init(copying values: [Float]) throws {
    try self.init(count: values.count, of: Float.self)
    bound(to: Float.self).update(from: values, count: values.count)
  }
}
