import Checkpoints
import Encoders
import JSON
import Storage
import TestSupport
import Testing
import Training

@Suite struct ResumeTests {
  private let files = ["config.json", "martlet_state.json", "model.safetensors", "optimizer.safetensors", "trainer_state.json", "training_args.json"]

  private func run(_ folder: String) throws -> TinyRun {
    var run = try TinyRun(folder: folder)
    run.validation = Array(run.training.prefix(11))
    return run
  }

  /// Interrupted after any step, in the middle of an epoch or of a log's interval, and taken up: every bit is the same.
  @Test(arguments: [1, 3, 4, 5, 7, 9]) func sameBits(_ interruption: Int) throws {
    try withTemporaryFolder { folder in
      let whole = try run(folder + "/whole")()
      let run = try run(folder + "/parts")
      let first = try run(interruptedAfter: interruption)
      #expect(first.outcome.wasStopped && first.outcome.steps == interruption)
      #expect(first.checkpoints == ["checkpoint-\(interruption)"])
      let second = try run(resumingFrom: folder + "/parts/checkpoint-\(interruption)")
      #expect(!second.outcome.wasStopped && second.warnings.isEmpty)
      #expect(first.losses + second.losses == whole.losses)
      #expect(second.weights == whole.weights && second.moments == whole.moments)
      #expect(second.history == whole.history && second.outcome.trainLoss == whole.outcome.trainLoss)
      #expect(second.outcome.evaluation == whole.outcome.evaluation)
      let last = "/checkpoint-10/"
      #expect(try listDirectory(folder + "/whole" + last) == files)
      #expect(try stateWithoutTime(folder + "/whole" + last) == stateWithoutTime(folder + "/parts" + last))
      for file in files where file != "trainer_state.json" && file != "martlet_state.json" {
        #expect(try readFile(folder + "/whole" + last + file) == readFile(folder + "/parts" + last + file), "\(file)")
      }
      func state(_ name: String) throws -> JSONObject {
        var state = try JSONValue(parsing: readFile(folder + name + last + "trainer_state.json")).object!
        state["log_history"] = .array(state["log_history"]!.array!.map { .object(withoutTimes($0.object!)) })
        return state
      }
      #expect(try state("/whole") == state("/parts"))
    }
  }

  /// Several interruptions, and checkpoints on the way, change nothing either; nor do accumulated batches.
  @Test func manyInterruptions() throws {
    try withTemporaryFolder { folder in
      var run = try run(folder)
      run.arguments.perDeviceTrainBatchSize = 3
      run.arguments.gradientAccumulationSteps = 3
      let whole = try run()
      run.arguments.saveSteps = 2
      var checkpoint: String?
      for step in [2, 3, 8] {
        let part = try run(resumingFrom: checkpoint, interruptedAfter: step)
        checkpoint = wholeCheckpoints(in: folder).last { $0.step == part.outcome.steps }!.path
      }
      let last = try run(resumingFrom: checkpoint)
      #expect(last.weights == whole.weights && last.moments == whole.moments && last.history == whole.history)
    }
  }

  /// From the last checkpoint there is nothing to do but to end.
  @Test func finishedRun() throws {
    try withTemporaryFolder { folder in
      let run = try run(folder)
      let whole = try run()
      let again = try run(resumingFrom: folder + "/checkpoint-10")
      #expect(again.losses.isEmpty && again.weights == whole.weights && again.history == whole.history)
      // A run of fewer steps than have been done has nothing to foretell.
      var shorter = run
      shorter.arguments.maxSteps = 3
      shorter.forecasts = true
      #expect(try shorter(resumingFrom: folder + "/checkpoint-10").losses.isEmpty)
    }
  }

  /// Patience and the best checkpoint are part of what is taken up.
  @Test func patienceAndBest() throws {
    try withTemporaryFolder { folder in
      var run = try run(folder + "/whole")
      run.validation = mislabelled(run.training)
      run.arguments.dropout = 0
      run.arguments.numTrainEpochs = 6
      run.arguments.earlyStoppingPatience = 3
      run.arguments.loadBestModelAtEnd = true
      let whole = try run()
      #expect(whole.outcome.steps == 20)
      run.folder = folder + "/parts"
      _ = try run(interruptedAfter: 12)
      let second = try run(resumingFrom: folder + "/parts/checkpoint-12")
      #expect(second.outcome.steps == 20 && second.weights == whole.weights && second.history == whole.history)
    }
  }

