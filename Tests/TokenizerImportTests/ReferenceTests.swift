import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

/// Ids equal to those of Hugging Face's tokenizers.
@Suite struct ReferenceTests {
  @Test(arguments: ["uncased", "cased", "cased_without_accents", "uncased_with_accents", "uncased_chinese_whole"])
  func textsOfEveryVariant(name: String) throws {
    let golden = try fixtureJSON("tokenizer/wordpiece.json")
    let settings = try #require(golden["variants"]?[name])
    let tokenizer = try Tokenizer(vocabularyIn: "tokenizer", configuration: settings)
    // What the configuration says beside vocab.txt, tokenizer.json says in its normaliser.
    let fromJSON = try Tokenizer(
      tokenizerJSON: fixtureJSON("tokenizer/tokenizer.json")
        .setting("normalizer", "lowercase", to: settings["do_lower_case"])
        .setting("normalizer", "strip_accents", to: settings["strip_accents"])
        .setting("normalizer", "handle_chinese_chars", to: settings["tokenize_chinese_chars"]),
      configuration: ["pad_token": "[PAD]"])
    #expect(fromJSON == tokenizer)
    let texts = try #require(golden["texts"]?.array)
    #expect(texts.count > 100)
    for entry in texts {
      let text = try #require(entry["text"]?.string)
      let expected = try #require(entry[name]).ids
      #expect(tokenizer.ids(text) == expected, "\(text.debugDescription)")
    }
  }

  @Test func cutTextsAndPairs() throws {
    let golden = try fixtureJSON("tokenizer/wordpiece.json")
    let tokenizer = try Tokenizer(tokenizerJSON: fixtureJSON("tokenizer/tokenizer.json"))
    let cut = try #require(golden["cut"]?.array)
    let pairs = try #require(golden["pairs"]?.array)
    #expect(cut.count >= 30 && pairs.count >= 30)
    for entry in cut + pairs {
      // Asked for one pair, transformers takes an empty second text for none; asked for many, and the library below it
      // always, it makes a pair of it, as we do: `cutFromTheLeft` has those.
      if entry["text_pair"] == "" {
        #expect(tokenizer.ids(entry["text"]?.string ?? "", maximumLength: entry["max_length"]?.int ?? 0) == entry["input_ids"]?.ids)
      } else {
        try expectCut(tokenizer, entry)
      }
    }
  }

  @Test func cutFromTheLeft() throws {
    let tokenizer = try Tokenizer(
      tokenizerJSON: fixtureJSON("tokenizer/tokenizer.json"), configuration: ["truncation_side": "left"])
    #expect(tokenizer.truncationSide == .left)
    let entries = try #require(fixtureJSON("tokenizer/parts.json")["left"]?.array)
    #expect(entries.count >= 36)
    for entry in entries { try expectCut(tokenizer, entry) }
  }

  private func expectCut(_ tokenizer: Tokenizer, _ entry: JSONValue) throws {
    let text = try #require(entry["text"]?.string)
    let limit = try #require(entry["max_length"]?.int)
    let expected = try #require(entry["input_ids"]).ids
    if let second = entry["text_pair"]?.string {
      let found = tokenizer.pair(text, second, maximumLength: limit)
      #expect(found.ids == expected, "\(text), \(second) cut at \(limit)")
      #expect(found.typeIDs == entry["token_type_ids"]?.ids, "\(text), \(second) cut at \(limit)")
    } else {
      #expect(tokenizer.ids(text, maximumLength: limit) == expected, "\(text) cut at \(limit)")
    }
  }

