import Encoders
import Inference
import TestSupport
import Testing
import WeightFormats

/// DeBERTa's keys and queries of positions are made for texts of some length and again for longer ones: a text's logits
/// are the same bits whatever came before, in engines of their own and in those that share weights.
@Suite struct PositionPanelTests {
  @Test(arguments: familyNames.filter { $0.hasPrefix("deberta") }, [WeightFormat.fp32, .int8])
  func longerTextsChangeNothing(_ name: String, format: WeightFormat) throws {
    let first = try Fixture("families/" + name, format)
    let longest = first.model.family.maximumLength
    var generator = SeededGenerator(seed: 3)
    let rows = Int32(first.model.blueprint.tables[0].rows)
    // Beyond the limit too, so that panels are made again: nothing but a table of positions has an end.
    let isLimited = first.model.blueprint.tables.contains { $0.name.hasSuffix("position_embeddings") }
    let lengths = isLimited ? [3, longest] : [3, 32, 33, 70, 150]
    let texts = lengths.map { length in
      Text(
        ids: (0..<length).map { _ in Int32.random(in: 0..<rows, using: &generator) },
        tokenTypes: Array(repeating: 0, count: length))
    }
    let alone = try texts.map { text in
      let fixture = try Fixture("families/" + name, format)
      return try bits(fixture.logits(fixture.engine(), [text]))[0]
    }
    for order in [Array(texts.indices), texts.indices.reversed()] {
      let fixture = try Fixture("families/" + name, format)
      let engines = try [fixture.engine(), fixture.engine(threads: 3)]
      for place in order + order {
        for engine in engines {
          #expect(try bits(fixture.logits(engine, [texts[place]]))[0] == alone[place], "\(name), \(place)")
        }
      }
    }
  }
}
