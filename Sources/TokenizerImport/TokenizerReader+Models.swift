import JSON
import Storage
import Tokenizers

/// A model with what the ids of added tokens need of the file it came from.
struct LoadedModel {
  let model: Tokenizer.Model
  /// Entries that the vocabulary was written with, which the ids of new tokens follow.
  let entryCount: Int
  /// Tokens that stand for no bytes, of a vocabulary over bytes.
  var unprintable: [[UInt8]: Int] = [:]

  /// The id of a token as the file writes it.
  func id(of token: some Sequence<UInt8>) -> Int? {
    let bytes = Array(token)
    guard case .bytePair(let bytePair) = model, case .bytes = bytePair.symbols else { return model.vocabulary.id(of: bytes) }
    guard let decoded = ByteCharacters.decode(String(decoding: bytes, as: UTF8.self)) else { return unprintable[bytes] }
    return model.vocabulary.id(of: decoded)
  }
}

extension TokenizerReader {
  /// - Parameter isAfterByteCharacters: whether words come as the printable characters of bytes.
  func model(_ model: JSONValue, isAfterByteCharacters: Bool) throws(TokenizerError) -> LoadedModel {
    switch model["type"]?.string ?? typeOfOldFile(model) {
    case "WordPiece": return try wordPiece(model)
    case "BPE": return try bytePair(model, isOverBytes: isAfterByteCharacters)
    case "Unigram": return try unigram(model)
    case "WordLevel": return try wordLevel(model)
    case let name: throw .unsupported(component: "model", name: name.excerpt)
    }
  }

  /// Old files do not name the type: only WordPiece has a longest word, only byte pairs have merges.
  private func typeOfOldFile(_ model: JSONValue) -> String {
    if model["merges"] != nil { return "BPE" }
    if model["max_input_chars_per_word"] != nil { return "WordPiece" }
    return model["vocab"]?.array == nil ? "without a type" : "Unigram"
  }

  private func tokens(_ model: JSONValue) throws(TokenizerError) -> [(id: Int, text: String)] {
    guard let entries = model["vocab"]?.object?.entries else {
      throw malformed("model.vocab", "an object of tokens and ids", model["vocab"])
    }
    var tokens: [(id: Int, text: String)] = []
    tokens.reserveCapacity(entries.count)
    for (text, value) in entries { tokens.append((try id(value, "model.vocab, \(text)"), text)) }
    return tokens
  }

  private func wordPiece(_ model: JSONValue) throws(TokenizerError) -> LoadedModel {
    let tokens = try tokens(model)
    let unknown = try string(model, "unk_token", in: "model", otherwise: "[UNK]")
    let prefix = try string(model, "continuing_subword_prefix", in: "model", otherwise: "##")
    let maximum = model["max_input_chars_per_word"] ?? 100
    guard let maximumWordLength = maximum.int, maximumWordLength >= 0 else {
      throw malformed("model.max_input_chars_per_word", "a count of characters", maximum)
    }
    return try wordPiece(tokens, unknown: unknown, continuingPrefix: prefix, maximumWordLength: maximumWordLength)
  }

  func wordPiece(
    _ tokens: [(id: Int, text: String)], unknown: String, continuingPrefix: String, maximumWordLength: Int
  ) throws(TokenizerError) -> LoadedModel {
    let vocabulary = try vocabulary(tokens.map { ($0.id, Array($0.text.utf8)) })
    guard let unknownID = vocabulary.id(of: unknown.utf8) else { throw .missingToken(unknown) }
    let wordPiece = WordPiece(
      vocabulary: vocabulary, unknownID: unknownID, continuingPrefix: Array(continuingPrefix.utf8),
      maximumWordLength: maximumWordLength)
    return LoadedModel(model: .wordPiece(wordPiece), entryCount: tokens.count)
  }

  private func wordLevel(_ model: JSONValue) throws(TokenizerError) -> LoadedModel {
    let tokens = try tokens(model)
    let vocabulary = try vocabulary(tokens.map { ($0.id, Array($0.text.utf8)) })
    let unknown = try string(model, "unk_token", in: "model", otherwise: "<unk>")
    guard let unknownID = vocabulary.id(of: unknown.utf8) else { throw .missingToken(unknown) }
    return LoadedModel(model: .wordLevel(WordLevel(vocabulary: vocabulary, unknownID: unknownID)), entryCount: tokens.count)
  }

  // MARK: Byte pairs

