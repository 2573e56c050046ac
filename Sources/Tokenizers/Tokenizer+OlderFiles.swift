import JSON

/// Tokenizers from the files of before `tokenizer.json`, by writing the one that transformers 5 would make of them.
extension Tokenizer {
  /// From `vocab.json` and `merges.txt`: byte pairs over bytes, as RoBERTa has them.
  package init(bytePairs vocabulary: JSONValue, merges: [UInt8], configuration: JSONValue?) throws(TokenizerError) {
    let configuration = configuration ?? [:]
    let name = Self.className(configuration, otherwise: "Roberta")
    guard ["Roberta", "Longformer", "Bart"].contains(name) else {
      throw .unsupported(component: "vocab.json for tokenizer class", name: name)
    }
    let reader = TokenizerReader(file: "vocab.json")
    let pairs = merges.split(separator: UInt8(ascii: "\n")).map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
      .filter { !$0.isEmpty && !$0.starts(with: "#version".utf8) }
    let names = SpecialTokenNames(configuration, ["<unk>", "</s>", "<pad>", "<s>", "<mask>"])
    let json: JSONValue = [
      "added_tokens": try Self.addedTokens(configuration, names),
      "pre_tokenizer": [
        "type": "ByteLevel", "add_prefix_space": .bool(try reader.flag(configuration, "add_prefix_space", "")), "use_regex": true,
      ],
      "post_processor": [
        "type": "RobertaProcessing", "cls": try Self.namedToken(names.cls, in: vocabulary), "sep": try Self.namedToken(names.sep, in: vocabulary),
      ],
      "model": [
        "type": "BPE", "vocab": vocabulary, "merges": .array(pairs.map { .string(String(decoding: $0, as: UTF8.self)) }),
      ],
    ]
    try self.init(tokenizerJSON: json, configuration: configuration)
  }

