import JSON
import Storage
import Tokenizers

extension Tokenizer {
  /// From `bpe.codes` with its `vocab.txt`, of PhoBERT and BERTweet, whose tokenizers of the reference library are written in Python.
  ///
  /// - Parameter configuration: `tokenizer_config.json` with the older files merged into it: the class, the special and the added
  ///   tokens, `normalization`.
  package init(codes: [UInt8], vocabulary bytes: [UInt8], configuration: JSONValue?) throws(TokenizerError) {
    let configuration = configuration ?? [:]
    let reader = TokenizerReader(file: "tokenizer_config.json")
    let name = try reader.string(configuration, "tokenizer_class", in: "tokenizer_config.json", otherwise: "")
    let className = TokenizerSettings(configuration).className
    guard FastBPEFiles.classes.contains(className) else {
      throw .unsupported(component: "bpe.codes for tokenizer class", name: name.isEmpty ? "without a name" : name.excerpt)
    }
    let normalizes = try reader.flag(configuration, "normalization", "") && className == "Bertweet"
    let names = FastBPEFiles.SpecialTokens(configuration)
    let loaded = try FastBPEFiles.model(codes: codes, vocabulary: bytes, names)
    let added = try FastBPEFiles.addedTokens(configuration, names, loaded.tokens, reader)
    // Then no token is looked for, be it special or not.
    let looksForNone = try reader.flag(configuration, "split_special_tokens", "")
    func id(_ text: String) throws(TokenizerError) -> Int {
      let content = Array(text.utf8)
      guard let id = added.tokens.first(where: { $0.content == content })?.id ?? loaded.tokens[content] else { throw .missingToken(text) }
      return id
    }
    self.init(
      normalizer: normalizes ? .steps([.tweet(try TweetNormalizer())]) : .none,
      preTokenizer: .steps([
        .split(SplitRule(matcher: .pattern(try Pattern(#"\S+\n?"#, facts: .python)), behavior: .removed, inverted: true))
      ]),
      model: .fastBPE(loaded.model), addedTokens: looksForNone ? AddedTokens([]) : added, classes: .python, template: .roberta(cls: try id(names["cls"]), sep: try id(names["sep"])),
      settings: try Settings(configuration, paddingID: try id(names["pad"])))
  }
}

/// Reads the files as the reference does, line by line.
enum FastBPEFiles {
  /// Without `Tokenizer` and `Fast`.
  static let classes: Set = ["Phobert", "Bertweet"]

  /// The names of the special tokens.
  struct SpecialTokens {
    /// In the order in which those that the vocabulary lacks are added.
    static let usual: KeyValuePairs = [
      "bos": "<s>", "eos": "</s>", "unk": "<unk>", "sep": "</s>", "pad": "<pad>", "cls": "<s>", "mask": "<mask>",
    ]
    let texts: [String: String]

    init(_ configuration: JSONValue) {
      var texts: [String: String] = [:]
      for (key, usual) in Self.usual {
        let value = configuration[key + "_token"]
        texts[key] = value?.string ?? value?["content"]?.string ?? usual
      }
      self.texts = texts
    }

    subscript(key: String) -> String { texts[key] ?? "" }
  }

  static func model(
    codes: [UInt8], vocabulary bytes: [UInt8], _ names: SpecialTokens
  ) throws(TokenizerError) -> (model: FastBPE, tokens: [[UInt8]: Int]) {
    var tokens: [[UInt8]: Int] = [:]
    for (id, key) in ["bos", "pad", "eos", "unk"].enumerated() { tokens[Array(names[key].utf8)] = id }
    // A text that ends in a line feed has no line behind it; one that does not has.
    var lines = try lines(of: bytes, "vocab.txt")
    if lines.last?.isEmpty == true { lines.removeLast() }
    for (number, line) in lines.enumerated() {
      let entry = line.drop(while: isPythonSpace).reversed().drop(while: isPythonSpace)
      guard let blank = entry.firstIndex(of: " ") else {
        throw .malformed(file: "vocab.txt", place: "line \(number + 1)", expected: "a token, a blank and a count", found: String(String.UnicodeScalarView(line)))
      }
      let token = String.UnicodeScalarView(entry[entry.index(after: blank)...].reversed())
      tokens[Array(String(token).utf8)] = tokens.count
    }
    var pairs: [(left: [UInt8], right: [UInt8])] = []
    for line in try self.lines(of: codes, "bpe.codes").dropLast() {
      let words = line.split(whereSeparator: isPythonSpace)
      // Two symbols and their count. What has fewer or more words joins nothing.
      guard words.count == 3 else { continue }
      pairs.append((Array(String(String.UnicodeScalarView(words[0])).utf8), Array(String(String.UnicodeScalarView(words[1])).utf8)))
    }
    let reader = TokenizerReader(file: "vocab.txt")
    // Of tokens that share an id, as a token on two lines and the next do, one can be shown.
    var texts: [Int: [UInt8]] = [:]
    for (text, id) in tokens where texts[id].map({ $0.lexicographicallyPrecedes(text) }) ?? true { texts[id] = text }
    let vocabulary = try reader.vocabulary(texts.map { ($0.key, $0.value) })
    guard
      let model = FastBPE(vocabulary: vocabulary, tokens: tokens, unknownID: tokens[Array(names["unk"].utf8)] ?? 3, codes: pairs)
    else { throw .malformed(file: "bpe.codes", place: "pairs", expected: "at most \(Vocabulary.maximumCount) symbols that hash", found: "\(pairs.count) pairs") }
    return (model, tokens)
  }

  /// As Python reads a text file: every kind of line end is one.
  private static func lines(of bytes: [UInt8], _ file: String) throws(TokenizerError) -> [ArraySlice<Unicode.Scalar>] {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .malformed(file: file, place: "text", expected: "UTF-8", found: "other bytes")
    }
    var scalars: [Unicode.Scalar] = []
    for scalar in text.unicodeScalars {
      if scalar == "\n", scalars.last == "\r" { scalars.removeLast() }
      scalars.append(scalar)
    }
    return scalars.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r" }
  }

  /// `added_tokens_decoder` with the ids it gives, then the special tokens, for which new ids follow all others.
  static func addedTokens(
    _ configuration: JSONValue, _ names: SpecialTokens, _ tokens: [[UInt8]: Int], _ reader: TokenizerReader
  ) throws(TokenizerError) -> AddedTokens {
    var found: [Int: AddedToken] = [:]
    var ids: [[UInt8]: Int] = [:]
    func add(_ text: String, _ id: Int, _ flags: AddedToken.Flags) throws(TokenizerError) {
      guard !text.isEmpty else { return }
      guard !flags.contains(.singleWord) else { throw .unsupported(component: "bpe.codes with a token of single_word,", name: text.excerpt) }
      let content = Array(text.utf8)
      if let before = ids.updateValue(id, forKey: content), before != id { found[before] = nil }
      // The reference looks for all of them in the text as it is.
      found[id] = AddedToken(id: id, content: content, pattern: content, flags: flags.subtracting(.normalized))
    }
    for (key, entry) in configuration["added_tokens_decoder"]?.object?.entries ?? [] {
      let place = "added_tokens_decoder.\(key)"
      guard let id = Int(key), id >= 0, id < Vocabulary.maximumCount else { throw reader.malformed(place, "an id", entry) }
      try add(try reader.string(entry, "content", in: place), id, try reader.addedTokenFlags(entry, place))
    }
    var next = Set(tokens.keys).union(ids.keys).count
    var specials = SpecialTokens.usual.map { names[$0.key] }
    for key in ["additional_special_tokens", "extra_special_tokens"] {
      specials += (configuration[key]?.array ?? []).compactMap { $0.string ?? $0["content"]?.string }
    }
    for text in specials where ids[Array(text.utf8)] == nil {
      let known = tokens[Array(text.utf8)]
      try add(text, known ?? next, [.special])
      if known == nil { next += 1 }
    }
    return AddedTokens(found.values.sorted { $0.id < $1.id })
  }
}
