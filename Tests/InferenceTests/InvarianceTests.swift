import Encoders
import Inference
import Kernels
import Storage
import TestSupport
import Testing
import WeightFormats

/// A text's logits are a function of the text: the same bits alone or in any batch, at any place of it, in any
/// company, on any number of threads and any instruction set with FMA, in an engine that has run anything before.
@Suite(.serialized) struct InvarianceTests {
  private static let texts = Text.random(60, seed: 42)

  /// Random batches, with repetitions, in engines that live through all of them.
  @Test(arguments: [WeightFormat.fp32, .int8]) func anyBatchAnyThreadsAnyInstructionSet(format: WeightFormat) throws {
    let fixture = try Fixture("tiny-bert", format)
    let alone = try self.alone(fixture)
    for table in fusedTables {
      for threads in 1...4 {
        let engine = try fixture.engine(table, threads: threads)
        var generator = SeededGenerator(seed: UInt64(threads))
        for trial in 0..<12 {
          let size = [1, 2, 3, 7, 40, 100][trial % 6]
          let chosen = (0..<size).map { _ in Int.random(in: 0..<Self.texts.count, using: &generator) }
          let found = try bits(fixture.logits(engine, chosen.map { Self.texts[$0] }))
          #expect(
            found == chosen.map { alone[$0] },
            "\(table.instructionSet), \(threads) threads, \(format), trial \(trial): \(chosen)")
        }
      }
    }
  }

  /// Each text at the front, in the middle and at the end of the same company.
  @Test(arguments: [WeightFormat.fp32, .int8]) func anyPlace(format: WeightFormat) throws {
    let fixture = try Fixture("tiny-bert", format)
    let alone = try self.alone(fixture)
    let engine = try fixture.engine(threads: 2)
    for (number, text) in Self.texts.enumerated() {
      let company = Array(Self.texts.prefix(8))
      for place in [0, 3, 8] {
        var batch = company
        batch.insert(text, at: place)
        #expect(try bits(fixture.logits(engine, batch))[place] == alone[number], "text \(number) at \(place)")
      }
    }
  }

  /// Without FMA the sums round otherwise: near in fp32.
  @Test func baselineIsNear() throws {
    let baseline = try #require(tables.last { !$0.instructionSet.hasFusedMultiplyAdd } ?? tables.last)
    let fixture = try Fixture("tiny-bert", .fp32)
    let expected = try fixture.logits(fixture.engine(), Self.texts)
    let found = try fixture.logits(fixture.engine(baseline), Self.texts)
    let largest = zip(expected.joined(), found.joined()).map { abs($0 - $1) }.max()!
    #expect(largest <= 1e-5, "\(largest)")
  }

  /// Within one instruction set without FMA the promise holds too.
  @Test(arguments: [WeightFormat.fp32, .int8]) func baselineIsInvariantInItself(format: WeightFormat) throws {
    let fixture = try Fixture("tiny-bert", format)
    let baseline = try #require(tables.last)
    let alone = try self.alone(fixture, baseline)
    #expect(try bits(fixture.logits(fixture.engine(baseline, threads: 3), Self.texts)) == alone)
  }

  /// The texts are told apart, or the comparisons above would say little.
  @Test func textsDiffer() throws {
    let alone = try self.alone(Fixture("tiny-bert", .int8))
    #expect(Set(alone).count > Self.texts.count * 9 / 10)
  }

  /// The bottom of a model alone: the same bits in any batch on any number of threads, and its last layer's one row a text.
  @Test(arguments: [0, 1, 2]) func hiddenStates(before layer: Int) throws {
    let fixture = try Fixture("tiny-bert", .fp32)
    let family = fixture.model.family
    func states(_ texts: [Text], threads: Int) throws -> [UInt32] {
      var batch = Batch()
      for text in texts { batch.append(text.ids, tokenTypes: text.tokenTypes) }
      let memory = try AlignedBuffer(count: batch.tokenCount * family.hiddenWidth, of: Float.self)
      let values = memory.bound(to: Float.self)
      let rows = try fixture.engine(threads: threads).hiddenStates(family, before: layer, batch, values)
      #expect(rows == (layer == 2 ? texts.count : batch.tokenCount))
      return (0..<rows * family.hiddenWidth).map { values[$0].bitPattern }
    }
    let alone = try Self.texts.flatMap { try states([$0], threads: 1) }
    #expect(Set(alone).count > alone.count / 2)
    for threads in 1...3 { #expect(try states(Self.texts, threads: threads) == alone, "\(threads) threads") }
  }

  @Test func noTexts() throws {
    let fixture = try Fixture("tiny-bert", .int8)
    let engine = try fixture.engine(threads: 2)
    let before = try bits(fixture.logits(engine, Self.texts))
    #expect(try fixture.logits(engine, []).isEmpty)
    #expect(try bits(fixture.logits(engine, Self.texts)) == before)
  }

  /// Each text alone, in an engine of its own.
  private func alone(_ fixture: Fixture, _ table: any KernelTable.Type = tables[0]) throws -> [[UInt32]] {
    try Self.texts.map { try bits(fixture.logits(fixture.engine(table), [$0]))[0] }
  }
}
