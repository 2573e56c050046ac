import JSON

extension Tokenizer {
  /// Reads a `vocab.txt` of the BERT family: one token a line, the line number is the id.
  ///
  /// - Parameter configuration: `tokenizer_config.json`: `do_lower_case`, `strip_accents`, `tokenize_chinese_chars`, the
  ///   special tokens, further added tokens and `model_max_length`. BERT's own values where it is silent.
  package init(vocabulary bytes: UnsafeRawBufferPointer, configuration: JSONValue? = nil) throws(TokenizerError) {
    let reader = TokenizerReader(file: "tokenizer_config.json")
    let configuration = configuration ?? [:]
    let names = SpecialTokenNames(configuration)
    let model = try Self.wordPiece(vocabulary: bytes, unknown: names.unknown)
    let normalizer = Normalizer.bert(BertNormalizer(try reader.bertOptions(configuration)))
    let added = try reader.addedTokens(configuration, names, model: model, normalizer: normalizer)
    func id(_ text: String) -> Int? {
      let content = Array(text.utf8)
      return added.tokens.first { $0.content == content }?.id
    }
    guard let cls = id(names.cls) else { throw .missingToken(names.cls) }
    guard let sep = id(names.sep) else { throw .missingToken(names.sep) }
    let isMPNet = configuration["tokenizer_class"]?.string?.utf8.starts(with: "MPNet".utf8) ?? false
    let template: Template = isMPNet ? .roberta(cls: cls, sep: sep) : .bert(cls: cls, sep: sep)
    self.init(
      normalizer: normalizer, preTokenizer: .bert(BertPreTokenizer()), model: model.model,
      addedTokens: added, classes: CharacterClasses(words: added.needsWordCharacters),
      template: Self.givesTokenTypes(configuration) ? template : template.withoutTypes,
      settings: try Settings(configuration, paddingID: id(names.padding)))
  }

  private static func wordPiece(vocabulary bytes: UnsafeRawBufferPointer, unknown: String) throws(TokenizerError)
    -> LoadedModel
  {
    // A token on two lines has the id of the last.
    var ids: [[UInt8]: Int] = [:]
    let whitespace = Set(UnicodeFacts.scalars(in: UnicodeTables.whitespace))
    var id = 0
    var start = bytes.startIndex
    while start < bytes.endIndex {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
      guard let line = String(validating: bytes[start..<end], as: UTF8.self) else {
        throw .malformed(file: "vocab.txt", place: "line \(id + 1)", expected: "UTF-8", found: "other bytes")
      }
      var token = line.unicodeScalars[...]
      while let last = token.last, whitespace.contains(last.value) { token.removeLast() }
      ids[Array(String(token).utf8)] = id
      id += 1
      start = end + 1
    }
    let tokens = ids.map { (id: $0.value, text: String(decoding: $0.key, as: UTF8.self)) }
    return try TokenizerReader(file: "vocab.txt").wordPiece(
      tokens, unknown: unknown, continuingPrefix: "##", maximumWordLength: 100)
  }
}

/// What the special tokens are called, by their usual names where the configuration is silent.
struct SpecialTokenNames {
  let unknown, sep, padding, cls, mask: String

  /// - Parameter otherwise: in the order of the properties.
  init(_ configuration: JSONValue, _ otherwise: [String] = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"]) {
    unknown = configuration.tokenText("unk_token") ?? otherwise[0]
    sep = configuration.tokenText("sep_token") ?? otherwise[1]
    padding = configuration.tokenText("pad_token") ?? otherwise[2]
    cls = configuration.tokenText("cls_token") ?? otherwise[3]
    mask = configuration.tokenText("mask_token") ?? otherwise[4]
  }
}

extension TokenizerReader {
  func bertOptions(_ configuration: JSONValue) throws(TokenizerError) -> BertNormalizer.Options {
    let lowercases = try flag(configuration, "do_lower_case", "", otherwise: true)
    return BertNormalizer.Options(
      cleansText: true,
      spacesIdeographs: try flag(configuration, "tokenize_chinese_chars", "", otherwise: true),
      stripsAccents: try flag(configuration, "strip_accents", "", otherwise: lowercases), lowercases: lowercases)
  }

  /// The tokens of `added_tokens_decoder`, the named special tokens, the additional ones, in this order.
  func addedTokens(
    _ configuration: JSONValue, _ names: SpecialTokenNames, model: LoadedModel, normalizer: Tokenizer.Normalizer
  ) throws(TokenizerError) -> AddedTokens {
    var builder = AddedTokensBuilder(model: model, normalizer: normalizer)
    for (key, entry) in (configuration["added_tokens_decoder"]?.object?.entries ?? []).sorted(by: { Int($0.key) ?? 0 < Int($1.key) ?? 0 }) {
      let place = "added_tokens_decoder.\(key)"
      builder.add(try string(entry, "content", in: place), try addedTokenFlags(entry, place))
    }
    for text in [names.unknown, names.sep, names.padding, names.cls, names.mask] where !builder.knows(text) {
      // A vocabulary may do without a padding or a mask token; the others every text needs.
      if model.id(of: text.utf8) != nil { builder.add(text, [.special]) }
    }
    for value in configuration["additional_special_tokens"]?.array ?? [] {
      guard let text = value.string ?? value["content"]?.string else {
        throw malformed("additional_special_tokens", "tokens", value)
      }
      if !builder.knows(text) { builder.add(text, [.special]) }
    }
    return try builder.finish(file: file)
  }
}