  /// The encoder's `tokenizer.json` has truncation and padding to 16 switched on; the caller's choice wins.
  @Test(arguments: ["tiny-bert", "tiny-bert-encoder"]) func modelFolders(folder: String) throws {
    let json = try fixtureJSON(folder + "/tokenizer.json")
    #expect((json["truncation"]?["max_length"] == 16) == (folder == "tiny-bert-encoder"))
    let tokenizer = try Tokenizer(
      tokenizerJSON: json, configuration: fixtureJSON(folder + "/tokenizer_config.json"))
    var lengths: Set<Int> = []
    for entry in try #require(fixtureJSON("tiny-bert-logits.json")["tiny-bert"]?.array) {
      guard let text = entry["text"]?.string else { continue }
      let expected = try #require(entry["input_ids"]).ids
      lengths.insert(expected.count)
      if let second = entry["text_pair"]?.string {
        let found = tokenizer.pair(text, second, maximumLength: 64)
        #expect(found.ids == expected && found.typeIDs == entry["token_type_ids"]?.ids, "\(text), \(second)")
      } else {
        #expect(tokenizer.ids(text, maximumLength: 64) == expected, "\(text)")
      }
    }
    #expect(lengths.contains(2) && lengths.contains(64) && lengths.count > 4)
  }

  @Test(arguments: ["tokenizer", "tiny-bert", "tiny-bert-encoder", "tiny-bert-sharded-f16"])
  func vocabularyAndJSONAreTheSame(folder: String) throws {
    let configuration = try fixtureJSON(folder + "/tokenizer_config.json")
    let fromJSON = try Tokenizer(tokenizerJSON: fixtureJSON(folder + "/tokenizer.json"), configuration: configuration)
    #expect(try Tokenizer(vocabularyIn: folder, configuration: configuration) == fromJSON)
    #expect(fromJSON.maximumLength == (folder == "tokenizer" ? 512 : 64))
    #expect(fromJSON.paddingID == 0 && fromJSON.truncationSide == .right)
    #expect(fromJSON.specialTokenCount() == 2 && fromJSON.specialTokenCount(pair: true) == 3)
    #expect(fromJSON.vocabularySize == (folder == "tokenizer" ? 3092 : 181))
    for id in 0..<fromJSON.vocabularySize {
      let token = try #require(fromJSON.token(of: id))
      #expect(fromJSON.id(of: token) == id, "\(token)")
    }
    #expect(fromJSON.token(of: fromJSON.vocabularySize) == nil && fromJSON.token(of: -1) == nil)
    #expect(fromJSON.id(of: "no such token") == nil && fromJSON.id(of: "") == nil)
  }

  @Test func configurationBesideTheTokens() throws {
    let json = try fixtureJSON("tiny-bert/tokenizer.json")
    // Hugging Face writes 1e30 for "no limit".
    let unlimited = try Tokenizer(tokenizerJSON: json, configuration: ["model_max_length": .number(1e30)])
    #expect(unlimited.maximumLength == nil && unlimited.paddingID == nil)
    #expect(try Tokenizer(tokenizerJSON: json, configuration: ["pad_token": ["content": "[MASK]"]]).paddingID == 4)
    #expect(try Tokenizer(tokenizerJSON: fixtureJSON("tiny-bert-encoder/tokenizer.json")).paddingID == 0)
    // MPNet's template, over BERT's vocabulary.
    let configuration: JSONValue = ["tokenizer_class": "MPNetTokenizer", "cls_token": "[MASK]", "sep_token": "[PAD]"]
    let mpnet = try Tokenizer(vocabularyIn: "tiny-bert", configuration: configuration)
    #expect(mpnet.pair("", "").ids == [4, 0, 0, 0] && mpnet.pair("", "").typeIDs == [0, 0, 0, 0])
    // Token types are given where the configuration, or else the class that it names, gives them.
    for (configuration, types) in [
      (["tokenizer_class": "BertTokenizer"], [0, 0, 1]), (["tokenizer_class": "AlbertTokenizerFast"], [0, 0, 0]),
      (["tokenizer_class": "PreTrainedTokenizerFast"], [0, 0, 0]), (["model_input_names": ["input_ids"]], [0, 0, 0]),
      (["tokenizer_class": "AlbertTokenizer", "model_input_names": ["input_ids", "token_type_ids"]], [0, 0, 1]), (nil, [0, 0, 1]),
    ] as [(JSONValue?, [Int32])] {
      let tokenizer = try Tokenizer(tokenizerJSON: json, configuration: configuration)
      #expect(tokenizer.pair("", "").typeIDs == types && tokenizer.pairTypeCount == Int(types[2]) + 1)
      guard configuration?["tokenizer_class"] != "AlbertTokenizerFast", configuration?["tokenizer_class"] != "PreTrainedTokenizerFast",
        configuration?["tokenizer_class"] != "AlbertTokenizer"
      else { continue }
      #expect(try Tokenizer(vocabularyIn: "tiny-bert", configuration: configuration).pair("", "").typeIDs == types)
    }
  }

  /// A word of 100 characters is looked up, one of 101 is unknown.
  @Test func longWords() throws {
    let tokenizer = try Tokenizer(tokenizerJSON: smallTokenizerJSON())
    for (letter, first, rest) in [("a", 5, 10), ("b", 6, 11)] as [(String, Int32, Int32)] {
      let whole = String(repeating: letter, count: 100)
      #expect(tokenizer.ids(whole) == [2, first] + [Int32](repeating: rest, count: 99) + [3])
      #expect(tokenizer.ids(whole + letter) == [2, 1, 3])
    }
    // Characters, not bytes: 100 ideographs in one word are 300 bytes.
    let whole = try Tokenizer(
      tokenizerJSON: smallTokenizerJSON().setting("normalizer", "handle_chinese_chars", to: false)
        .setting("model", "continuing_subword_prefix", to: ""))
    #expect(whole.ids(String(repeating: "一", count: 100)) == [2] + [Int32](repeating: 16, count: 100) + [3])
    #expect(whole.ids(String(repeating: "一", count: 101)) == [2, 1, 3])
  }
}
