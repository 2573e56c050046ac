import Encoders
import Inference
import Kernels
import TestSupport
import Testing
import WeightFormats

/// Each matrix and table has a format of its own: a product gets the operand that it wants, whatever its neighbours are.
@Suite struct MixedFormatTests {
  /// Any mix stays as near to fp32 as int8 does, and is a function of the text: the same bits alone, in company, on any number of
  /// threads and any instruction set with FMA.
  @Test(arguments: familyNames) func anyMix(name: String) throws {
    let exact = try Fixture("families/" + name, .fp32)
    let texts = try familyTexts(name).map(Text.init)
    let expected = try exact.logits(exact.engine(), texts)
    let size = rootMeanSquare(expected.joined().map(Double.init))
    for seed in 0..<3 {
      let names = exact.model.blueprint.linears.map(\.name) + exact.model.blueprint.tables.map(\.name)
      var generator = SeededGenerator(seed: UInt64(seed))
      let formats = Dictionary(uniqueKeysWithValues: names.map { ($0, WeightFormat.allCases.randomElement(using: &generator)!) })
      let mixed = try Fixture("families/" + name, formats: { formats[$0]! })
      let alone = try texts.map { try bits(mixed.logits(mixed.engine(), [$0]))[0] }
      let differences = try zip(expected.joined(), mixed.logits(mixed.engine(), texts).joined()).map { Double($0) - Double($1) }
      let share = rootMeanSquare(differences) / size
      #expect(share <= 0.06 && share > 0, "\(formats): \(share) of the logits' size")
      for table in fusedTables {
        for threads in [1, 3] {
          #expect(try bits(mixed.logits(mixed.engine(table, threads: threads), texts)) == alone, "\(table.instructionSet), \(threads)")
        }
      }
    }
  }

  /// One matrix or table in another format than all the others: its own format counts, and nobody else's.
  @Test(arguments: [(WeightFormat.int8, WeightFormat.fp32), (.fp32, .int8), (.fp16, .int8)]) func oneOfAnother(_ format: WeightFormat, _ other: WeightFormat) throws {
    let exact = try Fixture("tiny-bert", .fp32)
    let texts = Text.random(20, seed: 5)
    let expected = try exact.logits(exact.engine(), texts)
    let same = try Fixture("tiny-bert", format)
    let plain = try same.logits(same.engine(), texts)
    let size = rootMeanSquare(expected.joined().map(Double.init))
    let blueprint = exact.model.blueprint
    for name in blueprint.linears.filter({ !$0.isOutput }).map(\.name) + blueprint.tables.map(\.name) {
      let mixed = try Fixture("tiny-bert", formats: { $0 == name ? other : format })
      let found = try mixed.logits(mixed.engine(), texts)
      #expect(found != plain, "\(name) has a format of its own")
      let share = rootMeanSquare(zip(expected.joined(), found.joined()).map { Double($0) - Double($1) }) / size
      #expect(share <= 0.04, "\(name): \(share) of the logits' size")
    }
  }

  /// fp16 rounds every weight by at most a part in 2048.
  @Test(arguments: familyNames) func logitsInFloat16(name: String) throws {
    let (exact, half) = try (Fixture("families/" + name, .fp32), Fixture("families/" + name, .fp16))
    let texts = try familyTexts(name).map(Text.init)
    let expected = try exact.logits(exact.engine(), texts)
    let size = rootMeanSquare(expected.joined().map(Double.init))
    for table in tables {
      let found = try half.logits(half.engine(table), texts)
      let share = rootMeanSquare(zip(expected.joined(), found.joined()).map { Double($0) - Double($1) }) / size
      // Below the lower bound it would not be fp16 that was run.
      #expect(share <= 0.002 && share >= 1e-5, "\(table.instructionSet): \(share) of the logits' size")
    }
  }

  private func rootMeanSquare(_ values: [Double]) -> Double {
    (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
  }
}
