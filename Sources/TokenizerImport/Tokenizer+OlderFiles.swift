import JSON
import Storage
import Tokenizers

/// Tokenizers from the files of before `tokenizer.json`, by writing the one that transformers 5 would make of them.
extension Tokenizer {
  /// From `vocab.txt`: one token a line, the line number is the id.
  ///
  /// - Parameter configuration: `tokenizer_config.json`, merged with what lies beside it (`TokenizerFiles`). The class's own
  ///   values where it is silent; BERT where it names no class.
  package init(vocabulary bytes: UnsafeRawBufferPointer, configuration: JSONValue? = nil, rows: Int? = nil) throws(TokenizerError) {
    let settings = TokenizerSettings(configuration, otherwise: "Bert")
    let tokenizerClass = try settings.served(from: .vocabularyText, file: "vocab.txt")
    let vocabulary = try readVocabularyLines(bytes)
    let unknown = try settings.needed("unk", in: vocabulary)
    let model: JSONValue = [
      "type": "WordPiece", "unk_token": .string(unknown), "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
      "vocab": .object(vocabulary),
    ]
    try self.init(older: tokenizerClass, settings, file: "vocab.txt", model: model, vocabulary, rows: rows)
  }

  /// From `vocab.json` and `merges.txt`. RoBERTa's where the configuration names no class.
  package init(bytePairs vocabulary: JSONValue, merges: [UInt8], configuration: JSONValue?, rows: Int? = nil) throws(TokenizerError) {
    let settings = TokenizerSettings(configuration, otherwise: "Roberta")
    let tokenizerClass = try settings.served(from: .bytePairs, file: "vocab.json")
    let pairs = merges.split(separator: UInt8(ascii: "\n")).map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
      .filter { !$0.isEmpty && !$0.starts(with: "#version".utf8) }
    let tokens = vocabulary.object ?? JSONObject()
    var model = JSONObject([
      ("type", "BPE"), ("vocab", vocabulary), ("merges", .array(pairs.map { .string(String(decoding: $0, as: UTF8.self)) })),
    ])
    if case .herbert = tokenizerClass.stages {
      model["unk_token"] = .string(try settings.needed("unk", in: tokens))
      model["end_of_word_suffix"] = "</w>"
    }
    try self.init(older: tokenizerClass, settings, file: "vocab.json", model: .object(model), tokens, rows: rows)
  }

  /// From a SentencePiece model: `spiece.model` (ALBERT, BigBird), `spm.model` (DeBERTa), `sentencepiece.bpe.model`
  /// (XLM-RoBERTa, CamemBERT, BARThez).
  package init(sentencePiece bytes: [UInt8], file: String, configuration: JSONValue?, rows: Int? = nil) throws(TokenizerError) {
    let sentencePiece = try SentencePieceModel(bytes, file: file)
    let usual = ["spiece.model": "Albert", "spm.model": "DebertaV2", "sentencepiece.bpe.model": "XLMRoberta"]
    let settings = TokenizerSettings(configuration, otherwise: usual[file] ?? "")
    let tokenizerClass = try settings.served(from: .sentencePiece, file: "SentencePiece model")
    let pieces = settings.arranged(sentencePiece.pieces, tokenizerClass.stages)
    let ids = JSONObject(pieces.enumerated().map { ($0.element.text, .integer(Int64($0.offset))) })
    let model: JSONValue = [
      "type": "Unigram", "unk_id": .integer(Int64(settings.unknownID(pieces, sentencePiece, tokenizerClass.stages))),
      "vocab": .array(pieces.map { [.string($0.text), .number($0.score)] }),
    ]
    try self.init(
      older: tokenizerClass, settings, file: file, model: model, ids, rows: rows, charsmap: sentencePiece.charsmap, controls: sentencePiece.controls)
  }

