import JSON

extension Tokenizer {
  /// Reads a `tokenizer.json` of Hugging Face's tokenizers.
  ///
  /// Truncation and padding settings in it are not used: the caller says how long and pads nothing.
  ///
  /// - Parameter configuration: `tokenizer_config.json`, for the padding token, the model's length and the side that
  ///   truncation takes from.
  package init(tokenizerJSON: JSONValue, configuration: JSONValue? = nil) throws(TokenizerError) {
    let reader = TokenizerReader(file: "tokenizer.json")
    let model = try reader.wordPiece(try reader.member(tokenizerJSON, "model", "an object"))
    let normalizer = try reader.normalizer(tokenizerJSON["normalizer"])
    try reader.checkPreTokenizer(tokenizerJSON["pre_tokenizer"])
    let added = try reader.addedTokens(tokenizerJSON["added_tokens"], model: model, normalizer: normalizer)
    self.init(
      normalizer: normalizer, preTokenizer: .bert(BertPreTokenizer()), model: .wordPiece(model.wordPiece),
      addedTokens: added, classes: CharacterClasses(words: added.needsWordCharacters),
      template: try reader.template(tokenizerJSON["post_processor"]), settings: Settings())
    let padding = configuration?.tokenText("pad_token") ?? tokenizerJSON["padding"]?["pad_token"]?.string
    self = with(try Settings(configuration, paddingID: padding.flatMap { id(of: $0) }))
  }

  func with(_ settings: Settings) -> Tokenizer {
    Tokenizer(
      normalizer: normalizer, preTokenizer: preTokenizer, model: model, addedTokens: addedTokens, classes: classes,
      template: template, settings: settings)
  }
}

extension Tokenizer.Settings {
  /// Reads what `tokenizer_config.json` says beside the tokens.
  init(_ configuration: JSONValue?, paddingID: Int?) throws(TokenizerError) {
    self.paddingID = paddingID
    if let value = configuration?["model_max_length"], !value.isNull {
      guard let length = value.double else {
        throw .malformed(
          file: "tokenizer_config.json", place: "model_max_length", expected: "a number", found: value.brief)
      }
      // The reference library writes 1e30 where it knows no limit.
      if length >= 1, length < 1e9 { maximumLength = Int(length) }
    }
    switch configuration?["truncation_side"] {
    case nil, .null?, "right"?: break
    case "left"?: truncationSide = .left
    case let other?:
      throw .malformed(
        file: "tokenizer_config.json", place: "truncation_side", expected: "\"left\" or \"right\"", found: other.brief)
    }
  }
}

extension JSONValue {
  /// The text of a token, given as a string or as an object with flags.
  func tokenText(_ key: String) -> String? { self[key]?.string ?? self[key]?["content"]?.string }

  /// Enough of the value for an error.
  var brief: String {
    let text = text()
    guard text.utf8.count > 60 else { return text }
    return String(decoding: text.utf8.prefix(60), as: UTF8.self) + "…"
  }
}

/// A WordPiece model with the number of entries its vocabulary was written with, which the ids of added tokens follow.
struct LoadedWordPiece {
  let wordPiece: WordPiece
  let entryCount: Int
}

/// Reads the parts of a tokenizer, refusing what is not served by its name.
struct TokenizerReader {
  let file: String

  func malformed(_ place: String, _ expected: String, _ found: JSONValue?) -> TokenizerError {
    .malformed(file: file, place: place, expected: expected, found: found.map(\.brief) ?? "nothing")
  }

  func member(_ value: JSONValue, _ key: String, _ expected: String, in place: String = "") throws(TokenizerError)
    -> JSONValue
  {
    guard let member = value[key], !member.isNull else { throw malformed(place + key, expected, value[key]) }
    return member
  }

  func string(_ value: JSONValue, _ key: String, in place: String) throws(TokenizerError) -> String {
    guard let text = value[key]?.string else { throw malformed(place + "." + key, "a string", value[key]) }
    return text
  }

  /// A text that may be left out.
  private func string(_ value: JSONValue, _ key: String, in place: String, otherwise: String) throws(TokenizerError)
    -> String
  {
    guard let member = value[key], !member.isNull else { return otherwise }
    return try string(value, key, in: place)
  }

  private func id(_ value: JSONValue?, _ place: String) throws(TokenizerError) -> Int {
    guard let id = value?.int, id >= 0, id < Vocabulary.maximumCount else {
      throw malformed(place, "an id below \(Vocabulary.maximumCount)", value)
    }
    return id
  }

  private func type(_ value: JSONValue, _ place: String) throws(TokenizerError) -> String {
    try string(value, "type", in: place)
  }

  /// A flag that may be left out.
  func flag(_ value: JSONValue, _ key: String, _ place: String, otherwise: Bool = false) throws(TokenizerError)
    -> Bool
  {
    guard let member = value[key], !member.isNull else { return otherwise }
    guard let flag = member.bool else {
      throw malformed(place.isEmpty ? key : place + "." + key, "true or false", member)
    }
    return flag
  }

