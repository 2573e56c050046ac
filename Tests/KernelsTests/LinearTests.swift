import Kernels
import Testing
import WeightFormats

private let rowCounts = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
private let inputCounts = [1, 3, 4, 5, 63, 64, 65, 384]
private let outputCounts = [1, 2, 15, 63, 64, 65, 100, 384]

@Suite struct LinearTests {
  /// Exact integer sums, dequantised by one product of the scales and one multiply-add.
  @Test func int8AgainstExactSums() {
    for inputs in inputCounts {
      for outputs in outputCounts {
        var random = Generator(seed: UInt64(inputs * 1000 + outputs))
        let weights = random.floats(outputs * inputs)
        let bias = random.floats(outputs)
        let values = random.floats(13 * inputs, 3)
        let panels = Panels(weights, bias: bias, outputs: outputs, inputs: inputs, .int8)
        let rowGrids = (0..<13).map { quantized(values[$0 * inputs..<($0 + 1) * inputs]) }
        let weightGrids = (0..<outputs).map { quantized(weights[$0 * inputs..<($0 + 1) * inputs]) }
        var expected: [(exact: Double, fused: Float)] = []
        for row in rowGrids {
          for (output, weight) in weightGrids.enumerated() {
            let sum = zip(row.integers, weight.integers).reduce(0) { $0 + $1.0 * $1.1 }
            let scale = weight.scale * row.scale
            expected.append(
              (Double(sum) * Double(scale) + Double(bias[output]), bias[output].addingProduct(Float(sum), scale)))
          }
        }
        for table in tables {
          let operand = Operand(table, values, rows: 13, width: inputs)
          for count in rowCounts {
            let out = output(stride: outputs + 3, count: count, width: outputs)
            panels.multiply(table, operand, rows: 0..<count, outputs: 0..<outputs, out.pointer, outputs + 3)
            let found = rows(out, stride: outputs + 3, count: count, width: outputs)
            let differs =
              found?.indices.first { index in
                table.instructionSet.hasFusedMultiplyAdd
                  ? found![index].bitPattern != expected[index].fused.bitPattern
                  : abs(Double(found![index]) - expected[index].exact) > 1e-5 * max(1, abs(expected[index].exact))
              }
            #expect(
              found != nil && differs == nil,
              "\(table.instructionSet) rows \(count) inputs \(inputs) outputs \(outputs) at \(differs ?? -1)")
          }
        }
      }
    }
  }

  /// All products at their largest: nothing may saturate below int32.
  @Test(arguments: [64, 384, 4096]) func int8Extremes(inputs: Int) {
    for (sign, weightSign) in [(1, 1), (1, -1), (-1, 1), (-1, -1)] as [(Float, Float)] {
      let panels = Panels(
        [Float](repeating: 127 * weightSign, count: 65 * inputs), bias: nil, outputs: 65, inputs: inputs, .int8)
      for table in tables {
        let operand = Operand(table, [Float](repeating: sign * 127, count: 7 * inputs), rows: 7, width: inputs)
        let out = output(stride: 65, count: 7, width: 65)
        panels.multiply(table, operand, rows: 0..<7, outputs: 0..<65, out.pointer, 65)
        let expected = sign * weightSign * Float(127 * 127 * inputs)
        #expect(out.array.allSatisfy { $0 == expected }, "\(table.instructionSet) \(sign) \(weightSign): \(out.array[0])")
      }
    }
  }

  /// A value depends neither on the rows nor on the outputs it is computed together with.
  @Test func int8Ranges() {
    let (rowCount, inputs, outputs) = (29, 65, 200)
    var random = Generator(seed: 7)
    let panels = Panels(
      random.floats(outputs * inputs), bias: random.floats(outputs), outputs: outputs, inputs: inputs, .int8)
    let values = random.floats(rowCount * inputs)
    var agreement = Agreement()
    for table in tables {
      let operand = Operand(table, values, rows: rowCount, width: inputs)
      let whole = output(stride: outputs, count: rowCount, width: outputs)
      panels.multiply(table, operand, rows: 0..<rowCount, outputs: 0..<outputs, whole.pointer, outputs)
      #expect(agreement.check(table, whole.array, floor: 1) == nil)
      for first in [1, 2, 5, 6, 11, 28] {
        let parts = output(stride: outputs, count: rowCount, width: outputs)
        for rows in [0..<first, first..<rowCount] {
          for columns in [0..<128, 128..<outputs] {
            panels.multiply(
              table, operand, rows: rows, outputs: columns,
              parts.pointer + rows.lowerBound * outputs + columns.lowerBound, outputs)
          }
        }
        #expect(parts.array == whole.array, "\(table.instructionSet) split at row \(first)")
      }
    }
  }

  /// One chain of fused multiply-adds in the order of the inputs, then the bias.
  @Test func floatAgainstOneChain() {
    for inputs in inputCounts {
      for outputs in outputCounts {
        var random = Generator(seed: UInt64(inputs * 1000 + outputs))
        let weights = random.floats(outputs * inputs)
        let bias = random.floats(outputs)
        let values = GuardedBuffer(random.floats(13 * inputs))
        let panels = Panels(weights, bias: bias, outputs: outputs, inputs: inputs, .fp32)
        var expected: [(exact: Double, fused: Float)] = []
        for row in 0..<13 {
          for output in 0..<outputs {
            var exact = 0.0
            var chain: Float = 0
            for input in 0..<inputs {
              let (x, w) = (values.pointer[row * inputs + input], weights[output * inputs + input])
              exact += Double(x) * Double(w)
              chain = chain.addingProduct(x, w)
            }
            expected.append((exact + Double(bias[output]), chain + bias[output]))
          }
        }
        for table in tables {
          for count in rowCounts {
            let out = output(stride: outputs + 3, count: count, width: outputs)
            table.linearFloat(
              values.pointer, inputs, count, panels.float32.panels,
              panels.float32.bias, outputs, inputs, out.pointer, outputs + 3)
            withExtendedLifetime((values, panels)) {}
            let found = rows(out, stride: outputs + 3, count: count, width: outputs)
            let differs =
              found?.indices.first { index in
                table.instructionSet.hasFusedMultiplyAdd
                  ? found![index].bitPattern != expected[index].fused.bitPattern
                  : abs(Double(found![index]) - expected[index].exact) > 1e-5 * max(1, abs(expected[index].exact))
              }
            #expect(
              found != nil && differs == nil,
              "\(table.instructionSet) rows \(count) inputs \(inputs) outputs \(outputs) at \(differs ?? -1)")
          }
        }
      }
    }
  }

  /// Back from some outputs to the inputs, wherever in their panels these lie: one chain of multiply-adds over the outputs.
  @Test(arguments: [WeightFormat.int8, .fp32]) func transposedAgainstDouble(format: WeightFormat) {
    for (outputs, inputs) in [(9, 1), (70, 5), (200, 63), (192, 64), (300, 130)] {
      var random = Generator(seed: UInt64(outputs * 1000 + inputs))
      let weights = random.floats(outputs * inputs)
      let panels = Panels(weights, bias: nil, outputs: outputs, inputs: inputs, format)
      let grids = (0..<outputs).map { quantized(weights[$0 * inputs..<($0 + 1) * inputs]) }
      for (first, count) in [(0, 1), (0, 16), (3, 5), (1, 70), (16, 32), (32, 64), (60, 20), (64, 64), (63, 129), (128, 32), (96, 80)]
      where first + count <= outputs {
        for M in [1, 3, 8] {
          let values = random.floats(M * (count + 2))
          var (expected, chains): ([Double], [Float]) = ([], [])
          for row in 0..<M {
            for input in 0..<inputs {
              var (sum, chain): (Double, Float) = (0, 0)
              for place in 0..<count {
                let (grid, value) = (grids[first + place], values[row * (count + 2) + place])
                let weight = format == .int8 ? Float(grid.integers[input]) : weights[(first + place) * inputs + input]
                let scale = format == .int8 ? grid.scale : 1
                sum += Double(value) * Double(weight) * Double(scale)
                chain.addProduct(value * scale, weight)
              }
              expected.append(sum)
              chains.append(chain)
            }
          }
          for table in tables {
            // The last row ends where the memory does.
            let source = GuardedBuffer(Array(values.dropLast(2)))
            let scratch = GuardedBuffer(table.linearTransposedScratch(count)) { _ in Float.nan }
            let out = output(stride: inputs + 3, count: M, width: inputs)
            if format == .int8 {
              table.linearTransposedInt8(
                source.pointer, count + 2, M, panels.block.raw, panels.int8.scales, first, count, inputs, out.pointer, inputs + 3,
                scratch.pointer)
            } else {
              table.linearTransposedFloat(
                source.pointer, count + 2, M, panels.float32.panels, first,
                count, inputs, out.pointer, inputs + 3, scratch.pointer)
            }
            withExtendedLifetime((source, scratch, panels)) {}
            let found = rows(out, stride: inputs + 3, count: M, width: inputs)
            let place = "\(table.instructionSet) rows \(M) outputs \(first) + \(count) of \(outputs), inputs \(inputs)"
            #expect(found.map { excess($0, expected) { 1e-5 * max(1, abs($0)) } <= 1 } == true, "\(place)")
            #expect(!table.instructionSet.hasFusedMultiplyAdd || found == chains, "\(place)")
          }
        }
      }
    }
  }
}
