import CVector
import Kernels
import WeightFormats

/// A small generator (xorshift64*), so that a failure can be repeated from its seed.
struct Generator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }

  /// Uniform in [-magnitude, magnitude).
  mutating func float(_ magnitude: Float = 1) -> Float { (Float(next() >> 40) / Float(1 << 23) - 1) * magnitude }
  mutating func floats(_ count: Int, _ magnitude: Float = 1) -> [Float] { (0..<count).map { _ in float(magnitude) } }
  mutating func int(below limit: Int) -> Int { Int(next() >> 33) % limit }
}

let tables: [any KernelTable.Type] = InstructionSet.supported.map { try! $0.kernels() }

/// What no kernel writes by itself: marks the room between the rows of an output.
let untouched: Float = -777.25

/// What every instruction set made of one input: those with FMA must agree in every bit, the others within a relative
/// error of 1e-5.
struct Agreement {
  private var first: (name: String, bits: [UInt32])?

  /// - Parameter floor: magnitudes below count as this large for the relative error.
  mutating func check(_ table: any KernelTable.Type, _ values: [Float], floor: Float) -> String? {
    let bits = values.map(\.bitPattern)
    guard let first else {
      first = (table.instructionSet.rawValue, bits)
      return nil
    }
    for index in bits.indices where bits[index] != first.bits[index] {
      let expected = Float(bitPattern: first.bits[index])
      let error = abs(values[index] - expected) / max(abs(expected), floor)
      if table.instructionSet.hasFusedMultiplyAdd || !(error <= 1e-5) {
        return "\(table.instructionSet) gives \(values[index]) at \(index), \(first.name) \(expected)"
      }
    }
    return nil
  }
}

/// The largest error of `found`, in units of `tolerance`; NaN counts as infinite.
func excess(_ found: [Float], _ expected: [Double], tolerance: (Double) -> Double) -> Double {
  var worst = 0.0
  for (value, exact) in zip(found, expected) {
    let error = abs(Double(value) - exact) / tolerance(exact)
    worst = error.isNaN ? .infinity : max(worst, error)
  }
  return worst
}

/// The rows of `values`, `stride` apart, without what lies between them; nil if something has been written there.
func rows(_ values: GuardedBuffer<Float>, stride: Int, count: Int, width: Int) -> [Float]? {
  var result: [Float] = []
  result.reserveCapacity(count * width)
  for row in 0..<count {
    for column in 0..<stride where row * stride + column < values.count {
      let value = values.pointer[row * stride + column]
      if column < width { result.append(value) } else if value != untouched { return nil }
    }
  }
  withExtendedLifetime(values) {}
  return result
}

/// Room for `count` rows of `width` floats, `stride` apart; the last row ends where the memory does.
func output(stride: Int, count: Int, width: Int) -> GuardedBuffer<Float> {
  GuardedBuffer((count - 1) * stride + width) { _ in untouched }
}

/// A weight matrix in kernel layout.
struct Panels {
  let format: WeightFormat
  let shape: MatrixShape
  let block: GuardedBuffer<UInt8>

  init(_ weights: [Float], bias: [Float]?, outputs: Int, inputs: Int, _ format: WeightFormat) {
    self.format = format
    shape = MatrixShape(outputs: outputs, inputs: inputs)
    block = GuardedBuffer(format.rules.byteCount(shape)) { _ in 0 }
    let bias = bias.map { GuardedBuffer($0) }
    format.rules.pack(weights, bias: bias.map { UnsafePointer($0.pointer) }, shape, onGridOf: nil, into: block.raw)
    withExtendedLifetime(bias) {}
    withExtendedLifetime(block) {}
  }

  var int8: Int8Matrix { Int8Format.matrix(block.raw, shape) }
  var float32: FloatMatrix { Float32Format.matrix(block.raw, shape) }

  /// Runs `linearInt8` on all rows and outputs `[first, end)`; `first` is a multiple of 64.
  func multiply(
    _ table: any KernelTable.Type, _ operand: Operand, rows: Range<Int>, outputs: Range<Int>, _ out: UnsafeMutablePointer<Float>,
    _ stride: Int
  ) {
    let matrix = int8.outputs(outputs)
    table.linearInt8(
      operand.bytes.raw + rows.lowerBound * operand.stride, operand.stride, operand.scales.pointer + rows.lowerBound,
      rows.count, matrix.panels, matrix.scales, matrix.rowSums, matrix.bias, matrix.outputs, matrix.inputs, out, stride)
    withExtendedLifetime((self, operand)) {}
  }
}

/// Quantised rows, in the form of one instruction set.
struct Operand {
  let bytes: GuardedBuffer<UInt8>
  let scales: GuardedBuffer<Float>
  let stride: Int

  init(_ table: any KernelTable.Type, _ values: [Float], rows: Int, width: Int, activation: Int32 = 0) {
    let source = GuardedBuffer(values)
    stride = table.operandStride(width)
    bytes = GuardedBuffer(rows * stride) { _ in 0xA5 }
    scales = GuardedBuffer(rows) { _ in untouched }
    table.quantizeRows(source.pointer, width, rows, width, activation, bytes.raw, stride, scales.pointer)
    withExtendedLifetime(source) {}
  }

  init(_ table: any KernelTable.Type, rows: Int, width: Int) {
    stride = table.operandStride(width)
    bytes = GuardedBuffer(rows * table.operandStride(width)) { _ in 0xA5 }
    scales = GuardedBuffer(rows) { _ in untouched }
  }

  /// The integers, whatever form they have in memory: their product with 127 times the identity.
  func integers(_ table: any KernelTable.Type, rows: Int, width: Int) -> [Int] {
    var identity = [Float](repeating: 0, count: width * width)
    for index in 0..<width { identity[index * width + index] = 127 }
    let panels = Panels(identity, bias: nil, outputs: width, inputs: width, .int8)
    let ones = Operand(bytes: bytes, scales: GuardedBuffer(rows) { _ in 1 }, stride: stride)
    let out = output(stride: width, count: rows, width: width)
    panels.multiply(table, ones, rows: 0..<rows, outputs: 0..<width, out.pointer, width)
    return out.array.map { Int($0) / 127 }
  }

  private init(bytes: GuardedBuffer<UInt8>, scales: GuardedBuffer<Float>, stride: Int) {
    self.bytes = bytes
    self.scales = scales
    self.stride = stride
  }
}

/// The integers and the scale of a row on the activation grid, by the words of its definition.
func quantized(_ row: ArraySlice<Float>) -> (integers: [Int], scale: Float) {
  let maximum = row.reduce(0) { max($0, abs($1)) }
  let inverse = 127 / maximum
  guard inverse.isFinite else { return (row.map { _ in 0 }, maximum / 127) }
  return (row.map { Int(($0 * inverse).rounded(.toNearestOrEven)) }, maximum / 127)
}
