/// How a linear layer's weights lie in memory, the same for every instruction set: one block of bytes that a bundle
/// stores and the kernels read in place.
///
/// Panels of 64 outputs (rows of W), the last one filled up with zeros. Within an int8 panel, 4 consecutive inputs of
/// an output lie together: for each group of 4 inputs, 64 outputs x 4 bytes. Within an fp32 panel, for each input, 64
/// floats. After the panels, each at a multiple of 64 bytes: for int8 the scale (fp32) and the sum (int32) of each
/// row; for both the bias (fp32), zeros where there is none. The vectors are as long as the padded outputs.
package struct PanelLayout: Sendable, Equatable {
  package static let panelOutputs = 64
  package static let groupInputs = 4

  package let outputs: Int
  package let inputs: Int
  package let isInt8: Bool

  package init(outputs: Int, inputs: Int, isInt8: Bool) {
    self.outputs = outputs
    self.inputs = inputs
    self.isInt8 = isInt8
  }

  package var paddedOutputs: Int { (outputs + 63) / 64 * 64 }
  private var paddedInputs: Int { (inputs + 3) / 4 * 4 }
  private var panelBytes: Int { isInt8 ? paddedOutputs * paddedInputs : paddedOutputs * inputs * 4 }
  private var vectorBytes: Int { paddedOutputs * 4 }

  /// Where the panel of an output starts that is the first of one.
  package func panelOffset(output: Int) -> Int { isInt8 ? output * paddedInputs : output * inputs * 4 }

  /// int8 only.
  package var scalesOffset: Int { panelBytes }
  /// int8 only.
  package var rowSumsOffset: Int { scalesOffset + vectorBytes }
  package var biasOffset: Int { isInt8 ? rowSumsOffset + vectorBytes : panelBytes }
  package var byteCount: Int { biasOffset + vectorBytes }

  /// The place of a weight: bytes for int8, floats for fp32.
  private func place(_ output: Int, _ input: Int) -> Int {
    let panel = output / 64
    let lane = output % 64
    return isInt8
      ? panel * 64 * paddedInputs + input / 4 * 256 + lane * 4 + input % 4 : (panel * inputs + input) * 64 + lane
  }

  /// Lays weights out, quantised to the weight grid for int8.
  ///
  /// - Parameters:
  ///   - weights: [outputs, inputs], row-major.
  ///   - bias: [outputs], or nil for zeros.
  ///   - keptScales: int8: [outputs], of other weights on whose grid these are to be; nil for a grid of each row's own.
  ///   - block: `byteCount` bytes of zeros, 64-byte aligned.
  package func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, scales keptScales: UnsafePointer<Float>? = nil,
    into block: UnsafeMutableRawPointer
  ) {
    if isInt8 {
      let panels = block.assumingMemoryBound(to: Int8.self)
      let scales = (block + scalesOffset).assumingMemoryBound(to: Float.self)
      let sums = (block + rowSumsOffset).assumingMemoryBound(to: Int32.self)
      for output in 0..<outputs {
        let row = UnsafeBufferPointer(start: weights + output * inputs, count: inputs)
        let grid = keptScales.map { Grid(scale: $0[output]) } ?? Grid(row)
        var sum: Int32 = 0
        for input in 0..<inputs {
          let value = grid.quantize(row[input])
          sum += Int32(value)
          panels[place(output, input)] = value
        }
        scales[output] = grid.scale
        sums[output] = sum
      }
    } else {
      let panels = block.assumingMemoryBound(to: Float.self)
      for output in 0..<outputs {
        for input in 0..<inputs { panels[place(output, input)] = weights[output * inputs + input] }
      }
    }
    if let bias { (block + biasOffset).assumingMemoryBound(to: Float.self).update(from: bias, count: outputs) }
  }

  /// The weights of some outputs, row-major, dequantised from int8.
  package func unpack(_ block: UnsafeRawPointer, rows: Range<Int>, into weights: UnsafeMutablePointer<Float>) {
    let scales = (block + scalesOffset).assumingMemoryBound(to: Float.self)
    let int8 = block.assumingMemoryBound(to: Int8.self)
    let float = block.assumingMemoryBound(to: Float.self)
    for output in rows {
      let row = weights + (output - rows.lowerBound) * inputs
      for input in 0..<inputs {
        row[input] =
          isInt8 ? Float(int8[place(output, input)]) * scales[output] : float[place(output, input)]
      }
    }
  }
}
