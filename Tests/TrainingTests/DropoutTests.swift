import Encoders
import Kernels
import Testing
import Training

@Suite struct DropoutTests {
  private let width = 33
  private let lengths = [40, 31, 1, 17]

  /// The rows of a probe, with rows that have no zero of their own.
  private func rows(_ verb: Probe.Verb = .dropout, rate: Float, key: UInt64?, threads: Int = 2, isOff: Bool = false) throws -> [Float] {
    let family = Probe(verb, width: width, rate: rate)
    var random = Generator(seed: 1)
    let engine = try makeEngine(family.randomStore(&random), threads: threads)
    engine.dropoutIsOff = isOff
    return try engine.rows(family, randomBatch(lengths, vocabulary: Probe.vocabulary, &random), dropoutKey: key)
  }

  /// An element is kept with the probability that was asked for, and scaled so that its expected value stays.
  @Test(arguments: [0.05, 0.1, 0.2, 0.5, 0.9] as [Float]) func keptShare(_ rate: Float) throws {
    let plain = try rows(rate: 0, key: 1)
    var kept = 0
    let keys = 40 as UInt64
    for key in 0..<keys {
      for (dropped, value) in zip(try rows(rate: rate, key: key), plain) where dropped != 0 {
        kept += 1
        #expect(abs(dropped * (1 - rate) - value) <= 2e-7 * abs(value))
      }
    }
    let count = Double(plain.count) * Double(keys)
    let deviation = (Double(rate) * (1 - Double(rate)) / count).squareRoot()
    let share = Double(kept) / count
    #expect(abs(share - (1 - Double(rate))) <= 5 * deviation, "\(share) of \(count)")
  }

  /// Each element, row and column is dropped as often as the others, and neighbours do not know of each other.
  @Test func independentElements() throws {
    let kernels = try InstructionSet.supported[0].trainingKernels()
    let (count, keys, rate) = (256, 2000, Float(0.25))
    let ones = [Float](repeating: 1, count: count)
    var kept = [Double](repeating: 0, count: count)
    var together = 0.0
    for key in 0..<keys {
      var mask = ones
      kernels.dropout(ones, count, rate, mix(42, UInt64(key)), 0, &mask, false)
      for index in 0..<count where mask[index] != 0 {
        kept[index] += 1
        if mask[(index + 1) % count] != 0 { together += 1 }
      }
    }
    let deviation = (0.25 * 0.75 * Double(keys)).squareRoot()
    for index in 0..<count { #expect(abs(kept[index] - 0.75 * Double(keys)) <= 5.5 * deviation, "element \(index)") }
    let pairs = Double(keys * count)
    #expect(abs(together / pairs - 0.5625) <= 6 * (0.5625 * 0.4375 / pairs).squareRoot(), "\(together / pairs)")
  }

  /// The same key gives the same bits on any number of threads; another step or another verb drops others.
  @Test func keys() throws {
    for verb in [Probe.Verb.embed, .dropout, .residualNormalize, .attend(heads: 3), .attend(heads: 3, .first)] {
      let first = try rows(verb, rate: 0.3, key: 7)
      #expect(try rows(verb, rate: 0.3, key: 7) == first, "\(verb)")
      #expect(try rows(verb, rate: 0.3, key: 8) != first, "\(verb)")
      #expect(try rows(verb, rate: 0, key: 7) != first, "\(verb)")
    }
    // No matrix product is in these, so that threads cannot change the rounding.
    #expect(try rows(.embed, rate: 0.3, key: 7, threads: 1) == rows(.embed, rate: 0.3, key: 7, threads: 3))
    #expect(Set((0..<100).map { mix(7, $0) }).count == 100)
    #expect(mix(7, 1) != mix(1, 7))
    #expect((0..<20).allSatisfy { mix(42, $0) == mixed(42, $0) })
  }

  /// A part of the elements drops what it drops within the whole.
  @Test(arguments: InstructionSet.supported) func elementsByNumber(_ instructionSet: InstructionSet) throws {
    let kernels = try instructionSet.trainingKernels()
    var random = Generator(seed: 2)
    let values = random.floats(200, 1...2)
    var whole = values
    kernels.dropout(values, 200, 0.4, 99, 1000, &whole, false)
    for (start, count) in [(0, 200), (1, 17), (33, 1), (150, 50)] {
      var part = [Float](repeating: 0, count: count)
      values.withUnsafeBufferPointer { kernels.dropout($0.baseAddress! + start, count, 0.4, 99, 1000 + start, &part, false) }
      #expect(part == Array(whole[start..<start + count]))
      kernels.dropout([Float](repeating: 1, count: count), count, 0, 99, 0, &part, true)
      #expect(part == whole[start..<start + count].map { $0 + 1 })
    }
  }

  @Test func offWhenEvaluating() throws {
    for verb in [Probe.Verb.embed, .dropout, .residualNormalize, .attend(heads: 3), .attend(heads: 3, .first)] {
      let plain = try rows(verb, rate: 0, key: 7)
      #expect(try rows(verb, rate: 0.5, key: nil) == plain, "\(verb)")
      #expect(try rows(verb, rate: 0.5, key: 7, isOff: true) == plain, "\(verb)")
    }
  }
}
