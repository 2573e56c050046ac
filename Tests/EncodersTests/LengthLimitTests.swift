import Encoders
import JSON
import TestSupport
import Testing

@Suite struct LengthLimitTests {
  private func limit(_ family: String = "bert", tokenizer: Int? = nil, _ settings: [String: JSONValue] = [:]) throws -> LengthLimit {
    var object = JSONObject([("model_type", .string(family)), ("max_position_embeddings", 100)])
    for (key, value) in settings { object[key] = value }
    let model = try Model(configuration: .object(object))
    return try LengthLimit(model.family, tokenizer: tokenizer, configuration: model.configuration)
  }

  /// The least of positions, tokenizer and record; what is asked for may go up to the positions.
  @Test func theLeastOfAll() throws {
    for (tokenizer, record, usual) in [
      (nil, nil, 100), (64, nil, 64), (nil, 32, 32), (64, 32, 32), (16, 32, 16), (1000, nil, 100), (nil, 512, 100),
    ] as [(Int?, JSONValue?, Int)] {
      let limit = try limit(tokenizer: tokenizer, record.map { ["tuned_max_length": $0] } ?? [:])
      #expect(limit.usual == usual && limit.positions == 100, "\(limit)")
      #expect(limit.cut(nil) == usual && limit.most() == usual)
      for asked in [1, 10, 99, 100] { #expect(limit.cut(asked) == asked && limit.most(asked) == asked) }
      for asked in [101, .max] { #expect(limit.cut(asked) == 100) }
      for asked in [0, -1, .min] { #expect(limit.cut(asked) == 1, "a text has at least one token") }
    }
    #expect(try limit("roberta").positions == 98)
  }

  @Test func textsThatAreRefused() throws {
    let limit = try limit("big_bird", ["block_size": 4, "num_random_blocks": 2])
    #expect(limit.refusedBeyond == 36 && limit.cut(nil) == 100 && limit.most() == 36 && limit.most(20) == 20 && limit.cut(50) == 50)
    #expect(limit.refusal(tokens: 99).contains("expected at most 36 tokens") && limit.refusal(tokens: 99).contains("found 99"))
    #expect(try self.limit().refusedBeyond == .max)
  }

  /// A family that is not served, whose tokenizer may be.
  @Test func ofNoFamily() throws {
    let limit = try LengthLimit(positions: .max, tokenizer: 77, configuration: ["model_type": "t5"])
    #expect(limit.cut(nil) == 77 && limit.cut(1 << 40) == 1 << 40)
  }

  @Test func aRecordThatIsNoLength() {
    for value in [0, -3, "64", 1.5] as [JSONValue] {
      let error = #expect(throws: ConfigurationError.self) { try limit(["tuned_max_length": value]) }
      #expect(error?.description.hasPrefix("config.json: tuned_max_length: expected a whole number from 1 to ") == true)
    }
  }

  private func limit(_ settings: [String: JSONValue]) throws -> LengthLimit { try limit("bert", tokenizer: nil, settings) }
}
