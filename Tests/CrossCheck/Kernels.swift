import Encoders
import Kernels
import Storage
import WeightFormats

/// Memory that a kernel is given: 64-byte aligned, as the engine's.
private func buffer(_ values: [Float]) -> AlignedBuffer {
  let buffer = try! AlignedBuffer(count: values.count, of: Float.self)
  buffer.bound(to: Float.self).update(from: values, count: values.count)
  return buffer
}

private func buffer(_ count: Int) -> AlignedBuffer { try! AlignedBuffer(count: count, of: Float.self) }

extension AlignedBuffer {
  fileprivate var floats: UnsafeMutablePointer<Float> { bound(to: Float.self) }
}

/// One line for each kernel function and shape with a hash of what it makes of fixed input. KernelsTests say that the
/// values are right, where they can run; here they only have to be the same.
func reportKernels(_ table: any KernelTable.Type) {
  var generator = Generator(state: 1)

  func line(_ name: String, _ shape: [Int], _ results: [AlignedBuffer]) {
    let hashes = results.map { hexadecimal(XXH64.hash($0.bytes)) }
    print(([name, shape.map(String.init).joined(separator: "x")] + hashes).joined(separator: " "))
  }

  for (M, N, K) in [(1, 1, 1), (2, 3, 5), (6, 64, 64), (7, 65, 77), (13, 130, 384), (3, 45, 193)] {
    let x = buffer(generator.floats(M * K))
    let (weights, bias) = (generator.floats(N * K), generator.floats(N))
    for format in [WeightFormat.int8, .fp32] {
      let shape = MatrixShape(outputs: N, inputs: K)
      let block = try! AlignedBuffer(byteCount: format.rules.byteCount(shape))
      format.rules.pack(weights, bias: bias, shape, onGridOf: nil, into: block.baseAddress)
      let out = buffer(M * N)
      if format == .int8 {
        let matrix = Int8Format.matrix(block.baseAddress, shape)
        // The quantised bytes differ between instruction sets, their products do not.
        let (q, scales) = try! (AlignedBuffer(byteCount: M * table.operandStride(K)), buffer(M))
        table.quantizeRows(x.floats, K, M, K, Activation.identity.rawValue, q.baseAddress, table.operandStride(K), scales.floats)
        table.linearInt8(
          q.baseAddress, table.operandStride(K), scales.floats, M, matrix.panels, matrix.scales, matrix.rowSums, matrix.bias, N,
          K, out.floats, N)
        line("linearInt8", [M, N, K], [scales, out])
        let (back, scratch) = (buffer(M * K), buffer(table.linearTransposedScratch(N - N / 3)))
        table.linearTransposedInt8(
          out.floats, N, M, matrix.panels, matrix.scales, N / 3, N - N / 3, K, back.floats, K,
          scratch.floats)
        line("linearTransposedInt8", [M, N, K], [back])
      } else {
        let matrix = Float32Format.matrix(block.baseAddress, shape)
        table.linearFloat(x.floats, K, M, matrix.panels, matrix.bias, N, K, out.floats, N)
        line("linearFloat", [M, N, K], [out])
        let (back, scratch) = (buffer(M * K), buffer(table.linearTransposedScratch(N - N / 3)))
        table.linearTransposedFloat(
          out.floats, N, M, matrix.panels, N / 3, N - N / 3, K, back.floats, K, scratch.floats)
        line("linearTransposedFloat", [M, N, K], [back])
      }
    }
  }

  for activation in Activation.allCases {
    for (M, N) in [(1, 1), (3, 77), (5, 1536)] {
      let values = generator.floats(M * N, 12)
      let activated = buffer(values)
      table.activate(activated.floats, N, M, N, activation.rawValue)
      let (x, q, scales) = try! (buffer(values), AlignedBuffer(byteCount: M * table.operandStride(N)), buffer(M))
      table.quantizeRows(x.floats, N, M, N, activation.rawValue, q.baseAddress, table.operandStride(N), scales.floats)
      line("\(activation)", [M, N], [activated, scales])
    }
  }

  for (M, width) in [(1, 1), (2, 45), (3, 384), (9, 1000)] {
    let (x, residual) = (buffer(generator.floats(M * width)), buffer(generator.floats(M * width)))
    let (weight, bias) = (buffer(generator.floats(width)), buffer(generator.floats(width)))
    let (out, scales) = (buffer(M * width), buffer(M))
    let q = try! AlignedBuffer(byteCount: M * table.operandStride(width))
    table.normalizeRows(
      x.floats, width, residual.floats, width, M, width, 0, weight.floats, bias.floats, 1e-12, out.floats, width, q.baseAddress,
      table.operandStride(width), scales.floats)
    line("normalizeRows", [M, width], [out, scales])
  }

  for (rows, width) in [(3, 45), (9, 384)] {
    let values = generator.floats(rows * width)
    let shape = TableShape(rows: rows, width: width)
    let block = try! AlignedBuffer(byteCount: Int8Format.byteCount(shape))
    Int8Format.pack(values, shape, into: block.baseAddress)
    let scales = Int8Format.table(block.baseAddress, shape).scales
    let indices = (0..<7).map { _ in Int32(generator.next() % UInt64(rows)) }
    let (int8, float) = (buffer(7 * width), buffer(7 * width))
    for adds in [false, true] {
      table.gatherInt8Rows(indices, 7, block.bound(to: Int8.self), scales, width, int8.floats, width, adds)
      table.gatherFloatRows(indices, 7, values, width, float.floats, width, adds)
    }
    line("gatherRows", [rows, width], [int8, float])
  }

  for (L, D) in [(1, 1), (2, 5), (17, 32), (64, 32), (65, 64), (131, 32), (300, 9)] {
    let values = buffer(generator.floats(L * 3 * D))
    for M in [1, L] {
      let (float, int8) = (buffer(M * D), buffer(M * D))
      let scale = 1 / Float(D).squareRoot()
      let scratch = buffer(max(table.attentionScratch(M, L, D), table.attentionInt8Scratch(M, L, D)))
      table.attention(
        values.floats, values.floats + D, values.floats + 2 * D, 3 * D, M, L, D, 1, L, scale, nil, float.floats, D, scratch.floats)
      table.attentionInt8(
        values.floats, values.floats + D, values.floats + 2 * D, 3 * D, M, L, D, 1, L, scale, nil, int8.floats, D, scratch.floats)
      line("attention", [M, L, D], [float, int8])
      // A bias for each distance, far ones hidden; what a vector reads behind the last counts for nothing.
      let bias = buffer(generator.floats(2 * L + 15, 3).enumerated().map { abs($0 - L) > 40 ? -.infinity : $1 })
      table.attention(
        values.floats, values.floats + D, values.floats + 2 * D, 3 * D, M, L, D, 1, L, scale, bias.floats + L, float.floats, D,
        scratch.floats)
      table.attentionInt8(
        values.floats, values.floats + D, values.floats + 2 * D, 3 * D, M, L, D, 1, L, scale, bias.floats + L, int8.floats, D,
        scratch.floats)
      line("attentionWithBias", [M, L, D], [float, int8])
    }
    // Two heads that share keys and values, each token with those before it alone.
    let heads = buffer(generator.floats(L * 4 * D))
    let (float, int8) = (buffer(L * 2 * D), buffer(L * 2 * D))
    let scratch = buffer(max(table.attentionScratch(L, L, D), table.attentionInt8Scratch(L, L, D)))
    let bias = buffer((0..<2 * L + 16).map { $0 > L ? -.infinity : 0 })
    table.attention(
      heads.floats, heads.floats + 2 * D, heads.floats + 3 * D, 4 * D, L, L, D, 2, 1, 0.3, bias.floats + L, float.floats, 2 * D,
      scratch.floats)
    table.attentionInt8(
      heads.floats, heads.floats + 2 * D, heads.floats + 3 * D, 4 * D, L, L, D, 2, 1, 0.3, bias.floats + L, int8.floats, 2 * D,
      scratch.floats)
    line("causalAttention", [L, D], [float, int8])
  }

  for (M, D) in [(1, 2), (3, 30), (5, 64)] {
    let (rows, gated) = (buffer(generator.floats(M * D, 2)), buffer(M * D))
    let (cosines, sines) = (buffer(generator.floats(M * D / 2)), buffer(generator.floats(M * D / 2)))
    table.rotateRows(rows.floats, D, M, D, cosines.floats, sines.floats, 1)
    table.gateRows(rows.floats, D, M, D / 2, gated.floats, D / 2)
    table.add(rows.floats, M * D, gated.floats)
    table.scale(gated.floats, M * D, 1 / 3)
    line("rotateGateAddScale", [M, D], [rows, gated])
  }

  for (M, count) in [(1, 1), (3, 33), (2, 500)] {
    let stride = count.roundedUp(toMultipleOf: 64)
    let values = generator.floats(M * stride, 9)
    let (rows, scores, scales) = (buffer(values), buffer(values), buffer(M.roundedUp(toMultipleOf: 4)))
    table.softmaxRows(rows.floats, stride, M, count, 0.25)
    let q = try! AlignedBuffer(byteCount: M * table.operandStride(count))
    table.softmaxQuantizedRows(scores.floats, stride, M, count, 0.25, q.baseAddress, table.operandStride(count), scales.floats)
    let probabilities = buffer((0..<M).flatMap { row in (0..<count).map { rows.floats[row * stride + $0] } })
    line("softmax", [M, count], [probabilities, scales])
  }
  let exponents = buffer((0..<4096).map { Float($0) / 32 - 110 })
  table.exponentials(exponents.floats, 4096)
  line("exponentials", [4096], [exponents])
}

/// Numbers that a seed repeats (SplitMix64).
struct Generator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  /// Uniform in [-magnitude, magnitude).
  mutating func floats(_ count: Int, _ magnitude: Float = 1) -> [Float] {
    (0..<count).map { _ in (Float(next() >> 40) / Float(1 << 23) - 1) * magnitude }
  }
}

func hexadecimal(_ value: UInt64) -> String { String(value, radix: 16) }
