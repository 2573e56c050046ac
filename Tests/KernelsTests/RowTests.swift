import Kernels
import Testing
import WeightFormats

private let widths = [1, 2, 15, 16, 17, 63, 64, 65, 100, 384]

@Suite struct RowTests {
  @Test func quantizeOntoTheGrid() {
    for width in widths {
      var random = Generator(seed: UInt64(width))
      var values = random.floats(5 * width, 3)
      for column in 0..<width {
        values[1 * width + column] = 0
        values[2 * width + column] = column % 2 == 0 ? -1e30 : 1e30
        values[3 * width + column] = column % 2 == 0 ? Float.leastNonzeroMagnitude : 0  // 127 / max overflows: q is zero
      }
      let expected = (0..<5).map { quantized(values[$0 * width..<($0 + 1) * width]) }
      for table in tables {
        let operand = Operand(table, values, rows: 5, width: width)
        let integers = operand.integers(table, rows: 5, width: width)
        for row in 0..<5 {
          let found = Array(integers[row * width..<(row + 1) * width])
          #expect(found == expected[row].integers, "\(table.instructionSet) width \(width) row \(row)")
          #expect(operand.scales.array[row] == expected[row].scale)
        }
      }
    }
  }

  /// Halves go to the even neighbour.
  @Test func quantizeTies() {
    let row: [Float] = [127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, -127, 125.5]
    for table in tables {
      let operand = Operand(table, row, rows: 1, width: row.count)
      #expect(operand.integers(table, rows: 1, width: row.count) == [127, 0, 2, 2, 0, -2, -2, 126, -127, 126])
    }
  }

  /// The kernels and `Grid`, which quantises weights, are one grid.
  @Test func sameGridAsWeights() {
    var random = Generator(seed: 3)
    let row = random.floats(384, 5)
    let grid = row.withUnsafeBufferPointer { Grid($0) }
    for table in tables {
      let operand = Operand(table, row, rows: 1, width: 384)
      #expect(operand.integers(table, rows: 1, width: 384) == row.map { Int(grid.quantize($0)) })
      #expect(operand.scales.array == [grid.scale])
    }
  }

  /// Activating and quantising in one pass is the same as one after the other.
  @Test func quantizeActivated() {
    for width in widths {
      var random = Generator(seed: UInt64(width))
      let values = random.floats(4 * width, 4)
      for table in tables {
        for activation in 0...5 as ClosedRange<Int32> {
          let activated = GuardedBuffer(values)
          table.activate(activated.pointer, width, 4, width, activation)
          let fused = Operand(table, values, rows: 4, width: width, activation: activation)
          let separate = Operand(table, activated.array, rows: 4, width: width)
          if activation == 1 {
            // A GELU of its own, within a fraction of a step.
            let q = fused.integers(table, rows: 4, width: width)
            let isNear = q.indices.allSatisfy { index in
              let scale = fused.scales.array[index / width]
              return abs(Float(q[index]) * scale - activated.array[index]) <= scale * 0.5001 + 8e-5
            }
            #expect(isNear, "\(table.instructionSet) width \(width)")
            continue
          }
          #expect(fused.scales.array == separate.scales.array)
          #expect(fused.integers(table, rows: 4, width: width) == separate.integers(table, rows: 4, width: width))
        }
      }
    }
  }

