import Checkpoints
import JSON
import Martlet
import Packing
import Storage
import TestSupport
import Testing

/// LoRA adapters of PEFT, opened on the model that they were made for: the logits of what PEFT merges.
@Suite struct AdapterTests {
  private func edited(_ name: String, in folder: String, _ edit: (inout JSONObject) -> Void) throws -> String {
    let target = folder + "/" + name
    try makeDirectory(target)
    for file in try listDirectory(fixture("adapters/" + name)) {
      var bytes = try fixtureBytes("adapters/\(name)/\(file)")
      if file == AdapterFile.configuration {
        var object = try #require(JSONValue(parsing: bytes).object)
        edit(&object)
        bytes = Array(JSONValue.object(object).text().utf8)
      }
      try write(bytes, to: target + "/" + file)
    }
    return target
  }

  private func error(opening path: String, base: String? = nil) -> String {
    do {
      _ = try pack(CheckpointFolder(path: path, base: base))
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: ["plain", "patterns", "biases", "table", "pickled", "head"])
  func logitsAreThoseOfTheMergedModel(name: String) throws {
    let expected = try fixtureJSON("adapters/logits.json")
    let base = try #require(expected[name]?["base"]?.string)
    var options = PackingOptions()
    options.weights = .fp32
    let folder = try CheckpointFolder(path: fixture("adapters/" + name), base: fixture(base))
    let classifier = try Classifier(bundle: pack(folder, options: options).writeToMemory(), threads: 1)
    let plain = name == "head" ? nil : try Classifier(bundle: packed(base, .fp32), threads: 1)
    for (text, logits) in zip(expected["texts"]?.array ?? [], expected[name]?["logits"]?.array ?? []) {
      let text = try #require(text.string)
      let logits = try #require(logits.array).compactMap(\.double)
      let found = try classifier.classify(text).logits
      #expect(found.count == logits.count)
      for (found, expected) in zip(found, logits) { #expect(abs(Double(found) - expected) <= 1e-5, "\(text)") }
      if let plain { #expect(try plain.classify(text).logits != found, "the adapter changes nothing") }
    }
    #expect(name == "head" ? classifier.labels == ["LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"] : classifier.labels == plain?.labels)
  }

  /// The base is the folder that the adapter names, when it is there.
  @Test func theBaseThatIsNamed() throws {
    try withTemporaryFolder { folder in
      let adapter = try edited("plain", in: folder) { $0["base_model_name_or_path"] = .string(fixture("tiny-bert")) }
      #expect(error(opening: adapter) == "no error")
      #expect(error(opening: fixture("adapters/plain")).contains("adapter_config.json: an adapter for example/tiny-bert, which is not a folder here: give its folder with --base or name it in that file"))
    }
  }

  /// An adapter with its tokenizer uses that, and beside a model of its own PEFT's adapter is put on it; an earlier Martlet's is merged already.
  @Test func adaptersBesideAModel() throws {
    try withTemporaryFolder { folder in
      for isOfPEFT in [true, false] {
        let both = try edited("plain", in: folder) { if !isOfPEFT { $0["auto_mapping"] = nil } }
        for file in try listDirectory(fixture("tiny-bert")) { try write(fixtureBytes("tiny-bert/" + file), to: both + "/" + file) }
        var options = PackingOptions()
        options.weights = .fp32
        let logits = try Classifier(bundle: pack(CheckpointFolder(path: both), options: options).writeToMemory(), threads: 1)
          .classify("the worst movie i have ever seen").logits
        let alone = try Classifier(bundle: packed("tiny-bert", .fp32), threads: 1).classify("the worst movie i have ever seen").logits
        #expect((logits == alone) == !isOfPEFT)
      }
    }
  }

  /// What merging would have to do more is refused by name.
  @Test(arguments: [
    ("use_dora", true, "use_dora true is not supported"), ("lora_bias", true, "lora_bias true"),
    ("peft_type", "IA3", "peft_type IA3 is not supported"), ("init_lora_weights", "pissa", "init_lora_weights \"pissa\""),
    ("trainable_token_indices", [1, 2], "trainable_token_indices [1"), ("alpha_pattern", ["^q.*": 3], "alpha_pattern ^q.*"),
    ("lora_alpha", "much", "lora_alpha: expected a number, found \"much\""), ("peft_type", nil, "peft_type none"),
  ] as [(String, JSONValue?, String)])
  func whatIsNotMerged(key: String, value: JSONValue?, words: String) throws {
    try withTemporaryFolder { folder in
      let adapter = try edited("plain", in: folder) { $0[key] = value }
      let found = error(opening: adapter, base: fixture("tiny-bert"))
      #expect(found.hasPrefix(adapter + "/adapter_config.json: ") && found.contains(words) && !found.contains("\n"), "\(found)")
    }
  }

  /// An adapter of another model, or without its weights.
  @Test func whatDoesNotFit() throws {
    try withTemporaryFolder { folder in
      // A model of fewer layers, and a wider one.
      let fewer = try withEdited { $0.set("num_hidden_layers", 1) } _: { error(opening: fixture("adapters/plain"), base: $0) }
      #expect(fewer.contains("an adapter for another model: 2 tensors have no place in this one, the first is bert.encoder.layer.1."), "\(fewer)")
      let wider = try withEdited {
        $0.tensors["bert.encoder.layer.0.attention.self.query.weight"] = ([45, 46], [Float](repeating: 0, count: 45 * 46))
      } _: { error(opening: fixture("adapters/plain"), base: $0) }
      #expect(wider.contains("query.weight: expected shape [45, 45] by config.json, found [45, 46]"), "\(wider)")
      let adapter = try edited("plain", in: folder) { _ in }
      try removeTree(adapter + "/adapter_model.safetensors")
      #expect(error(opening: adapter, base: fixture("tiny-bert")).contains("expected adapter_model.safetensors or adapter_model.bin, found none"))
      #expect(error(opening: fixture("adapters/plain"), base: fixture("adapters/head")).contains("config.json"))
    }
  }
}
