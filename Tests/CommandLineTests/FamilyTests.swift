import Bundles
import Checkpoints
import Encoders
import JSON
import Storage
import TestSupport
import Testing

/// Every family through the real program, from the folder of an encoder alone to the labels.
@Suite struct FamilyTests {
  /// The encoder of a family's fixture as encoders are published: no head, no prefix, a leftover of older libraries, and
  /// a vocabulary small enough for every fixture.
  private func writeEncoder(_ name: String, to path: String) throws -> (head: [String], names: [String]) {
    let source = try CheckpointFolder(path: fixture("families/" + name))
    let weights = try source.openWeights()
    let head = try #require(familyReference(name)["new_head"]?.array).compactMap(\.string)
    let prefix = try #require(weights.names.first { !head.contains($0) }?.split(separator: ".").first) + "."
    var buffers: [AlignedBuffer] = []
    var tensors: [OutputTensor] = []
    func add(_ name: String, _ shape: [Int], _ values: [Float]) throws {
      let buffer = try AlignedBuffer(count: values.count, of: Float.self)
      buffer.bound(to: Float.self).update(from: values, count: values.count)
      buffers.append(buffer)
      tensors.append(OutputTensor(name: name, shape: shape, values: UnsafeBufferPointer(start: buffer.bound(to: Float.self), count: values.count)))
    }
    for name in weights.names where !head.contains(name) {
      try #require(name.hasPrefix(prefix))
      try add(String(name.dropFirst(prefix.count)), weights[name]!.shape, weights[name]!.readFloat32())
    }
    try add("embeddings.position_ids", [1, 4], [0, 1, 2, 3])
    let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "was", "good", "bad", "dull", "awful", "little", "wonderful", "."]
    try withExtendedLifetime(buffers) {
      try writeCheckpointFolder(
        path, configuration: source.configuration, tensors: tensors,
        files: [
          source.configuration["model_type"] == "modernbert" ? tokenizerJSON(words)
            : CarriedFile(name: "vocab.txt", bytes: Array(words.map { $0 + "\n" }.joined().utf8)),
          CarriedFile(name: "tokenizer_config.json", bytes: Array(#"{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}"#.utf8)),
        ])
    }
    return (head, weights.names)
  }

  /// The same tokenizer as of `vocab.txt`, for models whose tokenizer is no class that reads older files.
  private func tokenizerJSON(_ words: [String]) -> CarriedFile {
    func special(_ id: Int) -> JSONValue { ["id": .integer(Int64(id)), "content": .string(words[id]), "special": true] }
    func placed(_ word: String) -> JSONValue { ["SpecialToken": ["id": .string(word), "type_id": 0]] }
    let text: JSONValue = ["Sequence": ["id": "A", "type_id": 0]]
    let second: JSONValue = ["Sequence": ["id": "B", "type_id": 0]]
    let json: JSONValue = [
      "added_tokens": .array((0..<5).map(special)),
      "normalizer": ["type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "lowercase": true],
      "pre_tokenizer": ["type": "BertPreTokenizer"],
      "post_processor": [
        "type": "TemplateProcessing", "single": [placed("[CLS]"), text, placed("[SEP]")],
        "pair": [placed("[CLS]"), text, placed("[SEP]"), second, placed("[SEP]")],
        "special_tokens": ["[CLS]": ["ids": [2]], "[SEP]": ["ids": [3]]],
      ],
      "model": [
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "vocab": .object(JSONObject(words.enumerated().map { ($0.element, .integer(Int64($0.offset))) })),
      ],
    ]
    return CarriedFile(name: "tokenizer.json", bytes: Array(json.text().utf8))
  }

  @Test(arguments: familyNames) func fromEncoderToLabels(_ name: String) throws {
    try withWorkshop { workshop in
      let base = workshop.path("base")
      let (head, names) = try writeEncoder(name, to: base)
      let data = try workshop.writeTSV("train.tsv", labelledReviews(12))
      let tuned = workshop.path("tuned")
      // BigBird by blocks refuses the longest of these texts unless they are cut.
      let tune = try martlet(
        "tune", base, "--max-length", name == "big-bird" ? "28" : "512", "--train", data, "--output-dir", tuned, "--num-train-epochs", "2", "--per-device-train-batch-size", "4",
        "--learning-rate", "1e-3", "--validation", data, "--no-forecast")
      try #require(tune.status == 0, "\(tune.errors)")
      for name in head { #expect(tune.errors.contains(name), "newly drawn: \(name)") }

      // What is written is what the reference library would write: its names, its architecture.
      let folder = try CheckpointFolder(path: tuned)
      let original = try CheckpointFolder(path: fixture("families/" + name)).configuration
      let served = try Set(Model(configuration: original).blueprint.parameters.map(\.name))
      #expect(try folder.openWeights().names == names.filter(served.contains) && served.isSubset(of: names))
      #expect(folder.configuration["architectures"] == original["architectures"])
      #expect(folder.configuration["model_type"] == original["model_type"])

      let int8 = try workshop.pack(tuned, as: "int8.martlet", "--carry-source")
      let fp32 = try workshop.pack(tuned, as: "fp32.martlet", "--weights", "fp32")
      let input = reviews(40, seed: 3).map { $0 + "\n" }.joined()
      let outputs = try [tuned, fp32, int8].map { try martlet("classify", $0, "--logits", input: input) }
      for output in outputs {
        #expect(output.status == 0 && output.lines.count == 40, "\(output.errors)")
        #expect(output.lines.allSatisfy { line in labels.contains { line.hasPrefix($0 + "\t") } })
      }
      #expect(outputs[0].lines == outputs[1].lines, "a folder and its fp32 bundle give the same bits")
      #expect(outputs[1].lines != outputs[2].lines)

      let inspected = try martlet("inspect", int8, "--json").json()
      #expect(inspected["family"] == original["model_type"] && inspected["has_head"] == true)
      let evaluated = try martlet("evaluate", int8, "--data", data, "--json").json()
      #expect(evaluated["samples"] == 12)
      let bench = try martlet("bench", int8, "--lengths", "4,16", "--batch", "1", "--seconds", "0.01", "--json")
      #expect(bench.status == 0, "\(bench.errors)")

      // Adapters, and an int8 bundle as the base.
      let adapted = try martlet(
        "tune", int8, "--train", data, "--output-dir", workshop.path("adapted"), "--max-steps", "2", "--lora-rank", "2", "--no-forecast")
      if name.hasPrefix("squeezebert") {
        expectFailure(adapted, naming: ["lora-targets", "attention.query"])
      } else {
        #expect(adapted.status == 0 && adapted.errors.contains("the base is int8"), "\(adapted.errors)")
      }
    }
  }

  /// Layers that share parameters are in a bundle once.
  @Test func sharedLayersAreStoredOnce() throws {
    try withWorkshop { workshop in
      _ = try writeEncoder("albert-one-size", to: workshop.path("base"))
      let bundle = try Bundle(path: workshop.pack(workshop.path("base"), as: "base.martlet"))
      // Four layers of one group: its four products, the projection, the pooler.
      #expect(bundle.entries(.matrix).count == 6)
    }
  }

  /// A configuration that lies about its sizes is refused before memory of those sizes is asked for.
  @Test func hostileSizes() throws {
    try withWorkshop { workshop in
      _ = try writeEncoder("albert", to: workshop.path("base"))
      let configuration = try CheckpointFolder(path: workshop.path("base")).configuration
      for (changes, naming) in [
        (["num_hidden_layers": 1_048_576], "num_hidden_layers"), (["inner_group_num": 1_048_576], "inner_group_num"),
        (["hidden_size": 1_048_576, "num_attention_heads": 1], "17179869184 parameters"), (["intermediate_size": 1_000_000], "shape"),
      ] as [([String: JSONValue], String)] {
        var object = try #require(configuration.object)
        for (key, value) in changes { object[key] = value }
        try workshop.write("base/config.json", JSONValue.object(object).text())
        let data = try workshop.writeTSV("train.tsv", labelledReviews(3))
        for arguments in [
          ["pack", workshop.path("base"), "-o", workshop.path("none")], ["classify", workshop.path("base")],
          ["tune", workshop.path("base"), "--train", data, "--output-dir", workshop.path("out")],
        ] {
          expectFailure(try martlet(arguments), naming: [naming])
        }
      }
    }
  }
}
