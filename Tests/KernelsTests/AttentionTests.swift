import Kernels
import Testing

@Suite struct AttentionTests {
  /// int8: bit for bit what plain loops make of its definition, and near the attention of the values themselves.
  @Test(arguments: [1, 2, 15, 16, 17, 32, 63, 64, 80]) func int8AgainstItsDefinition(width: Int) {
    for length in [1, 2, 3, 5, 12, 13, 23, 63, 64, 65, 130] {
      let heads = 2
      let stride = 3 * heads * width
      var random = Generator(seed: UInt64(width * 1000 + length))
      var values = random.floats(length * stride, 2)
      if length == 5 { for index in 0..<width { values[index] = 0 } }  // A token of zeros.
      let scale = 1 / Float(width).squareRoot()
      for head in 0..<heads {
        func part(_ which: Int, _ token: Int) -> ArraySlice<Float> {
          let start = token * stride + (which * heads + head) * width
          return values[start..<start + width]
        }
        let expected = plainInt8Attention(
          queries: (0..<length).map { part(0, $0) }, keys: (0..<length).map { part(1, $0) },
          values: (0..<length).map { part(2, $0) }, scale: scale)
        for (table, queryCount) in tables.flatMap({ [($0, length), ($0, min(7, length))] }) {
          let source = GuardedBuffer(values)
          let scratch = GuardedBuffer<Float>(table.attentionInt8Scratch(queryCount, length, width)) { _ in .nan }
          let out = output(stride: width + 3, count: queryCount, width: width)
          let query = source.pointer + head * width
          table.attentionInt8(
            query, query + heads * width, query + 2 * heads * width, stride, queryCount, length, width, 1, length, scale, nil,
            out.pointer, width + 3, scratch.pointer)
          withExtendedLifetime((source, scratch)) {}
          let found = rows(out, stride: width + 3, count: queryCount, width: width) ?? []
          let differs = found.indices.first { index in
            table.instructionSet.hasFusedMultiplyAdd
              ? found[index].bitPattern != expected.fused[index].bitPattern
              // Without FMA a probability may round to its neighbour.
              : !(abs(found[index] - expected.fused[index]) <= 0.03)
          }
          #expect(
            found.count == queryCount * width && differs == nil,
            "\(table.instructionSet) length \(length) width \(width) at \(differs ?? -1)")
          // Values up to 2 on a grid of 127 steps, probabilities on one of 127 relative to the highest.
          #expect(excess(found, expected.exact) { _ in 0.08 } <= 1, "length \(length) width \(width)")
        }
      }
    }
  }

  /// Probabilities on the grid: 127 for the highest, within one of 127 e^(s - max), over their own sum.
  @Test func softmaxQuantizedRows() {
    for count in [1, 2, 15, 16, 17, 64, 100, 513] {
      var random = Generator(seed: UInt64(count))
      let padded = (count + 15) / 16 * 16
      let scores = random.floats(3 * padded, count == 17 ? 200 : 8)
      for table in tables {
        let rows = GuardedBuffer(scores)
        let operand = Operand(table, rows: 3, width: count)
        let scales = GuardedBuffer(4) { _ in untouched }
        table.softmaxQuantizedRows(rows.pointer, padded, 3, count, 0.5, operand.bytes.raw, operand.stride, scales.pointer)
        withExtendedLifetime((rows, operand)) {}
        let found = operand.integers(table, rows: 3, width: count)
        for row in 0..<3 {
          let source = scores[row * padded..<row * padded + count]
          let q = found[row * count..<(row + 1) * count]
          let exact = source.map { 127 * exponential(Double($0 - source.max()!) * 0.5) }
          #expect(zip(q, exact).allSatisfy { abs(Double($0) - $1) <= 0.52 }, "\(table.instructionSet) \(count)")
          #expect(q.max() == 127)
          #expect(scales.array[row] == 1 / Float(q.reduce(0, +)))
        }
      }
    }
  }

  /// Heads that share keys and values may be more than a text's tokens; no query's result depends on the others.
  @Test func moreQueriesThanTokens() {
    for (length, width) in [(1, 45), (3, 384), (17, 64), (70, 45)] {
      let count = length + 12
      var random = Generator(seed: UInt64(length))
      let states = random.floats(length * width)
      let queries = random.floats(count * width)
      for table in tables {
        for (size, attention) in [
          (table.attentionScratch, table.attention), (table.attentionInt8Scratch, table.attentionInt8),
        ] {
          let (keys, query) = (GuardedBuffer(states), GuardedBuffer(queries))
          func rows(_ range: Range<Int>) -> [Float] {
            let scratch = GuardedBuffer<Float>(size(range.count, length, width)) { _ in .nan }
            let out = output(stride: width, count: range.count, width: width)
            attention(
              query.pointer + range.lowerBound * width, keys.pointer, keys.pointer, width, range.count, length, width,
              1, length, 0.125, nil, out.pointer, width, scratch.pointer)
            withExtendedLifetime((keys, query, scratch)) {}
            return out.array
          }
          let together = rows(0..<count)
          #expect(together.allSatisfy { abs($0) <= 1.01 }, "\(table.instructionSet) length \(length)")
          #expect(together == (0..<count).flatMap { rows($0..<$0 + 1) }, "\(table.instructionSet) length \(length)")
        }
      }
    }
  }

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
        for queryCount in [length, min(7, length)] {
          var agreement = Agreement()
          for table in tables {
            let source = GuardedBuffer(values)
            let scratch = GuardedBuffer<Float>(table.attentionScratch(queryCount, length, width)) { _ in .nan }
            let out = output(stride: width + 3, count: queryCount, width: width)
            let query = source.pointer + head * width
            table.attention(
              query, query + heads * width, query + 2 * heads * width, stride, queryCount, length, width, 1, length, scale, nil,
              out.pointer, width + 3, scratch.pointer)
            withExtendedLifetime((source, scratch)) {}
            let found = rows(out, stride: width + 3, count: queryCount, width: width)
            let error = found.map { excess($0, expected) { 3e-6 * max(1, abs($0)) } } ?? .infinity
            #expect(error <= 1, "\(table.instructionSet) length \(length) width \(width): \(error)")
            #expect(agreement.check(table, found ?? [], floor: 1) == nil, "length \(length) width \(width)")
          }
        }
      }
    }
  }
}

