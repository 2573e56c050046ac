import Kernels
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// What attention does by the tokens' places, gates and sums: against Double, with every instruction set.
@Suite struct PlaceTests {
  @Test(arguments: [2, 4, 6, 16, 30, 32, 34, 64, 66, 128]) func rotation(width: Int) {
    let half = width / 2
    for (count, stride) in [(1, width), (5, width + 3), (17, 3 * width)] {
      var random = Generator(seed: UInt64(width * 100 + count))
      let values = random.floats((count - 1) * stride + width, 2)
      let angles = random.floats(count * half, 4)
      let cosines = GuardedBuffer(angles.map { Float(cos(Double($0))) })
      let sines = GuardedBuffer(angles.map { Float(sin(Double($0))) })
      for direction in [1, -1] as [Float] {
        var expected: [Double] = []
        for row in 0..<count {
          let (first, second) = (values[(row * stride)...].prefix(half).map(Double.init), values[(row * stride + half)...].prefix(half).map(Double.init))
          let pairs = (0..<half).map { (Double(cosines.array[row * half + $0]), Double(sines.array[row * half + $0] * direction)) }
          expected += (0..<half).map { first[$0] * pairs[$0].0 - second[$0] * pairs[$0].1 }
          expected += (0..<half).map { second[$0] * pairs[$0].0 + first[$0] * pairs[$0].1 }
        }
        var agreement = Agreement()
        for table in tables {
          let rowsInPlace = GuardedBuffer(values)
          table.rotateRows(rowsInPlace.pointer, stride, count, width, cosines.pointer, sines.pointer, direction)
          let found = (0..<count).flatMap { rowsInPlace.array[($0 * stride)...].prefix(width) }
          #expect(excess(found, expected) { _ in 1e-6 } <= 1, "\(table.instructionSet) width \(width) count \(count)")
          #expect(agreement.check(table, found, floor: 1) == nil, "width \(width)")
          let between = rowsInPlace.array.indices.filter { $0 % stride >= width }
          #expect(between.allSatisfy { rowsInPlace.array[$0] == values[$0] })
        }
      }
      withExtendedLifetime((cosines, sines)) {}
    }
  }

  @Test(arguments: [1, 2, 15, 16, 17, 64, 100]) func gates(width: Int) {
    var random = Generator(seed: UInt64(width))
    let (count, stride) = (4, 2 * width + 3)
    let values = random.floats((count - 1) * stride + 2 * width, 4)
    let expected = (0..<count).flatMap { row in
      (0..<width).map { values[row * stride + $0] * values[row * stride + width + $0] }
    }
    for table in tables {
      let source = GuardedBuffer(values)
      let out = output(stride: width + 1, count: count, width: width)
      table.gateRows(source.pointer, stride, count, width, out.pointer, width + 1)
      #expect(rows(out, stride: width + 1, count: count, width: width) == expected, "\(table.instructionSet)")
      #expect(source.array == values)
      // In place.
      table.gateRows(source.pointer, stride, count, width, source.pointer, stride)
      #expect((0..<count).flatMap { source.array[($0 * stride)...].prefix(width) } == expected, "\(table.instructionSet)")
    }
  }

  /// The product rule, with the derivative that has a test of its own.
  @Test(arguments: [1, 16, 19]) func gateGradients(width: Int) throws {
    var random = Generator(seed: UInt64(width))
    let count = 3
    let (x, dy) = (random.floats(count * 2 * width, 3), random.floats(count * width))
    for set in InstructionSet.supported {
      let table = try set.trainingKernels()
      for activation in 0...5 as ClosedRange<Int32> {
        let (source, upstream, out) = (GuardedBuffer(x), GuardedBuffer(dy), GuardedBuffer<Float>(count * 2 * width) { _ in .nan })
        table.gateBackward(source.pointer, count, width, activation, upstream.pointer, out.pointer)
        withExtendedLifetime((source, upstream)) {}
        for row in 0..<count {
          var slope = Array(x[(row * 2 * width)...].prefix(width))
          var value = slope
          table.activateAndDerive(&slope, width, activation, &value)
          for column in 0..<width {
            let (gradient, gate) = (dy[row * width + column], x[row * 2 * width + width + column])
            let expected = [Double(gradient) * Double(gate) * Double(slope[column]), Double(gradient) * Double(value[column])]
            let found = [out.array[row * 2 * width + column], out.array[row * 2 * width + width + column]]
            #expect(excess(found, expected) { max(1e-6, abs($0) * 1e-6) } <= 1, "\(set) \(activation)")
          }
        }
      }
    }
  }

