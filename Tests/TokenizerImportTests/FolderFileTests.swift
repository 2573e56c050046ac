import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

/// What folders say of their tokenizers, as AutoTokenizer reads it: the files of before `tokenizer.json` by class, what lies
/// beside them, `tokenizer_config.json` beside a `tokenizer.json`.
@Suite struct FolderFileTests {
  @Test func reference() throws {
    let golden = try fixtureJSON("tokenizer/folders.json")
    let texts = try #require(golden["texts"]?.array).compactMap(\.string)
    let cases = try #require(golden["cases"]?.array)
    #expect(cases.count > 90 && texts.count > 15)
    var classes: Set<String> = []
    for entry in cases {
      let what = "\(entry["base"]!.text()) \(entry["configuration"]!.text()) \(entry["beside"]!.text()) \(entry["value"]?.text() ?? "")"
      let tokenizer = try tokenizer(entry, #require(golden["bases"]))
      let compiled = try Tokenizer(compiled: tokenizer.compiled())
      #expect(compiled == tokenizer, "\(what)")
      let limit = tokenizer.maximumLength ?? .max
      for (text, expected) in zip(texts, try #require(entry["input_ids"]?.array)) {
        #expect(tokenizer.ids(text, maximumLength: limit) == expected.ids, "\(text.debugDescription) by \(what)")
      }
      let pair = compiled.pair("a film", "the x")
      #expect(pair.ids == entry["pair"]?.ids && pair.typeIDs == entry["types"]?.ids, "\(what)")
      classes.insert(entry["configuration"]?["tokenizer_class"]?.string ?? "")
    }
    // Every class that is served is among them.
    for name in Tokenizer.classesOfOlderFiles.filter({ $0.key != "bpe.codes" }).values.joined() {
      #expect(classes.contains(name + "Tokenizer") || classes.contains(name + "TokenizerFast"), "\(name)")
    }
  }

  private func tokenizer(_ entry: JSONValue, _ bases: JSONValue) throws -> Tokenizer {
    var files = TokenizerFiles()
    files.configuration = entry["configuration"]
    files.specialTokensMap = entry["beside"]?["special_tokens_map.json"]
    files.addedTokens = entry["beside"]?["added_tokens.json"]
    let configuration = try files.merged()
    let base = try #require(bases[entry["base"]?.string ?? ""])
    func bytes(_ name: String) -> [UInt8]? { base[name]?.string.map { Array($0.utf8) } }
    if let bytes = bytes("tokenizer.json") {
      let path = (entry["path"]?.array ?? []).compactMap(\.string)
      let json = try JSONValue(parsing: bytes)
      return try Tokenizer(tokenizerJSON: path.isEmpty ? json : json.setting(path[...], to: entry["value"]), configuration: configuration)
    }
    if let bytes = bytes("vocab.txt") { return try bytes.withUnsafeBytes { try Tokenizer(vocabulary: $0, configuration: configuration) } }
    if let bytes = bytes("vocab.json") {
      return try Tokenizer(bytePairs: JSONValue(parsing: bytes), merges: #require(self.bytes(base["merges.txt"])), configuration: configuration)
    }
    let (name, content) = try #require(base.object?.entries.first)
    let encoded = try #require(content.string).dropFirst("base64:".utf8.count)
    return try Tokenizer(sentencePiece: #require(decodedBase64(String(encoded))), file: name, configuration: configuration)
  }

  private func bytes(_ value: JSONValue?) -> [UInt8]? { value?.string.map { Array($0.utf8) } }

  private func decodedBase64(_ text: String) -> [UInt8]? {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var (bytes, bits, count) = ([UInt8](), UInt32(0), 0)
    for byte in text.utf8 where byte != UInt8(ascii: "=") {
      guard let value = alphabet.firstIndex(of: byte) else { return nil }
      (bits, count) = (bits << 6 | UInt32(value), count + 6)
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return bytes
  }

  // MARK: What is refused

  private func refusal(_ body: () throws -> Tokenizer) -> String {
    do { _ = try body() } catch { return "\(error)" }
    return "accepted"
  }

  private static let bert: [UInt8] = Array("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n".utf8)

  private func vocabulary(_ configuration: JSONValue, rows: Int? = nil, _ bytes: [UInt8] = FolderFileTests.bert) throws -> Tokenizer {
    try bytes.withUnsafeBytes { try Tokenizer(vocabulary: $0, configuration: configuration, rows: rows) }
  }

  @Test(arguments: ["BertJapanese", "RoFormer", "Funnel", "Tapas", "RoCBert", "Roberta", "Own", "PreTrained", ""])
  func classesThatAreNotServed(name: String) {
    let text = refusal { try vocabulary(["tokenizer_class": .string(name + "TokenizerFast")]) }
    #expect(text == "tokenizer: vocab.txt of tokenizer class \(name)TokenizerFast is not supported: save a tokenizer.json with transformers, if the class has one")
  }

  @Test func wordsOfAnotherKind() throws {
    let text = refusal { try vocabulary(["tokenizer_class": "BertTokenizer", "word_tokenizer_type": "mecab"]) }
    #expect(text == "tokenizer: tokenizer_config.json: word_tokenizer_type mecab is not supported")
    let json = try smallTokenizerJSON()
    let beside = refusal { try Tokenizer(tokenizerJSON: json, configuration: ["word_tokenizer_type": "mecab"]) }
    #expect(beside.contains("word_tokenizer_type") && beside.contains("mecab"))
  }

  /// A setting that a class has a value for, where the configuration is silent and the file says otherwise; and settings of
  /// steps that are not rebuilt.
  @Test(arguments: [
    ("lowercase", false, ["tokenizer_class": "BertTokenizer"], "do_lower_case: not given"),
    ("strip_accents", false, ["tokenizer_class": "BertTokenizer"], "strip_accents: not given"),
    ("handle_chinese_chars", false, ["tokenizer_class": "BertTokenizer"], "tokenize_chinese_chars: not given"),
    ("lowercase", false, ["tokenizer_class": "BertTokenizer", "do_lower_case": false], "accepted"),
    ("lowercase", false, ["tokenizer_class": "PreTrainedTokenizerFast"], "accepted"), ("lowercase", false, [:], "accepted"),
  ] as [(String, Bool, JSONValue, String)])
  func contradictions(key: String, value: Bool, configuration: JSONValue, expected: String) throws {
    let json = try smallTokenizerJSON().setting("normalizer", key, to: .bool(value))
    let text = refusal { try Tokenizer(tokenizerJSON: json, configuration: configuration) }
    #expect(text == expected || text.utf8.starts(with: "tokenizer_config.json: \(expected)".utf8), "\(text)")
  }

  @Test func contradictionsOfOtherSteps() throws {
    let json = try smallTokenizerJSON().setting("normalizer", to: ["type": "Sequence", "normalizers": [["type": "NFC"], ["type": "Lowercase"]]])
    let metaspace = json.setting("pre_tokenizer", to: ["type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"])
    for (json, name, key, value, expected) in [
      (json, "Bert", "do_lower_case", false, "do_lower_case: false, but tokenizer.json lowercases"),
      (json, "Bert", "do_lower_case", true, "accepted"), (json, "Bert", "strip_accents", true, "strip_accents: true, but tokenizer.json does not strip accents"),
      (metaspace, "Albert", "keep_accents", false, "keep_accents: false, but tokenizer.json keeps accents"),
      (metaspace, "Albert", "add_prefix_space", false, "add_prefix_space: false, but tokenizer.json puts a blank in front"),
      (metaspace, "XLMRoberta", "add_prefix_space", true, "accepted"),
      (metaspace, "DebertaV2", "split_by_punct", true, "split_by_punct: true, but tokenizer.json does not split at punctuation"),
    ] as [(JSONValue, String, String, Bool, String)] {
      let configuration: JSONValue = .object(JSONObject([("tokenizer_class", .string(name + "Tokenizer")), (key, .bool(value))]))
      let text = refusal { try Tokenizer(tokenizerJSON: json, configuration: configuration) }
      #expect(text == expected || text.utf8.starts(with: "tokenizer_config.json: \(expected)".utf8), "\(text)")
    }
  }

  @Test func damagedFilesBeside() {
    for (files, expected) in [
      (["added": ["<x>": "one"]], "added_tokens.json: <x>: expected an id"), (["added": [1]], "added_tokens.json: tokens: expected an object"),
      (["map": 5], "special_tokens_map.json: tokens: expected an object"), (["configuration": []], "tokenizer_config.json: configuration: expected an object"),
    ] as [(JSONValue, String)] {
      var merged = TokenizerFiles()
      (merged.configuration, merged.specialTokensMap, merged.addedTokens) = (files["configuration"], files["map"], files["added"])
      let text = refusal { try vocabulary(merged.merged() ?? [:]) }
      #expect(text.utf8.starts(with: expected.utf8), "\(text)")
    }
  }

  // MARK: Tokens that the model has no embeddings for

  @Test func unusedTokensBeyondTheTable() throws {
    let base: JSONValue = ["tokenizer_class": "BertTokenizer"]
    // A blank last line is no token.
    #expect(try vocabulary(base, rows: 6, Self.bert + [0x0A]).vocabularySize == 6)
    // By name, in the vocabulary or added, one more of any name, the padding; not several.
    #expect(try vocabulary(base, rows: 6, Self.bert + Array("[unused1]\n".utf8)).vocabularySize == 6)
    for (tokens, size) in [(["<unk>NOTUSED", "[unused7]"], 6), (["<x>"], 6), (["<x>", "<y>"], 8), (["<x>", "madeupword0001"], 6)] as [([String], Int)] {
      let list = JSONValue.array(tokens.map { .string($0) })
      let configuration = JSONValue.object(JSONObject([("tokenizer_class", "BertTokenizer"), ("additional_special_tokens", list)]))
      let tokenizer = try vocabulary(configuration, rows: 6)
      #expect(tokenizer.vocabularySize == size, "\(tokens)")
      #expect(try vocabulary(configuration, rows: 8).vocabularySize == 6 + tokens.count)
      #expect(tokenizer.ids("a <x>").contains(6) == (size == 8))
    }
    // What a class appends of itself.
    let without = Array("[UNK]\n[CLS]\n[SEP]\na\n".utf8)
    #expect(try vocabulary(base, rows: 4, without).vocabularySize == 4 && vocabulary(base, without).vocabularySize == 6)
    #expect(try vocabulary(base, rows: 4, without).paddingID == nil)
    let padded = try vocabulary(["tokenizer_class": "BertTokenizer", "pad_token": "<padding>"], rows: 4, without)
    #expect(padded.vocabularySize == 4)
  }
}

/// The tables of the module's README are what the code serves and refuses.
@Suite struct ReadmeTests {
  private func rows(behind heading: String) throws -> [(names: Set<String>, cell: String)] {
    let text = String(decoding: try fixtureBytes("../../Sources/TokenizerImport/README.md"), as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex(of: Substring(heading)))
    return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { line in
      let cells = line.split(separator: "|").map { $0.drop { $0 == " " } }
      return (Set(cells[0].split(separator: ", ").map { $0.filter { $0 != " " } }), String(cells[1]))
    }
  }

  @Test func servedClasses() throws {
    var found: [String: Set<String>] = [:]
    for (names, cell) in try rows(behind: "| class | from |") {
      let file = cell.contains("bpe.codes") ? "bpe.codes" : cell.contains("vocab.txt") ? "vocab.txt" : cell.contains("vocab.json") ? "vocab.json" : "a SentencePiece model"
      found[file, default: []].formUnion(names)
    }
    #expect(found == Tokenizer.classesOfOlderFiles)
  }

  @Test func refusedClasses() throws {
    let refused = try rows(behind: "| class | why |")
    #expect(refused.count >= 6)
    let served = Set(Tokenizer.classesOfOlderFiles.values.joined())
    for name in refused.flatMap(\.names) { #expect(!served.contains(name), "\(name)") }
  }
}
