import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

@Suite struct AddedTokenTests {
  /// All 32 sums of the flags, tokens that are parts of each other, several kinds at once: as the reference has it.
  @Test func referenceWithEveryFlag() throws {
    let golden = try fixtureJSON("tokenizer/parts.json")
    let cases = try #require(golden["added_tokens"]?.array)
    #expect(cases.count == 35)
    for entry in cases {
      let added = try #require(entry["added_tokens"])
      let tokenizer = try Tokenizer(tokenizerJSON: smallTokenizerJSON().setting("added_tokens", to: added))
      let compiled = try Tokenizer(compiled: tokenizer.compiled())
      #expect(compiled == tokenizer)
      let texts = try #require(entry["texts"]?.array).compactMap(\.string)
      let expected = try #require(entry["input_ids"]?.array).map(\.ids)
      #expect(texts.count == expected.count && texts.count > 30)
      for (text, ids) in zip(texts, expected) {
        #expect(tokenizer.ids(text) == ids, "\(text.debugDescription) with \(added.text())")
        #expect(compiled.ids(text) == ids, "\(text.debugDescription) compiled, with \(added.text())")
      }
    }
  }

  @Test func idsFollowTheVocabulary() throws {
    let json = try smallTokenizerJSON().setting(
      "added_tokens",
      to: [["id": 23, "content": "new"], ["id": 5, "content": "a"], ["id": 24, "content": "newer", "special": true]])
    let tokenizer = try Tokenizer(tokenizerJSON: json)
    #expect(tokenizer.vocabularySize == 25)
    #expect(tokenizer.id(of: "new") == 23 && tokenizer.id(of: "newer") == 24 && tokenizer.id(of: "a") == 5)
    #expect(tokenizer.token(of: 24) == "newer" && tokenizer.token(of: 25) == nil)
    #expect(tokenizer.ids("NEW newer a") == [2, 23, 24, 5, 3])
  }

  @Test func fromTheConfigurationBesideVocabularyFile() throws {
    let configuration: JSONValue = [
      "added_tokens_decoder": ["181": ["content": "<one>", "lstrip": true], "182": ["content": "<two>", "special": true]],
      "additional_special_tokens": ["<three>", ["content": "<two>"]],
    ]
    let tokenizer = try Tokenizer(vocabularyIn: "tiny-bert", configuration: configuration)
    #expect(["<one>", "<two>", "<three>"].map { tokenizer.id(of: $0) } == [181, 182, 183])
    #expect(tokenizer.ids("film  <ONE><two><three>") == tokenizer.ids("film").dropLast() + [181, 182, 183, 3])
    #expect(tokenizer.ids("[MASK][PAD][UNK]") == [2, 4, 0, 1, 3])
  }
}
