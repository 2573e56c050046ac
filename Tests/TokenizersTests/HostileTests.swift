import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

/// Files made to use up time or memory: refused, or done with in little of either. Each of these once took all there was.
@Suite struct HostileTests {
  private func tokenizer(_ changes: (key: String, value: JSONValue)...) throws -> Tokenizer {
    var json: JSONValue = ["model": ["type": "WordLevel", "vocab": ["a": 0, "[UNK]": 1], "unk_token": "[UNK]"]]
    for (key, value) in changes { json = json.setting(key, to: value) }
    return try Tokenizer(tokenizerJSON: json)
  }

  private func split(_ pattern: String) -> JSONValue {
    ["type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated", "invert": false]
  }

  private func sequence(_ key: String, _ step: JSONValue, _ count: Int) -> JSONValue {
    ["type": "Sequence", .init(stringLiteral: key): .array(Array(repeating: step, count: count))]
  }

  private func template(of count: Int) -> JSONValue {
    let text: JSONValue = ["Sequence": ["id": "A", "type_id": 0]]
    let special: JSONValue = ["SpecialToken": ["id": "x", "type_id": 0]]
    return [
      "type": "TemplateProcessing", "single": [special, text], "pair": [text, ["Sequence": ["id": "B", "type_id": 0]]],
      "special_tokens": ["x": ["ids": .array(Array(repeating: 0, count: count))]],
    ]
  }

