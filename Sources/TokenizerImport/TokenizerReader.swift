import JSON
import Tokenizers

/// Reads the parts of a tokenizer, refusing what is not served by its name.
struct TokenizerReader {
  let file: String
  var scoresAreExact = false

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
  func string(_ value: JSONValue, _ key: String, in place: String, otherwise: String) throws(TokenizerError)
    -> String
  {
    guard let member = value[key], !member.isNull else { return otherwise }
    return try string(value, key, in: place)
  }

  func id(_ value: JSONValue?, _ place: String) throws(TokenizerError) -> Int {
    guard let id = value?.int, id >= 0, id < Vocabulary.maximumCount else {
      throw malformed(place, "an id below \(Vocabulary.maximumCount)", value)
    }
    return id
  }

  func type(_ value: JSONValue, _ place: String) throws(TokenizerError) -> String {
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

  // MARK: Added tokens

  /// - Parameter value: `added_tokens` of a `tokenizer.json`.
  /// - Parameter configured: those that the configuration adds behind them.
  /// - Parameter split: whether special tokens in a text are text as any other (`split_special_tokens`).
  func addedTokens(
    _ value: JSONValue?, configured: [JSONValue], split: Bool, model: LoadedModel, normalizer: Tokenizer.Normalizer
  ) throws(TokenizerError) -> AddedTokens {
    let entries = value?.array ?? []
    if let value, !value.isNull, value.array == nil { throw malformed("added_tokens", "an array", value) }
    guard entries.count + configured.count <= AddedTokens.maximumCount else {
      throw malformed("added_tokens", "at most \(AddedTokens.maximumCount)", .integer(Int64(entries.count + configured.count)))
    }
    var builder = AddedTokensBuilder(model: model, normalizer: normalizer)
    for (index, entry) in entries.enumerated() {
      let place = "added_tokens[\(index)]"
      _ = try id(entry["id"], place + ".id")
      builder.add(try string(entry, "content", in: place), try addedTokenFlags(entry, place))
    }
    builder.startAnotherList()
    let reader = TokenizerReader(file: "tokenizer_config.json")
    for entry in configured {
      builder.add(entry.tokenText ?? "", try reader.addedTokenFlags(entry, entry.tokenText ?? "added token"))
    }
    return try builder.finish(file: file, split: split)
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
}

/// Gives added tokens their ids as the reference does: the model's id for a token it knows, otherwise the next free one.
struct AddedTokensBuilder {
  let model: LoadedModel
  let normalizer: Tokenizer.Normalizer
  private var tokens: [Int: AddedToken] = [:]
  private var ids: [[UInt8]: Int] = [:]
  /// Contents that were special in any entry: the reference keeps them so.
  private var special: Set<[UInt8]> = []
  private var nextID: Int
  private static let classes = CharacterClasses(words: false)

  init(model: LoadedModel, normalizer: Tokenizer.Normalizer) {
    self.model = model
    self.normalizer = normalizer
    nextID = model.entryCount
  }

  /// What comes now is added by another call of the reference: new ids follow the largest of the tokens so far, if that is
  /// beyond the vocabulary.
  mutating func startAnotherList() {
    nextID = max(model.entryCount, (tokens.keys.max() ?? -1) + 1)
  }

  mutating func add(_ text: String, _ flags: AddedToken.Flags) {
    let content = Array(text.utf8)
    guard !content.isEmpty else { return }
    if flags.contains(.special) { special.insert(content) }
    let known = ids[content] ?? model.id(of: content)
    let id = known ?? nextID
    if known == nil { nextID += 1 }
    let token = AddedToken(id: id, content: content, pattern: pattern(content, flags), flags: flags)
    if let replaced = tokens.updateValue(token, forKey: id) { ids[replaced.content] = nil }
    ids[content] = id
  }

  private func pattern(_ content: [UInt8], _ flags: AddedToken.Flags) -> [UInt8] {
    guard flags.contains(.normalized) else { return content }
    return content.withUnsafeBufferPointer { normalizer.normalForm(of: $0, classes: Self.classes) }
  }

  func finish(file: String, split: Bool) throws(TokenizerError) -> AddedTokens {
    let sorted = tokens.values.sorted { $0.id < $1.id }.map { token in
      guard split, special.contains(token.content) else { return token }
      return AddedToken(id: token.id, content: token.content, pattern: token.pattern, flags: token.flags.union(.passedOver))
    }
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
