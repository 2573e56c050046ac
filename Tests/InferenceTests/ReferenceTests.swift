import Inference
import Kernels
import TestSupport
import Testing
import WeightFormats

@Suite struct ReferenceTests {
  /// fp32 against the reference library in float64, every text alone, on every instruction set, for weights stored as
  /// fp32, fp16 and bf16.
  @Test(arguments: ["tiny-bert", "tiny-bert-sharded-f16", "tiny-bert-sharded-bf16"])
  func logitsInFloat32(folder: String) throws {
    let fixture = try Fixture(folder, .fp32)
    let texts = try referenceTexts(folder)
    #expect(texts.count >= 9)
    for table in tables {
      let engine = try fixture.engine(table)
      for (number, text) in texts.enumerated() {
        let found = try fixture.logits(engine, [Text(text)])[0]
        #expect(text.excess(found) <= 1, "\(table.instructionSet), text \(number): \(found), expected \(text.logits)")
      }
    }
  }

  /// int8 stays near fp32.
  ///
  /// A row of some 45 normal values reaches 2.5 deviations, so a grid of 127 steps rounds it by 2.5 / (127 √12), that
  /// is 0.6 % of its deviation; both operands of a product together 0.8 %. Four products in each of two layers, the
  /// embeddings and the pooler are ten such errors of independent sign: √10 x 0.8 % = 2.5 % of the logits' size.
  /// Measured: 2.6 %, at most 0.0505 in 660 logits (3.7 deviations). The bounds are half as much again.
  @Test func logitsInInt8() throws {
    let texts = try referenceTexts("tiny-bert").map(Text.init) + Text.random(180, seed: 1)
    let expected = try logits(texts, .fp32, tables[0]).flatMap { $0.map(Double.init) }
    let size = rootMeanSquare(expected)
    for table in tables {
      let found = try logits(texts, .int8, table).flatMap { $0.map(Double.init) }
      let differences = zip(expected, found).map { $0 - $1 }
      let share = rootMeanSquare(differences) / size
      // Below the lower bound it would not be int8 that was run.
      #expect(share <= 0.04 && share >= 0.005, "\(table.instructionSet): \(share) of the logits' size")
      #expect(differences.allSatisfy { $0.magnitude <= 0.075 }, "\(table.instructionSet)")
    }
  }

  private func rootMeanSquare(_ values: [Double]) -> Double {
    (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
  }

  private func logits(_ texts: [Text], _ format: WeightFormat, _ table: any KernelTable.Type) throws -> [[Float]] {
    let fixture = try Fixture("tiny-bert", format)
    return try fixture.logits(fixture.engine(table), texts)
  }
}
