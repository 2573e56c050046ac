import Checkpoints
import LinearAlgebra
import MartletTuning
import Packing
import Records
import Storage
import Tasks
import TestSupport
import Testing
import Training

/// What cannot be tuned is refused in one line that says where, what was expected and what was found.
@Suite struct RefusalTests {
  /// Tunes, and checks the message of the refusal.
  private func expectRefusal(
    _ parts: [String], _ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    do {
      try body()
      Issue.record("nothing was refused", sourceLocation: sourceLocation)
    } catch {
      let text = "\(error)"
      #expect(!text.contains("\n") && text.utf8.count < 400, "\(text)", sourceLocation: sourceLocation)
      for part in parts { #expect(text.contains(part), "\(text)", sourceLocation: sourceLocation) }
    }
  }

  /// A base with a head keeps its labels: data with others are another task.
  @Test func otherLabelsThanTheBase() throws {
    try withTemporaryFolder { folder in
      let tuner = tinyTuner(fixture("tiny-bert"))
      let data = TinyData.reviews(good: "positive", bad: "awful")
      let training = try data.write(folder + "/train.tsv")
      expectRefusal(["/train.tsv", "lines 3, 5, 7, 9, 11, 13, 15, 17, 19, 21: label `awful` is not one of the model's: `negative`, `neutral`, `positive`"]) {
        _ = try tuner.tune(on: training, outputFolder: folder + "/out")
      }
      // Two of the three labels are fine, and the validation data are checked as well.
      let good = try TinyData.reviews(good: "positive", bad: "negative").write(folder + "/good.tsv")
      expectRefusal(["/train.tsv", "`awful`", "--new-head"]) { _ = try tuner.tune(on: good, validation: training, outputFolder: folder + "/out") }
      #expect(try tuner.tune(on: good, outputFolder: folder + "/out").labels == ["negative", "neutral", "positive"])
    }
  }

  @Test func labelsOfTheValidationData() throws {
    try withTemporaryFolder { folder in
      let training = try TinyData.reviews().write(folder + "/train.tsv")
      let validation = try TinyData(lines: [("a film", "good"), ("a movie", "strange")]).write(folder + "/dev.tsv")
      expectRefusal(["dev.tsv, line 3", "`strange`", "`bad`, `good`"]) {
        _ = try tinyTuner().tune(on: training, validation: validation, outputFolder: folder + "/out")
      }
    }
  }

  @Test func emptyData() throws {
    try withTemporaryFolder { folder in
      for (name, content) in [("none.tsv", ""), ("header.tsv", "text\tlabel\n"), ("none.jsonl", "\n")] {
        try writeText(content, folder + "/" + name)
        expectRefusal([name]) { _ = try TuningData(contentsOf: folder + "/" + name) }
      }
      try makeDirectory(folder + "/empty")
      expectRefusal(["empty"]) { _ = try TuningData(contentsOf: folder + "/empty") }
      expectRefusal(["missing.csv", "no such file"]) { _ = try TuningData(contentsOf: folder + "/missing.csv") }
    }
  }

  @Test func oneLabelOnly() throws {
    try withTemporaryFolder { folder in
      let data = try TinyData.reviews(good: "fine", bad: "fine").write(folder + "/train.tsv")
      expectRefusal(["train.tsv", "at least two labels", "fine"]) {
        _ = try tinyTuner().tune(on: data, outputFolder: folder + "/out")
      }
    }
  }

  @Test func unwritableOutputFolder() throws {
    try withTemporaryFolder { folder in
      let data = try TinyData.reviews().write(folder + "/train.tsv")
      func expectRefusalBeforeTraining(_ output: String, _ parts: [String]) {
        expectRefusal(parts) {
          _ = try tinyTuner().tune(on: data, outputFolder: output) { event in
            if case .step = event { Issue.record("trained before the folder was refused") }
          }
        }
      }
      expectRefusalBeforeTraining(folder + "/train.tsv", ["cannot make folder", "train.tsv"])
      expectRefusalBeforeTraining(folder + "/train.tsv/out", ["cannot make folder", "train.tsv/out"])
      // A folder that is there and takes no file, whoever asks.
      expectRefusalBeforeTraining("/proc/self", ["cannot write", "/proc/self"])
    }
  }

  @Test func badBases() throws {
    try withTemporaryFolder { folder in
      let data = try TinyData.reviews().write(folder + "/train.tsv")
      func expectRefusalOf(_ base: String, _ parts: [String]) {
        expectRefusal(parts) { _ = try tinyTuner(base).tune(on: data, outputFolder: folder + "/out") }
      }
      expectRefusalOf(folder + "/missing", ["missing", "no such file"])
      expectRefusalOf(folder + "/train.tsv", ["train.tsv"])
      expectRefusalOf(folder, ["config.json"])
      // A classifier's bundle does not carry its folder's files unless asked to.
      _ = try pack(CheckpointFolder(path: fixture("tiny-bert"))).write(to: folder + "/tiny.martlet")
      expectRefusalOf(folder + "/tiny.martlet", ["tiny.martlet", "--carry-source"])
    }
  }

  @Test func argumentsAndCheckpoints() throws {
    try withTemporaryFolder { folder in
      let data = try TinyData.reviews().write(folder + "/train.tsv")
      var tuner = tinyTuner()
      tuner.arguments.classWeights = [1, 2, 3]
      expectRefusal(["class-weights", "expected 2", "found 3"]) { _ = try tuner.tune(on: data, outputFolder: folder + "/out") }
      tuner = tinyTuner()
      tuner.arguments.perDeviceTrainBatchSize = 0
      expectRefusal(["per-device-train-batch-size", "expected at least 1", "found 0"]) {
        _ = try tuner.tune(on: data, outputFolder: folder + "/out")
      }
      expectRefusal(["checkpoint-8", "trainer_state.json"]) {
        _ = try tinyTuner().tune(on: data, outputFolder: folder + "/out", resumingFrom: .checkpoint(path: folder + "/out/checkpoint-8"))
      }
      expectRefusal(["out", "checkpoint"]) { throw TrainingError.noCheckpoint(path: folder + "/out") }
    }
  }

  /// The library is there where these tests run; what is said without it, and that it names the package, stands here.
  @Test func missingLinearAlgebra() {
    #expect(
      "\(LinearAlgebraError.libraryMissing)"
        == "OpenBLAS is not installed; fine-tuning needs it: apt-get install libopenblas0-pthread")
    #expect("\(LinearAlgebraError.symbolMissing("cblas_sgemm"))".contains("cblas_sgemm"))
    #expect(throws: Never.self) { _ = try OpenBLAS() }
  }
}
