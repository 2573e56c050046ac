import Kernels
import Testing

@Suite struct AttentionTests {
  /// Query, key and value interleaved as the engine has them, for heads of widths with and without a tail.
  @Test(arguments: [1, 2, 15, 16, 17, 32, 63, 64, 80]) func againstDouble(width: Int) {
    for length in [1, 2, 5, 6, 7, 23, 24, 25, 63, 64, 65, 130] {
      let heads = 2
      let stride = 3 * heads * width
      var random = Generator(seed: UInt64(width * 1000 + length))
      let values = random.floats(length * stride, 2)
      let scale = 1 / Float(width).squareRoot()
      for head in 0..<heads {
        var expected: [Double] = []
        for row in 0..<length {
          let query = row * stride + head * width
          let scores = (0..<length).map { token in
            let key = token * stride + (heads + head) * width
            return (0..<width).reduce(0.0) { $0 + Double(values[query + $1]) * Double(values[key + $1]) } * Double(scale)
          }
          let highest = scores.max()!
          let weights = scores.map { exponential($0 - highest) }
          let sum = weights.reduce(0, +)
          for column in 0..<width {
            expected.append(
              (0..<length).reduce(0.0) {
                $0 + weights[$1] / sum * Double(values[$1 * stride + (2 * heads + head) * width + column])
              })
          }
        }
        var agreement = Agreement()
        for table in tables {
          let source = GuardedBuffer(values)
          let scratch = GuardedBuffer<Float>(table.attentionScratch(length, width)) { _ in .nan }
          let out = output(stride: width + 3, count: length, width: width)
          let query = source.pointer + head * width
          table.attention(
            query, query + heads * width, query + 2 * heads * width, stride, length, width, scale, out.pointer, width + 3,
            scratch.pointer)
          withExtendedLifetime((source, scratch)) {}
          let found = rows(out, stride: width + 3, count: length, width: width)
          let error = found.map { excess($0, expected) { 3e-6 * max(1, abs($0)) } } ?? .infinity
          #expect(error <= 1, "\(table.instructionSet) length \(length) width \(width): \(error)")
          #expect(agreement.check(table, found ?? [], floor: 1) == nil, "length \(length) width \(width)")
        }
      }
    }
  }
}
