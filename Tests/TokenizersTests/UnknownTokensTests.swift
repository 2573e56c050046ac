import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

@Suite struct UnknownTokensTests {
  @Test func anEmojiAloneIsUnknownAndAWordBesideItIsNot() throws {
    let tokenizer = try Tokenizer(vocabularyIn: "tiny-bert")
    let unknown = try #require(tokenizer.unknownTokens)
    for text in ["😡", "😡😡 👎", "你好", "[SEP] 😡", String(repeating: "😡 ", count: 200)] {
      #expect(unknown.areAll(of: tokenizer.ids(text)[...]), "\(text)")
    }
    // An empty text has no unknown token, and one known token is enough to be known.
    for text in ["", " ", "[SEP]", "a", "😡 a", "a 😡"] { #expect(!unknown.areAll(of: tokenizer.ids(text)[...]), "\(text)") }
    #expect(unknown.count(in: tokenizer.ids("😡 a 你 b")[...]) == 2)
    let pair = tokenizer.pair("😡", "你")
    #expect(unknown.areAll(of: pair.ids[...]))
    #expect(!unknown.areAll(of: tokenizer.pair("😡", "a").ids[...]))
  }

  /// Against the ids one by one, for every kind of model.
  @Test func everyModel() throws {
    let golden = try fixtureJSON("tokenizer/components.json")
    let texts = try #require(golden["texts"]?.array).compactMap(\.string)
    var (wholly, withoutUnknown) = (0, 0)
    for entry in try #require(golden["models"]?.array) {
      // The templates there put the unknown token around every text.
      let json = try #require(entry["tokenizer"]).setting("post_processor", to: .null)
      let tokenizer = try Tokenizer(tokenizerJSON: json)
      let named = json["model"]?["unk_token"]?.string.flatMap { json["model"]?["vocab"]?[$0]?.int }
      guard let id = named ?? json["model"]?["unk_id"]?.int, let unknown = tokenizer.unknownTokens else {
        #expect(named == nil && json["model"]?["unk_id"] == nil && tokenizer.unknownTokens == nil, "\(entry["name"]?.string ?? "")")
        withoutUnknown += 1
        continue
      }
      for text in texts {
        let ids = tokenizer.ids(text)
        let expected = ids.contains(Int32(id)) && ids.allSatisfy { $0 == id || tokenizer.token(of: Int($0)) == "▁" }
        #expect(unknown.areAll(of: ids[...]) == expected, "\(entry["name"]?.string ?? ""): \(text.debugDescription)")
        wholly += expected ? 1 : 0
      }
    }
    // Two of them are over bytes.
    #expect(wholly > 0 && withoutUnknown == 2)
  }
}
