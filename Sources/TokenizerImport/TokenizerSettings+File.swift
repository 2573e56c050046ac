import JSON
import Storage
import Tokenizers

/// What `tokenizer_config.json` says of the steps that a `tokenizer.json` beside it has.
///
/// The file decides; what the configuration says explicitly is honoured; a class never rebuilds. Of a setting that the
/// configuration is silent on, a class has a value of its own, which every version of transformers puts over the file's:
/// where the two differ nobody knows what is meant, and the folder is refused.
extension TokenizerSettings {
  func applied(to json: JSONValue) throws(TokenizerError) -> JSONValue {
    if let kind = configuration["word_tokenizer_type"]?.string, kind != "basic" {
      throw .contradiction(setting: "word_tokenizer_type", says: kind.excerpt, file: "has no such step")
    }
    guard let tokenizerClass, var object = json.object else { return json }
    switch tokenizerClass.stages {
    case .bert:
      let normalizer = object["normalizer"] ?? .null
      if normalizer.holds("BertNormalizer") {
        object["normalizer"] = try normalizer.replacing("BertNormalizer") { (step) throws(TokenizerError) in try bertNormalizer(step) }
      } else {
        try check("do_lower_case", normalizer.holds("Lowercase"), "lowercases")
        try check("strip_accents", normalizer.holds("StripAccents"), "strips accents")
      }
    case .byteLevel, .qwen2:
      object["pre_tokenizer"] = try object["pre_tokenizer"]?.replacing("ByteLevel") { (step) throws(TokenizerError) in try byteLevel(step) }
    case .albert:
      try check("do_lower_case", object["normalizer"]?.holds("Lowercase") ?? false, "lowercases")
      try check("keep_accents", !(object["normalizer"]?.holds("StripAccents") ?? false), "keeps accents")
      try checkMetaspace(object)
    case .debertaV2:
      try check("do_lower_case", object["normalizer"]?.holds("Lowercase") ?? false, "lowercases")
      try check("split_by_punct", object["pre_tokenizer"]?.holds("Punctuation") ?? false, "splits at punctuation")
      try checkMetaspace(object, isInFront: ["always"])
    case .xlmRoberta, .camembert, .barthez, .bigBird: try checkMetaspace(object)
    case .herbert: break
    }
    return .object(object)
  }

  private func bertNormalizer(_ step: JSONObject) throws(TokenizerError) -> JSONObject {
    var step = step
    let lowercases = try setting("do_lower_case", "lowercase", step["lowercase"]?.bool ?? true, ofClass: true)
    step["lowercase"] = .bool(lowercases)
    // `null` is a value here: as lowercasing.
    let fileStrips = step["strip_accents"]?.bool
    if let value = configuration["strip_accents"] {
      step["strip_accents"] = value.isNull ? .null : .bool(try flag("strip_accents", otherwise: lowercases))
    } else if let fileStrips, fileStrips != lowercases {
      throw silent("strip_accents", "as lowercasing", "strip_accents", fileStrips)
    }
    let spaces = try setting("tokenize_chinese_chars", "handle_chinese_chars", step["handle_chinese_chars"]?.bool ?? true, ofClass: true)
    step["handle_chinese_chars"] = .bool(spaces)
    return step
  }

  private func byteLevel(_ step: JSONObject) throws(TokenizerError) -> JSONObject {
    var step = step
    let file = step["add_prefix_space"]?.bool ?? true
    step["add_prefix_space"] = .bool(try setting("add_prefix_space", "add_prefix_space", file, ofClass: false))
    return step
  }

  /// The configuration's value; where it is silent the file's, which must be the class's.
  private func setting(_ key: String, _ name: String, _ file: Bool, ofClass: Bool) throws(TokenizerError) -> Bool {
    if let explicit = try flag(key) { return explicit }
    guard file == ofClass else { throw silent(key, "\(ofClass)", name, file) }
    return file
  }

  private func silent(_ key: String, _ ofClass: String, _ name: String, _ file: Bool) -> TokenizerError {
    .contradiction(setting: key, says: "not given, and tokenizer class \(className.excerpt) takes it \(ofClass)", file: "has \(name) \(file)")
  }

  /// What is said explicitly of steps that are not rebuilt must be what the file does.
  private func check(_ key: String, _ file: Bool, _ what: String) throws(TokenizerError) {
    guard let explicit = try flag(key), explicit != file else { return }
    throw .contradiction(setting: key, says: "\(explicit)", file: file ? what : what.negated)
  }

  private func checkMetaspace(_ json: JSONObject, isInFront: Set<String> = ["always", "first"]) throws(TokenizerError) {
    guard let step = json["pre_tokenizer"]?.steps("Metaspace").first else { return }
    let file = isInFront.contains(step["prepend_scheme"]?.string ?? "always") && step["add_prefix_space"]?.bool ?? true
    try check("add_prefix_space", file, "puts a blank in front")
  }

  /// Whether the vocabulary of a `tokenizer.json` holds a text.
  static func vocabulary(of json: JSONValue, has text: String) -> Bool {
    let vocabulary = json["model"]?["vocab"]
    if let entries = vocabulary?.array { return entries.contains { ($0.array?.first ?? .null).text(isSameAs: .string(text)) } }
    return vocabulary?[text] != nil
  }
}

extension String {
  /// "lowercases" to "does not lowercase".
  fileprivate var negated: String {
    let words = split(separator: " ", maxSplits: 1)
    return "does not " + words[0].dropLast() + (words.count > 1 ? " " + words[1] : "")
  }
}

extension JSONValue {
  /// The steps of a type, also in sequences.
  fileprivate func steps(_ type: String) -> [JSONObject] {
    if self["type"]?.string == type, let object { return [object] }
    return (self["normalizers"]?.array ?? self["pretokenizers"]?.array ?? []).flatMap { $0.steps(type) }
  }

  fileprivate func holds(_ type: String) -> Bool { !steps(type).isEmpty }

  /// The same with steps of a type changed.
  fileprivate func replacing(_ type: String, _ change: (JSONObject) throws(TokenizerError) -> JSONObject) throws(TokenizerError) -> JSONValue {
    guard var object else { return self }
    if self["type"]?.string == type { return .object(try change(object)) }
    for key in ["normalizers", "pretokenizers"] {
      guard let steps = object[key]?.array else { continue }
      object[key] = .array(try steps.map { step throws(TokenizerError) in try step.replacing(type, change) })
    }
    return .object(object)
  }
}
