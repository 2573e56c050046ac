import Checkpoints
import JSON
import Packing
import Testing
import Tokenizers

@Suite struct FolderTokenizerTests {
  /// A folder whose `tokenizer_config.json` names no class, or is missing, has the class that `config.json` names, or the
  /// one of its model type: ALBERT's hands no token types on, whatever the template says.
  @Test(arguments: [
    (nil, nil, "bert", 2), (nil, nil, "albert", 1), ([:], nil, "albert", 1), (nil, nil, "deberta-v2", 2), (nil, nil, "electra", 2),
    (["tokenizer_class": "BertTokenizer"], nil, "albert", 2), (["model_input_names": ["token_type_ids"]], nil, "albert", 2),
    (nil, "AlbertTokenizerFast", "bert", 1), (["tokenizer_class": "BertTokenizer"], "AlbertTokenizer", "bert", 2),
    (nil, nil, "modernbert", 1), (nil, nil, "of-tomorrow", 2),
  ] as [(JSONValue?, String?, String, Int)])
  func classWhereNoneIsNamed(_ tokenizerConfiguration: JSONValue?, _ named: String?, _ modelType: String, _ types: Int) throws {
    let tokenizer = try withEdited { folder in
      folder.files["tokenizer_config.json"] = tokenizerConfiguration.map { Array($0.text().utf8) }
      folder.set("model_type", .string(modelType))
      folder.set("tokenizer_class", named.map { .string($0) })
    } _: {
      try loadTokenizer(CheckpointFolder(path: $0))
    }
    #expect(tokenizer.pairTypeCount == types)
    #expect(tokenizer.pairRefusal(tokenTypes: types) == nil)
    #expect(tokenizer.pairRefusal(tokenTypes: types - 1)?.contains("model_input_names") == true)
  }
}