  /// From a SentencePiece model: `spiece.model` (ALBERT), `spm.model` (DeBERTa), `sentencepiece.bpe.model` (XLM-RoBERTa).
  package init(sentencePiece bytes: [UInt8], file: String, configuration: JSONValue?) throws(TokenizerError) {
    let model = try SentencePieceModel(bytes, file: file)
    let configuration = configuration ?? [:]
    let reader = TokenizerReader(file: "tokenizer_config.json")
    let usual = ["spiece.model": "Albert", "spm.model": "DebertaV2", "sentencepiece.bpe.model": "XLMRoberta"]
    let name = Self.className(configuration, otherwise: usual[file] ?? "")
    func flag(_ key: String, otherwise: Bool) throws(TokenizerError) -> Bool { try reader.flag(configuration, key, "", otherwise: otherwise) }
    var pieces = model.pieces
    var normalizers: [JSONValue] = []
    var preTokenizers: [JSONValue] = []
    let names: SpecialTokenNames
    let unknown: Int
    let prefixed = try flag("add_prefix_space", otherwise: true)
    let charsmap: [JSONValue] =
      model.charsmap.isEmpty ? [] : [["type": "Precompiled", "precompiled_charsmap": .string(encodeBase64(model.charsmap))]]
    switch name {
    case "Albert":
      names = SpecialTokenNames(configuration, ["<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"])
      unknown = 1
      normalizers = ["``", "''"].map { ["type": "Replace", "pattern": ["String": .string($0)], "content": "\""] }
      if try !flag("keep_accents", otherwise: false) { normalizers += [["type": "NFKD"], ["type": "StripAccents"]] }
      if try flag("do_lower_case", otherwise: true) { normalizers.append(["type": "Lowercase"]) }
      normalizers += charsmap
      preTokenizers = [["type": "WhitespaceSplit"]]
    case "DebertaV2":
      names = SpecialTokenNames(configuration, ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"])
      unknown = pieces.firstIndex { $0.text == names.unknown && $0.score == 0 } ?? 1
      if try flag("do_lower_case", otherwise: false) { normalizers.append(["type": "Lowercase"]) }
      normalizers += [
        ["type": "Replace", "pattern": ["Regex": #"\s{2,}|[\n\r\t]"#], "content": " "], ["type": "NFC"],
        ["type": "Strip", "strip_left": false, "strip_right": true],
      ]
      if try flag("split_by_punct", otherwise: false) { preTokenizers = [["type": "Punctuation"]] }
    case "XLMRoberta":
      names = SpecialTokenNames(configuration, ["<unk>", "</s>", "<pad>", "<s>", "<mask>"])
      unknown = 3
      // The order of fairseq, in which XLM-RoBERTa was trained.
      pieces = ["<s>", "<pad>", "</s>", "<unk>"].map { ($0, 0) } + pieces.dropFirst(3) + [("<mask>", 0)]
      normalizers = charsmap
      preTokenizers = [["type": "WhitespaceSplit"]]
    default: throw .unsupported(component: "SentencePiece model for tokenizer class", name: name)
    }
    let scheme: JSONValue = prefixed ? "always" : name == "DebertaV2" ? "first" : "never"
    preTokenizers.append(["type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme])
    func special(_ text: String) -> JSONValue { ["SpecialToken": ["id": .string(text), "type_id": 0]] }
    func id(_ text: String) throws(TokenizerError) -> Int64 {
      guard let id = pieces.lastIndex(where: { $0.text == text }) else { throw .missingToken(text) }
      return Int64(id)
    }
    let second: Int64 = name == "XLMRoberta" ? 0 : 1
    let (cls, sep) = (special(names.cls), special(names.sep))
    let text: JSONValue = ["Sequence": ["id": "A", "type_id": 0]]
    let between: [JSONValue] = name == "XLMRoberta" ? [sep, sep] : [sep]
    let last: JSONValue = ["SpecialToken": ["id": .string(names.sep), "type_id": .integer(second)]]
    let specials: [(String, JSONValue)] = [
      (names.cls, ["ids": [.integer(try id(names.cls))]]), (names.sep, ["ids": [.integer(try id(names.sep))]]),
    ]
    let json: JSONValue = [
      "added_tokens": try Self.addedTokens(configuration, names),
      "normalizer": ["type": "Sequence", "normalizers": .array(normalizers)],
      "pre_tokenizer": ["type": "Sequence", "pretokenizers": .array(preTokenizers)],
      "post_processor": [
        "type": "TemplateProcessing", "single": [cls, text, sep],
        "pair": .array([cls, text] + between + [["Sequence": ["id": "B", "type_id": .integer(second)]], last]),
        "special_tokens": .object(JSONObject(specials)),
      ],
      "model": [
        "type": "Unigram", "unk_id": .integer(Int64(unknown)),
        "vocab": .array(pieces.map { [.string($0.text), .number($0.score)] }),
      ],
    ]
    try self.init(tokenizerJSON: json, configuration: configuration, scoresAreExact: true)
  }

  /// Whether the reference library hands a model the token types of a pair: what the configuration lists, or what the class
  /// of tokenizer that it names is known to leave out, though its template may have them (ALBERT's).
  static func givesTokenTypes(_ configuration: JSONValue?) -> Bool {
    guard let configuration else { return true }
    if let names = configuration["model_input_names"]?.array { return names.contains("token_type_ids") }
    let without = ["Albert", "Camembert", "DistilBert", "MPNet", "PreTrained", "Roberta", "TokenizersBackend", "XLMRoberta"]
    return !without.contains(className(configuration, otherwise: ""))
  }

  private static func className(_ configuration: JSONValue, otherwise: String) -> String {
    guard var name = configuration["tokenizer_class"]?.string else { return otherwise }
    for suffix in ["Fast", "Tokenizer"] where name.hasSuffix(suffix) { name.removeLast(suffix.count) }
    return name
  }

  private static func namedToken(_ text: String, in vocabulary: JSONValue) throws(TokenizerError) -> JSONValue {
    guard let id = vocabulary[text] else { throw .missingToken(text) }
    return [.string(text), id]
  }

  /// The entries of `added_tokens`: what the configuration lists, and the special tokens it names. Their ids follow the vocabulary.
  private static func addedTokens(_ configuration: JSONValue, _ names: SpecialTokenNames) throws(TokenizerError) -> JSONValue {
    var entries: [JSONValue] = []
    func add(_ entry: JSONValue) {
      guard let text = entry["content"], !entries.contains(where: { $0["content"] == text }), var object = entry.object else { return }
      object["id"] = 0
      entries.append(.object(object))
    }
    let decoder = configuration["added_tokens_decoder"]?.object?.entries ?? []
    for (_, entry) in decoder.sorted(by: { Int($0.key) ?? 0 < Int($1.key) ?? 0 }) { add(entry) }
    for (key, text) in zip(["unk", "sep", "pad", "cls", "mask"], [names.unknown, names.sep, names.padding, names.cls, names.mask]) {
      var entry = configuration[key + "_token"]?.object ?? JSONObject()
      entry["content"] = .string(text)
      entry["special"] = true
      if entry["normalized"] == nil { entry["normalized"] = false }
      add(.object(entry))
    }
    return .array(entries)
  }
}

/// What is read of a SentencePiece model, a protocol buffer (`sentencepiece_model.proto`).
struct SentencePieceModel {
  private(set) var pieces: [(text: String, score: Double)] = []
  /// The normalisation rules that `Precompiled` takes; empty for none.
  private(set) var charsmap: [UInt8] = []

  init(_ bytes: [UInt8], file: String) throws(TokenizerError) {
    var kind: UInt64 = 1
    try Self.fields(bytes[...], file) { (number, value) throws(TokenizerError) in
      switch (number, value) {
      case (1, .bytes(let piece)):
        var (text, score) = ("", Float(0))
        try Self.fields(piece, file) { (number, value) throws(TokenizerError) in
          if number == 1, case .bytes(let bytes) = value { text = String(decoding: bytes, as: UTF8.self) }
          if number == 2, case .number(let bits) = value { score = Float(bitPattern: UInt32(truncatingIfNeeded: bits)) }
        }
        pieces.append((text, Double(score)))
      case (2, .bytes(let trainer)):
        try Self.fields(trainer, file) { (number, value) throws(TokenizerError) in
          if number == 3, case .number(let type) = value { kind = type }
        }
      case (3, .bytes(let normalizer)):
        try Self.fields(normalizer, file) { (number, value) throws(TokenizerError) in
          if number == 2, case .bytes(let bytes) = value { charsmap = Array(bytes) }
        }
      default: break
      }
    }
    guard kind == 1 else {
      let names: [UInt64: String] = [2: "BPE", 3: "WORD", 4: "CHAR"]
      throw .unsupported(component: "SentencePiece model of type", name: names[kind] ?? "\(kind)")
    }
    guard !pieces.isEmpty else { throw .malformed(file: file, place: "pieces", expected: "at least one", found: "none") }
  }

  private enum Value {
    case number(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  private static func fields(
    _ bytes: ArraySlice<UInt8>, _ file: String, _ body: (Int, Value) throws(TokenizerError) -> Void
  ) throws(TokenizerError) {
    var rest = bytes
    func malformed() -> TokenizerError {
      .malformed(file: file, place: "byte \(rest.startIndex)", expected: "a field of a SentencePiece model", found: "other bytes")
    }
    func variable() throws(TokenizerError) -> UInt64 {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 64, by: 7) {
        guard let byte = rest.popFirst() else { throw malformed() }
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
      }
      throw malformed()
    }
    func fixed(_ count: Int) throws(TokenizerError) -> UInt64 {
      guard rest.count >= count else { throw malformed() }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    while !rest.isEmpty {
      let key = try variable()
      let number = Int(truncatingIfNeeded: key >> 3)
      switch key & 7 {
      case 0: try body(number, .number(try variable()))
      case 1: try body(number, .number(try fixed(8)))
      case 2:
        guard let count = Int(exactly: try variable()), count <= rest.count else { throw malformed() }
        let value = rest.prefix(count)
        rest = rest.dropFirst(count)
        try body(number, .bytes(value))
      case 5: try body(number, .number(try fixed(4)))
      default: throw malformed()
      }
    }
  }
}
