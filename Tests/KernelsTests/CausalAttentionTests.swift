import Kernels
import Testing

/// Attention of tokens to those before them, in heads that share keys and values.
@Suite struct CausalAttentionTests {
  private struct Case {
    let length, width, group: Int
    /// The token of the first query, and how many there are.
    let first, count: Int
    let values: [Float]
    let scale: Float

    var stride: Int { (group + 2) * width }
    /// Part 0 to group - 1 are queries, then key and value.
    func part(_ which: Int, _ token: Int) -> ArraySlice<Float> { values[token * stride + which * width..<token * stride + (which + 1) * width] }
    func dot(_ x: ArraySlice<Float>, _ y: ArraySlice<Float>) -> Double { zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) } }

    init(length: Int, width: Int, group: Int, first: Int = 0) {
      (self.length, self.width, self.group, self.first, count) = (length, width, group, first, length - first)
      var random = Generator(seed: UInt64(length * 1000 + width * 10 + group))
      values = random.floats(length * (group + 2) * width, 2)
      scale = 1 / Float(width).squareRoot()
    }

    /// The context [count, group, width], with queries that do not exist for a product that may read them.
    func run(_ table: any KernelTable.Type, isInt8: Bool) -> [Float]? {
      let source = GuardedBuffer(values)
      let size = isInt8 ? table.attentionInt8Scratch(count, length, width) : table.attentionScratch(count, length, width)
      let scratch = GuardedBuffer<Float>(size) { _ in .nan }
      let bias = GuardedBuffer((0..<2 * length + 16).map { $0 > length ? -Float.infinity : 0 })
      let out = output(stride: group * width + 3, count: count, width: group * width)
      let attention = isInt8 ? table.attentionInt8 : table.attention
      attention(
        source.pointer + first * stride, source.pointer + group * width, source.pointer + (group + 1) * width, stride, count, length,
        width, group, first + 1, scale, bias.pointer + length - first, out.pointer, group * width + 3, scratch.pointer)
      withExtendedLifetime((source, scratch, bias)) {}
      return rows(out, stride: group * width + 3, count: count, width: group * width)
    }
  }

  private func forEachCase(_ body: (Case) -> Void) {
    for length in [1, 2, 5, 13, 24, 25, 48, 64, 65, 130, 300] {
      for (width, group) in [(1, 2), (6, 1), (17, 3), (64, 2), (80, 1), (128, 2)] where length * width < 20_000 {
        body(Case(length: length, width: width, group: group))
        if length > 5 { body(Case(length: length, width: width, group: group, first: length - 3)) }
      }
    }
  }

  @Test func againstDouble() {
    forEachCase { test in
      var expected: [Double] = []
      for query in test.first..<test.length {
        for head in 0..<test.group {
          let scores = (0...query).map { test.dot(test.part(head, query), test.part(test.group, $0)) * Double(test.scale) }
          let weights = scores.map { exponential($0 - scores.max()!) }
          let sum = weights.reduce(0, +)
          for channel in 0..<test.width {
            expected.append(
              (0...query).reduce(0.0) { $0 + weights[$1] / sum * Double(test.values[$1 * test.stride + (test.group + 1) * test.width + channel]) })
          }
        }
      }
      var agreement = Agreement()
      for table in tables {
        let found = test.run(table, isInt8: false)
        let error = found.map { excess($0, expected) { 4e-6 * max(1, abs($0)) } } ?? .infinity
        #expect(error <= 1, "\(table.instructionSet) length \(test.length) width \(test.width) group \(test.group): \(error)")
        #expect(agreement.check(table, found ?? [], floor: 1) == nil)
      }
    }
  }

  /// int8: bit for bit its definition, with a probability of zero for what a token does not see.
  @Test func int8AgainstItsDefinition() {
    forEachCase { test in
      let tokens = Array(0..<test.length)
      var expected = [Float](repeating: .nan, count: test.count * test.group * test.width)
      for head in 0..<test.group {
        let context = plainInt8Attention(
          queries: (test.first..<test.length).map { test.part(head, $0) }, keys: tokens.map { test.part(test.group, $0) },
          values: tokens.map { test.part(test.group + 1, $0) }, scale: test.scale,
          more: { query, key in key > test.first + query ? ([-.infinity], -.infinity) : ([], 0) }
        ).fused
        for row in 0..<test.count {
          for channel in 0..<test.width {
            expected[(row * test.group + head) * test.width + channel] = context[row * test.width + channel]
          }
        }
      }
      for table in tables {
        let found = test.run(table, isInt8: true) ?? []
        let differs = found.indices.first { index in
          table.instructionSet.hasFusedMultiplyAdd
            ? found[index].bitPattern != expected[index].bitPattern : !(abs(found[index] - expected[index]) <= 0.03)
        }
        #expect(
          found.count == expected.count && differs == nil,
          "\(table.instructionSet) length \(test.length) width \(test.width) group \(test.group) at \(differs ?? -1)")
      }
    }
  }
}
