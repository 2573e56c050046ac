import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

/// What is not served, or not as the format says, is refused with its name.
@Suite struct RefusalTests {
  private func refusal(_ json: JSONValue, configuration: JSONValue? = nil) -> String {
    do { _ = try Tokenizer(tokenizerJSON: json, configuration: configuration) } catch { return "\(error)" }
    return "accepted"
  }

  private func vocabularyRefusal(_ text: [UInt8], _ configuration: JSONValue? = nil) -> String {
    do {
      _ = try text.withUnsafeBytes { try Tokenizer(vocabulary: $0, configuration: configuration) }
    } catch {
      return "\(error)"
    }
    return "accepted"
  }

  @Test func partsThatAreNotServed() throws {
    let json = try smallTokenizerJSON()
    #expect(refusal(json.setting("model", "type", to: "Fast")) == "tokenizer: model Fast is not supported")
    #expect(refusal(json.setting("model", to: ["vocab": [:]])) == "tokenizer: model without a type is not supported")
    for (key, component, name) in [
      ("normalizer", "normalizer", "ByteLevel"), ("pre_tokenizer", "pre-tokenizer", "UnicodeScripts"),
      ("post_processor", "post-processor", "Other"),
    ] {
      let changed = json.setting(key, to: ["type": .string(name)])
      #expect(refusal(changed) == "tokenizer: \(component) \(name) is not supported")
    }
    let templates: JSONValue = ["type": "Sequence", "processors": .array([json["post_processor"] ?? .null, json["post_processor"] ?? .null])]
    #expect(
      refusal(json.setting("post_processor", to: templates)) == "tokenizer: post-processor Sequence of several templates is not supported")
    let bytePair: JSONValue = ["type": "BPE", "vocab": ["a": 0], "merges": [], "dropout": 0.1]
    #expect(refusal(json.setting("model", to: bytePair)) == "tokenizer: model BPE with dropout is not supported")
    let unigram: JSONValue = ["type": "Unigram", "vocab": [["a", 0.0]], "unk_id": nil]
    #expect(refusal(json.setting("model", to: unigram)) == "tokenizer: model Unigram without unk_id is not supported")
  }

  /// Each construct outside of the subset, with why.
  @Test(arguments: [
    ("(a*)+b", "a repetition of what may be empty"), ("a{,2}+b", "a repetition of what may be empty"), ("(?<name>a)", "a kind of group"),
    ("(?<=a*)b", "looking behind by more than 255 characters"), ("(?<=a)+b", "a repeated look around"), (#"\b+a"#, "a repeated edge"),
    ("(a", "a parenthesis that does not end"), ("a)", "an unmatched parenthesis"), (#"a\K"#, "an escape"), (#"(a)\1"#, "an escape"),
    (#"\x80"#, "an escape"), (#"\x{110000}"#, "an escape"), (#"\u12"#, "an escape"), ("a{,}", "a count without a number"),
    ("a{3,2}", "a count"), ("a**", "a repetition of a repetition"), ("*a", "a repetition of nothing"), ("^+a", "a repeated edge"),
    ("[[:alpha:]]", "a named class in a class"), ("[]", "an empty class"), ("[b-a]", "a range"), (#"[a-\s]"#, "a range"), ("[a-[b]]", "a range"),
    (#"\p{Klingon}"#, "property Klingon"), (#"\pL"#, "a property without braces"), ("(?i:ß)", "cases beyond ASCII"),
    ("(?i:[é])", "a class without cases"), (#"(?i:[\p{Lu}])"#, "a class without cases"), ("(?i:[a&&b])", "a class without cases"), ("(?i:miss)", "letters that fold into one"), ("[a", "the end instead of a character of a class"),
  ]) func regularExpressions(source: String, why: String) throws {
    let normalizer: JSONValue = ["type": "Replace", "pattern": ["Regex": .string(source)], "content": ""]
    #expect(
      try refusal(smallTokenizerJSON().setting("normalizer", to: normalizer))
        == "tokenizer: regular expression \(source) (\(why)) is not supported")
  }

  @Test func malformedTokenizerJSON() throws {
    let normalizing = try smallTokenizerJSON()
    let json = normalizing.setting("normalizer", to: nil)
    #expect(refusal(json) == "accepted")
    // An old file without a type has BERT's limit of a word.
    #expect(refusal(json.setting("model", "type", to: nil)) == "accepted")
    let text: JSONValue = ["Sequence": ["id": "A", "type_id": 0]]
    let second: JSONValue = ["Sequence": ["id": "B", "type_id": 1]]
    func template(_ single: JSONValue, _ pair: JSONValue, specials: JSONValue = [:]) -> JSONValue {
      json.setting(
        "post_processor", to: ["type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": specials])
    }
    #expect(refusal(template([text], [text, second])) == "accepted")
    let cases: [(JSONValue, String)] = [
      ([], "model: expected an object, found nothing"),
      (json.setting("model", to: nil), "model: expected an object, found nothing"),
      (json.setting("model", to: .null), "model: expected an object, found null"),
      (json.setting("model", "vocab", to: [1]), "model.vocab: expected an object of tokens and ids, found [1]"),
      (json.setting("model", "vocab", "a", to: -1), "model.vocab, a: expected an id below 1048575, found -1"),
      (json.setting("model", "vocab", "a", to: "x"), "model.vocab, a: expected an id below 1048575, found \"x\""),
      (json.setting("model", "vocab", "a", to: .integer(1 << 40)), "model.vocab, a: expected an id below 1048575, found 1099511627776"),
      (json.setting("model", "vocab", "a", to: 6), "vocabulary: expected one token with id 6, found a and b"),
      (json.setting("model", "unk_token", to: 7), "model.unk_token: expected a string, found 7"),
      (
        json.setting("model", "continuing_subword_prefix", to: []),
        "model.continuing_subword_prefix: expected a string, found []"
      ),
      (
        json.setting("model", "max_input_chars_per_word", to: -5),
        "model.max_input_chars_per_word: expected a count of characters, found -5"
      ),
      (json.setting("normalizer", to: [:]), "normalizer.type: expected a string, found nothing"),
      (json.setting("normalizer", to: ["type": "Precompiled", "precompiled_charsmap": "AAAA"]), "normalizer.precompiled_charsmap: expected a trie"),
      (json.setting("normalizer", to: ["type": "Strip", "strip_left": true]), "normalizer.strip_right: expected true or false, found nothing"),
      (json.setting("pre_tokenizer", to: ["type": "Metaspace", "replacement": "ab"]), "pre_tokenizer.replacement: expected one character, found \"ab\""),
      (
        json.setting("pre_tokenizer", to: ["type": "Metaspace", "replacement": "_", "add_prefix_space": false, "prepend_scheme": "always"]),
        "pre_tokenizer.add_prefix_space: expected what prepend_scheme says, found false"
      ),
      (json.setting("pre_tokenizer", to: ["type": "Split", "invert": false, "behavior": "Isolated"]), "pre_tokenizer.pattern: expected a String or a Regex, found nothing"),
      (json.setting("model", to: ["type": "BPE", "vocab": ["a": 0], "merges": ["a b c"]]), "model.merges[0]: expected two tokens, found \"a b c\""),
      (json.setting("model", to: ["type": "BPE", "vocab": ["a": 0], "merges": [["a", "b"]]]), "model.merges[0]: expected tokens of the vocabulary, found \"b\""),
      (json.setting("model", to: ["type": "Unigram", "vocab": [["a", 0.0]], "unk_id": 1]), "model.unk_id: expected an id of the vocabulary, found 1"),
      (normalizing.setting("normalizer", "lowercase", to: 1), "normalizer.lowercase: expected true or false, found 1"),
      (normalizing.setting("normalizer", "strip_accents", to: "no"), "normalizer.strip_accents: expected true or false, found \"no\""),
      (json.setting("added_tokens", to: [:]), "added_tokens: expected an array, found {}"),
      (json.setting("added_tokens", to: [["content": "x"]]), "added_tokens[0].id: expected an id below 1048575, found nothing"),
      (json.setting("added_tokens", to: [["id": 1]]), "added_tokens[0].content: expected a string, found nothing"),
      (
        json.setting("added_tokens", to: [["id": 23, "content": "x", "lstrip": 0]]),
        "added_tokens[0].lstrip: expected true or false, found 0"
      ),
      (
        normalizing.setting("added_tokens", to: [["id": 23, "content": "Né"], ["id": 24, "content": "NE"]]),
        "added_tokens: expected a normal form of its own, found NE"
      ),
      (
        normalizing.setting("added_tokens", to: [["id": 23, "content": "\u{301}"]]),
        "added_tokens: expected a normal form of its own, found \u{301}"
      ),
      (
        json.setting("post_processor", "cls", to: "[CLS]"),
        "post_processor.cls: expected a token and its id, found \"[CLS]\""
      ),
      (template([text], [text]), "post_processor: expected each text once, and type 0 for a single text, found"),
      (template([text, text], [text, second]), "post_processor: expected each text once"),
      (template([["Sequence": ["id": "A", "type_id": 1]]], [text, second]), "post_processor: expected each text once"),
      (template([["Sequence": ["id": "C", "type_id": 0]]], [text, second]), "post_processor.single.Sequence.id: expected A or B"),
      (template(["A"], [text, second]), "post_processor.single: expected Sequence or SpecialToken, found \"A\""),
      (template([text], nil), "post_processor.pair: expected an array, found null"),
      (
        template([["SpecialToken": ["id": "[CLS]", "type_id": 0]], text], [text, second]),
        "post_processor.special_tokens.[CLS].ids: expected an array of ids, found nothing"
      ),
    ]
    for (changed, expected) in cases {
      let found = refusal(changed)
      #expect(found.utf8.starts(with: "tokenizer.json: \(expected)".utf8), "\(found), not \(expected)")
    }
    #expect(refusal(json.setting("model", "unk_token", to: "?")) == "tokenizer: the vocabulary has no token ?")
    #expect(refusal(json.setting("model", "unk_token", to: "")) == "tokenizer: the vocabulary has no token ")
  }

  @Test func malformedConfiguration() throws {
    let json = try smallTokenizerJSON().setting("normalizer", to: nil)
    for (configuration, expected) in [
      (["truncation_side": "both"], "truncation_side: expected \"left\" or \"right\", found \"both\""),
      (["truncation_side": 1], "truncation_side: expected \"left\" or \"right\", found 1"),
      (["model_max_length": "long"], "model_max_length: expected a number, found \"long\""),
    ] as [(JSONValue, String)] {
      #expect(refusal(json, configuration: configuration) == "tokenizer_config.json: \(expected)")
    }
    #expect(refusal(json, configuration: ["truncation_side": nil, "model_max_length": nil]) == "accepted")
  }

  @Test func vocabularyFiles() {
    let whole = Array("[UNK]\n[CLS]\n[SEP]\na\n##b".utf8)
    #expect(vocabularyRefusal(whole) == "accepted")
    #expect(vocabularyRefusal(whole + Array("\r\n".utf8)) == "accepted")
    #expect(vocabularyRefusal([]) == "tokenizer: the vocabulary has no token [UNK], which tokenizer class Bert needs")
    #expect(vocabularyRefusal(Array("[UNK]\n[SEP]".utf8)) == "tokenizer: the vocabulary has no token [CLS], which tokenizer class Bert needs")
    #expect(vocabularyRefusal(Array("[UNK]\n[CLS]".utf8)) == "tokenizer: the vocabulary has no token [SEP], which tokenizer class Bert needs")
    #expect(vocabularyRefusal(whole, ["unk_token": "<unk>"]) == "tokenizer: the vocabulary has no token <unk>, which tokenizer class Bert needs")
    #expect(vocabularyRefusal(whole + [0x0A, 0xFF]) == "vocab.txt: line 6: expected UTF-8, found other bytes")
    for (configuration, expected) in [
      (["do_lower_case": "yes"], "do_lower_case: expected true or false, found \"yes\""),
      (["strip_accents": 0], "strip_accents: expected true or false, found 0"),
      (["added_tokens_decoder": ["9": [:]]], "added_tokens_decoder.9.content: expected a string, found nothing"),
      (["additional_special_tokens": [5]], "additional_special_tokens: expected tokens, found 5"),
    ] as [(JSONValue, String)] {
      #expect(vocabularyRefusal(whole, configuration) == "tokenizer_config.json: \(expected)")
    }
  }

  /// Blanks behind a token are not part of it, and of two equal lines the last counts, as in the reference.
  @Test func vocabularyLines() throws {
    let text = Array("[UNK]\r\n[CLS] \n[SEP]\na\t\na\n\nb\u{3000}\n".utf8)
    let tokenizer = try text.withUnsafeBytes { try Tokenizer(vocabulary: $0) }
    #expect(["[UNK]", "[CLS]", "[SEP]", "a", "b"].map { tokenizer.id(of: $0) } == [0, 1, 2, 4, 6])
    #expect(tokenizer.ids("a b c") == [1, 4, 6, 0, 2])
  }
}
