import Checkpoints
import Encoders
import JSON
import ModelBundles
import ModelFolders
import Packing
import TestSupport
import Testing

/// Folders that must not become bundles: each is refused with the error that says why.
@Suite struct BrokenFolderTests {
  private static let query = "bert.encoder.layer.1.attention.self.query.weight"

  @Test func theCopyItselfIsSound() throws {
    try withEdited { _ in } _: { #expect(failure(packing: $0) == nil) }
  }

  @Test(arguments: [
    ["bert.encoder.layer.1.attention.self.query.weight"], ["bert.embeddings.LayerNorm.bias"], ["classifier.bias"],
    ["classifier.weight"], ["bert.pooler.dense.weight"], ["bert.pooler.dense.weight", "bert.pooler.dense.bias"],
    ["bert.embeddings.word_embeddings.weight", "bert.encoder.layer.0.output.dense.bias"],
  ]) func missingParameters(names: [String]) throws {
    try withEdited { edited in
      for name in names { edited.tensors[name] = nil }
    } _: { path in
      #expect(
        failure(packing: path) as? ModelFolderError
          == .missingParameters(path: path, names: names, count: 41, unused: [], architecture: nil))
    }
  }

  @Test func wrongShape() throws {
    try withEdited { $0.tensors[Self.query] = ([45, 44], [Float](repeating: 0, count: 45 * 44)) } _: { path in
      #expect(
        failure(packing: path) as? ModelFolderError == .shape(name: Self.query, expected: [45, 45], found: [45, 44]))
    }
    // The transpose has the right number of values.
    let intermediate = "bert.encoder.layer.0.intermediate.dense.weight"
    try withEdited { $0.tensors[intermediate]!.shape.reverse() } _: { path in
      #expect(
        failure(packing: path) as? ModelFolderError == .shape(name: intermediate, expected: [99, 45], found: [45, 99]))
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity]) func notFinite(value: Float) throws {
    for name in [Self.query, "bert.embeddings.LayerNorm.weight", "classifier.bias"] {
      try withEdited { $0.tensors[name]!.values[1] = value } _: { path in
        #expect(failure(packing: path) as? PackingError == .notFinite(name: name))
      }
    }
  }

  @Test func tokenizerBeyondTheVocabulary() throws {
    try withEdited {
      $0.set("vocab_size", 180)
      let table = $0.tensors["bert.embeddings.word_embeddings.weight"]!
      $0.tensors["bert.embeddings.word_embeddings.weight"] = ([180, 45], Array(table.values.prefix(180 * 45)))
    } _: { path in
      #expect(failure(packing: path) as? ModelError == .vocabulary(path, 181, 180))
    }
  }

  /// A folder may have a token beyond the table, as CamemBERT's have; several that do not say that they are not used make it broken.
  @Test(arguments: [(["<unk>NOTUSED"], false), (["<speaker>"], false), (["<speaker>", "[unused1]"], false), (["<speaker>", "<listener>"], true)])
  func addedTokensBeyondTheVocabulary(names: [String], isBroken: Bool) throws {
    try withEdited {
      let file = try #require($0.files["tokenizer.json"])
      var json = try #require(JSONValue(parsing: file).object)
      let tokens = names.enumerated().map { ["id": .integer(Int64(181 + $0.offset)), "content": .string($0.element), "special": true] as JSONValue }
      json["added_tokens"] = .array((json["added_tokens"]?.array ?? []) + tokens)
      $0.files["tokenizer.json"] = Array(JSONValue.object(json).text().utf8)
    } _: { path in
      let error = failure(packing: path)
      if isBroken {
        #expect(error as? ModelError == .vocabulary(path, 183, 181))
      } else {
        #expect(error == nil)
        let tokenizers = try [path, fixture("tiny-bert")].map { try PretrainedModel(CheckpointFolder(path: $0)).source.loadTokenizer() }
        #expect(tokenizers[0] == tokenizers[1])
      }
    }
  }

  @Test func noTokenizer() throws {
    try withEdited { $0.files["tokenizer.json"] = nil } _: { #expect(failure(packing: $0) == nil, "vocab.txt will do") }
    try withEdited {
      $0.files["tokenizer.json"] = nil
      $0.files["vocab.txt"] = nil
    } _: { path in
      #expect(failure(packing: path) as? ModelFolderError == .noTokenizer(path: path))
    }
  }

  /// What is not implemented is refused by name, never ignored.
  @Test(arguments: [
    ("model_type", "xlnet", ConfigurationError.unknownFamily("xlnet", known: Model.modelTypes)),
    ("model_type", nil, .unknownFamily("none", known: Model.modelTypes)),
    ("hidden_act", "mish", .unsupported(key: "hidden_act", value: "mish")),
    ("is_decoder", true, .unsupported(key: "is_decoder", value: "true")),
    (
      "num_attention_heads", 4,
      .invalid(key: "num_attention_heads", found: "4", expected: "a divisor of hidden_size 45")
    ),
    ("hidden_size", 0, .invalid(key: "hidden_size", found: "0", expected: "a whole number from 1 to 1048576")),
  ] as [(String, JSONValue?, ConfigurationError)])
  func configuration(key: String, value: JSONValue?, error: ConfigurationError) throws {
    try withEdited { $0.set(key, value) } _: { #expect(failure(packing: $0) as? ConfigurationError == error) }
  }

  @Test func noFolderNoWeights() throws {
    try withTemporaryFolder { folder in
      #expect(failure(packing: folder + "/none") is CheckpointError)
      #expect(failure(packing: folder) is CheckpointError)
    }
  }

  /// Every refusal is one line.
  @Test func descriptions() {
    let errors: [ModelFolderError] = [
      .shape(name: "a", expected: [1], found: [2, 3]), .missingParameters(path: "p", names: ["a", "b"], count: 9, unused: ["x.a", "x.b", "x.c", "x.d"], architecture: "BertModel"),
      .noTokenizer(path: "p"), .missingEncoder(path: "p", names: ["a"], count: 1, unused: []),
    ]
    for error in errors { #expect(!error.description.isEmpty && !error.description.contains("\n")) }
    #expect(
      errors[1].description
        == "p: 2 of 9 parameters are missing: expected a, b; found without a use: x.a, x.b, x.c and 1 more; the folder was saved from BertModel")
  }
}

extension ModelError {
  fileprivate static func vocabulary(_ path: String, _ tokenizer: Int, _ rows: Int) -> ModelError {
    ModelError(.file, "\(path): the tokenizer has ids up to \(tokenizer - 1), the model's vocabulary has \(rows) rows")
  }
}
