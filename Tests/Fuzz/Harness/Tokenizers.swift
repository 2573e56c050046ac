import JSON
import TokenizerImport
import Tokenizers

func readTokenizerJSON(_ bytes: [UInt8]) throws {
  guard let json = try attempt({ try JSONValue(parsing: bytes) }) else { return }
  guard let tokenizer = try attempt({ try Tokenizer(tokenizerJSON: json) }) else { return }
  try use(tokenizer, input: bytes)
}

func readCompiledTokenizer(_ bytes: [UInt8]) throws {
  let tokenizer = try attempt { try bytes.withUnsafeBytes { try Tokenizer(compiled: $0) } }
  guard let tokenizer else { return }
  try encodeHostileTexts(tokenizer, input: bytes) { _ in }
}

func readOlderTokenizer(_ bytes: [UInt8]) throws {
  guard let kind = bytes.first else { return }
  let content = Array(bytes.dropFirst())
  let tokenizer = try attempt { () throws -> Tokenizer in
    switch kind % 5 {
    case 0: return try Tokenizer(sentencePiece: content, file: "spiece.model", configuration: nil)
    case 1: return try Tokenizer(sentencePiece: content, file: "spm.model", configuration: nil)
    case 2: return try Tokenizer(sentencePiece: content, file: "sentencepiece.bpe.model", configuration: nil)
    case 3: return try content.withUnsafeBytes { try Tokenizer(vocabulary: $0) }
    default:
      // vocab.json, a zero byte, merges.txt
      let end = content.firstIndex(of: 0) ?? content.endIndex
      let vocabulary = try JSONValue(parsing: content[..<end])
      return try Tokenizer(bytePairs: vocabulary, merges: Array(content[end...].dropFirst()), configuration: nil)
    }
  }
  if let tokenizer { try use(tokenizer, input: content) }
}

/// A tokenizer that was read is compiled, read back, and gives the same ids.
private func use(_ tokenizer: Tokenizer, input: [UInt8]) throws {
  let compiled = tokenizer.compiled()
  let again = try compiled.withUnsafeBytes { try Tokenizer(compiled: $0) }
  var expected: [[Int32]] = []
  try encodeHostileTexts(tokenizer, input: input) { expected.append($0) }
  var found: [[Int32]] = []
  try encodeHostileTexts(again, input: input) { found.append($0) }
  guard expected == found else { throw Finding("other ids once compiled") }
  guard again.compiled() == compiled else { throw Finding("compiled again to other bytes") }
}

/// Encodes texts that break things, and the beginning of the input, which holds words of its vocabulary; no id is one that it does not have.
private func encodeHostileTexts(_ tokenizer: Tokenizer, input: [UInt8], _ body: ([Int32]) -> Void) throws {
  let hostile = "A g\u{65}\u{301}ood \u{FB01}lm!\r\n\t\u{0}\u{AD}\u{200D}\u{1F468}\u{200D}\u{1F469} \u{4E2D}\u{AC00}\u{1100}\u{1161} \u{FFFD}[MASK]</s> 1234"
  var workspace = TokenizerWorkspace()
  let known = 0..<Int32(clamping: tokenizer.vocabularySize)
  func check(_ ids: [Int32]) throws {
    guard ids.allSatisfy(known.contains) else { throw Finding("ids of no token: \(ids.filter { !known.contains($0) })") }
    body(ids)
  }
  if !known.isEmpty { try check([tokenizer.emptyTextID]) }
  for text in [[], Array(hostile.utf8), Array(input.prefix(2000)), [0xC3, 0x28, 0xF0, 0x9F, 0xFF]] {
    try text.withUnsafeBufferPointer { text in
      for limit in [512, 3] {
        var (ids, types): ([Int32], [Int32]) = ([], [])
        _ = tokenizer.encode(text, maximumLength: limit, workspace: &workspace, into: &ids)
        try check(ids)
        _ = tokenizer.encodePair(text, text, maximumLength: limit, workspace: &workspace, into: &ids, typeIDs: &types)
        try check(ids)
      }
    }
  }
}