  // MARK: Model

  func wordPiece(_ model: JSONValue) throws(TokenizerError) -> LoadedWordPiece {
    // Old files do not name the type; only WordPiece has a longest word.
    let name = model["type"]?.string ?? (model["max_input_chars_per_word"] == nil ? "without a type" : "WordPiece")
    guard name == "WordPiece" else { throw .unsupported(component: "model", name: name) }
    guard let entries = model["vocab"]?.object?.entries else {
      throw malformed("model.vocab", "an object of tokens and ids", model["vocab"])
    }
    let unknown = try string(model, "unk_token", in: "model", otherwise: "[UNK]")
    let prefix = try string(model, "continuing_subword_prefix", in: "model", otherwise: "##")
    let maximum = model["max_input_chars_per_word"] ?? 100
    guard let maximumWordLength = maximum.int, maximumWordLength >= 0 else {
      throw malformed("model.max_input_chars_per_word", "a count of characters", maximum)
    }
    var tokens: [(id: Int, text: String)] = []
    tokens.reserveCapacity(entries.count)
    for (text, value) in entries { tokens.append((try id(value, "model.vocab, \(text)"), text)) }
    return LoadedWordPiece(
      wordPiece: try WordPiece(
        tokens: tokens, unknown: unknown, continuingPrefix: prefix, maximumWordLength: maximumWordLength, file: file),
      entryCount: entries.count)
  }

  // MARK: Normalizer, pre-tokenizer

  func normalizer(_ value: JSONValue?) throws(TokenizerError) -> Tokenizer.Normalizer {
    guard let value, !value.isNull else { return .none }
    let name = try type(value, "normalizer")
    guard name == "BertNormalizer" else { throw .unsupported(component: "normalizer", name: name) }
    let lowercases = try flag(value, "lowercase", "normalizer", otherwise: true)
    return .bert(
      BertNormalizer(
        .init(
          cleansText: try flag(value, "clean_text", "normalizer", otherwise: true),
          spacesIdeographs: try flag(value, "handle_chinese_chars", "normalizer", otherwise: true),
          stripsAccents: try flag(value, "strip_accents", "normalizer", otherwise: lowercases),
          lowercases: lowercases)))
  }

  func checkPreTokenizer(_ value: JSONValue?) throws(TokenizerError) {
    guard let value, !value.isNull else { throw .unsupported(component: "pre-tokenizer", name: "none") }
    let name = try type(value, "pre_tokenizer")
    guard name == "BertPreTokenizer" else { throw .unsupported(component: "pre-tokenizer", name: name) }
  }

  // MARK: Added tokens

  func addedTokens(_ value: JSONValue?, model: LoadedWordPiece, normalizer: Tokenizer.Normalizer) throws(TokenizerError)
    -> AddedTokens
  {
    guard let value, !value.isNull else { return AddedTokens([]) }
    guard let entries = value.array else { throw malformed("added_tokens", "an array", value) }
    var builder = AddedTokensBuilder(model: model, normalizer: normalizer)
    for (index, entry) in entries.enumerated() {
      let place = "added_tokens[\(index)]"
      _ = try id(entry["id"], place + ".id")
      builder.add(try string(entry, "content", in: place), try addedTokenFlags(entry, place))
    }
    return try builder.finish(file: file)
  }

  func addedTokenFlags(_ entry: JSONValue, _ place: String) throws(TokenizerError) -> AddedToken.Flags {
    var flags: AddedToken.Flags = []
    let isSpecial = try flag(entry, "special", place)
    if isSpecial { flags.insert(.special) }
    if try flag(entry, "single_word", place) { flags.insert(.singleWord) }
    if try flag(entry, "lstrip", place) { flags.insert(.stripsLeft) }
    if try flag(entry, "rstrip", place) { flags.insert(.stripsRight) }
    if try flag(entry, "normalized", place, otherwise: !isSpecial) { flags.insert(.normalized) }
    return flags
  }

  // MARK: Post-processor

  func template(_ value: JSONValue?) throws(TokenizerError) -> Template {
    guard let value, !value.isNull else { return .bare }
    let name = try type(value, "post_processor")
    switch name {
    case "BertProcessing":
      return .bert(cls: try namedToken(value, "cls"), sep: try namedToken(value, "sep"))
    case "RobertaProcessing":
      return .roberta(cls: try namedToken(value, "cls"), sep: try namedToken(value, "sep"))
    case "TemplateProcessing":
      let specials = value["special_tokens"] ?? [:]
      guard
        let template = Template(
          single: try pieces(value, "single", specials), pair: try pieces(value, "pair", specials))
      else {
        throw malformed("post_processor", "each text once, and type 0 for a single text", value["single"])
      }
      return template
    default: throw .unsupported(component: "post-processor", name: name)
    }
  }

