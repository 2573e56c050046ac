import Checkpoints
import JSON
import Storage
import TestSupport
import Testing

@Suite struct CheckpointFolderTests {
  private let configuration: JSONValue = ["model_type": "bert", "layer_norm_eps": 1e-12, "hidden_size": 4]

  @Test func writtenFoldersAreReadBack() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/out/model"
      let files = [
        CarriedFile(name: "vocab.txt", bytes: Array("[PAD]\n".utf8)), CarriedFile(name: "config.json", bytes: [1]),
        CarriedFile(name: "training.log", bytes: []),
      ]
      try withOutputTensors([("w", [2], [1, 2])]) {
        try writeCheckpointFolder(path, configuration: configuration, tensors: $0, files: files)
      }
      #expect(try listDirectory(path) == ["config.json", "model.safetensors", "training.log", "vocab.txt"])
      #expect(try listDirectory(folder + "/out") == ["model"])
      #expect(
        String(decoding: try readFile(path + "/config.json"), as: UTF8.self)
          == "{\n  \"hidden_size\": 4,\n  \"layer_norm_eps\": 1e-12,\n  \"model_type\": \"bert\"\n}\n")

      let checkpoint = try CheckpointFolder(path: path)
      #expect(checkpoint.configuration == configuration)
      #expect(checkpoint.carriedFileNames == ["config.json", "vocab.txt"])
      #expect(try checkpoint.read("vocab.txt") == Array("[PAD]\n".utf8))
      #expect(try checkpoint.read("tokenizer.json") == nil)
      let weights = try checkpoint.openWeights()
      #expect(weights.names == ["w"] && weights.fileNames == ["model.safetensors"])
      #expect(try weights["w"]?.readFloat32() == [1, 2])

      // A second one takes the place of the first.
      try withOutputTensors([("w", [1], [3])]) {
        try writeCheckpointFolder(path, configuration: configuration, tensors: $0, files: [])
      }
      #expect(try listDirectory(path) == ["config.json", "model.safetensors"])
      #expect(try listDirectory(folder + "/out") == ["model"])
    }
  }

  @Test func aFolderThatFailsLeavesTheOldOne() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/model"
      try withOutputTensors([("w", [1], [3])]) {
        try writeCheckpointFolder(path, configuration: configuration, tensors: $0, files: [])
      }
      withOutputTensors([("w", [2], [3])]) { tensors in
        #expect(
          fault { try writeCheckpointFolder(path, configuration: configuration, tensors: tensors, files: []) }
            == .shape(tensor: "w", expected: [2], found: [1]))
      }
      #expect(try listDirectory(folder) == ["model"])
      #expect(try CheckpointFolder(path: path).openWeights()["w"]?.readFloat32() == [3])
    }
  }

  @Test func whatIsNoCheckpoint() throws {
    try withTemporaryFolder { folder in
      guard case .file = fault({ _ = try CheckpointFolder(path: folder + "/none") }) else {
        Issue.record("a missing folder was opened")
        return
      }
      try write("", to: folder + "/file")
      #expect(fault { _ = try CheckpointFolder(path: folder + "/file") } == .notAFolder)
      #expect(fault { _ = try CheckpointFolder(path: folder) } == .missingFile(lookedFor: ["config.json"]))
      for text in ["", "{", "[]", "{}x", "\"bert\""] {
        try write(text, to: folder + "/config.json")
        #expect(fault { _ = try CheckpointFolder(path: folder) } != nil, "\(text)")
      }
      try write("{}", to: folder + "/config.json")
      #expect(
        fault { _ = try CheckpointFolder(path: folder).openWeights() }
          == .missingFile(
            lookedFor: ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"]))
    }
  }

  @Test func errorsAreOneLineThatNamesTheFile() throws {
    try withTemporaryFolder { folder in
      do {
        _ = try CheckpointFolder(path: folder + "/none")
      } catch {
        #expect("\(error)" == "cannot open \(folder)/none: no such file or directory")
      }
      try write("{\n,", to: folder + "/config.json")
      do {
        _ = try CheckpointFolder(path: folder)
      } catch {
        #expect("\(error)".hasPrefix("\(folder)/config.json: not JSON: line 2"), "\(error)")
        #expect(!"\(error)".contains("\n"))
      }
    }
  }
}

@Suite struct ShardTests {
  private func shards(_ map: String, _ body: (CheckpointError.Fault?, CheckpointWeights?) throws -> Void) throws {
    try withTemporaryFolder { folder in
      for (number, name) in ["a", "b"].enumerated() {
        try withOutputTensors([(name, [1], [Float(number)])]) {
          try writeSafetensors($0, to: folder + "/model-0000\(number + 1)-of-00002.safetensors")
        }
      }
      try write(map, to: folder + "/model.safetensors.index.json")
      var weights: CheckpointWeights?
      let fault = fault { weights = try CheckpointWeights(folder: folder) }
      try body(fault, weights)
    }
  }

