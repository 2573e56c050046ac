import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

/// `bpe.codes` with `vocab.txt`, as the reference reads them (`tools/fixtures/tokenizer_codes.py`).
@Suite struct FastBPETests {
  private static func golden() throws -> JSONValue { try fixtureJSON("tokenizer/codes.json") }

  private func tokenizer(_ golden: JSONValue, _ configuration: JSONValue?) throws -> Tokenizer {
    let codes = try #require(golden["codes"]?.string)
    let vocabulary = try #require(golden["vocabulary"]?.string)
    return try Tokenizer(codes: Array(codes.utf8), vocabulary: Array(vocabulary.utf8), configuration: configuration)
  }

  @Test func ids() throws {
    let golden = try Self.golden()
    let texts = try #require(golden["texts"]?.array).compactMap(\.string)
    let cases = try #require(golden["cases"]?.array)
    #expect(cases.count == 4 && texts.count > 500)
    for entry in cases {
      let name = entry["name"]?.string ?? ""
      let tokenizer = try tokenizer(golden, entry["configuration"])
      let compiled = try Tokenizer(compiled: tokenizer.compiled())
      #expect(compiled == tokenizer && compiled.compiled() == tokenizer.compiled(), "\(name)")
      #expect(tokenizer.paddingID == 1 && compiled.pairTypeCount == 1)
      let expected = try #require(entry["input_ids"]?.array).map(\.ids)
      #expect(expected.count == texts.count)
      var workspace = TokenizerWorkspace()
      for (text, ids) in zip(texts, expected) {
        #expect(compiled.encode(Array(text.utf8), .max, &workspace).ids == ids, "\(name): \(text.debugDescription)")
      }
      for (pair, ids) in zip(golden["pairs"]?.array ?? [], entry["pairs"]?.array ?? []) {
        let texts = pair.array?.compactMap(\.string) ?? []
        #expect(compiled.pair(texts[0], texts[1]).ids == ids.ids, "\(name): \(texts)")
      }
    }
  }

  @Test func whatIsRefused() throws {
    func refusal(_ configuration: JSONValue?, _ codes: String = "a b 1\n", _ vocabulary: String = "a 1\n") -> String {
      do {
        _ = try Tokenizer(codes: Array(codes.utf8), vocabulary: Array(vocabulary.utf8), configuration: configuration)
      } catch { return "\(error)" }
      return "accepted"
    }
    let named: JSONValue = ["tokenizer_class": "PhobertTokenizer"]
    #expect(refusal(named) == "accepted")
    #expect(refusal(nil) == "tokenizer: bpe.codes for tokenizer class without a name is not supported")
    #expect(refusal(["tokenizer_class": "RobertaTokenizer"]) == "tokenizer: bpe.codes for tokenizer class RobertaTokenizer is not supported")
    #expect(refusal(named, "", "a 1\nb\n") == "vocab.txt: line 2: expected a token, a blank and a count, found b")
    let single: JSONValue = ["7": ["content": "x", "single_word": true]]
    #expect(refusal(named.setting("added_tokens_decoder", to: single)) == "tokenizer: bpe.codes with a token of single_word, x is not supported")
    #expect(refusal(named.setting("added_tokens_decoder", to: ["x": ["content": "x"]])).hasPrefix("tokenizer_config.json: added_tokens_decoder.x: expected an id"))
  }

  /// Damaged compiled bytes are refused, or give a tokenizer that stays within its limits.
  @Test func damagedBytesAreSafe() throws {
    let golden = try Self.golden()
    let bytes = try tokenizer(golden, golden["cases"]?.array?[1]["configuration"]).compiled()
    var generator = Generator(seed: 11)
    for _ in 0..<300 {
      var damaged = bytes
      damaged[generator.below(bytes.count)] ^= UInt8(1 + generator.below(255))
      guard let other = try? Tokenizer(compiled: damaged) else { continue }
      for text in ["@user it isn't \u{1F602} &#x41; http://a.b", "\u{2764}\u{FE0F} naïve"] { #expect(other.ids(text, maximumLength: 7).count <= 7) }
    }
    for end in stride(from: 0, to: bytes.count, by: 4999) {
      #expect(throws: TokenizerError.self) { try Tokenizer(compiled: Array(bytes[..<end])) }
    }
  }

  /// The patterns of tweets can cut a text in more ways than there is time for: they end, and later texts are cut as ever.
  @Test(.timeLimit(.minutes(1)), arguments: ["http:.,.,", "1-1-", "a.a.", "http://()()", "<a", "#a-'"]) func tweetsEnd(part: String) throws {
    let golden = try Self.golden()
    let tokenizer = try tokenizer(golden, golden["cases"]?.array?[1]["configuration"])
    let before = tokenizer.ids("see http://t.co/x")
    #expect(tokenizer.ids(String(repeating: part, count: 200_000)).count > 2)
    #expect(tokenizer.ids("see http://t.co/x") == before)
  }
}