  @Test(arguments: [1, 15, 16, 33]) func sumsAndScales(count: Int) {
    var random = Generator(seed: UInt64(count))
    let (x, y) = (random.floats(count), random.floats(count))
    for table in tables {
      let (source, target) = (GuardedBuffer(x), GuardedBuffer(y))
      table.add(source.pointer, count, target.pointer)
      #expect(target.array == zip(x, y).map { $1 + $0 } && source.array == x)
      table.scale(target.pointer, count, 0.25)
      #expect(target.array == zip(x, y).map { ($1 + $0) * 0.25 })
    }
  }

  /// Attention with a bias for each distance, some of which hide keys, is attention over scores that had it added: bit for
  /// bit in int8, near Double in fp32.
  @Test(arguments: [1, 2, 13, 24, 25, 65, 130]) func biasedAttention(length: Int) {
    for (width, window) in [(6, length), (16, 3), (33, 0), (64, 20)] {
      let stride = 3 * width
      var random = Generator(seed: UInt64(width * 1000 + length))
      let values = random.floats(length * stride, 2)
      // Distances from 1 - length on; what a vector reads behind the last is never used.
      let padded = (length + 15) / 16 * 16
      let biases = (0..<length - 1 + padded).map { place -> Float in
        let distance = place - (length - 1)
        return abs(distance) > window ? -.infinity : distance < length ? random.float(3) : .nan
      }
      let scale = 1 / Float(width).squareRoot()
      var expected: [Double] = []
      for row in 0..<length {
        let scores = (0..<length).map { token in
          ((0..<width).reduce(0.0) { $0 + Double(values[row * stride + $1]) * Double(values[token * stride + width + $1]) }
            + Double(biases[token - row + length - 1])) * Double(scale)
        }
        let weights = scores.map { exponential($0 - scores.max()!) }
        let sum = weights.reduce(0, +)
        for column in 0..<width {
          expected.append((0..<length).reduce(0.0) { $0 + weights[$1] / sum * Double(values[$1 * stride + 2 * width + column]) })
        }
      }
      var (agreement, agreementInt8) = (Agreement(), Agreement())
      for table in tables {
        let source = GuardedBuffer(values)
        let bias = GuardedBuffer(biases)
        for count in [length, min(7, length)] {
          let scratch = GuardedBuffer<Float>(max(table.attentionScratch(length, length, width), table.attentionInt8Scratch(length, length, width))) { _ in .nan }
          let (float, int8) = (output(stride: width, count: count, width: width), output(stride: width, count: count, width: width))
          table.attention(
            source.pointer, source.pointer + width, source.pointer + 2 * width, stride, count, length, width, 1, length, scale,
            bias.pointer + length - 1, float.pointer, width, scratch.pointer)
          table.attentionInt8(
            source.pointer, source.pointer + width, source.pointer + 2 * width, stride, count, length, width, 1, length, scale,
            bias.pointer + length - 1, int8.pointer, width, scratch.pointer)
          withExtendedLifetime((source, bias, scratch)) {}
          #expect(excess(float.array, expected) { 4e-6 * max(1, abs($0)) } <= 1, "\(table.instructionSet) length \(length) width \(width)")
          // Probabilities below half a step of the grid, 1/254 of the highest, are lost; with biases there are many.
          #expect(excess(int8.array, expected) { _ in 0.15 } <= 1, "\(table.instructionSet) int8 length \(length) width \(width)")
          guard count == length else { continue }
          #expect(agreement.check(table, float.array, floor: 1) == nil)
          if table.instructionSet.hasFusedMultiplyAdd { #expect(agreementInt8.check(table, int8.array, floor: 1) == nil) }
        }
      }
    }
  }
}
