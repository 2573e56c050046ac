import CPeak
import Kernels
import Measuring
import Storage
import WeightFormats

// Each kernel on each instruction set of this machine, at the shapes of MiniLM-L6 (384 wide) and BERT-base (768 wide),
// on one core: checked against plain loops first, then timed beside the processor's own peak.
//
//   swift run -c release --package-path Benchmarks KernelLadder [INSTRUCTION SET…]

/// Operations a second of the int8 and fp32 products with operands in registers.
func peaks(_ instructionSet: InstructionSet) -> (int8: Double, fp32: Double) {
  func rate(_ peak: (Int64) -> Int64) -> Double {
    let rounds: Int64 = 20_000
    var operations: Int64 = 0
    let time = seconds { operations = peak(rounds) }
    return Double(operations * rounds) / time
  }
  return switch instructionSet {
  case .avx512vnni: (rate(peak_int8_avx512vnni), rate(peak_fp32_avx512))
  case .avxvnni: (rate(peak_int8_avxvnni), rate(peak_fp32_avx2))
  case .avx2: (rate(peak_int8_avx2), rate(peak_fp32_avx2))
  default: (rate(peak_int8_baseline), rate(peak_fp32_baseline))
  }
}

struct Ladder {
  let kernels: any KernelTable.Type
  let peak: (int8: Double, fp32: Double)

  func row(_ name: String, _ shape: String, _ time: Double, _ detail: String) {
    print("  \(padded(name, 20))\(padded(shape, 18))\(fixed(time * 1e6, 2, 11)) µs  \(detail)")
  }

  func products(_ M: Int, _ N: Int, _ K: Int) {
    let weights = random(N * K, seed: 1)
    let values = random(M * K, seed: 2)
    let bias = random(N, seed: 3)
    let out = try! AlignedBuffer(count: M * N, of: Float.self)
    let shape = MatrixShape(outputs: N, inputs: K)
    let block = try! AlignedBuffer(byteCount: Int8Format.byteCount(shape))
    Int8Format.pack(weights.bound(to: Float.self), bias: bias.bound(to: Float.self), shape, into: block.baseAddress)
    let int8 = Int8Format.matrix(block.baseAddress, shape)
    let stride = kernels.operandStride(K)
    let operand = try! AlignedBuffer(byteCount: M * stride)
    let scales = try! AlignedBuffer(count: M, of: Float.self)
    let copy = try! AlignedBuffer(count: M * K, of: Float.self)
    copy.baseAddress.copyMemory(from: values.baseAddress, byteCount: M * K * 4)
    kernels.quantizeRows(
      copy.bound(to: Float.self), K, M, K, 0, operand.baseAddress, stride, scales.bound(to: Float.self))
    func multiply() {
      kernels.linearInt8(
        operand.baseAddress, stride, scales.bound(to: Float.self), M, int8.panels, int8.scales, int8.rowSums, int8.bias,
        N, K, out.bound(to: Float.self), N)
    }
    multiply()
    check("linearInt8", M, N, K, weights, values, bias, out, quantized: true)
    let operations = Double(2 * M * N * K)
    let int8Time = seconds(multiply)
    row("linearInt8", "\(M) x \(N) x \(K)", int8Time, rate(operations / int8Time, peak.int8))

    let panels = try! AlignedBuffer(byteCount: Float32Format.byteCount(shape))
    Float32Format.pack(weights.bound(to: Float.self), bias: bias.bound(to: Float.self), shape, into: panels.baseAddress)
    let fp32 = Float32Format.matrix(panels.baseAddress, shape)
    func multiplyFloat() {
      kernels.linearFloat(
        values.bound(to: Float.self), K, M, fp32.panels, fp32.bias, N, K, out.bound(to: Float.self), N)
    }
    multiplyFloat()
    check("linearFloat", M, N, K, weights, values, bias, out, quantized: false)
    let fp32Time = seconds(multiplyFloat)
    row("linearFloat", "\(M) x \(N) x \(K)", fp32Time, rate(operations / fp32Time, peak.fp32))
  }

  private func rate(_ operations: Double, _ peak: Double) -> String {
    "\(fixed(operations / 1e9, 0, 5)) GOP/s  \(fixed(100 * operations / peak, 1, 5)) % of the peak"
  }

