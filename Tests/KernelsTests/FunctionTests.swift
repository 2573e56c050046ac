import Kernels
import Testing

#if canImport(Glibc)
  import Glibc
#endif

func exponential(_ x: Double) -> Double { exp(x) }

/// Errors against the C library in Double, in units in the last place of the exact value.
@Suite struct FunctionTests {
  /// Every 1021st float of a range, both signs, and its ends.
  private func samples(_ from: Float, _ to: Float) -> [Float] {
    var values: [Float] = [from, to, -from, -to, 0, -0.0]
    for bits in stride(from: from.bitPattern, through: to.bitPattern, by: 1021) {
      values += [Float(bitPattern: bits), -Float(bitPattern: bits)]
    }
    return values
  }

  /// The largest error in ulps of the exact value, but of at least `floor`, and where it is.
  private func worst(
    _ inputs: [Float], _ found: [Float], floor: Double = 0x1p-126, _ exact: (Double) -> Double
  ) -> (ulps: Double, at: Float) {
    var worst = (ulps: 0.0, at: Float(0))
    for (input, value) in zip(inputs, found) {
      let expected = exact(Double(input))
      let unit = Double(Float(max(abs(expected), floor)).ulp)
      let error = abs(Double(value) - expected) / unit
      if !(error <= worst.ulps) { worst = (error.isNaN ? .infinity : error, input) }
    }
    return worst
  }

  private func check(
    _ name: String, _ activation: Int32, _ inputs: [Float], floor: Double, ulps: Double, _ exact: (Double) -> Double
  ) {
    var agreement = Agreement()
    for table in tables {
      let values = GuardedBuffer(inputs)
      table.activate(values.pointer, inputs.count, 1, inputs.count, activation)
      let error = worst(inputs, values.array, floor: floor, exact)
      #expect(error.ulps <= ulps, "\(name) \(table.instructionSet): \(error.ulps) ulps at \(error.at)")
      #expect(agreement.check(table, values.array, floor: Float(floor)) == nil, "\(name)")
    }
  }

  /// What is no number stays none, in every function and in what is made of a row.
  @Test func whatIsNoNumber() {
    for table in tables {
      for activation: Int32 in 0...5 {
        let values = GuardedBuffer<Float>([1, .nan, -2, .nan])
        table.activate(values.pointer, 4, 1, 4, activation)
        #expect(values.array.map(\.isNaN) == [false, true, false, true], "\(activation) \(table.instructionSet): \(values.array)")
      }
      let values = GuardedBuffer<Float>([1, .nan, -2, -.nan])
      table.exponentials(values.pointer, 4)
      #expect(values.array.map(\.isNaN) == [false, true, false, true], "\(table.instructionSet): \(values.array)")
      let zero = GuardedBuffer<Float>([-0.0, -1, 3])
      table.activate(zero.pointer, 3, 1, 3, 3)
      #expect(zero.array.map(\.bitPattern) == [0, 0, Float(3).bitPattern], "\(table.instructionSet)")
    }
  }

  @Test func exponentials() {
    let inputs = samples(1e-10, 80)
    var agreement = Agreement()
    for table in tables {
      let values = GuardedBuffer(inputs)
      table.exponentials(values.pointer, inputs.count)
      let error = worst(inputs, values.array) { exp($0) }
      #expect(error.ulps <= 2, "exp \(table.instructionSet): \(error.ulps) ulps at \(error.at)")
      #expect(agreement.check(table, values.array, floor: 0x1p-126) == nil)
      let extremes = GuardedBuffer<Float>([-88, -1000, -.infinity, 88])
      table.exponentials(extremes.pointer, 4)
      #expect(extremes.array[0...2].allSatisfy { $0 >= 0 && $0 <= 0x1p-115 } && extremes.array[3].isFinite)
    }
  }

  // On the negative side GELU is x/2 times a difference of nearly equal numbers, negligible beside its neighbours: there
  // the error is measured in units of the last place of 1/4 (3e-8).
  @Test func gelu() {
    func exact(_ x: Double) -> Double { x * 0.5 * erfc(-x / 2.0.squareRoot()) }
    let inputs = samples(1e-10, 100)
    check("gelu", 1, inputs.filter { $0 >= 0 }, floor: 0x1p-126, ulps: 4, exact)
    check("gelu", 1, inputs.filter { $0 < 0 }, floor: 0.25, ulps: 16, exact)
  }

  @Test func geluTanh() {
    func exact(_ x: Double) -> Double {
      0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }
    let inputs = samples(1e-10, 100)
    check("geluTanh", 2, inputs.filter { $0 >= 0 }, floor: 0x1p-126, ulps: 4, exact)
    check("geluTanh", 2, inputs.filter { $0 < 0 }, floor: 0.25, ulps: 16, exact)
  }

  @Test func rectifier() { check("relu", 3, samples(1e-10, 100), floor: 0x1p-126, ulps: 0) { max($0, 0) } }
  @Test func hyperbolicTangent() { check("tanh", 4, samples(1e-10, 100), floor: 0x1p-126, ulps: 3) { tanh($0) } }

  @Test func sigmoidLinearUnit() {
    check("silu", 5, samples(1e-10, 80), floor: 0x1p-126, ulps: 4) { $0 / (1 + exp(-$0)) }
  }

  @Test func identity() { check("identity", 0, samples(1e-10, 100), floor: 0x1p-126, ulps: 0) { $0 } }
}