  @Test func whatIsRefused() {
    let classes = "[\\p{L}\\P{N}a]|[\\p{L}\\P{N}b]|[\\p{L}\\P{N}c]"
    let large = "((a{1000}){1000}){1000}"
    let deep: JSONValue = ["type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], [.string(String(repeating: "x", count: 513)), -1]]]
    for (key, value, words) in [
      ("pre_tokenizer", split(large), "regular expression \(large) (more than 10000 instructions)"),
      ("pre_tokenizer", sequence("pretokenizers", ["type": "WhitespaceSplit"], 65), "pre-tokenizer Sequence of more than 64 steps"),
      ("pre_tokenizer", sequence("pretokenizers", ["type": "ByteLevel", "use_regex": false], 5), "pre-tokenizer Sequence of too many steps"),
      ("normalizer", sequence("normalizers", sequence("normalizers", ["type": "NFKC"], 100), 100), "normalizer Sequence of more than 64 steps"),
      ("post_processor", template(of: 1025), "post-processor template of more than 1024 tokens"),
      ("model", deep, "model Unigram with a token of 513 bytes, more than 512"),
      ("normalizer", sequence("normalizers", ["type": "Lowercase"], 65), "normalizer Sequence of more than 64 steps"),
      ("pre_tokenizer", sequence("pretokenizers", split(classes), 64), "regular expressions whose classes look at more than 268435456 scalar values"),
    ] {
      do {
        _ = try tokenizer((key, value))
        Issue.record("\(words): accepted")
      } catch {
        #expect("\(error)" == "tokenizer: \(words) is not supported")
      }
    }
  }

  @Test func classesOfManyMembers() {
    do {
      _ = try tokenizer(("pre_tokenizer", split("[" + String(repeating: "a", count: 16_385) + "]")))
      Issue.record("accepted")
    } catch {
      #expect("\(error)".hasSuffix("(classes of more than 16384 members) is not supported"), "\(error)")
    }
  }

  /// A pattern that can cut the text in 2⁶⁰ ways ends, and what it has not found is one piece; the next text is not touched by that.
  @Test(arguments: ["(a+)+b", "(a|a)+b", "(?=(a+)+b)a|c", "(?!(a|aa)+c)b"]) func backtrackingEnds(pattern: String) throws {
    let tokenizer = try tokenizer(("pre_tokenizer", split(pattern)))
    let ids = tokenizer.ids(String(repeating: "a", count: 60))
    #expect(!ids.isEmpty && ids.allSatisfy { $0 == 0 || $0 == 1 })
    let long = tokenizer.ids(String(repeating: String(repeating: "a", count: 40) + " ", count: 50))
    #expect(!long.isEmpty)
    #expect(tokenizer.ids("a") == [0])
  }

  /// Each step makes ten of one, twelve times over.
  @Test func growthEnds() throws {
    let step: JSONValue = ["type": "Replace", "pattern": ["String": "a"], "content": "aaaaaaaaaé"]
    let tokenizer = try tokenizer(("normalizer", sequence("normalizers", step, 12)))
    let form = tokenizer.normalForm(of: "aaa")
    #expect(form.count <= 65_536 + 64 * 3 && form.count > 65_000)
    #expect(String(validating: form, as: UTF8.self) != nil, "cut between scalars")
    #expect(tokenizer.normalForm(of: "bcd") == Array("bcd".utf8))
  }

  /// Nodes with labels that fit nowhere: where each was looked for in all holes there were, this took a minute.
  @Test(.timeLimit(.minutes(1))) func manyPieces() throws {
    var pieces: [JSONValue] = [["<unk>", 0.0]]
    for first in 0..<400 as Range<UInt32> {
      for second in 0..<400 as Range<UInt32> {
        var text = ""
        for value in [0x4E00 + first * 37, 0x61 + second % 26, 0x400 + second * 29] { text.unicodeScalars.append(Unicode.Scalar(value)!) }
        pieces.append([.string(text), .number(-Double(first + second))])
      }
    }
    let tokenizer = try tokenizer(("model", ["type": "Unigram", "unk_id": 0, "vocab": .array(pieces)]))
    for id in stride(from: 1, to: pieces.count, by: 1009) { #expect(tokenizer.ids(pieces[id].array?[0].string ?? "") == [Int32(id)]) }
    let again = try tokenizer.compiled().withUnsafeBytes { try Tokenizer(compiled: $0) }
    #expect(again.ids("\u{4E00}a\u{400}x") == [1, 0])
  }

  /// Time that grows with the square would be minutes.
  @Test(.timeLimit(.minutes(1))) func manyAddedTokens() throws {
    let entries: [JSONValue] = (0..<50_000).map { ["id": .integer($0 + 2), "content": .string("t\($0)x"), "normalized": true] }
    let tokenizer = try tokenizer(("added_tokens", .array(entries)))
    #expect(tokenizer.ids("t49999x") == [50_001])
    #expect(tokenizer.vocabularySize == 50_002)
  }

  /// A starter with half a million marks behind it, of classes in every order: once it took time as the square of them.
  @Test(.timeLimit(.minutes(1)), arguments: ["NFC", "NFD", "NFKC", "NFKD"]) func manyMarks(form: String) throws {
    let tokenizer = try tokenizer(("normalizer", ["type": .string(form)]))
    let marks = "\u{301}\u{316}\u{334}\u{345}\u{5B0}\u{327}"
    let normal = tokenizer.normalForm(of: "x" + String(repeating: marks, count: 80_000))
    let scalars = String(decoding: normal, as: UTF8.self).unicodeScalars
    #expect(scalars.count == 1 + 480_000)
    // Each class is one run, in the order of a short text.
    let short = String(decoding: tokenizer.normalForm(of: "x" + marks), as: UTF8.self).unicodeScalars.map { $0 }
    var runs: [Unicode.Scalar] = []
    for scalar in scalars where scalar != runs.last { runs.append(scalar) }
    #expect(runs == short)
  }

  /// One word of half a million bytes, whose pairs are joined by a queue.
  @Test(.timeLimit(.minutes(1)), arguments: ["a", "ab", "aab"]) func longWord(part: String) throws {
    let model: JSONValue = [
      "type": "BPE", "vocab": ["a": 0, "b": 1, "aa": 2, "ab": 3, "aaaa": 4, "abab": 5, "aab": 6, "ba": 7], "unk_token": nil,
      "merges": ["aa aa", "a a", "a b", "ab ab", "aa b", "b a"],
    ]
    let tokenizer = try tokenizer(("model", model))
    let text = String(repeating: part, count: 500_000)
    let start = tokenizer.ids(String(repeating: part, count: 16))
    let ids = tokenizer.ids(text)
    #expect(ids.prefix(4) == start.prefix(4))
    #expect(ids.map { tokenizer.token(of: Int($0)) ?? "" }.joined() == text)
  }
}
