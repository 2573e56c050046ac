import Encoders
import Inference
import Kernels
import TestSupport
import Testing
import WeightFormats

/// Every family with the weights of its fixture.
@Suite struct FamilyTests {
  @Test func everyFamilyHasAFixture() throws {
    let found = try Set(familyNames.map { try Fixture("families/" + $0, .fp32).model.modelType })
    #expect(found.union(["bert"]) == Set(Model.modelTypes))
  }

  /// fp32 against the reference library in float64, on every instruction set.
  @Test(arguments: familyNames) func logitsInFloat32(name: String) throws {
    let fixture = try Fixture("families/" + name, .fp32)
    let texts = try familyTexts(name)
    #expect(texts.count >= 8)
    #expect(texts.map(\.ids.count).max() == min(fixture.model.family.maximumLength, texts.map(\.ids.count).max()!))
    for table in tables {
      let engine = try fixture.engine(table)
      for (number, text) in texts.enumerated() {
        let found = try fixture.logits(engine, [Text(text)])[0]
        #expect(text.excess(found) <= 1, "\(table.instructionSet), text \(number): \(found), expected \(text.logits)")
      }
    }
  }

  /// int8 stays near fp32: `ReferenceTests` derives what rounding costs for each product; these models are narrower (a
  /// row of 10 values reaches 1.5 deviations or 3) and have more products behind one another, so the bound is wider.
  @Test(arguments: familyNames) func logitsInInt8(name: String) throws {
    let texts = try familyTexts(name).map(Text.init) + Text.random(60, of: Fixture("families/" + name, .int8).model, seed: 1)
    let float = try Fixture("families/" + name, .fp32)
    let expected = try float.logits(float.engine(), texts)
    let size = rootMeanSquare(expected.joined().map(Double.init))
    let fixture = try Fixture("families/" + name, .int8)
    for table in tables {
      let found = try fixture.logits(fixture.engine(table), texts)
      let differences = zip(expected.joined(), found.joined()).map { Double($0) - Double($1) }
      let share = rootMeanSquare(differences) / size
      #expect(share <= 0.06 && share >= 0.001, "\(table.instructionSet): \(share) of the logits' size")
      // The same label wherever two labels are further apart than five such errors.
      for (logits, other) in zip(expected, found) {
        let sorted = logits.sorted(by: >)
        guard Double(sorted[0] - sorted[1]) > 5 * share * size else { continue }
        #expect(logits.firstIndex(of: sorted[0]) == other.firstIndex(of: other.max()!))
      }
    }
  }

  /// The same bits alone, in company, on any number of threads and any instruction set with FMA, in engines that live
  /// through all batches.
  @Test(arguments: familyNames, [WeightFormat.fp32, .int8]) func invariance(name: String, format: WeightFormat) throws {
    let fixture = try Fixture("families/" + name, format)
    let texts = Text.random(24, of: fixture.model, seed: 7)
    let alone = try texts.map { try bits(fixture.logits(fixture.engine(), [$0]))[0] }
    #expect(Set(alone).count > texts.count / 2, "the texts are told apart")
    for table in fusedTables {
      for threads in [1, 2, 3] {
        let engine = try fixture.engine(table, threads: threads)
        var generator = SeededGenerator(seed: UInt64(threads))
        for size in [1, 3, 40] {
          let chosen = (0..<size).map { _ in Int.random(in: texts.indices, using: &generator) }
          #expect(
            try bits(fixture.logits(engine, chosen.map { texts[$0] })) == chosen.map { alone[$0] },
            "\(table.instructionSet), \(threads) threads: \(chosen)")
        }
      }
    }
  }

  private func rootMeanSquare(_ values: [Double]) -> Double {
    (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
  }
}

extension Text {
  /// Random ids of a model, short and long ones and the ends of what it takes.
  fileprivate static func random(_ count: Int, of model: Model, seed: UInt64) -> [Text] {
    var generator = SeededGenerator(seed: seed)
    let rows = Int32(model.blueprint.tables[0].rows)
    let longest = min(24, model.family.maximumLength)
    let types = Int32(min(model.family.tokenTypeCount, 2))
    return (0..<count).map { number in
      let length = [1, 2, longest, Int.random(in: 1...longest, using: &generator)][number % 4]
      return Text(
        ids: (0..<length).map { _ in Int32.random(in: 0..<rows, using: &generator) },
        tokenTypes: (0..<length).map { _ in Int32.random(in: 0..<types, using: &generator) })
    }
  }
}
