/// Text to ids, as Hugging Face's tokenizers does it.
///
/// The stages, in order: added tokens are cut out of the raw text; what is left is normalised; added tokens are cut out of
/// the normal form; the rest is split into words; the model turns each word into ids; the template puts special tokens
/// around them. Everything works on UTF-8 bytes and Unicode scalars, never on grapheme clusters.
///
/// A value without mutable state: share it between threads, with one `TokenizerWorkspace` each.
public struct Tokenizer: Sendable, Equatable {
  package enum Normalizer: Sendable, Equatable {
    case none
    /// By itself, as BERT has it: texts are normalised in stretches.
    case bert(BertNormalizer)
    /// At least one.
    case steps([NormalizerStep])
  }

  package enum PreTokenizer: Sendable, Equatable {
    /// By itself and before WordPiece, as BERT has it.
    case bert(BertPreTokenizer)
    /// Without any, a text is one word.
    case steps([PreTokenizerStep])
  }

  package enum Model: Sendable, Equatable {
    case wordPiece(WordPiece)
    case bytePair(BytePair)
    case unigram(Unigram)
    case wordLevel(WordLevel)
    case fastBPE(FastBPE)
  }

  package enum TruncationSide: Sendable, Equatable {
    case left, right
  }

  /// What the files say beside the ids.
  package struct Settings: Sendable, Equatable {
    package var paddingID: Int?
    package var maximumLength: Int?
    package var truncationSide = TruncationSide.right

    package init() {}
  }

  /// Behind one reference: what walks over words copies the tokenizer for each of them.
  private final class Parts: Sendable {
    let normalizer: Normalizer
    let preTokenizer: PreTokenizer
    let model: Model
    let addedTokens: AddedTokens
    let classes: CharacterClasses
    let template: Template
    let settings: Settings
    /// Whose words a workspace has kept.
    let identity = WordCache.Identity()

    init(
      normalizer: Normalizer, preTokenizer: PreTokenizer, model: Model, addedTokens: AddedTokens,
      classes: CharacterClasses, template: Template, settings: Settings
    ) {
      self.normalizer = normalizer
      self.preTokenizer = preTokenizer
      self.model = model
      self.addedTokens = addedTokens
      self.classes = classes
      self.template = template
      self.settings = settings
    }
  }

  private let parts: Parts

  var normalizer: Normalizer { parts.normalizer }
  var preTokenizer: PreTokenizer { parts.preTokenizer }
  var model: Model { parts.model }
  var addedTokens: AddedTokens { parts.addedTokens }
  var classes: CharacterClasses { parts.classes }
  var template: Template { parts.template }
  var settings: Settings { parts.settings }
  var identity: WordCache.Identity { parts.identity }

  package init(
    normalizer: Normalizer, preTokenizer: PreTokenizer, model: Model, addedTokens: AddedTokens,
    classes: CharacterClasses, template: Template, settings: Settings
  ) {
    parts = Parts(
      normalizer: normalizer, preTokenizer: preTokenizer, model: model, addedTokens: addedTokens, classes: classes,
      template: template, settings: settings)
  }

  public static func == (first: Tokenizer, second: Tokenizer) -> Bool {
    first.parts === second.parts
      || first.normalizer == second.normalizer && first.preTokenizer == second.preTokenizer && first.model == second.model
        && first.addedTokens == second.addedTokens && first.classes == second.classes && first.template == second.template
        && first.settings == second.settings
  }

  /// One more than the largest id that a text can have: the rows an embedding table must have. Entries without a text, as a
  /// blank last line makes one, are never found.
  public var vocabularySize: Int {
    var count = vocabulary.count
    while count > 0, vocabulary.bytes(of: count - 1).isEmpty { count -= 1 }
    return max(count, (addedTokens.tokens.map(\.id).max() ?? -1) + 1, template.limits.ids)
  }

  /// One more than the largest token type that a pair is given: the rows a table of token types must have for pairs.
  package var pairTypeCount: Int { template.limits.types }

  /// Why a model of so many token types takes no text pairs; nil if it does.
  package func pairRefusal(tokenTypes: Int) -> String? {
    guard pairTypeCount > tokenTypes else { return nil }
    return "this model takes no text pairs: they need \(pairTypeCount) token types, it has \(tokenTypes); if it was trained without, "
      + "list model_input_names without token_type_ids in tokenizer_config.json"
  }

  /// The id of the padding token, if the files name one.
  package var paddingID: Int? { settings.paddingID }

  /// What stands for a text without any token where there must be one, as an empty text is for a tokenizer that adds no
  /// special tokens: the padding token, which is what such a text is in a batch that is padded.
  package var emptyTextID: Int32 { Int32(truncatingIfNeeded: settings.paddingID ?? 0) }

  /// `model_max_length`, special tokens included, if the files give one.
  package var maximumLength: Int? { settings.maximumLength }

  /// The side a text that is too long loses tokens from.
  package var truncationSide: TruncationSide { settings.truncationSide }

  /// Special tokens added to one text, or to two.
  package func specialTokenCount(pair: Bool = false) -> Int {
    pair ? template.pair.count - 2 : template.single.count - 1
  }

  /// The text of a token, as the vocabulary writes it; nil for an id without one.
  package func token(of id: Int) -> String? {
    if let added = addedTokens.tokens.first(where: { $0.id == id }) { return String(decoding: added.content, as: UTF8.self) }
    guard id >= 0, id < vocabulary.count else { return nil }
    let bytes = vocabulary.bytes(of: id)
    if bytes.isEmpty { return nil }
    return isOverBytes ? ByteCharacters.encode(bytes) : String(decoding: bytes, as: UTF8.self)
  }

  package func id(of token: String) -> Int? {
    let bytes = Array(token.utf8)
    if let added = addedTokens.tokens.first(where: { $0.content == bytes }) { return added.id }
    guard isOverBytes else { return vocabulary.id(of: bytes) }
    return ByteCharacters.decode(token).flatMap { vocabulary.id(of: $0) }
  }

  /// Whether the vocabulary holds the bytes that tokens stand for instead of their characters.
  private var isOverBytes: Bool {
    if case .bytePair(let bytePair) = model, case .bytes = bytePair.symbols { true } else { false }
  }

  var vocabulary: Vocabulary { model.vocabulary }
}

extension Tokenizer.Model {
  package var vocabulary: Vocabulary {
    switch self {
    case .wordPiece(let wordPiece): wordPiece.vocabulary
    case .bytePair(let bytePair): bytePair.vocabulary
    case .unigram(let unigram): unigram.vocabulary
    case .wordLevel(let wordLevel): wordLevel.vocabulary
    case .fastBPE(let fastBPE): fastBPE.vocabulary
    }
  }
}
