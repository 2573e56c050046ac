import Bundles
import Checkpoints
import Encoders
import JSON
import MartletTuning
import Packing
import Storage
import Tasks
import TestSupport
import Testing
import Training
import WeightFormats

@Suite struct TunerTests {
  private let trainerStateKeys = [
    "best_global_step", "best_metric", "best_model_checkpoint", "epoch", "eval_steps", "global_step", "is_hyper_param_search",
    "is_local_process_zero", "is_world_process_zero", "log_history", "logging_steps", "max_steps", "num_input_tokens_seen",
    "num_train_epochs", "save_steps", "stateful_callbacks", "total_flos", "train_batch_size", "trial_name", "trial_params",
  ]
  private let modelFiles = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "trainer_state.json", "vocab.txt"]

  /// The example of the library's documentation: what it writes, tells and returns.
  @Test func libraryExample() throws {
    try withTemporaryFolder { folder in
      let data = TinyData.reviews()
      let training = try data.write(folder + "/train.tsv")
      let validation = try TinyData(lines: Array(data.lines.prefix(9)) + [("unseen film", "good")]).write(folder + "/dev.tsv")
      let output = folder + "/below/out"
      var summary: DataSummary?
      var notes: [String] = []
      var forecast: (bytes: Int, seconds: Double)?
      var steps: [(done: Int, loss: Double, rate: Double)] = []
      var logs: [(step: Int, epoch: Double, names: [String])] = []
      var checkpoints: [String] = []
      let result = try tinyTuner().tune(on: training, validation: validation, outputFolder: output) { event in
        switch event {
        case .start(let found, let lines):
          #expect(steps.isEmpty && summary == nil)
          (summary, notes) = (found, lines)
        case .forecast(let peakBytes, let seconds):
          #expect(steps.isEmpty && summary != nil)
          forecast = (peakBytes, seconds)
        case .step(let done, let total, let epoch, let loss, let rate, let tokens):
          #expect(total == 5 && epoch == Double(done) / 5 && tokens > 8 * 3)
          steps.append((done, loss, rate))
        case .log(let step, let epoch, let values): logs.append((step, epoch, values.map(\.name)))
        case .checkpoint(let path):
          #expect(fileExists(path + "/trainer_state.json"))
          checkpoints.append(path)
        case .warning(let text): #expect(text == "never predicted: `bad` (40.0 % of the records)")
        }
      }

      #expect(summary?.trainingCount == 40 && summary?.validationCount == 10 && summary?.duplicateCount == 9)
      #expect(try #require(forecast).bytes > 1 << 20 && (0.0001...60).contains(forecast!.seconds))
      #expect(summary?.truncatedCount == 0 && summary?.emptyCount == 0)
      let counts = summary?.labelCounts.map { "\($0.label) \($0.training) \($0.validation)" }
      #expect(counts == ["bad 20 4", "good 20 6"])
      #expect(notes.contains { $0.contains("classifier.weight, classifier.bias") } && !notes.contains { $0.contains("int8") })
      #expect(steps.map(\.done) == [1, 2, 3, 4, 5] && steps[0].rate == 1e-3 && abs(steps[4].rate - 2e-4) < 1e-15)
      #expect(logs.map(\.step) == [2, 4, 5, 5] && logs.map(\.epoch) == [0.4, 0.8, 1, 1])
      #expect(logs[0].names == ["loss", "grad_norm", "learning_rate"])
      #expect(
        logs[2].names == ["loss", "accuracy", "f1", "precision", "recall", "macro_f1", "runtime", "samples_per_second", "steps_per_second"]
          .map { "eval_" + $0 })
      #expect(logs[3].names == ["train_runtime", "train_samples_per_second", "train_steps_per_second", "train_loss"])
      #expect(checkpoints == [3, 5].map { "\(output)/checkpoint-\($0)" })

      #expect(result.steps == 5 && !result.wasStopped && result.labels == ["bad", "good"])
      #expect(abs(result.trainLoss - steps.reduce(0) { $0 + $1.loss } / 5) < 1e-12)
      #expect(result.metrics.map(\.name) == ["loss", "accuracy", "f1", "precision", "recall", "macro_f1"])
      #expect(result.examples.count == 10 && result.examples.allSatisfy { $0.logits.count == 2 && $0.tokens >= 4 })

      // The folder, and each checkpoint in it, is one of the reference library's.
      #expect(try listDirectory(output) == ["checkpoint-3", "checkpoint-5"] + modelFiles)
      for path in checkpoints {
        #expect(
          try listDirectory(path)
            == (modelFiles + ["martlet_state.json", "optimizer.safetensors", "training_args.json"]).sorted())
      }
      for name in ["tokenizer.json", "tokenizer_config.json", "vocab.txt"] {
        #expect(try readFile(output + "/" + name) == readFile(fixture("tiny-bert-encoder/" + name)), "\(name)")
      }
      let base = try readJSON(fixture("tiny-bert-encoder/config.json"))
      let configuration = try readJSON(output + "/config.json")
      let changed = ["architectures", "id2label", "label2id", "problem_type"]
      #expect(configuration["architectures"] == ["BertForSequenceClassification"])
      #expect(configuration["id2label"] == ["0": "bad", "1": "good"])
      #expect(configuration["label2id"] == ["bad": 0, "good": 1])
      #expect(configuration["problem_type"] == "single_label_classification")
      for (key, value) in base.object!.entries where !changed.contains(key) { #expect(configuration[key] == value, "\(key)") }
      let weights = try CheckpointFolder(path: output).openWeights()
      #expect(weights["classifier.weight"]?.shape == [2, 45] && weights["bert.pooler.dense.weight"] != nil)
      #expect(weights.names.count == 41)

      for path in [output] + checkpoints {
        let state = try readJSON(path + "/trainer_state.json")
        #expect(state.object!.keys == trainerStateKeys, "\(path)")
        #expect(state["is_local_process_zero"] == true && state["total_flos"] == 0.0 && state["stateful_callbacks"] == [:])
        #expect(state["logging_steps"] == 2 && state["save_steps"] == 3 && state["train_batch_size"] == 8 && state["max_steps"] == 5)
      }
      let text = String(decoding: try readFile(output + "/trainer_state.json"), as: UTF8.self)
      #expect(text.hasPrefix("{\n  \"best_global_step\": null,\n") && text.hasSuffix("\n}\n"))
      let state = try readJSON(output + "/trainer_state.json")
      #expect(state["global_step"] == 5 && state["epoch"] == 1.0 && state["num_input_tokens_seen"]?.int == summary?.trainingTokens)
      #expect(state["log_history"]?.array?.map { $0.object!.keys } == [
        ["epoch", "grad_norm", "learning_rate", "loss", "step"], ["epoch", "grad_norm", "learning_rate", "loss", "step"],
        (logs[2].names + ["epoch", "step"]).sorted(), (logs[3].names + ["epoch", "step"]).sorted(),
      ])
    }
  }

  /// A bundle as a base: starting from the dequantised weights, or of fp32 with the bits of the folder.
  @Test(arguments: WeightFormat.allCases) func bundleAsBase(_ format: WeightFormat) throws {
    try withTemporaryFolder { folder in
      var options = PackingOptions()
      options.weights = format
      _ = try pack(CheckpointFolder(path: fixture("tiny-bert-encoder")), options: options).write(to: folder + "/base.martlet")
      let data = try TinyData.reviews().write(folder + "/train.tsv")
      var notes: [String] = []
      let result = try tinyTuner(folder + "/base.martlet").tune(on: data, validation: data, outputFolder: folder + "/out") { event in
        if case .start(_, let lines) = event { notes = lines }
      }
      #expect(result.steps == 5 && result.trainLoss.isFinite)
      #expect(notes.contains("the base is \(format): training starts from its dequantised weights") == (format != .fp32))
      #expect(try listDirectory(folder + "/out") == ["checkpoint-3", "checkpoint-5"] + modelFiles)
      let reference = try tinyTuner().tune(on: data, outputFolder: folder + "/reference")
      #expect(
        try readFile(folder + "/out/config.json") == readFile(folder + "/reference/config.json"))
      let same = try readFile(folder + "/out/model.safetensors") == readFile(folder + "/reference/model.safetensors")
      #expect(same == (format == .fp32))
      #expect(abs(result.trainLoss - reference.trainLoss) < 0.05)
    }
  }

  private static let heads: [(ClassificationTask.Kind, [String], @Sendable (Int) -> String, [String])] = [
    (.singleLabel, ["bad", "fair", "good"], { ["good", "bad", "fair"][$0 % 3] }, ["loss", "accuracy", "f1", "precision", "recall", "macro_f1"]),
    (.multiLabel, ["dull", "fun", "long"], { ["fun|long", "dull", "", "fun", "long"][$0 % 5] }, ["loss", "accuracy", "f1", "precision", "recall", "macro_f1"]),
    (.regression, ["LABEL_0"], { $0 % 2 == 0 ? "0.75" : "-1.5" }, ["loss", "mse", "mae", "pearson"]),
  ]

  /// Each kind of head is told from the labels, trains, evaluates, and is a base of its own afterwards.
  @Test(arguments: heads.indices) func everyHead(_ number: Int) throws {
    let (problem, names, label, metrics) = Self.heads[number]
    try withTemporaryFolder { folder in
      let data = try TinyData.reviews().labelled(label).write(folder + "/train.tsv")
      let tuner = tinyTuner()
      let result = try tuner.tune(on: data, validation: data, outputFolder: folder + "/out")
      #expect(result.labels == names && result.metrics.map(\.name) == metrics)
      #expect(result.examples.allSatisfy { $0.logits.count == names.count })
      let configuration = try readJSON(folder + "/out/config.json")
      #expect(configuration["problem_type"]?.string == problem.rawValue)
      #expect(try Model(configuration: configuration).task == ClassificationTask(problem, labels: names))
      var drawn: [String] = []
      let again = try tinyTuner(folder + "/out").tune(on: data, validation: data, outputFolder: folder + "/again") { event in
        if case .start(_, let notes) = event { drawn = notes.filter { $0.hasPrefix("newly drawn") } }
      }
      #expect(drawn.isEmpty && again.labels == names)
      #expect(again.trainLoss < result.trainLoss, "it goes on from what was learnt")
    }
  }

  /// Stopped and resumed, the folder has the bits of an uninterrupted run.
  @Test func stopAndResume() throws {
    try withTemporaryFolder { folder in
      let data = try TinyData.reviews().write(folder + "/train.tsv")
      var tuner = tinyTuner()
      let whole = try tuner.tune(on: data, validation: data, outputFolder: folder + "/whole")
      tuner.shouldStop = { fileExists(folder + "/stop") }
      let stopped = try tuner.tune(on: data, validation: data, outputFolder: folder + "/parts") { event in
        if case .step(4, _, _, _, _, _) = event { try? writeText("", folder + "/stop") }
      }
      #expect(stopped.wasStopped && stopped.steps == 4 && stopped.examples.isEmpty)
      #expect(try listDirectory(folder + "/parts") == ["checkpoint-3", "checkpoint-4"])
      tuner.shouldStop = { false }
      let resumed = try tuner.tune(
        on: data, validation: data, outputFolder: folder + "/parts", resumingFrom: .checkpoint(path: folder + "/parts/checkpoint-4"))
      #expect(resumed.trainLoss == whole.trainLoss && resumed.metrics.map(\.value) == whole.metrics.map(\.value))
      #expect(try readFile(folder + "/parts/model.safetensors") == readFile(folder + "/whole/model.safetensors"))
    }
  }

  /// Long texts are cut and counted; the base's own truncation to 16 tokens is not heeded.
  @Test func cutAndEmptyTexts() throws {
    try withTemporaryFolder { folder in
      var data = TinyData.reviews()
      data.lines[3].text = Array(repeating: "movie", count: 30).joined(separator: " ")
      data.lines[5].text = Array(repeating: "film", count: 100).joined(separator: " ")
      data.lines[7].text = ""
      let training = try data.write(folder + "/train.tsv")
      func summary(_ maximum: Int) throws -> DataSummary {
        var tuner = tinyTuner()
        tuner.arguments.maxLength = maximum
        tuner.arguments.maxSteps = 1
        var found: DataSummary?
        _ = try tuner.tune(on: training, outputFolder: folder + "/out") { event in
          if case .start(let summary, _) = event { found = summary }
        }
        return try #require(found)
      }
      let (all, some) = (try summary(512), try summary(20))
      #expect(all.truncatedCount == 1 && all.emptyCount == 1 && all.validationCount == 0)
      #expect(some.truncatedCount == 2 && all.trainingTokens - some.trainingTokens == (32 - 20) + (64 - 20))
    }
  }
}