  @Test func normalizeAgainstDouble() {
    for width in widths {
      var random = Generator(seed: UInt64(width))
      let count = 1 + width % 9
      let x = random.floats(count * width, 2)
      let residual = random.floats(count * width, 2)
      let weight = GuardedBuffer(random.floats(width))
      let bias = GuardedBuffer(random.floats(width))
      for adds in [false, true] {
        var expected: [Double] = []
        for row in 0..<count {
          let values = (0..<width).map { column in
            Double(adds ? x[row * width + column] + residual[row * width + column] : x[row * width + column])
          }
          let mean = values.reduce(0, +) / Double(width)
          let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
          for column in 0..<width {
            let normal = (values[column] - mean) / (variance + 1e-12).squareRoot()
            expected.append(normal * Double(weight.pointer[column]) + Double(bias.pointer[column]))
          }
        }
        var agreement = Agreement()
        for table in tables {
          let source = GuardedBuffer(x)
          let other = GuardedBuffer(residual)
          let out = output(stride: width + 5, count: count, width: width)
          let operand = Operand(table, rows: count, width: width)
          table.normalizeRows(
            source.pointer, width, adds ? UnsafePointer(other.pointer) : nil, width, count, width, 0, weight.pointer,
            bias.pointer, 1e-12, out.pointer, width + 5, operand.bytes.raw, operand.stride, operand.scales.pointer)
          withExtendedLifetime((source, other, weight, bias)) {}
          let found = rows(out, stride: width + 5, count: count, width: width)
          #expect(found != nil, "\(table.instructionSet) width \(width): wrote between the rows")
          guard let found else { continue }
          // Two elements that nearly cancel magnify the rounding of their mean.
          let error = excess(found, expected) { 1e-5 * max(1, abs($0)) }
          #expect(error <= (width > 2 ? 1 : 20), "\(table.instructionSet) width \(width): \(error)")
          #expect(agreement.check(table, found, floor: 1) == nil)
          let separate = Operand(table, found, rows: count, width: width)
          #expect(operand.scales.array == separate.scales.array)
          #expect(operand.integers(table, rows: count, width: width) == separate.integers(table, rows: count, width: width))
          #expect(source.array == x)
          // All in place, as the encoder has it.
          let again = Operand(table, rows: count, width: width)
          table.normalizeRows(
            source.pointer, width, adds ? UnsafePointer(other.pointer) : nil, width, count, width, 0, weight.pointer,
            bias.pointer, 1e-12, source.pointer, width, again.bytes.raw, again.stride, again.scales.pointer)
          withExtendedLifetime((other, weight, bias)) {}
          #expect(source.array == found && again.scales.array == operand.scales.array)
          #expect(again.integers(table, rows: count, width: width) == operand.integers(table, rows: count, width: width))
          // Each row alone, in place, without quantising.
          for row in 0..<count {
            let alone = GuardedBuffer(Array(x[row * width..<(row + 1) * width]))
            table.normalizeRows(
              alone.pointer, width, adds ? UnsafePointer(other.pointer + row * width) : nil, width, 1, width, 0,
              weight.pointer, bias.pointer, 1e-12, alone.pointer, width, nil, 0, nil)
            withExtendedLifetime((other, weight, bias)) {}
            #expect(alone.array == Array(found[row * width..<(row + 1) * width]))
          }
        }
      }
    }
  }

  /// By the root mean square, and not at all: weight and bias alone.
  @Test(arguments: [1, 2, 6, 15, 16, 17, 45, 64, 384]) func otherNormalizations(_ width: Int) {
    var random = Generator(seed: UInt64(width))
    let count = 1 + width % 9
    let (x, residual) = (random.floats(count * width, 2), random.floats(count * width, 2))
    let (weight, bias) = (GuardedBuffer(random.floats(width)), GuardedBuffer(random.floats(width)))
    for (kind, adds) in [(1, false), (1, true), (2, false), (2, true)] as [(Int32, Bool)] {
      var expected: [Double] = []
      for row in 0..<count {
        let values = (row * width..<(row + 1) * width).map { Double(adds ? x[$0] + residual[$0] : x[$0]) }
        let scale = kind == 1 ? 1 / (values.reduce(0) { $0 + $1 * $1 } / Double(width) + 1e-6).squareRoot() : 1
        for column in 0..<width {
          expected.append(values[column] * scale * Double(weight.pointer[column]) + Double(bias.pointer[column]))
        }
      }
      var agreement = Agreement()
      for table in tables {
        let (source, other) = (GuardedBuffer(x), GuardedBuffer(residual))
        let out = output(stride: width + 5, count: count, width: width)
        let operand = Operand(table, rows: count, width: width)
        table.normalizeRows(
          source.pointer, width, adds ? UnsafePointer(other.pointer) : nil, width, count, width, kind, weight.pointer, bias.pointer,
          1e-6, out.pointer, width + 5, operand.bytes.raw, operand.stride, operand.scales.pointer)
        let found = rows(out, stride: width + 5, count: count, width: width) ?? []
        #expect(excess(found, expected) { 1e-5 * max(1, abs($0)) } <= 1, "\(table.instructionSet) kind \(kind) width \(width)")
        #expect(agreement.check(table, found, floor: 1) == nil)
        let separate = Operand(table, found, rows: count, width: width)
        #expect(operand.integers(table, rows: count, width: width) == separate.integers(table, rows: count, width: width))
        // Many heads of a token, in place.
        table.normalizeRows(
          source.pointer, width, adds ? UnsafePointer(other.pointer) : nil, width, count, width, kind, weight.pointer, bias.pointer,
          1e-6, source.pointer, width, nil, 0, nil)
        withExtendedLifetime((other, weight, bias)) {}
        #expect(source.array == found)
      }
    }
  }

