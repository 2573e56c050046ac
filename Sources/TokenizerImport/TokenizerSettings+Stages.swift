import JSON
import Tokenizers

/// What the classes of older files do before and around the model, as `tokenizer.json` writes it.
extension TokenizerSettings {
  func stages(_ stages: TokenizerClass.Stages, charsmap: [UInt8]) throws(TokenizerError) -> (normalizer: JSONValue, preTokenizer: JSONValue) {
    let precompiled: [JSONValue] =
      charsmap.isEmpty ? [] : [["type": "Precompiled", "precompiled_charsmap": .string(encodeBase64(charsmap))]]
    /// Blanks as DeBERTa and BARThez take them.
    let blanks: [JSONValue] = [
      ["type": "Replace", "pattern": ["Regex": #"\s{2,}|[\n\r\t]"#], "content": " "], ["type": "NFC"],
      ["type": "Strip", "strip_left": false, "strip_right": true],
    ]
    func sequence(_ normalizers: [JSONValue]) -> JSONValue { ["type": "Sequence", "normalizers": .array(normalizers)] }
    func metaspace(_ before: [JSONValue] = [], otherwise: JSONValue = "never") throws(TokenizerError) -> JSONValue {
      let scheme: JSONValue = try flag("add_prefix_space", otherwise: true) ? "always" : otherwise
      return ["type": "Sequence", "pretokenizers": .array(before + [["type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme]])]
    }
    let words: [JSONValue] = [["type": "WhitespaceSplit"]]
    switch stages {
    case .bert:
      let lowercases = try flag("do_lower_case", otherwise: true)
      let normalizer: JSONValue = [
        "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": .bool(try flag("tokenize_chinese_chars", otherwise: true)),
        "strip_accents": .bool(try flag("strip_accents", otherwise: lowercases)), "lowercase": .bool(lowercases),
      ]
      return (normalizer, ["type": "BertPreTokenizer"])
    case .herbert:
      let normalizer: JSONValue = [
        "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": false, "lowercase": false,
      ]
      return (normalizer, ["type": "BertPreTokenizer"])
    case .byteLevel:
      return (.null, ["type": "ByteLevel", "add_prefix_space": .bool(try flag("add_prefix_space", otherwise: false)), "use_regex": true])
    case .qwen2:
      let pattern =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
      let preTokenizers: [JSONValue] = [
        ["type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated", "invert": false],
        ["type": "ByteLevel", "add_prefix_space": .bool(try flag("add_prefix_space", otherwise: false)), "use_regex": false],
      ]
      return (["type": "NFC"], ["type": "Sequence", "pretokenizers": .array(preTokenizers)])
    case .albert:
      var normalizers: [JSONValue] = ["``", "''"].map { ["type": "Replace", "pattern": ["String": .string($0)], "content": "\""] }
      if try !flag("keep_accents", otherwise: false) { normalizers += [["type": "NFKD"], ["type": "StripAccents"]] }
      if try flag("do_lower_case", otherwise: true) { normalizers.append(["type": "Lowercase"]) }
      return (sequence(normalizers + precompiled), try metaspace(words))
    case .xlmRoberta, .camembert: return (sequence(precompiled), try metaspace(words))
    case .barthez: return (sequence(blanks), try metaspace())
    case .bigBird:
      let blanks: JSONValue = ["type": "Replace", "pattern": ["Regex": " {2,}"], "content": "▁"]
      return (sequence([blanks]), try metaspace())
    case .debertaV2:
      let lowercase: [JSONValue] = try flag("do_lower_case", otherwise: false) ? [["type": "Lowercase"]] : []
      let punctuation: [JSONValue] = try flag("split_by_punct", otherwise: false) ? [["type": "Punctuation"]] : []
      return (sequence(lowercase + blanks), try metaspace(punctuation, otherwise: "first"))
    }
  }

  typealias Piece = (text: String, score: Double)

  private func endsInNumberAndComma(_ text: String) -> Bool {
    let last = text.unicodeScalars.suffix(2)
    guard last.count == 2, let digit = last.first, last.last == "," else { return false }
    // Python's isdigit: those with a value, superscripts too.
    return [.decimal, .digit].contains(digit.properties.numericType)
  }

  /// The pieces in the order of the ids: fairseq, in which XLM-RoBERTa and CamemBERT were trained, had its special tokens in front.
  func arranged(_ pieces: [Piece], _ stages: TokenizerClass.Stages) -> [Piece] {
    func text(_ name: String) -> String { self.text(name) ?? "" }
    switch stages {
    case .xlmRoberta: return ["bos", "pad", "eos", "unk"].map { (text($0), 0) } + pieces.dropFirst(3) + [(text("mask"), 0)]
    case .camembert:
      let first: [Piece] = [("<s>NOTUSED", 0), (text("pad"), 0), ("</s>NOTUSED", 0), (text("unk"), 0), ("<unk>NOTUSED", -100)]
      return first + pieces.dropFirst() + [(text("mask"), 0)]
    // A comma behind a digit is a piece of its own: the models were trained so, and transformers 4 wrote it so; 5 forgets it.
    case .albert: return pieces.map { ($0.text, endsInNumberAndComma($0.text) ? $0.score - 100 : $0.score) }
    default: return pieces
    }
  }

  func unknownID(_ pieces: [Piece], _ model: SentencePieceModel, _ stages: TokenizerClass.Stages) -> Int {
    switch stages {
    case .albert: 1
    case .xlmRoberta, .barthez: 3
    case .camembert: pieces.firstIndex { $0.text == text("unk") } ?? 0
    case .bigBird: pieces.firstIndex { $0.text == text("unk") && $0.score == 0 } ?? 100
    default: pieces.firstIndex { $0.text == text("unk") && $0.score == 0 } ?? model.unknownID
    }
  }
}