  /// Some outputs of every row against plain loops in Double over the same grid.
  private func check(
    _ name: String, _ M: Int, _ N: Int, _ K: Int, _ weights: AlignedBuffer, _ values: AlignedBuffer, _ bias: AlignedBuffer,
    _ out: AlignedBuffer, quantized: Bool
  ) {
    func onGrid(_ row: UnsafeBufferPointer<Float>) -> [Double] {
      let grid = Grid(row)
      return row.map { quantized ? Double(grid.quantize($0)) * Double(grid.scale) : Double($0) }
    }
    for output in stride(from: 0, to: N, by: 37) {
      let weight = onGrid(UnsafeBufferPointer(start: weights.bound(to: Float.self) + output * K, count: K))
      for row in 0..<M {
        let value = onGrid(UnsafeBufferPointer(start: values.bound(to: Float.self) + row * K, count: K))
        let expected = zip(weight, value).reduce(Double(bias.bound(to: Float.self)[output])) { $0 + $1.0 * $1.1 }
        let found = Double(out.bound(to: Float.self)[row * N + output])
        precondition(abs(found - expected) < 1e-4 * max(1, abs(expected)), "\(name): expected \(expected), found \(found)")
      }
    }
  }

  func rows(_ M: Int, _ width: Int) {
    let values = random(M * width, seed: 4)
    let residual = random(M * width, seed: 5)
    let vectors = random(width, seed: 6)
    let out = try! AlignedBuffer(count: M * width, of: Float.self)
    let stride = kernels.operandStride(width)
    let operand = try! AlignedBuffer(byteCount: M * stride)
    let scales = try! AlignedBuffer(count: M, of: Float.self)
    let (x, y, v, z) = (
      values.bound(to: Float.self), residual.bound(to: Float.self), vectors.bound(to: Float.self), out.bound(to: Float.self)
    )
    func perVector(_ time: Double) -> String { "\(fixed(time / Double(M * width / 16) * 1e9, 2, 5)) ns for 16 values" }
    let quantize = seconds { kernels.quantizeRows(x, width, M, width, 0, operand.baseAddress, stride, scales.bound(to: Float.self)) }
    row("quantize", "\(M) x \(width)", quantize, perVector(quantize))
    let gelu = seconds {
      out.baseAddress.copyMemory(from: values.baseAddress, byteCount: M * width * 4)
      kernels.quantizeRows(z, width, M, width, 1, operand.baseAddress, stride, scales.bound(to: Float.self))
    }
    row("GELU, quantize", "\(M) x \(width)", gelu, perVector(gelu))
    let normalize = seconds {
      out.baseAddress.copyMemory(from: values.baseAddress, byteCount: M * width * 4)
      kernels.normalizeRows(
        z, width, y, width, M, width, 0, v, v, 1e-12, z, width, operand.baseAddress, stride, scales.bound(to: Float.self))
    }
    row("normalize, quantize", "\(M) x \(width)", normalize, perVector(normalize))
  }

  func attention(_ L: Int, _ D: Int) {
    let values = random(L * 3 * D, seed: 7)
    let out = try! AlignedBuffer(count: L * D, of: Float.self)
    let query = values.bound(to: Float.self)
    for (name, size, attention) in [
      ("attention", kernels.attentionScratch, kernels.attention),
      ("attentionInt8", kernels.attentionInt8Scratch, kernels.attentionInt8),
    ] {
      let scratch = try! AlignedBuffer(count: size(L, L, D), of: Float.self)
      let time = seconds {
        attention(
          query, query + D, query + 2 * D, 3 * D, L, L, D, 1, L, 1 / Float(D).squareRoot(), nil, out.bound(to: Float.self), D,
          scratch.bound(to: Float.self))
      }
      row(name, "\(L) x \(D)", time, "\(fixed(time / Double(L * L) * 16e9, 2, 5)) ns for 16 scores")
    }
  }
}

let wanted = Array(CommandLine.arguments.dropFirst())
print(Machine.processorName)
for instructionSet in InstructionSet.supported where wanted.isEmpty || wanted.contains(instructionSet.rawValue) {
  let peak = peaks(instructionSet)
  print("\n\(instructionSet.rawValue): int8 peak \(fixed(peak.int8 / 1e9, 0, 0)) GOP/s, fp32 peak \(fixed(peak.fp32 / 1e9, 0, 0)) GFLOP/s")
  let ladder = Ladder(kernels: try instructionSet.kernels(), peak: peak)
  for (N, K) in [(1152, 384), (384, 384), (1536, 384), (384, 1536), (768, 768), (3072, 768), (768, 3072)] {
    for M in [16, 64, 120] { ladder.products(M, N, K) }
  }
  for width in [384, 1536] { ladder.rows(48, width) }
  for (L, D) in [(32, 32), (128, 32), (512, 32), (128, 64)] { ladder.attention(L, D) }
}