  @Test func gather() {
    for width in widths {
      var random = Generator(seed: UInt64(width))
      let values = random.floats(9 * width)
      let shape = TableShape(rows: 9, width: width)
      let block = GuardedBuffer<UInt8>(Int8Format.byteCount(shape)) { _ in 0 }
      Int8Format.pack(values, shape, into: block.raw)
      var dequantized = [Float](repeating: 0, count: values.count)
      Int8Format.unpack(block.raw, shape, rows: 0..<shape.rows, into: &dequantized)
      withExtendedLifetime(block) {}
      for row in 0..<9 {
        let scale = quantized(values[row * width..<(row + 1) * width]).scale
        for column in row * width..<(row + 1) * width { #expect(abs(dequantized[column] - values[column]) <= scale * 0.5001) }
      }
      let table32 = GuardedBuffer(values)
      let indices = GuardedBuffer<Int32>([8, 0, 3, 3])
      let scales = Int8Format.table(block.raw, shape).scales
      var agreement = Agreement()
      for table in tables {
        for (isInt8, source) in [(true, dequantized), (false, values)] {
          let out = output(stride: width + 3, count: 4, width: width)
          func run(adds: Bool) {
            if isInt8 {
              table.gatherInt8Rows(
                indices.pointer, 4, block.raw.assumingMemoryBound(to: Int8.self), scales, width, out.pointer, width + 3, adds)
            } else {
              table.gatherFloatRows(indices.pointer, 4, table32.pointer, width, out.pointer, width + 3, adds)
            }
            withExtendedLifetime((indices, block, table32)) {}
          }
          let expected = indices.array.flatMap { source[Int($0) * width..<(Int($0) + 1) * width] }
          run(adds: false)
          #expect(rows(out, stride: width + 3, count: 4, width: width) == expected, "\(table.instructionSet) \(width)")
          run(adds: true)
          let doubled = rows(out, stride: width + 3, count: 4, width: width) ?? []
          #expect(excess(doubled, expected.map { Double($0) * 2 }) { 1e-6 * max(1e-3, abs($0)) } <= 1)
          if isInt8 { #expect(agreement.check(table, doubled, floor: 1) == nil) }
        }
      }
    }
  }

  @Test func softmaxAgainstDouble() {
    for count in [1, 2, 15, 16, 17, 64, 100, 511] {
      let stride = (count + 15) / 16 * 16
      var random = Generator(seed: UInt64(count))
      var values = random.floats(4 * stride, 30)
      for column in 0..<count { values[stride + column] = column == count / 2 ? 500 : -500 }
      for column in 0..<count { values[2 * stride + column] = -3 }
      var expected: [Double] = []
      for row in 0..<4 {
        let scores = values[row * stride..<row * stride + count].map { Double($0) * 0.125 }
        let highest = scores.max()!
        let sum = scores.reduce(0) { $0 + exponential($1 - highest) }
        expected += scores.map { exponential($0 - highest) / sum }
      }
      var agreement = Agreement()
      for table in tables {
        let buffer = GuardedBuffer(values)
        table.softmaxRows(buffer.pointer, stride, 4, count, 0.125)
        let found = (0..<4).flatMap { row in buffer.array[row * stride..<row * stride + count] }
        let error = excess(found, expected) { 1e-6 * max(1e-4, abs($0)) }
        #expect(error <= 5, "\(table.instructionSet) count \(count): \(error)")
        #expect(agreement.check(table, found, floor: 1e-3) == nil)
      }
    }
  }
}
