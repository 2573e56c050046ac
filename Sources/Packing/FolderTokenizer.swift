import Checkpoints
import JSON
import Tokenizers

/// The tokenizer that a folder describes: `tokenizer.json`, or an older file with `tokenizer_config.json`.
package func loadTokenizer(_ folder: CheckpointFolder) throws -> Tokenizer {
  let configuration = try tokenizerConfiguration(folder)
  if let json = try folder.readDocument("tokenizer.json") {
    return try Tokenizer(tokenizerJSON: withoutUnusedTokens(json, folder.configuration), configuration: configuration)
  }
  if let codes = try folder.read("bpe.codes"), let vocabulary = try folder.read("vocab.txt") {
    return try Tokenizer(codes: codes, vocabulary: vocabulary, configuration: configuration)
  }
  if let bytes = try folder.read("vocab.txt") {
    return try bytes.withUnsafeBytes { try Tokenizer(vocabulary: $0, configuration: configuration) }
  }
  if let bytes = try folder.read("vocab.json"), let merges = try folder.read("merges.txt") {
    return try Tokenizer(bytePairs: JSONValue(parsing: bytes), merges: merges, configuration: configuration)
  }
  for name in ["spiece.model", "spm.model", "sentencepiece.bpe.model"] {
    if let bytes = try folder.read(name) { return try Tokenizer(sentencePiece: bytes, file: name, configuration: configuration) }
  }
  throw PackingError.noTokenizer(path: folder.path)
}

/// Without added tokens that say by name that they are not used and that the model has no embeddings for: transformers 5 adds
/// `<unk>NOTUSED` to every CamemBERT, one id beyond its table, and fails at a text that holds it; here that is text as any other.
private func withoutUnusedTokens(_ json: JSONValue, _ configuration: JSONValue) -> JSONValue {
  guard var object = json.object, let added = json["added_tokens"]?.array, let rows = configuration["vocab_size"]?.int else { return json }
  object["added_tokens"] = .array(
    added.filter { $0["id"]?.int ?? 0 < rows || $0["content"]?.string?.hasSuffix("NOTUSED") != true })
  return .object(object)
}

/// `tokenizer_config.json`, with the class of tokenizer that the reference library (`AutoTokenizer`) takes where it names none:
/// the one that `config.json` names, or else its model type's.
private func tokenizerConfiguration(_ folder: CheckpointFolder) throws -> JSONValue? {
  let configuration = try folder.readDocument("tokenizer_config.json")
  let key = "tokenizer_class"
  guard configuration?[key]?.string == nil, var object = (configuration ?? [:]).object else { return configuration }
  let ofModel = folder.configuration["model_type"]?.string.flatMap { usualTokenizerClasses[$0] }
  guard let name = folder.configuration[key]?.string ?? ofModel else { return configuration }
  object[key] = .string(name)
  return .object(object)
}

private let usualTokenizerClasses = [
  "albert": "AlbertTokenizer", "bert": "BertTokenizer", "camembert": "CamembertTokenizer", "deberta-v2": "DebertaV2Tokenizer",
  "distilbert": "BertTokenizer", "electra": "BertTokenizer", "modernbert": "TokenizersBackend", "mpnet": "MPNetTokenizer",
  "roberta": "RobertaTokenizer", "xlm-roberta": "XLMRobertaTokenizer", "big_bird": "BigBirdTokenizer",
  "data2vec-text": "RobertaTokenizer", "ernie": "BertTokenizer", "ibert": "RobertaTokenizer", "luke": "LukeTokenizer",
  "roc_bert": "RoCBertTokenizer", "squeezebert": "BertTokenizer",
]
