import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

/// Files of before `tokenizer.json` give the tokenizer that the same contents give as JSON.
@Suite struct OlderFileTests {
  private func model(_ name: String) throws -> JSONValue {
    let entries = try #require(fixtureJSON("tokenizer/components.json")["models"]?.array)
    return try #require(entries.first { $0["name"] == .string(name) }?["tokenizer"])
  }

  @Test func bytePairs() throws {
    let json = try model("byte level").setting("normalizer", to: nil)
    var vocabulary = try #require(json["model"]?["vocab"])
    // The special tokens are part of vocab.json.
    for token in json["added_tokens"]?.array ?? [] { vocabulary = vocabulary.setting(token["content"]?.string ?? "", to: token["id"]) }
    let merges = try #require(json["model"]?["merges"]?.array).map { try #require($0.array).compactMap(\.string).joined(separator: " ") }
    let text = (["#version: 0.2"] + merges).joined(separator: "\n") + "\n"
    let configuration: JSONValue = ["tokenizer_class": "RobertaTokenizer", "mask_token": ["content": "<mask>", "lstrip": true]]
    let older = try Tokenizer(bytePairs: vocabulary, merges: Array(text.utf8), configuration: configuration)
    let newer = try Tokenizer(tokenizerJSON: json)
    for text in ["A stirring, funny film.", "  naïve <mask> x</s>", "", "don't 123"] {
      #expect(older.ids(text) == newer.ids(text), "\(text)")
    }
    #expect(older.pair("a", "b").ids == newer.pair("a", "b").ids)
    #expect(throws: TokenizerError.unservedClass("CLIPTokenizer", file: "vocab.json")) {
      try Tokenizer(bytePairs: vocabulary, merges: [], configuration: ["tokenizer_class": "CLIPTokenizer"])
    }
  }

  private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    let length = bytes.count < 128 ? [UInt8(bytes.count)] : [UInt8(bytes.count & 0x7F | 0x80), UInt8(bytes.count >> 7)]
    return [number << 3 | 2] + length + bytes
  }

  private func sentencePiece(_ pieces: [(String, Float)], type: UInt8 = 1) -> [UInt8] {
    let pieces = pieces.flatMap { text, score in
      field(1, field(1, Array(text.utf8)) + [2 << 3 | 5] + withUnsafeBytes(of: score.bitPattern.littleEndian) { Array($0) } + [3 << 3, 1])
    }
    return pieces + field(2, [3 << 3, type])
  }

  private static let special: [(String, Float)] = [("<pad>", 0), ("<unk>", 0), ("[CLS]", 0), ("[SEP]", 0), ("[MASK]", 0)]
  private static let words: [(String, Float)] = [("▁the", -3.5), ("▁", -2), ("t", -5.5), ("h", -5.25), ("e", -5), ("é", -6), ("\"", -4)]

  /// ALBERT strips accents and lowercases, unless it is told not to.
  @Test func albert() throws {
    let bytes = sentencePiece(Self.special + Self.words)
    let tokenizer = try Tokenizer(sentencePiece: bytes, file: "spiece.model", configuration: nil)
    #expect(tokenizer.ids("The thé x ``[MASK]") == [2, 5, 5, 6, 1, 6, 11, 4, 3])
    // The template has types that a model is not given.
    #expect(tokenizer.pair("the", "the").typeIDs == [0, 0, 0, 0, 0])
    let keeping = try Tokenizer(sentencePiece: bytes, file: "spiece.model", configuration: ["keep_accents": true, "do_lower_case": false])
    #expect(keeping.ids("The thé") == [2, 6, 1, 8, 9, 6, 7, 8, 10, 3])
  }

  /// XLM-RoBERTa moves the special tokens and adds its mask at the end.
  @Test func fairseqOrder() throws {
    let bytes = sentencePiece([("<unk>", 0), ("<s>", 0), ("</s>", 0)] + Self.words)
    let tokenizer = try Tokenizer(sentencePiece: bytes, file: "sentencepiece.bpe.model", configuration: nil)
    #expect(tokenizer.ids("the <mask>") == [0, 4, 11, 2])
    #expect(tokenizer.pair("the", "e").ids == [0, 4, 2, 2, 5, 8, 2] && tokenizer.vocabularySize == 12)
  }

  @Test func refusals() throws {
    func refusal(_ bytes: [UInt8], _ configuration: JSONValue? = nil) -> String {
      do { _ = try Tokenizer(sentencePiece: bytes, file: "spm.model", configuration: configuration) } catch { return "\(error)" }
      return "accepted"
    }
    let bytes = sentencePiece(Self.special + Self.words)
    #expect(refusal(bytes) == "accepted")
    #expect(refusal(sentencePiece(Self.words, type: 2)) == "tokenizer: SentencePiece model of type BPE is not supported")
    #expect(refusal(bytes, ["tokenizer_class": "T5Tokenizer"]) == "tokenizer: SentencePiece model of tokenizer class T5Tokenizer is not supported: save a tokenizer.json with transformers, if the class has one")
    #expect(refusal([]) == "spm.model: pieces: expected at least one, found none")
    for count in 1...3 { #expect(refusal(Array(bytes.dropLast(count))).utf8.starts(with: "spm.model: byte ".utf8), "\(count) bytes less") }
  }
}
