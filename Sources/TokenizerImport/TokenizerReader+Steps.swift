import JSON
import Storage
import Tokenizers

/// Normalisers and pre-tokenizers of a `tokenizer.json`.
extension TokenizerReader {
  /// Throws where a file has more steps than are served, before any of them is built: a normal form makes tables of a megabyte.
  func checkSteps(_ value: JSONValue?, _ list: String, _ component: String, most: Int) throws(TokenizerError) {
    func count(_ value: JSONValue) -> Int {
      guard let steps = value[list]?.array else { return 1 }
      return steps.reduce(0) { $0 > most ? $0 : $0 + count($1) }
    }
    guard let value, count(value) > most else { return }
    throw .unsupported(component: component, name: "Sequence of more than \(most) steps")
  }

  /// Throws where the classes of all patterns together would take seconds to make, before any of them is made.
  func checkPatterns(_ values: [JSONValue?]) throws(TokenizerError) {
    var count = 0
    func add(_ value: JSONValue) throws(TokenizerError) {
      if let text = value["pattern"]?["Regex"]?.string { count += try PatternParser.parse(Array(text.utf8)).scalarCount }
      for list in ["normalizers", "pretokenizers"] { for step in value[list]?.array ?? [] { try add(step) } }
      guard count <= Pattern.maximumScalars else {
        throw .unsupported(component: "regular expressions", name: "whose classes look at more than \(Pattern.maximumScalars) scalar values")
      }
    }
    for value in values { if let value { try add(value) } }
  }

  func normalizerSteps(_ value: JSONValue?) throws(TokenizerError) -> [NormalizerStep] {
    guard let value, !value.isNull else { return [] }
    let name = try type(value, "normalizer")
    switch name {
    case "BertNormalizer": return [.scalars(try bertNormalizer(value))]
    case "NFC": return [.form(UnicodeForm(composes: true, isCompatible: false))]
    case "NFD": return [.form(UnicodeForm(composes: false, isCompatible: false))]
    case "NFKC": return [.form(UnicodeForm(composes: true, isCompatible: true))]
    case "NFKD": return [.form(UnicodeForm(composes: false, isCompatible: true))]
    case "Lowercase": return [.scalars(.lowercase)]
    case "StripAccents": return [.scalars(.stripAccents)]
    case "Nmt": return [.scalars(.nmt)]
    case "Replace":
      let content = try string(value, "content", in: "normalizer")
      return [.replace(try pattern(value["pattern"], "normalizer.pattern"), by: Array(content.utf8))]
    case "Prepend": return [.prepend(Array(try string(value, "prepend", in: "normalizer").utf8))]
    case "Strip":
      return [
        .strip(left: try requiredFlag(value, "strip_left", "normalizer"), right: try requiredFlag(value, "strip_right", "normalizer"))
      ]
    case "Precompiled":
      let text = try string(value, "precompiled_charsmap", in: "normalizer")
      guard let precompiled = decodeBase64(text).flatMap({ Precompiled($0) }) else {
        throw malformed("normalizer.precompiled_charsmap", "a trie and texts in base64", .string(text))
      }
      return [.precompiled(precompiled)]
    case "Sequence":
      guard let steps = value["normalizers"]?.array else {
        throw malformed("normalizer.normalizers", "an array", value["normalizers"])
      }
      return Array(try steps.map { step throws(TokenizerError) in try normalizerSteps(step) }.joined())
    default: throw .unsupported(component: "normalizer", name: name.excerpt)
    }
  }

  private func bertNormalizer(_ value: JSONValue) throws(TokenizerError) -> BertNormalizer {
    let lowercases = try flag(value, "lowercase", "normalizer", otherwise: true)
    return BertNormalizer(
      .init(
        cleansText: try flag(value, "clean_text", "normalizer", otherwise: true),
        spacesIdeographs: try flag(value, "handle_chinese_chars", "normalizer", otherwise: true),
        stripsAccents: try flag(value, "strip_accents", "normalizer", otherwise: lowercases),
        lowercases: lowercases))
  }