  private func bytePair(_ model: JSONValue, isOverBytes: Bool) throws(TokenizerError) -> LoadedModel {
    if let dropout = model["dropout"], !dropout.isNull, dropout.double != 0 {
      throw .unsupported(component: "model", name: "BPE with dropout")
    }
    guard let merges = model["merges"]?.array else { throw malformed("model.merges", "an array", model["merges"]) }
    var options = BytePairOptions()
    options.unknown = try string(model, "unk_token", in: "model", otherwise: "")
    options.continuingPrefix = try string(model, "continuing_subword_prefix", in: "model", otherwise: "")
    options.endSuffix = try string(model, "end_of_word_suffix", in: "model", otherwise: "")
    options.fusesUnknown = try flag(model, "fuse_unk", "model")
    options.fallsBackToBytes = try flag(model, "byte_fallback", "model")
    options.ignoresMerges = try flag(model, "ignore_merges", "model")
    let pairs = try merges.enumerated().map { number, merge throws(TokenizerError) -> (String, String) in
      if let parts = merge.array, parts.count == 2, let left = parts[0].string, let right = parts[1].string { return (left, right) }
      let parts = merge.string.map { $0.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false) } ?? []
      guard parts.count == 2 else { throw malformed("model.merges[\(number)]", "two tokens", merge) }
      return (String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self))
    }
    return try bytePair(try tokens(model), merges: pairs, options, isOverBytes: isOverBytes)
  }

  struct BytePairOptions {
    var unknown = ""
    var continuingPrefix = ""
    var endSuffix = ""
    var fusesUnknown = false
    var fallsBackToBytes = false
    var ignoresMerges = false
  }

  func bytePair(
    _ tokens: [(id: Int, text: String)], merges: [(String, String)], _ options: BytePairOptions, isOverBytes: Bool
  ) throws(TokenizerError) -> LoadedModel {
    var ids: [[UInt8]: Int32] = [:]
    for (id, text) in tokens { ids[Array(text.utf8)] = Int32(id) }
    func id(_ bytes: [UInt8], _ number: Int) throws(TokenizerError) -> Int32 {
      guard let id = ids[bytes] else {
        throw malformed("model.merges[\(number)]", "tokens of the vocabulary", .string(String(decoding: bytes, as: UTF8.self)))
      }
      return id
    }
    var (lefts, rights, results): ([Int32], [Int32], [Int32]) = ([], [], [])
    let prefixLength = options.continuingPrefix.utf8.count
    for (number, (left, right)) in merges.enumerated() {
      let (left, right) = (Array(left.utf8), Array(right.utf8))
      lefts.append(try id(left, number))
      rights.append(try id(right, number))
      results.append(try id(left + right.dropFirst(prefixLength), number))
    }
    guard let table = MergeTable(lefts: lefts, rights: rights, results: results) else {
      throw malformed("model.merges", "at most \(MergeTable.maximumCount) merges that hash", .integer(Int64(merges.count)))
    }
    let byteIDs = ByteCharacters.scalars.map { ids[Array(String(Unicode.Scalar($0)!).utf8)] ?? -1 }
    let isPlain = options.continuingPrefix.isEmpty && options.endSuffix.isEmpty
    if isOverBytes, isPlain, options.unknown.isEmpty && !options.fallsBackToBytes || !byteIDs.contains(-1) {
      var texts: [(Int, [UInt8])] = []
      var unprintable: [[UInt8]: Int] = [:]
      for (id, text) in tokens {
        if let bytes = ByteCharacters.decode(text) { texts.append((id, bytes)) } else { unprintable[Array(text.utf8)] = id }
      }
      let bytePair = BytePair(
        vocabulary: try vocabulary(texts, count: tokens.map(\.id).max().map { $0 + 1 }), symbols: .bytes(ids: byteIDs), merges: table,
        ignoresMerges: options.ignoresMerges)
      return LoadedModel(model: .bytePair(bytePair), entryCount: tokens.count, unprintable: unprintable)
    }
    var characters = BytePair.Characters()
    if !options.unknown.isEmpty {
      guard let unknown = ids[Array(options.unknown.utf8)] else { throw .missingToken(options.unknown) }
      characters.unknownID = Int(unknown)
    }
    characters.fusesUnknown = options.fusesUnknown
    if options.fallsBackToBytes { characters.byteIDs = fallback { ids[$0] } }
    characters.continuingPrefix = Array(options.continuingPrefix.utf8)
    characters.endSuffix = Array(options.endSuffix.utf8)
    let bytePair = BytePair(
      vocabulary: try vocabulary(tokens.map { ($0.id, Array($0.text.utf8)) }), symbols: .characters(characters), merges: table,
      ignoresMerges: options.ignoresMerges)
    return LoadedModel(model: .bytePair(bytePair), entryCount: tokens.count)
  }

  /// The tokens `<0x00>` to `<0xFF>`, -1 where there is none.
  private func fallback(_ id: ([UInt8]) -> Int32?) -> [Int32] {
    (0..<256).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return id(Array("<0x\(byte < 16 ? "0" : "")\(digits)>".utf8)) ?? -1
    }
  }

  // MARK: Unigram

  private func unigram(_ model: JSONValue) throws(TokenizerError) -> LoadedModel {
    guard let entries = model["vocab"]?.array else {
      throw malformed("model.vocab", "an array of tokens and scores", model["vocab"])
    }
    let pieces = try entries.enumerated().map { id, entry throws(TokenizerError) -> (String, Double) in
      guard let pair = entry.array, pair.count == 2, let text = pair[0].string, let score = pair[1].double else {
        throw malformed("model.vocab[\(id)]", "a token and its score", entry)
      }
      return (text, scoresAreExact ? score : asReferenceReads(score))
    }
    guard let unknown = model["unk_id"], !unknown.isNull else { throw .unsupported(component: "model", name: "Unigram without unk_id") }
    guard let unknownID = unknown.int, pieces.indices.contains(unknownID) else {
      throw malformed("model.unk_id", "an id of the vocabulary", unknown)
    }
    return try unigram(pieces, unknownID: unknownID, fallsBackToBytes: try flag(model, "byte_fallback", "model"))
  }

  /// The reference reads a decimal number as its digits, rounded to a Double, divided by a power of ten: an ulp off for some
  /// numbers of 16 digits and more, and scores that are nearly the same decide between two ways to split a word.
  private func asReferenceReads(_ value: Double) -> Double {
    // The shortest text that reads back, which is what writers of JSON write.
    let text = pythonText(value.magnitude).utf8.split(separator: UInt8(ascii: "."))
    guard text.count == 2, let digits = UInt64(String(decoding: Array(text[0]) + Array(text[1]), as: UTF8.self)), text[1].count <= 22 else { return value }
    var power = 1.0
    for _ in 0..<text[1].count { power *= 10 }
    return Double(digits) / power * (value < 0 ? -1 : 1)
  }

  func unigram(_ pieces: [(text: String, score: Double)], unknownID: Int, fallsBackToBytes: Bool) throws(TokenizerError) -> LoadedModel {
    // Of a token that comes twice the last counts. CamemBERT's unknown token does: what is unknown has the id of the first.
    var last: [[UInt8]: Int] = [:]
    for (id, piece) in pieces.enumerated() { last[Array(piece.text.utf8)] = id }
    let keys = last.filter { !$0.key.isEmpty }.sorted { precedes($0.key, $1.key) }
    if let zero = keys.first(where: { $0.key.contains(0) }) {
      throw .unsupported(component: "token", name: "\(zero.value) with a zero byte")
    }
    if let long = keys.first(where: { $0.key.count > DoubleArray.longestKey }) {
      throw .unsupported(component: "model", name: "Unigram with a token of \(long.key.count) bytes, more than \(DoubleArray.longestKey)")
    }
    guard DoubleArray.nodeCount(keys.lazy.map(\.key)) <= DoubleArray.maximumNodes else {
      throw .unsupported(component: "model", name: "Unigram whose tokens make a trie of more than \(DoubleArray.maximumNodes) nodes")
    }
    guard let trie = DoubleArray(keys.map { (key: $0.key, value: $0.value) }) else {
      throw malformed("model.vocab", "tokens that fit a trie of 2^21 units", .integer(Int64(pieces.count)))
    }
    let unigram = Unigram(
      vocabulary: try vocabulary(keys.map { ($0.value, $0.key) }, count: pieces.count), scores: pieces.map(\.score),
      unknownID: unknownID, trie: trie, byteIDs: fallsBackToBytes ? fallback { last[$0].map { Int32($0) } } : [])
    return LoadedModel(model: .unigram(unigram), entryCount: pieces.count)
  }

  /// By bytes. The library's own comparison is half of the time that a large vocabulary takes.
  private func precedes(_ first: [UInt8], _ second: [UInt8]) -> Bool {
    let (first, second) = (first.span, second.span)
    var index = 0
    while index < first.count, index < second.count {
      if first[index] != second[index] { return first[index] < second[index] }
      index += 1
    }
    return first.count < second.count
  }

  // MARK: Vocabulary

  /// - Parameter count: ids of the vocabulary; one more than the largest if it is not given.
  func vocabulary(_ tokens: [(id: Int, bytes: [UInt8])], count: Int? = nil) throws(TokenizerError) -> Vocabulary {
    var texts = [[UInt8]?](repeating: nil, count: count ?? (tokens.map(\.id).max() ?? -1) + 1)
    for (id, bytes) in tokens {
      if let other = texts[id] {
        throw .malformed(
          file: file, place: "vocabulary", expected: "one token with id \(id)",
          found: "\(String(decoding: other, as: UTF8.self)) and \(String(decoding: bytes, as: UTF8.self))")
      }
      texts[id] = bytes
    }
    var text: [UInt8] = []
    var lengths: [UInt16] = []
    for bytes in texts {
      guard let length = UInt16(exactly: bytes?.count ?? 0) else {
        throw .malformed(file: file, place: "vocabulary", expected: "tokens of at most 65535 bytes", found: "\(bytes?.count ?? 0)")
      }
      text += bytes ?? []
      lengths.append(length)
    }
    guard let vocabulary = Vocabulary(text: text, lengths: lengths) else {
      throw .malformed(
        file: file, place: "vocabulary", expected: "at most \(Vocabulary.maximumCount) tokens that hash",
        found: "\(lengths.count)")
    }
    return vocabulary
  }
}
