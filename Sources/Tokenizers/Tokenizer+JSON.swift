import JSON

extension Tokenizer {
  /// Reads a `tokenizer.json` of Hugging Face's tokenizers.
  ///
  /// Truncation and padding settings in it are not used: the caller says how long and pads nothing.
  ///
  /// - Parameter configuration: `tokenizer_config.json`, for the padding token, the model's length, the side that
  ///   truncation takes from and whether a model is given token types.
  package init(tokenizerJSON: JSONValue, configuration: JSONValue? = nil) throws(TokenizerError) {
    try self.init(tokenizerJSON: tokenizerJSON, configuration: configuration, scoresAreExact: false)
  }

  /// - Parameter scoresAreExact: whether scores do not come from a text that the reference has read.
  init(tokenizerJSON: JSONValue, configuration: JSONValue?, scoresAreExact: Bool) throws(TokenizerError) {
    let reader = TokenizerReader(file: "tokenizer.json", scoresAreExact: scoresAreExact)
    let modelJSON = try reader.member(tokenizerJSON, "model", "an object")
    let steps = try reader.preTokenizerSteps(tokenizerJSON["pre_tokenizer"])
    guard PreTokenizerStep.areFew(steps) else { throw .unsupported(component: "pre-tokenizer", name: "Sequence of too many steps") }
    let loaded = try reader.model(modelJSON, isAfterByteCharacters: steps.last == .byteCharacters)
    let normalizerSteps = try reader.normalizerSteps(tokenizerJSON["normalizer"])
    guard normalizerSteps.count <= NormalizerStep.maximumCount else {
      throw .unsupported(component: "normalizer", name: "Sequence of more than \(NormalizerStep.maximumCount) steps")
    }
    let normalizer = Normalizer(normalizerSteps)
    let preTokenizer = PreTokenizer(steps, for: loaded.model)
    let added = try reader.addedTokens(tokenizerJSON["added_tokens"], model: loaded, normalizer: normalizer)
    let template = try reader.template(tokenizerJSON["post_processor"])
    self.init(
      normalizer: normalizer, preTokenizer: preTokenizer, model: loaded.model, addedTokens: added,
      classes: CharacterClasses(words: added.needsWordCharacters, numbers: preTokenizer.needsNumbers),
      template: Self.givesTokenTypes(configuration) ? template : template.withoutTypes, settings: Settings())
    let padding = configuration?.tokenText("pad_token") ?? tokenizerJSON["padding"]?["pad_token"]?.string
    self = with(try Settings(configuration, paddingID: padding.flatMap { id(of: $0) }))
  }

  func with(_ settings: Settings) -> Tokenizer {
    Tokenizer(
      normalizer: normalizer, preTokenizer: preTokenizer, model: model, addedTokens: addedTokens, classes: classes,
      template: template, settings: settings)
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
  init(_ configuration: JSONValue?, paddingID: Int?) throws(TokenizerError) {
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
    let text = description
    guard text.utf8.count > 60 else { return text }
    return String(decoding: text.utf8.prefix(60), as: UTF8.self) + "…"
  }
}