  func preTokenizerSteps(_ value: JSONValue?) throws(TokenizerError) -> [PreTokenizerStep] {
    guard let value, !value.isNull else { return [] }
    let name = try type(value, "pre_tokenizer")
    switch name {
    case "BertPreTokenizer": return [.bert]
    case "Whitespace":
      // Of the two libraries of regular expressions in the reference this one asks the other.
      let pattern = try Pattern(#"\w+|[^\w\s]+"#, facts: .rust)
      return [.split(SplitRule(matcher: .pattern(pattern), behavior: .removed, inverted: true))]
    case "WhitespaceSplit":
      return [.split(SplitRule(matcher: .scalars(CharacterClasses.whitespace), behavior: .removed, inverted: false))]
    case "Punctuation":
      let behavior = try behavior(value["behavior"] ?? "Isolated")
      return [.split(SplitRule(matcher: .scalars(CharacterClasses.punctuation), behavior: behavior, inverted: false))]
    case "Digits":
      let isIndividual = try requiredFlag(value, "individual_digits", "pre_tokenizer")
      return [
        .split(
          SplitRule(matcher: .scalars(CharacterClasses.numeric), behavior: isIndividual ? .isolated : .contiguous, inverted: false))
      ]
    case "Metaspace": return [.metaspace(try metaspace(value))]
    case "ByteLevel":
      let prefix: [PreTokenizerStep] = try flag(value, "add_prefix_space", "pre_tokenizer", otherwise: true) ? [.prefixSpace] : []
      let words: [PreTokenizerStep] =
        try flag(value, "use_regex", "pre_tokenizer", otherwise: true) ? [.bytePairWords(.gpt2)] : []
      return prefix + words + [.byteCharacters]
    case "Split":
      let inverted = try requiredFlag(value, "invert", "pre_tokenizer")
      let behavior = try behavior(value["behavior"])
      let pattern = try pattern(value["pattern"], "pre_tokenizer.pattern")
      // GPT-2's own pattern leaves nothing out, so that it cuts the same whatever is removed or inverted.
      if pattern.source == Array(BytePairWords.pattern.utf8), behavior == .isolated { return [.bytePairWords(.gpt2)] }
      return [.split(SplitRule(matcher: .pattern(pattern), behavior: behavior, inverted: inverted))]
    case "Sequence":
      guard let steps = value["pretokenizers"]?.array else {
        throw malformed("pre_tokenizer.pretokenizers", "an array", value["pretokenizers"])
      }
      return Array(try steps.map { step throws(TokenizerError) in try preTokenizerSteps(step) }.joined())
    default: throw .unsupported(component: "pre-tokenizer", name: name.excerpt)
    }
  }

  private func metaspace(_ value: JSONValue) throws(TokenizerError) -> Metaspace {
    let replacement = try string(value, "replacement", in: "pre_tokenizer")
    guard replacement.unicodeScalars.count == 1 else {
      throw malformed("pre_tokenizer.replacement", "one character", .string(replacement))
    }
    var prepending: Metaspace.Prepending
    switch value["prepend_scheme"] {
    case nil, "always"?: prepending = .always
    case "first"?: prepending = .first
    case "never"?: prepending = .never
    case let other?: throw malformed("pre_tokenizer.prepend_scheme", "\"always\", \"first\" or \"never\"", other)
    }
    // Files of before the scheme was there.
    if try !flag(value, "add_prefix_space", "pre_tokenizer", otherwise: true) {
      guard value["prepend_scheme"] == nil || prepending == .never else {
        throw malformed("pre_tokenizer.add_prefix_space", "what prepend_scheme says", value["add_prefix_space"])
      }
      prepending = .never
    }
    return Metaspace(
      replacement: Array(replacement.utf8), prepending: prepending,
      splits: try flag(value, "split", "pre_tokenizer", otherwise: true))
  }

  /// `{"String": …}` or `{"Regex": …}`.
  private func pattern(_ value: JSONValue?, _ place: String) throws(TokenizerError) -> Pattern {
    if let text = value?["String"]?.string {
      guard !text.isEmpty else { throw .unsupported(component: "pattern", name: "of the empty text") }
      return try Pattern(literal: text)
    }
    guard let text = value?["Regex"]?.string else { throw malformed(place, "a String or a Regex", value) }
    return try Pattern(text)
  }

  private func behavior(_ value: JSONValue?) throws(TokenizerError) -> SplitRule.Behavior {
    switch value?.string {
    case "Removed": return .removed
    case "Isolated": return .isolated
    case "MergedWithPrevious": return .mergedWithPrevious
    case "MergedWithNext": return .mergedWithNext
    case "Contiguous": return .contiguous
    default: throw malformed("pre_tokenizer.behavior", "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous", value)
    }
  }

  private func requiredFlag(_ value: JSONValue, _ key: String, _ place: String) throws(TokenizerError) -> Bool {
    guard let flag = value[key]?.bool else { throw malformed(place + "." + key, "true or false", value[key]) }
    return flag
  }
}

/// Nil for a character that is not of the alphabet.
func decodeBase64(_ text: String) -> [UInt8]? {
  var decoded: [UInt8] = []
  var bits: UInt32 = 0
  var count = 0
  for byte in text.utf8 {
    let value: UInt8
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): value = 62
    case UInt8(ascii: "/"): value = 63
    case UInt8(ascii: "="): continue
    default: return nil
    }
    bits = bits << 6 | UInt32(value)
    count += 6
    guard count >= 8 else { continue }
    count -= 8
    decoded.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
  }
  return decoded
}

func encodeBase64(_ bytes: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var encoded: [UInt8] = []
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let part = bytes[start..<min(start + 3, bytes.count)]
    let bits = part.enumerated().reduce(UInt32(0)) { $0 | UInt32($1.element) << UInt32(16 - 8 * $1.offset) }
    for index in 0...part.count { encoded.append(alphabet[Int(bits >> UInt32(18 - 6 * index) & 63)]) }
  }
  return String(decoding: encoded, as: UTF8.self)
}
