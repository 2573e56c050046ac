import JSON
import Tokenizers

/// What a folder says of its tokenizer beside the vocabulary, merged into one document as `AutoTokenizer` does.
package struct TokenizerFiles {
  /// `tokenizer_config.json`.
  package var configuration: JSONValue?
  /// `special_tokens_map.json` and `added_tokens.json`, of before `added_tokens_decoder`.
  package var specialTokensMap: JSONValue?
  package var addedTokens: JSONValue?
  /// `tokenizer_class` and `model_type` of `config.json`.
  package var modelClass: String?
  package var modelType: String?

  package init() {}

  /// `tokenizer_config.json` with what the older files add to it: the special tokens' names and flags, the added tokens as
  /// `added_tokens_decoder`, and the class of tokenizer where it names none.
  package func merged() throws(TokenizerError) -> JSONValue? {
    let hasNone = configuration == nil && specialTokensMap == nil && addedTokens == nil
    guard var object = (configuration ?? [:]).object else {
      throw TokenizerReader(file: "tokenizer_config.json").malformed("configuration", "an object", configuration)
    }
    let name = className(object)
    if hasNone, name == nil { return nil }
    if let name { object["tokenizer_class"] = .string(name) }
    if let list = object["additional_special_tokens"], object["extra_special_tokens"]?.array?.isEmpty ?? true, !list.isNull {
      object["extra_special_tokens"] = list
      object["additional_special_tokens"] = nil
    }
    guard object["added_tokens_decoder"] == nil else { return .object(object) }
    if let specialTokensMap { try merge(specialTokensMap, into: &object) }
    if let addedTokens { object["added_tokens_decoder"] = try decoder(addedTokens, object) }
    return .object(object)
  }

  /// Named by `tokenizer_config.json`, else by `config.json`, else the one of the model's type. A type of model whose own
  /// tokenizer is of no class has one of no class whatever is named.
  private func className(_ object: JSONObject) -> String? {
    let ofModel = modelType.flatMap { TokenizerClass.ofModelTypes[$0] }.map { $0 + ($0.hasSuffix("Backend") ? "" : "Tokenizer") }
    if ofModel == "TokenizersBackend" { return ofModel }
    return object["tokenizer_class"]?.string ?? modelClass ?? ofModel
  }

  private func merge(_ map: JSONValue, into object: inout JSONObject) throws(TokenizerError) {
    let reader = TokenizerReader(file: "special_tokens_map.json")
    guard let entries = map.object?.entries else { throw reader.malformed("tokens", "an object", map) }
    for (key, value) in entries {
      if let list = value.array {
        // Both lists count, as in transformers 4: 5 forgets one of them.
        let key = object["extra_special_tokens"]?.array == nil ? key : "extra_special_tokens"
        let known = object[key]?.array ?? []
        let new = list.filter { token in !known.contains { $0.text(isSameAs: token) } }
        object[key] = .array(known + new.map { $0.tokenText == nil ? $0 : $0.asSpecial })
      } else {
        object[key] = value
      }
    }
  }

  /// `{"<x>": 30522}` as `added_tokens_decoder` has it: a token is special where a name or the list of extra ones says so.
  private func decoder(_ added: JSONValue, _ object: JSONObject) throws(TokenizerError) -> JSONValue {
    let reader = TokenizerReader(file: "added_tokens.json")
    guard let entries = added.object?.entries else { throw reader.malformed("tokens", "an object", added) }
    let merged = JSONValue.object(object)
    // Tokens with flags in `tokenizer_config.json` itself do not count: no version looks into them here.
    let special = (TokenizerClass.names.compactMap { merged[$0 + "_token"] } + (merged["extra_special_tokens"]?.array ?? []))
      .filter { $0["__type"] == nil }
    var decoder = JSONObject()
    for (text, value) in entries {
      let id = try reader.id(value, text)
      let isSpecial = special.contains { $0.text(isSameAs: .string(text)) }
      decoder["\(id)"] = ["content": .string(text), "special": .bool(isSpecial), "normalized": .bool(!isSpecial)]
    }
    return .object(decoder)
  }
}

extension TokenizerClass {
  /// The special tokens that every class has a name for, in the order in which the reference adds them.
  static let names = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"]
}

/// The configuration of one folder, as the merged document says it.
struct TokenizerSettings {
  let configuration: JSONValue
  /// Without `Tokenizer` and `Fast`; empty where nobody names one.
  let className: String
  /// What is known of the class; nil for one that stands for the file alone, and for one that is not served.
  let tokenizerClass: TokenizerClass?
  let reader = TokenizerReader(file: "tokenizer_config.json")

  init(_ configuration: JSONValue?, otherwise: String = "") {
    self.configuration = configuration ?? [:]
    var name = self.configuration["tokenizer_class"]?.string ?? otherwise
    for suffix in ["Fast", "Tokenizer"] where name.hasSuffix(suffix) { name.removeLast(suffix.count) }
    className = name
    tokenizerClass = TokenizerClass.named(name)
  }

  func flag(_ key: String, otherwise: Bool) throws(TokenizerError) -> Bool {
    try reader.flag(configuration, key, "", otherwise: otherwise)
  }

