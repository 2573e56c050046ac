import CVector
import Kernels

/// Panels are 64 outputs wide in every layout that kernels read.
package enum Panels {
  package static let outputs = 64
}

/// A matrix as a product reads it: a case for each kernel. The memory is somebody else's.
package enum ProductMatrix {
  case int8(Int8Matrix)
  case float32(FloatMatrix)

  package var outputs: Int {
    switch self {
    case .int8(let matrix): matrix.outputs
    case .float32(let matrix): matrix.outputs
    }
  }

  package var inputs: Int {
    switch self {
    case .int8(let matrix): matrix.inputs
    case .float32(let matrix): matrix.inputs
    }
  }

  /// What its product multiplies by.
  package var operandForm: OperandForm {
    switch self {
    case .int8: .quantized
    case .float32: .float32
    }
  }
}

/// The form of hidden states that a product reads.
package enum OperandForm: Sendable { case float32, quantized }

/// Hidden states that can be an operand. A product asks for the form that its matrix wants, and for no other.
package protocol ProductOperand {
  func floatRows(_ rows: Range<Int>) -> FloatRows
  func quantizedRows(_ rows: Range<Int>) -> QuantizedRows
}

extension ProductMatrix {
  /// `x Wᵀ + b` for some rows of x and some outputs.
  ///
  /// - Parameters:
  ///   - outputs: from the first of a panel on.
  ///   - out: `[rows, outputs]`, `outStride` floats from one row to the next.
  package func multiply(
    _ operand: some ProductOperand, rows: Range<Int>, outputs: Range<Int>, _ kernels: any KernelTable.Type,
    into out: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    switch self {
    case .int8(let matrix):
      let (x, matrix) = (operand.quantizedRows(rows), matrix.outputs(outputs))
      kernels.linearInt8(
        x.values, x.stride, x.scales, x.count, matrix.panels, matrix.scales, matrix.rowSums, matrix.bias, matrix.outputs,
        matrix.inputs, out, outStride)
    case .float32(let matrix):
      let (x, matrix) = (operand.floatRows(rows), matrix.outputs(outputs))
      kernels.linearFloat(
        x.values, x.stride, x.count, matrix.panels, matrix.bias, matrix.outputs, matrix.inputs, out, outStride)
    }
  }

  /// From some outputs back to the inputs: `x W`, W the rows `outputs` of the matrix.
  ///
  /// - Parameters:
  ///   - x: `[rows, outputs]`; out: `[rows, inputs]`, `outStride` floats from one row to the next.
  ///   - scratch: `kernels.linearTransposedScratch(outputs.count)` floats.
  package func multiplyTransposed(
    _ x: FloatRows, outputs: Range<Int>, _ kernels: any KernelTable.Type, into out: UnsafeMutablePointer<Float>, _ outStride: Int,
    scratch: UnsafeMutablePointer<Float>
  ) {
    switch self {
    case .int8(let matrix):
      kernels.linearTransposedInt8(
        x.values, x.stride, x.count, matrix.panels, matrix.scales, outputs.lowerBound, outputs.count, matrix.inputs, out, outStride,
        scratch)
    case .float32(let matrix):
      kernels.linearTransposedFloat(
        x.values, x.stride, x.count, matrix.panels, outputs.lowerBound, outputs.count, matrix.inputs, out, outStride, scratch)
    }
  }
}

extension Int8Matrix {
  /// Some of the outputs, from the first of a panel on.
  package func outputs(_ range: Range<Int>) -> Int8Matrix {
    let first = range.lowerBound
    return Int8Matrix(
      panels: panels + first * ((inputs + 3) / 4 * 4), scales: scales + first, rowSums: rowSums + first, bias: bias + first,
      outputs: range.count, inputs: inputs)
  }
}

extension FloatMatrix {
  /// Some of the outputs, from the first of a panel on.
  package func outputs(_ range: Range<Int>) -> FloatMatrix {
    FloatMatrix(
      panels: panels + range.lowerBound * inputs, bias: bias + range.lowerBound, outputs: range.count, inputs: inputs)
  }
}
