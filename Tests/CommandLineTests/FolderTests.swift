import Checkpoints
import JSON
import Storage
import TestSupport
import Testing

/// Folders of other layouts, adapters, and bases that are none, at the command line.
@Suite struct FolderTests {
  private func renamed(_ workshop: Workshop, _ name: String, _ rename: (String) -> String) throws -> String {
    let source = try CheckpointFolder(path: fixture("tiny-bert"))
    let weights = try source.openWeights()
    let tensors = try weights.names.map { name in
      let tensor = try #require(weights[name])
      let values = try tensor.readFloat32()
      return OutputTensor(name: rename(name), shape: tensor.shape) { $0.update(from: values, count: values.count) }
    }
    let files = try source.carriedFileNames.compactMap { name in try source.read(name).map { CarriedFile(name: name, bytes: $0) } }
    try writeCheckpointFolder(workshop.path(name), configuration: source.configuration, tensors: tensors, files: files)
    return workshop.path(name)
  }

  /// A base of other names trains nothing: it says what it found; with the prefixes of wrappers it is the model itself; and from scratch it is asked for.
  @Test func basesWhoseWeightsDoNotFit() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("data.tsv", labelledReviews(6))
      func tune(_ base: String, _ output: String, _ options: String...) throws -> Outcome {
        try martlet(["tune", base, "--train", data, "--output-dir", workshop.path(output), "--max-steps", "2", "--no-forecast", "--quiet"] + options)
      }
      let other = try renamed(workshop, "other") { "model." + $0 }
      expectFailure(
        try tune(other, "none"),
        naming: [
          other, "37 of 37 parameters are missing: expected bert.embeddings", "found without a use: model.bert.embeddings", "--from-scratch",
        ])
      #expect(try !fileExists(workshop.path("none")) || allNames(below: workshop.path("none")) == [])
      #expect(try tune(other, "scratch", "--from-scratch").status == 0)
      #expect(try martlet("classify", workshop.path("scratch"), input: "good\n").status == 0)

      let wrapped = try renamed(workshop, "wrapped") { "module._orig_mod." + $0 }
      for (base, output) in [(fixture("tiny-bert"), "a"), (wrapped, "b")] { #expect(try tune(base, output).status == 0) }
      #expect(try readFile(workshop.path("a/model.safetensors")) == readFile(workshop.path("b/model.safetensors")))
    }
  }

  /// Without a head: the folder is named, and what it is.
  @Test func aFolderWithoutAHead() throws {
    let folder = fixture("tiny-bert-encoder")
    for command in [["classify", folder], ["bench", folder]] {
      let outcome = try martlet(command)
      expectFailure(outcome, naming: [folder + ": no classification head, config.json says Bert", "martlet tune"])
      #expect(!outcome.errors.contains("memory:"))
    }
    #expect(try martlet("inspect", folder).status == 0)
  }

  /// An adapter with its base given: classified, tokenised, packed, and the same answers from each; the base must be a folder.
  @Test func adapters() throws {
    try withWorkshop { workshop in
      let (adapter, base) = (fixture("adapters/plain"), fixture("tiny-bert"))
      let answers = try martlet("classify", adapter, "--base", base, "--logits", input: "good\n")
      let plain = try martlet("classify", base, "--logits", input: "good\n")
      #expect(answers.status == 0 && answers.output != plain.output, "\(answers.errors)")
      #expect(try martlet("tokenize", adapter, "--base", base, input: "good\n").output == martlet("tokenize", base, input: "good\n").output)
      let bundle = try workshop.pack(adapter, as: "adapted.martlet", "--base", base, "--weights", "fp32")
      #expect(try martlet("classify", bundle, "--logits", input: "good\n").output == answers.output)
      expectFailure(
        try martlet(["classify", adapter], environment: ["HF_HUB_CACHE": workshop.path("none")]), naming: [adapter + "/adapter_config.json: an adapter for example/tiny-bert"])
      #expect(try martlet("classify", adapter, "--base", bundle).status == 64)
      // The name in the adapter may be one of the Hugging Face cache.
      for file in try listDirectory(base) {
        try workshop.write("hub/models--example--tiny-bert/snapshots/0a1b/" + file, readFile(base + "/" + file))
      }
      let cache = ["HF_HUB_CACHE": workshop.path("hub")]
      #expect(try martlet(["classify", adapter, "--logits"], input: "good\n", environment: cache).output == answers.output)
    }
  }

  /// What tune --lora-rank writes: the merged model, and its adapter in a folder of its own that makes the same of the base.
  @Test func whatAnAdaptedRunWrites() throws {
    try withWorkshop { workshop in
      let (base, output) = (fixture("tiny-bert"), workshop.path("out"))
      let data = try workshop.writeTSV("data.tsv", labelledReviews(12))
      let outcome = try martlet(
        "tune", base, "--train", data, "--output-dir", output, "--lora-rank", "2", "--learning-rate", "1e-2", "--no-forecast", "--quiet")
      #expect(outcome.status == 0, "\(outcome.errors)")
      let names = try allNames(below: output).filter { !$0.hasPrefix("checkpoint-") && !$0.hasPrefix("runs/") }
      #expect(names.contains("model.safetensors") && names.contains("adapter/adapter_config.json") && names.contains("adapter/adapter_model.safetensors"))
      #expect(!names.contains("adapter_config.json"))
      func logits(_ model: String) throws -> [Double] {
        let outcome = try martlet("classify", model, "--logits", "--output", "jsonl", input: "the plot is awful\n")
        return try outcome.json()["logits"]?.array?.compactMap(\.double) ?? []
      }
      let (merged, adapted, plain) = (try logits(output), try logits(output + "/adapter"), try logits(base))
      #expect(merged.count == 3 && adapted.count == 3)
      for (merged, adapted) in zip(merged, adapted) { #expect(abs(merged - adapted) <= 1e-5) }
      #expect(zip(merged, plain).contains { abs($0 - $1) > 1e-3 })
    }
  }
}