  /// `["[SEP]", 102]`.
  private func namedToken(_ value: JSONValue, _ key: String) throws(TokenizerError) -> Int {
    guard let pair = value[key]?.array, pair.count == 2 else {
      throw malformed("post_processor." + key, "a token and its id", value[key])
    }
    return try id(pair[1], "post_processor." + key)
  }

  private func pieces(_ value: JSONValue, _ key: String, _ specials: JSONValue) throws(TokenizerError)
    -> [Template.Piece]
  {
    let place = "post_processor." + key
    guard let entries = value[key]?.array else { throw malformed(place, "an array", value[key]) }
    var pieces: [Template.Piece] = []
    for entry in entries {
      if let sequence = entry["Sequence"] {
        let typeID = try id(sequence["type_id"], place + ".Sequence.type_id")
        switch sequence["id"]?.string {
        case "A": pieces.append(.first(typeID: typeID))
        case "B": pieces.append(.second(typeID: typeID))
        default: throw malformed(place + ".Sequence.id", "A or B", sequence["id"])
        }
      } else if let special = entry["SpecialToken"] {
        let name = try string(special, "id", in: place + ".SpecialToken")
        let typeID = try id(special["type_id"], place + ".SpecialToken.type_id")
        guard let ids = specials[name]?["ids"]?.array else {
          throw malformed("post_processor.special_tokens.\(name).ids", "an array of ids", specials[name])
        }
        for value in ids { pieces.append(.special(id: try id(value, place), typeID: typeID)) }
      } else {
        throw malformed(place, "Sequence or SpecialToken", entry)
      }
    }
    return pieces
  }
}

extension WordPiece {
  init(
    tokens: [(id: Int, text: String)], unknown: String, continuingPrefix: String, maximumWordLength: Int, file: String
  ) throws(TokenizerError) {
    var texts = [String?](repeating: nil, count: (tokens.map(\.id).max() ?? -1) + 1)
    for (id, text) in tokens {
      if let other = texts[id] {
        throw .malformed(file: file, place: "vocabulary", expected: "one token with id \(id)", found: "\(other) and \(text)")
      }
      texts[id] = text
    }
    var bytes: [UInt8] = []
    var lengths: [UInt16] = []
    for text in texts {
      let utf8 = (text ?? "").utf8
      guard let length = UInt16(exactly: utf8.count) else {
        throw .malformed(file: file, place: "vocabulary", expected: "tokens of at most 65535 bytes", found: "\(utf8.count)")
      }
      bytes += utf8
      lengths.append(length)
    }
    guard let vocabulary = Vocabulary(text: bytes, lengths: lengths) else {
      throw .malformed(
        file: file, place: "vocabulary", expected: "at most \(Vocabulary.maximumCount) tokens that hash",
        found: "\(lengths.count)")
    }
    guard let unknownID = vocabulary.id(of: unknown.utf8) else { throw .missingToken(unknown) }
    self.init(
      vocabulary: vocabulary, unknownID: unknownID, continuingPrefix: Array(continuingPrefix.utf8),
      maximumWordLength: maximumWordLength)
  }
}

/// Gives added tokens their ids as the reference does: the model's id for a token it knows, otherwise the next free one.
struct AddedTokensBuilder {
  let model: LoadedWordPiece
  let normalizer: Tokenizer.Normalizer
  private var tokens: [AddedToken] = []
  private var nextID: Int

  init(model: LoadedWordPiece, normalizer: Tokenizer.Normalizer) {
    self.model = model
    self.normalizer = normalizer
    nextID = model.entryCount
  }

  mutating func add(_ text: String, _ flags: AddedToken.Flags) {
    let content = Array(text.utf8)
    guard !content.isEmpty else { return }
    let known = tokens.first { $0.content == content }?.id ?? model.wordPiece.vocabulary.id(of: content)
    let id = known ?? nextID
    if known == nil { nextID += 1 }
    tokens.removeAll { $0.id == id }
    tokens.append(AddedToken(id: id, content: content, pattern: pattern(content, flags), flags: flags))
  }

  func knows(_ text: String) -> Bool {
    let content = Array(text.utf8)
    return tokens.contains { $0.content == content }
  }

  private func pattern(_ content: [UInt8], _ flags: AddedToken.Flags) -> [UInt8] {
    guard flags.contains(.normalized), case .bert(let bert) = normalizer else { return content }
    var text = NormalizedText()
    content.withUnsafeBufferPointer { bert.normalize($0, into: &text) }
    return Array(text.bytes[..<text.count])
  }

  func finish(file: String) throws(TokenizerError) -> AddedTokens {
    let sorted = tokens.sorted { $0.id < $1.id }
    for kind in [AddedToken.Flags.normalized, []] {
      var seen: Set<[UInt8]> = []
      for token in sorted where token.flags.intersection(.normalized) == kind {
        guard !token.pattern.isEmpty, seen.insert(token.pattern).inserted else {
          throw .malformed(
            file: file, place: "added_tokens", expected: "a normal form of its own",
            found: String(decoding: token.content, as: UTF8.self))
        }
      }
    }
    return AddedTokens(sorted)
  }
}