/// The product of two quantised rows as `linearInt8` makes it.
func product(_ x: (integers: [Int], scale: Float), _ y: (integers: [Int], scale: Float)) -> Float {
  let sum = zip(x.integers, y.integers).reduce(0) { $0 + $1.0 * $1.1 }
  return Float(0).addingProduct(Float(sum), x.scale * y.scale)
}

/// `attentionInt8` in plain loops: the result with its own roundings, and that of the values themselves in Double.
///
/// - Parameter more: what a score of a query and a key has beside their product, one after the other and in Double.
func plainInt8Attention(
  queries: [ArraySlice<Float>], keys: [ArraySlice<Float>], values: [ArraySlice<Float>], scale: Float,
  more: (_ query: Int, _ key: Int) -> (fused: [Float], exact: Double) = { _, _ in ([], 0) }
) -> (fused: [Float], exact: [Double]) {
  let width = queries[0].count
  let (queryGrids, keyGrids) = (queries.map(quantized), keys.map(quantized))
  let channels = (0..<width).map { channel in quantized(values.map { $0[$0.startIndex + channel] }[...]) }
  var fused: [Float] = []
  var exact: [Double] = []
  for (row, query) in queryGrids.enumerated() {
    let scores = keyGrids.indices.map { more(row, $0).fused.reduce(product(query, keyGrids[$0]), +) }
    let highest = scores.max()!
    let probabilities = scores.map { score -> Int in
      let x = max((score - highest) * (scale * 1.4426950408889634), -126)
      let whole = x.rounded(.toNearestOrEven)
      let f = x - whole
      var p: Float = 127 * 0.05517167
      for coefficient in [0.24261112, 0.69326099, 0.99992807] as [Float] { p = (127 * coefficient).addingProduct(p, f) }
      return Int((Float(sign: .plus, exponent: Int(whole), significand: 1) * p).rounded(.toNearestOrEven))
    }
    let share = 1 / Float(probabilities.reduce(0, +))
    for channel in channels {
      let sum = zip(probabilities, channel.integers).reduce(0) { $0 + $1.0 * $1.1 }
      fused.append(Float(0).addingProduct(Float(sum), channel.scale * share))
    }

    let exactScores = keys.indices.map { key in
      zip(queries[row], keys[key]).reduce(more(row, key).exact) { $0 + Double($1.0) * Double($1.1) } * Double(scale)
    }
    let weights = exactScores.map { exponential($0 - exactScores.max()!) }
    for channel in 0..<width {
      exact.append(
        zip(weights, values).reduce(0.0) { $0 + $1.0 * Double($1.1[$1.1.startIndex + channel]) } / weights.reduce(0, +))
    }
  }
  return (fused, exact)
}
