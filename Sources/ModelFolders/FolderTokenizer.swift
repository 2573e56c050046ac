import Checkpoints
import Encoders
import JSON
import Storage
import TokenizerImport
import Tokenizers

/// What the tables of a normaliser's steps, over all scalars of Unicode, take while they are made.
private let unicodeTableBytes = 24 << 20

/// The tokenizer that a folder describes: `tokenizer.json`, or an older file, with what lies beside it.
func readTokenizer(_ folder: CheckpointFolder) throws -> Tokenizer {
  try requireMemory(unicodeTableBytes)
  var files = TokenizerFiles()
  files.configuration = try folder.readDocument("tokenizer_config.json")
  files.specialTokensMap = try folder.readDocument("special_tokens_map.json")
  files.addedTokens = try folder.readDocument("added_tokens.json")
  files.modelClass = folder.configuration["tokenizer_class"]?.string
  files.modelType = folder.configuration["model_type"]?.string
  let configuration = try files.merged()
  // The reference adds the word with the number of its type to every token's.
  if files.modelType == GPT2.modelType, configuration?["model_input_names"]?.array?.contains("token_type_ids") ?? false {
    throw TokenizerError.unsupported(component: "model_input_names", name: "with token_type_ids beside model_type gpt2")
  }
  let rows = folder.configuration["vocab_size"]?.int
  if let json = try folder.readDocument("tokenizer.json") {
    return try Tokenizer(tokenizerJSON: json, configuration: configuration, rows: rows)
  }
  if let codes = try folder.read("bpe.codes"), let vocabulary = try folder.read("vocab.txt") {
    return try Tokenizer(codes: codes, vocabulary: vocabulary, configuration: configuration)
  }
  if let bytes = try folder.read("vocab.txt") {
    return try bytes.withUnsafeBytes { try Tokenizer(vocabulary: $0, configuration: configuration, rows: rows) }
  }
  if let bytes = try folder.read("vocab.json"), let merges = try folder.read("merges.txt") {
    return try Tokenizer(bytePairs: JSONValue(parsing: bytes), merges: merges, configuration: configuration, rows: rows)
  }
  for name in ["spiece.model", "spm.model", "sentencepiece.bpe.model"] {
    if let bytes = try folder.read(name) { return try Tokenizer(sentencePiece: bytes, file: name, configuration: configuration, rows: rows) }
  }
  throw ModelFolderError.noTokenizer(path: folder.path)
}