  private init(
    older tokenizerClass: TokenizerClass, _ settings: TokenizerSettings, file: String, model: JSONValue, _ vocabulary: JSONObject, rows: Int?,
    charsmap: [UInt8] = [], controls: [(text: String, isSpecial: Bool)] = []
  ) throws(TokenizerError) {
    var added = try settings.addedTokens()
    // What a SentencePiece model lists as special stands in for the list of the configuration.
    if !["extra_special_tokens", "additional_special_tokens"].contains(where: { settings.configuration[$0]?.array != nil }) {
      added += controls.map { ["content": .string($0.text), "special": .bool($0.isSpecial), "normalized": false] }
    }
    // This class adds them once more.
    if case .qwen2 = tokenizerClass.stages { added += settings.plainSpecialTokens }
    let (normalizer, preTokenizer) = try settings.stages(tokenizerClass.stages, charsmap: charsmap)
    for token in tokenizerClass.tokens where tokenizerClass.needs.contains(token.name) {
      let text = settings.text(token.name) ?? token.text
      guard vocabulary[text] != nil || settings.lists(text) else { throw .missingToken(text, className: settings.className) }
    }
    let json: JSONValue = ["added_tokens": .null, "normalizer": normalizer, "pre_tokenizer": preTokenizer, "model": model]
    try self.init(json, settings: settings, file: file, added: added, scoresAreExact: true, rows: rows) { (id) throws(TokenizerError) in
      try settings.template(tokenizerClass, id: id)
    }
  }
}

extension TokenizerSettings {
  /// The class, where it is one that is served from these files.
  fileprivate func served(from files: TokenizerClass.Files, file: String) throws(TokenizerError) -> TokenizerClass {
    for key in ["word_tokenizer_type", "subword_tokenizer_type"] {
      if let value = configuration[key]?.string, !["basic", "wordpiece"].contains(value) {
        throw .unsupported(component: "tokenizer_config.json: \(key)", name: value.excerpt)
      }
    }
    guard let tokenizerClass, tokenizerClass.files == files else {
      throw .unservedClass(configuration["tokenizer_class"]?.string ?? className, file: file)
    }
    return tokenizerClass
  }

  /// What a named token is called that the model itself needs.
  fileprivate func needed(_ name: String, in vocabulary: JSONObject) throws(TokenizerError) -> String {
    let text = text(name) ?? ""
    guard vocabulary[text] != nil else { throw .missingToken(text, className: className) }
    return text
  }

  /// Whether the folder lists a token that its vocabulary lacks.
  fileprivate func lists(_ text: String) -> Bool {
    (configuration["added_tokens_decoder"]?.object?.entries ?? []).contains { $0.value.text(isSameAs: .string(text)) }
  }

  /// Where the class puts its special tokens; GPT-2's and Qwen2's put those that the configuration asks for.
  fileprivate func template(_ tokenizerClass: TokenizerClass, id: (String) -> Int?) throws(TokenizerError) -> Template {
    var (single, pair) = (tokenizerClass.single, tokenizerClass.pair)
    if single == "A" {
      let before = try flag("add_bos_token", otherwise: false) && text("bos") != nil
      let after = try flag("add_eos_token", otherwise: false) && text("eos") != nil
      single = (before ? "bos " : "") + "A" + (after ? " eos" : "")
      pair = single + (before ? " bos:1" : "") + " B:1" + (after ? " eos:1" : "")
    }
    func pieces(_ text: String) throws(TokenizerError) -> [Template.Piece] {
      try text.split(separator: " ").map { part throws(TokenizerError) in
        let name = part.prefix { $0 != ":" }
        let type = Int(part.dropFirst(name.count + 1)) ?? 0
        if name == "A" { return .first(typeID: type) }
        if name == "B" { return .second(typeID: type) }
        let text = self.text(String(name)) ?? ""
        guard let id = tokenizerClass.fixedIDs[String(name)].map({ Int($0) }) ?? id(text) else {
          throw .missingToken(text, className: className)
        }
        return .special(id: id, typeID: type)
      }
    }
    guard let template = Template(single: try pieces(single), pair: try pieces(pair)) else {
      throw .unsupported(component: "template of tokenizer class", name: className.excerpt)
    }
    return template
  }
}
