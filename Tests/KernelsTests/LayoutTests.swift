import Kernels
import Testing

@Suite struct LayoutTests {
  /// The places of the specification: panels of 64 outputs, 4 inputs of an int8 output together.
  @Test(arguments: [true, false]) func places(isInt8: Bool) {
    for (outputs, inputs) in [(1, 1), (2, 5), (63, 4), (64, 64), (65, 3), (130, 7)] {
      var random = Generator(seed: UInt64(outputs * 100 + inputs))
      let weights = random.floats(outputs * inputs)
      let bias = random.floats(outputs)
      let panels = Panels(weights, bias: bias, outputs: outputs, inputs: inputs, isInt8: isInt8)
      let layout = panels.layout
      let padded = (outputs + 63) / 64 * 64
      let paddedInputs = (inputs + 3) / 4 * 4
      #expect(layout.biasOffset % 64 == 0 && layout.byteCount == layout.biasOffset + padded * 4)
      #expect((0..<padded).allSatisfy { panels.bias[$0] == ($0 < outputs ? bias[$0] : 0) })
      for output in 0..<padded {
        let grid = quantized(output < outputs ? weights[output * inputs..<(output + 1) * inputs] : [])
        if isInt8 {
          #expect(panels.scales[output] == grid.scale)
          #expect(panels.rowSums[output] == Int32(grid.integers.reduce(0, +)))
        }
        for input in 0..<(isInt8 ? paddedInputs : inputs) {
          let isInside = output < outputs && input < inputs
          if isInt8 {
            let place = output / 64 * 64 * paddedInputs + input / 4 * 256 + output % 64 * 4 + input % 4
            let found = Int(Int8(bitPattern: panels.block.pointer[place]))
            #expect(found == (isInside ? grid.integers[input] : 0), "\(outputs)x\(inputs) at \(output), \(input)")
          } else {
            let place = (output / 64 * inputs + input) * 64 + output % 64
            let found = panels.block.raw.load(fromByteOffset: place * 4, as: Float.self)
            #expect(found == (isInside ? weights[output * inputs + input] : 0))
          }
        }
      }
      var unpacked = [Float](repeating: 0, count: (outputs - outputs / 2) * inputs)
      unpacked.withUnsafeMutableBufferPointer {
        layout.unpack(panels.block.raw, rows: outputs / 2..<outputs, into: $0.baseAddress!)
      }
      for output in outputs / 2..<outputs {
        for input in 0..<inputs {
          let value = unpacked[(output - outputs / 2) * inputs + input]
          let exact = weights[output * inputs + input]
          #expect(abs(value - exact) <= (isInt8 ? panels.scales[output] * 0.5001 : 0))
        }
      }
      withExtendedLifetime(panels) {}
    }
  }
}
