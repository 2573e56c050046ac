import Checkpoints
import JSON
import ModelBundles
import ModelFolders
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
      try PretrainedModel(CheckpointFolder(path: $0)).source.loadTokenizer()
    }
    #expect(tokenizer.pairTypeCount == types)
    #expect(tokenizer.pairRefusal(tokenTypes: types) == nil)
    #expect(tokenizer.pairRefusal(tokenTypes: types - 1)?.contains("model_input_names") == true)
  }

  /// What lies beside the vocabulary counts, beside a `tokenizer.json` and a `vocab.txt` alike.
  @Test(arguments: ["tokenizer.json", "vocab.txt"]) func filesBeside(vocabulary: String) throws {
    let tokenizer = try withEdited { folder in
      for name in ["tokenizer.json", "vocab.txt"] where name != vocabulary { folder.files[name] = nil }
      folder.files["tokenizer_config.json"] = Array(#"{"do_lower_case": true, "model_max_length": 64}"#.utf8)
      folder.files["special_tokens_map.json"] = Array(#"{"additional_special_tokens": ["<x>"], "cls_token": "[MASK]"}"#.utf8)
      folder.files["added_tokens.json"] = Array(#"{"<y>": 182, "<x>": 181}"#.utf8)
      folder.set("vocab_size", 183)
    } _: {
      try PretrainedModel(CheckpointFolder(path: $0)).source.loadTokenizer()
    }
    #expect(tokenizer.vocabularySize == 183 && tokenizer.id(of: "<x>") == 181 && tokenizer.id(of: "<y>") == 182)
    var workspace = TokenizerWorkspace()
    var ids: [Int32] = []
    _ = Array("<y><x>".utf8).withUnsafeBufferPointer { tokenizer.encode($0, maximumLength: 8, workspace: &workspace, into: &ids) }
    // The file's own template stays; from the vocabulary the class makes one of the names.
    #expect(ids == [vocabulary == "vocab.txt" ? 4 : 2, 182, 181, 3])
  }

  /// One token beyond the table: the folder opens, a text that holds it has no such id.
  @Test func oneTokenBeyondTheTable() throws {
    try withEdited { folder in
      folder.files["added_tokens.json"] = Array(#"{"<pad>NOTUSED": 181}"#.utf8)
    } _: {
      _ = try packedModel($0)
      let tokenizer = try PretrainedModel(CheckpointFolder(path: $0)).source.loadTokenizer()
      #expect(tokenizer.id(of: "<pad>NOTUSED") == nil && tokenizer.vocabularySize <= 181)
    }
    let refused = try withEdited { folder in
      folder.files["added_tokens.json"] = Array(#"{"<x>": 181, "<y>": 182}"#.utf8)
    } _: {
      failure(packing: $0)
    }
    #expect(refused.map { "\($0)" }?.contains("ids up to 182") == true)
  }
}
