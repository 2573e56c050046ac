import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

/// Regular expressions, as the reference matches them (`tools/fixtures/tokenizer_patterns.py`): those of published tokenizers, and each
/// construct that is served.
@Suite struct PatternTests {
  @Test func published() throws {
    let golden = try fixtureJSON("tokenizer/patterns.json")
    let texts = try #require(golden["texts"]?.array).compactMap(\.string).map { Array($0.utf8) }
    let characters = try #require(golden["characters"]?.array).compactMap(\.string)
    let block = try #require(golden["block"]?.int)
    let entries = try #require(golden["patterns"]?.array)
    #expect(entries.count == 132 && texts.count == 900)
    let vocabulary = (characters + characters.map { "##" + $0 }).enumerated().map { ($1, JSONValue.integer(Int64($0))) }
    let model: JSONValue = ["type": "BPE", "vocab": .object(JSONObject(vocabulary)), "merges": [], "continuing_subword_prefix": "##"]
    for entry in entries {
      let name = "\(entry["name"]?.string ?? "") \(entry["behavior"]?.string ?? "") \(entry["invert"] == true)"
      let behaviors = [
        "isolated": "Isolated", "removed": "Removed", "merged_with_previous": "MergedWithPrevious", "merged_with_next": "MergedWithNext",
        "contiguous": "Contiguous",
      ]
      let split: JSONValue = [
        "type": "Split", "pattern": ["Regex": entry["pattern"] ?? .null], "invert": entry["invert"] ?? .null,
        "behavior": .string(behaviors[entry["behavior"]?.string ?? ""] ?? ""),
      ]
      let tokenizer = try Tokenizer(tokenizerJSON: ["pre_tokenizer": split, "model": model])
      let compiled = try Tokenizer(compiled: tokenizer.compiled())
      #expect(compiled == tokenizer, "\(name)")
      let expected = try #require(entry["checksums"]?.array)
      #expect(expected.count == texts.count / block)
      var workspace = TokenizerWorkspace()
      for (number, sum) in expected.enumerated() {
        let ids = texts[number * block..<(number + 1) * block].map { compiled.encode($0, .max, &workspace).ids }
        let text = "[" + ids.map { "[" + $0.map { "\($0)" }.joined(separator: ",") + "]" }.joined(separator: ",") + "]"
        var checksum = CRC32()
        checksum.add(Array(text.utf8))
        #expect(checksum.value == sum.int, "\(name), block \(number)")
      }
    }
  }

  /// A replacement may take the place of nothing: where the reference finds an empty match, the content is put in.
  @Test(arguments: [
    (#"(?<=[a-z])(?=[A-Z])"#, "aBcD", "a-Bc-D"), (#"\b"#, "ab c", "-ab- -c-"), ("a*", "aab", "-b-"), ("x?", "", ""), (#"(?<!\d)\d"#, "12 3", "-2 -"),
  ]) func replacing(pattern: String, text: String, expected: String) throws {
    let normalizer: JSONValue = ["type": "Replace", "pattern": ["Regex": .string(pattern)], "content": "-"]
    let tokenizer = try Tokenizer(tokenizerJSON: smallTokenizerJSON().setting("normalizer", to: normalizer))
    #expect(String(decoding: tokenizer.normalForm(of: text), as: UTF8.self) == expected)
  }
}
