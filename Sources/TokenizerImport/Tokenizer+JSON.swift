import JSON
import Tokenizers

extension Tokenizer {
  /// Reads a `tokenizer.json` of Hugging Face's tokenizers.
  ///
  /// Truncation and padding settings in it are not used, but for the side: the caller says how long and pads nothing.
  ///
  /// - Parameter configuration: `tokenizer_config.json`, merged with what lies beside it (`TokenizerFiles`): settings that
  ///   it gives explicitly are honoured or refused, tokens that the file lacks are added.
  /// - Parameter rows: how many ids the model has embeddings for (`withoutUnused`).
  package init(tokenizerJSON: JSONValue, configuration: JSONValue? = nil, rows: Int? = nil) throws(TokenizerError) {
    let settings = TokenizerSettings(configuration)
    let file = "tokenizer.json"
    let json = try settings.applied(to: tokenizerJSON)
    let tokens = tokenizerJSON["added_tokens"]?.array ?? []
    let padding = json["padding"]?["pad_token"]?.string
    let added = try settings.addedTokens(file: tokens, filePadding: padding) { TokenizerSettings.vocabulary(of: json, has: $0) }
    let reader = TokenizerReader(file: file)
    let template = try reader.template(json["post_processor"])
    try self.init(json, settings: settings, file: file, added: added, scoresAreExact: false, rows: rows) { _ in template }
  }

  /// - Parameter settings: what the folder says beside the file; it has been applied to the steps.
  /// - Parameter added: tokens that come behind those of the file.
  /// - Parameter scoresAreExact: whether scores do not come from a text that the reference has read.
  init(
    _ json: JSONValue, settings: TokenizerSettings, file: String, added: [JSONValue], scoresAreExact: Bool, rows: Int?,
    template: ((String) -> Int?) throws(TokenizerError) -> Template
  ) throws(TokenizerError) {
    let reader = TokenizerReader(file: file, scoresAreExact: scoresAreExact)
    let modelJSON = try reader.member(json, "model", "an object").withoutUnusedEntries(beyond: rows)
    try reader.checkSteps(json["pre_tokenizer"], "pretokenizers", "pre-tokenizer", most: PreTokenizerStep.maximumCount)
    try reader.checkSteps(json["normalizer"], "normalizers", "normalizer", most: NormalizerStep.maximumCount)
    try reader.checkPatterns([json["pre_tokenizer"], json["normalizer"]])
    let steps = try reader.preTokenizerSteps(json["pre_tokenizer"])
    guard PreTokenizerStep.areFew(steps) else { throw .unsupported(component: "pre-tokenizer", name: "Sequence of too many steps") }
    let loaded = try reader.model(modelJSON, isAfterByteCharacters: steps.last == .byteCharacters)
    let normalizerSteps = try reader.normalizerSteps(json["normalizer"])
    let normalizer = Normalizer(normalizerSteps)
    let preTokenizer = PreTokenizer(steps, for: loaded.model)
    let allTokens = try reader.addedTokens(
      json["added_tokens"], configured: added, split: try settings.flag("split_special_tokens", otherwise: false), model: loaded,
      normalizer: normalizer)
    let template = try template { allTokens.id(of: $0) ?? loaded.id(of: $0.utf8) }
    let tokens = allTokens.withoutUnused(
      beyond: rows, template, ofClass: Set((settings.tokenizerClass?.tokens ?? []).map { Array($0.text.utf8) }), padding: settings.text("pad"))
    func id(_ text: String) -> Int? { tokens.id(of: text) ?? loaded.id(of: text.utf8) }
    let padding = settings.text("pad") ?? json["padding"]?["pad_token"]?.string
    self.init(
      normalizer: normalizer, preTokenizer: preTokenizer, model: loaded.model, addedTokens: tokens,
      classes: CharacterClasses(words: tokens.needsWordCharacters, numbers: preTokenizer.needsNumbers),
      template: settings.givesTokenTypes ? template : template.withoutTypes,
      settings: try Settings(settings.configuration, paddingID: padding.flatMap(id), file: json))
  }
}

extension Tokenizer.Normalizer {
  init(_ steps: [NormalizerStep]) {
    switch steps.first {
    case nil: self = .none
    case .scalars(let table)? where steps.count == 1: self = .bert(table)
    default: self = .steps(steps)
    }
  }
}

extension Tokenizer.PreTokenizer {
  /// Byte pairs over bytes need no printable characters in between.
  init(_ steps: [PreTokenizerStep], for model: Tokenizer.Model) {
    var steps = steps
    if case .bytePair(let bytePair) = model, case .bytes = bytePair.symbols { steps.removeLast() }
    self = steps == [.bert] ? .bert(BertPreTokenizer()) : .steps(steps)
  }

  fileprivate var needsNumbers: Bool {
    guard case .steps(let steps) = self else { return false }
    return steps.contains { step in
      guard case .split(let rule) = step, case .scalars(let flags) = rule.matcher else { return false }
      return flags & CharacterClasses.numeric != 0
    }
  }
}

extension Tokenizer.Settings {
  /// Reads what `tokenizer_config.json` says beside the tokens.
  init(_ configuration: JSONValue?, paddingID: Int?, file: JSONValue = .null) throws(TokenizerError) {
    self.init()
    self.paddingID = paddingID
    if let value = configuration?["model_max_length"], !value.isNull {
      guard let length = value.double else {
        throw .malformed(
          file: "tokenizer_config.json", place: "model_max_length", expected: "a number", found: value.brief)
      }
      // The reference library writes 1e30 where it knows no limit.
      if length >= 1, length < 1e9 { maximumLength = Int(exactly: length.rounded(.down)) }
    }
    switch configuration?["truncation_side"] {
    // The file's own truncation has a side too.
    case nil, .null?: truncationSide = file["truncation"]?["direction"] == "Left" ? .left : .right
    case "right"?: break
    case "left"?: truncationSide = .left
    case let other?:
      throw .malformed(
        file: "tokenizer_config.json", place: "truncation_side", expected: "\"left\" or \"right\"", found: other.brief)
    }
  }
}

extension JSONValue {
  /// The text of a token, given as a string or as an object with flags.
  func tokenText(_ key: String) -> String? { self[key]?.tokenText }

  /// Enough of the value for an error.
  var brief: String {
    let text = description
    guard text.utf8.count > 60 else { return text }
    return String(decoding: text.utf8.prefix(60), as: UTF8.self) + "…"
  }
}