  /// Nil where the configuration is silent.
  func flag(_ key: String) throws(TokenizerError) -> Bool? {
    guard let value = configuration[key], !value.isNull else { return nil }
    return try flag(key, otherwise: false)
  }

  /// What a named token is called, by the class's own name where the configuration is silent.
  func text(_ name: String) -> String? {
    configuration.tokenText(name + "_token") ?? tokenizerClass?.tokens.first { $0.name == name }?.text
  }

  /// Whether the reference library hands a model the token types of a pair: what the configuration lists, or what the class does.
  var givesTokenTypes: Bool {
    if let names = configuration["model_input_names"]?.array { return names.contains("token_type_ids") }
    return className.isEmpty || TokenizerClass.givingTokenTypes.contains(className)
  }

  /// The tokens that the configuration adds, in the reference's order: `added_tokens_decoder` by id, the named ones, those named by
  /// further keys, the extra ones. Of two for the same text the later counts, but a named or an extra one only says what
  /// no other place does.
  ///
  /// - Parameter file: the added tokens that a `tokenizer.json` has.
  /// - Parameter hasToken: whether the vocabulary holds a text. Beside a `tokenizer.json` what only the class names is added where it is there.
  /// - Parameter filePadding: what the file pads with, which names the padding token where nobody else does.
  func addedTokens(file: [JSONValue] = [], filePadding: String? = nil, hasToken: ((String) -> Bool)? = nil) throws(TokenizerError) -> [JSONValue] {
    var tokens: [JSONValue] = []
    // Not strings: Swift takes canonically equivalent ones for the same.
    var known = Set(file.compactMap(\.tokenText).map { Array($0.utf8) })
    let named = namedTokens(filePadding)
    let decoder = configuration["added_tokens_decoder"]?.object?.entries ?? []
    for (key, entry) in decoder.sorted(by: { Int($0.key) ?? 0 < Int($1.key) ?? 0 }) {
      let text = try reader.string(entry, "content", in: "added_tokens_decoder.\(key)")
      let isNamed = named.contains { $0.value.text(isSameAs: entry) }
      tokens.append(isNamed ? entry.asSpecial : entry)
      known.insert(Array(text.utf8))
    }
    var added: [JSONValue] = []
    for (isOfClass, value) in named {
      guard let text = value.tokenText, !known.contains(Array(text.utf8)), !added.contains(value) else { continue }
      if isOfClass, let hasToken, !hasToken(text) { continue }
      added.append(value)
      tokens.append(value.asSpecial)
    }
    for key in ["extra_special_tokens", "additional_special_tokens"] {
      for value in configuration[key]?.array ?? [] {
        guard let text = value.tokenText else { throw reader.malformed(key, "tokens", value) }
        if !known.contains(Array(text.utf8)) { tokens.append(value.string == nil ? value : value.asSpecial) }
      }
    }
    return tokens
  }

  /// All special tokens, without their flags.
  var plainSpecialTokens: [JSONValue] {
    let extra = ["extra_special_tokens", "additional_special_tokens"].flatMap { configuration[$0]?.array ?? [] }
    return (namedTokens(nil).map(\.value) + extra).compactMap(\.tokenText).map { ["content": .string($0), "special": true] }
  }

  private func namedTokens(_ filePadding: String?) -> [(isOfClass: Bool, value: JSONValue)] {
    let ofClass = tokenizerClass?.tokens ?? []
    var named: [(isOfClass: Bool, value: JSONValue)] = []
    for name in TokenizerClass.names + ofClass.map(\.name).filter({ !TokenizerClass.names.contains($0) && $0 != "dot" }) {
      if let value = configuration[name + "_token"] {
        if value.tokenText != nil { named.append((false, value)) }
      } else if let token = ofClass.first(where: { $0.name == name }) {
        named.append((true, token.stripsLeft ? ["content": .string(token.text), "lstrip": true] : .string(token.text)))
      } else if name == "pad", tokenizerClass == nil, let filePadding {
        named.append((false, .string(filePadding)))
      }
    }
    let keys = Set((TokenizerClass.names + ofClass.map(\.name)).map { $0 + "_token" })
    for (key, value) in configuration.object?.entries ?? [] where key.hasSuffix("_token") && !keys.contains(key) {
      if value.string != nil || value["__type"] == "AddedToken" { named.append((false, value)) }
    }
    for (_, value) in configuration["extra_special_tokens"]?.object?.entries ?? [] where value.tokenText != nil { named.append((false, value)) }
    return named
  }
}

extension JSONValue {
  /// The text of a token, given as a string or as an object with flags.
  var tokenText: String? { string ?? self["content"]?.string }

  func text(isSameAs other: JSONValue) -> Bool {
    guard let text = tokenText, let other = other.tokenText else { return false }
    return text.utf8.elementsEqual(other.utf8)
  }

  /// A token as an object that says that it is special.
  fileprivate var asSpecial: JSONValue {
    var entry = object ?? JSONObject()
    entry["content"] = .string(tokenText ?? "")
    entry["special"] = true
    return .object(entry)
  }
}