  @Test func tensorsComeFromTheirShards() throws {
    try shards(
      #"""
      {"metadata":{"total_size":8},"weight_map":
      {"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}
      """#
    ) { fault, weights throws in
      #expect(fault == nil)
      #expect(weights?.names == ["a", "b"])
      #expect(weights?.fileNames.count == 2)
      #expect(try weights?["b"]?.readFloat32() == [1])
    }
  }

  @Test(arguments: [
    "{}", "[]", "{", #"{"weight_map":[]}"#, #"{"weight_map":{"a":1}}"#, #"{"weight_map":{"a":""}}"#,
    #"{"weight_map":{"a":".."}}"#, #"{"weight_map":{"a":"../model-00001-of-00002.safetensors"}}"#,
    #"{"weight_map":{"a":"none.safetensors"}}"#, #"{"weight_map":{"b":"model-00001-of-00002.safetensors"}}"#,
  ]) func indexesThatLie(map: String) throws {
    try shards(map) { fault, weights in
      #expect(fault != nil && weights == nil)
    }
  }
}

@Suite struct TensorLookupTests {
  private func lookup(_ names: [String], prefix: String, _ body: (inout TensorLookup) throws -> Void) throws {
    try withTemporaryFolder { folder in
      try withOutputTensors(names.map { ($0, [1], [Float(1)]) }) {
        try writeSafetensors($0, to: folder + "/model.safetensors")
      }
      var lookup = TensorLookup(try CheckpointWeights(folder: folder), modelPrefix: prefix)
      try body(&lookup)
    }
  }

  @Test func spellings() throws {
    let names = ["bert.x.weight", "y.weight", "bert.z.LayerNorm.gamma", "v.LayerNorm.beta", "old.name"]
    try lookup(names, prefix: "bert.") { lookup in
      #expect(lookup.find("bert.x.weight")?.name == "bert.x.weight")
      #expect(lookup.find("x.weight")?.name == "bert.x.weight")
      #expect(lookup.find("bert.y.weight")?.name == "y.weight")
      #expect(lookup.find("bert.z.LayerNorm.weight")?.name == "bert.z.LayerNorm.gamma")
      #expect(lookup.find("bert.v.LayerNorm.bias")?.name == "v.LayerNorm.beta")
      #expect(lookup.find("new.name", or: ["old.name"])?.name == "old.name")
      #expect(lookup.find("classifier.weight") == nil)
      #expect(lookup.missing == ["classifier.weight"])
      #expect(lookup.unexpected.isEmpty && lookup.ignored.isEmpty)
    }
  }

  @Test func whatNobodyAskedFor() throws {
    let names = [
      "bert.embeddings.position_ids", "cls.predictions.bias", "bert.pooler.dense.weight", "bert.extra", "weight",
    ]
    try lookup(names, prefix: "bert.") { lookup in
      #expect(lookup.find("weight") != nil)
      #expect(lookup.unexpected == ["bert.extra"])
      #expect(
        lookup.ignored == ["bert.embeddings.position_ids", "bert.pooler.dense.weight", "cls.predictions.bias"])
    }
  }

  /// What DataParallel and torch.compile put into names is taken off, wherever it stands, in any order.
  @Test func wrappedNames() throws {
    let names = ["module.bert.a", "_orig_mod.bert.b", "module._orig_mod.bert.c", "_orig_mod.module.d", "bert.module.e", "bert.f", "module.bert.f"]
    try lookup(names, prefix: "bert.") { lookup in
      for name in ["bert.a", "bert.b", "bert.c", "bert.d", "bert.e"] { #expect(lookup.find(name) != nil, "\(name)") }
      // A tensor that is there without keeps its name.
      #expect(lookup.find("bert.f")?.name == "bert.f" && lookup.unexpected == ["module.bert.f"])
    }
    #expect(fault { try lookup(["module.a", "_orig_mod.a"], prefix: "") { _ in } } == .duplicateTensor("a"))
  }

  @Test func requiredTensors() throws {
    try lookup(["w"], prefix: "") { lookup throws in
      #expect(try lookup.require("w", shape: [1]).name == "w")
      #expect(
        fault { _ = try lookup.require("w", shape: [1, 1]) } == .shape(tensor: "w", expected: [1, 1], found: [1]))
      #expect(fault { _ = try lookup.require("v", shape: [1]) } == .missingTensor(lookedFor: ["v"]))
    }
  }
}