  /// What makes the bits differ is recorded, and a difference told.
  @Test func warnings() throws {
    try withTemporaryFolder { folder in
      var run = try run(folder)
      _ = try run(interruptedAfter: 9)
      run.arguments.learningRate = 0.5
      run.arguments.saveTotalLimit = 3  // changes no bit
      #expect(
        try run(resumingFrom: folder + "/checkpoint-9").warnings
          == ["resuming with another learning_rate: 0.001 before, 0.5 now"])
      run.arguments.learningRate = 1e-3
      run.threads = 1
      #expect(
        try run(resumingFrom: folder + "/checkpoint-9").warnings == ["resuming with another thread_count: 2 before, 1 now"])
    }
  }

  @Test func wholeCheckpointsOnly() throws {
    try withTemporaryFolder { folder in
      var run = try run(folder)
      run.arguments.saveSteps = 3
      _ = try run()
      #expect(wholeCheckpoints(in: folder).map(\.step) == [3, 6, 9, 10])
      // What a crash leaves: a folder without its last file, and one that was never renamed.
      try removeTree(folder + "/checkpoint-10/trainer_state.json")
      try makeDirectory(folder + "/checkpoint-12.partial-1-2")
      try makeDirectory(folder + "/runs")
      #expect(wholeCheckpoints(in: folder).map(\.step) == [3, 6, 9])
      #expect(wholeCheckpoints(in: folder + "/nowhere").isEmpty)
      let resumed = try run(resumingFrom: wholeCheckpoints(in: folder).last!.path)
      #expect(resumed.losses.count == 1 && wholeCheckpoints(in: folder).map(\.step) == [3, 6, 9, 10])
    }
  }

  /// The newest checkpoint that is whole is found, whatever has happened to those after it: the end has the same bits.
  @Test(arguments: ["truncated", "flipped", "other state", "half written"]) func newestWhole(_ damage: String) throws {
    try withTemporaryFolder { folder in
      var run = try run(folder)
      run.arguments.saveSteps = 3
      let whole = try run()
      try removeTree(folder + "/checkpoint-10")
      let path = folder + "/checkpoint-9/"
      var name = "optimizer.safetensors"
      if damage == "other state" { name = "martlet_state.json" }
      var bytes = try readFile(damage == "other state" ? folder + "/checkpoint-3/" + name : path + name)
      switch damage {
      case "truncated": bytes.removeLast(1)
      case "flipped": bytes[bytes.count - 5] ^= 1
      case "half written": try removeTree(path + "config.json"); try removeTree(path + "trainer_state.json")
      default: break
      }
      var file = try AtomicFile(path: path + name)
      try file.write(bytes)
      try file.commit()
      let resumed = try run(resumingFrom: "newest")
      #expect(resumed.losses.count == 4 && resumed.losses == whole.losses.suffix(4))
      #expect(resumed.warnings.count == (damage == "half written" || damage == "other state" ? 0 : 1), "\(resumed.warnings)")
      #expect(resumed.warnings.allSatisfy { $0.contains(folder + "/checkpoint-9") && $0.hasSuffix("taking the one before it") })
      #expect(resumed.weights == whole.weights && resumed.moments == whole.moments && resumed.history == whole.history)
      for step in [3, 6, 9, 10] { try removeTree("\(folder)/checkpoint-\(step)") }
      #expect(throws: TrainingError.self) { _ = try run(resumingFrom: "newest") }
    }
  }

  // MARK: What a run is a run of

  private func origin(base: UInt64? = 1, data: UInt64 = 2, texts: Int = 39, maxLength: Int = 64) -> RunOrigin {
    RunOrigin(base: base, data: data, texts: texts, maxLength: maxLength)
  }

  /// Other labels or another base are refused, other training data warned of; a checkpoint that does not say is told.
  @Test func origins() throws {
    try withTemporaryFolder { folder in
      var run = try run(folder)
      run.origin = origin()
      _ = try run(interruptedAfter: 9)
      #expect(try run(resumingFrom: "newest").warnings.isEmpty)
      run.origin = origin(data: 3, texts: 40, maxLength: 32)
      let warnings = try run(resumingFrom: folder + "/checkpoint-9").warnings
      #expect(warnings.count == 2 && warnings.allSatisfy { $0.hasPrefix("resuming with another ") }, "\(warnings)")
      #expect(warnings.first?.contains("39 texts before, 40 now") == true)
      run.origin = origin(base: 5)
      #expect(throws: TrainingError.self) { _ = try run(resumingFrom: folder + "/checkpoint-9") }
      // Where all is drawn anew there is no base to compare.
      run.origin = origin(base: nil)
      #expect(try run(resumingFrom: folder + "/checkpoint-9").warnings.isEmpty)
      var other = run
      other.model = try tinyModel(changes: ["id2label": ["0": "neutral", "1": "positive", "2": "negative"]])
      do {
        _ = try other(resumingFrom: folder + "/checkpoint-9")
        Issue.record("other labels were taken")
      } catch {
        #expect("\(error)".hasPrefix(folder + "/checkpoint-9: another run's checkpoint (labels negative, neutral, positive, where"), "\(error)")
      }
      // As earlier versions wrote it.
      run.origin = nil
      _ = try run(resumingFrom: folder + "/checkpoint-9", interruptedAfter: 10)
      run.origin = origin()
      #expect(try run(resumingFrom: folder + "/checkpoint-10").warnings.map { $0.contains("of an earlier version") } == [true])
    }
  }

  /// The newest is the one that was written last, whatever its number.
  @Test func newestByTime() throws {
    try withTemporaryFolder { folder in
      var run = try run(folder)
      _ = try run()
      run.arguments.maxSteps = 4
      _ = try run()
      #expect(wholeCheckpoints(in: folder).map(\.step) == [10, 4])
      run.arguments.maxSteps = 6
      run.arguments.saveTotalLimit = 2
      let resumed = try run(resumingFrom: "newest")
      #expect(resumed.losses.count == 2 && wholeCheckpoints(in: folder).map(\.step) == [4, 6])
    }
  }

  /// `martlet_state.json` without when it was written.
  private func stateWithoutTime(_ folder: String) throws -> JSONObject {
    var state = try #require(try JSONValue(parsing: readFile(folder + "martlet_state.json")).object)
    #expect(state["written"]?.double != nil)
    state["written"] = nil
    return state
  }

  /// A damaged checkpoint is named, with what is wrong, and nothing is trained from it.
  @Test func damage() throws {
    try withTemporaryFolder { folder in
      let run = try run(folder)
      _ = try run(interruptedAfter: 9)
      let path = folder + "/checkpoint-9"
      func write(_ bytes: [UInt8], _ name: String) throws {
        var file = try AtomicFile(path: path + "/" + name)
        try file.write(bytes)
        try file.commit()
      }
      func expectRefusal(_ what: String, _ damage: (String) throws -> Void) throws {
        for name in files where name != "config.json" {
          let before = try readFile(path + "/" + name)
          try damage(name)
          do {
            _ = try run(resumingFrom: path)
            Issue.record("\(what) \(name) was taken")
          } catch {
            guard case TrainingError.brokenCheckpoint(path, _) = error else {
              Issue.record("\(what) \(name): \(error)")
              continue
            }
            #expect("\(error)".contains(name) && !"\(error)".contains("\n"), "\(error)")
          }
          try write(before, name)
        }
      }
      try expectRefusal("missing") { try removeTree(path + "/" + $0) }
      try expectRefusal("truncated") { name in
        let bytes = try readFile(path + "/" + name)
        try write(Array(bytes.prefix(bytes.count / 2)), name)
      }
      try expectRefusal("empty") { try write([], $0) }

      // Whole files of something else.
      for (name, content) in [("martlet_state.json", "{}"), ("trainer_state.json", "[1]"), ("martlet_state.json", "{\"global_step\": 4}")] {
        let before = try readFile(path + "/" + name)
        try write(Array(content.utf8), name)
        #expect(throws: TrainingError.self, "\(name)") { _ = try run(resumingFrom: path) }
        try write(before, name)
      }
      // Counts that no run has: the next one would trap.
      for (key, value) in [("global_step", -1), ("global_step", Int64.max), ("tokens_seen", .max), ("evaluations_without_improvement", .min)] {
        let before = try readFile(path + "/martlet_state.json")
        var state = try #require(try JSONValue(parsing: before).object)
        state[key] = .integer(value)
        try write(Array(JSONValue.object(state).text().utf8), "martlet_state.json")
        #expect(throws: TrainingError.self, "\(key) \(value)") { _ = try run(resumingFrom: path) }
        try write(before, "martlet_state.json")
      }
      let weights = try readFile(path + "/model.safetensors")
      try write(readFile(fixture("tiny-bert-encoder/model.safetensors")), "model.safetensors")
      #expect(throws: TrainingError.self) { _ = try run(resumingFrom: path) }
      try write(weights, "model.safetensors")
      #expect(try run(resumingFrom: path).losses.count == 1)
      #expect(throws: TrainingError.self) { _ = try run(resumingFrom: folder + "/checkpoint-77") }
    }
  }

  /// A checkpoint is a folder of the reference library too: its configuration and weights are the model's.
  @Test func checkpointIsAModel() throws {
    try withTemporaryFolder { folder in
      let finished = try run(folder)()
      let checkpoint = try CheckpointFolder(path: folder + "/checkpoint-10")
      #expect(checkpoint.configuration == finished.trainer.model.configuration)
      let weights = try checkpoint.openWeights()
      let store = finished.store
      #expect(Set(weights.names) == Set(store.blueprint.parameters.map(\.name)))
      for (index, parameter) in store.blueprint.parameters.enumerated() {
        let tensor = try #require(weights[parameter.name])
        #expect(tensor.shape == parameter.shape)
        #expect(try tensor.readFloat32() == store.array(index, of: store.values), "\(parameter.name)")
      }
      let file = try SafetensorsFile(path: folder + "/checkpoint-10/model.safetensors")
      #expect(file.metadata == ["format": "pt"])
    }
  }
}
