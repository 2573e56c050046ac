import Checkpoints
import Glibc
import JSON
import Storage
import TestSupport
import Testing

@Suite struct TuneTests {
  private func tune(_ workshop: Workshop, _ base: String, _ data: String, _ output: String, _ options: [String]) throws -> Outcome {
    try martlet(["tune", base, "--train", data, "--output-dir", workshop.path(output)] + options)
  }

  @Test func everythingIsWhereItBelongs() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(24))
      let outcome = try martlet(
        "tune", fixture("tiny-bert-encoder"), "--train", data, "--validation", data, "--output_dir", workshop.path("out"),
        "--evaluation-strategy", "epoch", "--per_device_train_batch_size", "4", "--num-train-epochs", "2", "--save_steps", "5",
        "--logging-steps", "2", "--learning_rate", "1e-3")
      try #require(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.lines.first?.hasPrefix("\(workshop.path("out")): 12 steps, mean loss ") == true)
      #expect(outcome.errors.contains("newly drawn: classifier.weight, classifier.bias"))
      #expect(outcome.errors.contains("epoch 2.00: eval loss"))

      let names = try allNames(below: workshop.path("out"))
      let model = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "trainer_state.json", "vocab.txt"]
      let own = ["martlet_state.json", "optimizer.safetensors", "training_args.json"]
      var expected = model + ["report.html"]
      for step in [5, 10, 12] { expected += (model + own).map { "checkpoint-\(step)/\($0)" } }
      #expect(Set(names.filter { !$0.hasPrefix("runs/") }) == Set(expected))
      let events = names.filter { $0.hasPrefix("runs/") }
      #expect(events.count == 1 && events.allSatisfy { $0.contains("/events.out.tfevents.") })

      let configuration = try JSONValue(parsing: readFile(workshop.path("out/config.json")))
      #expect(configuration["architectures"]?[0] == "BertForSequenceClassification")
      #expect(configuration["id2label"]?.object?.entries.map { $0.value.string } == labels)
      let state = try JSONValue(parsing: readFile(workshop.path("out/trainer_state.json")))
      #expect(state["global_step"] == 12)
      #expect(state["log_history"]?.array?.count { $0["eval_accuracy"] != nil } == 2)
      #expect(state["log_history"]?.array?.count { $0["loss"] != nil } == 6)
      let report = String(decoding: try readFile(workshop.path("out/report.html")), as: UTF8.self)
      #expect(report.contains("</html>") && !report.contains("src=\"http"))

      // The folder is a classifier at once; so is the bundle made of it.
      let packed = try workshop.pack(workshop.path("out"), as: "tuned.martlet")
      for model in [workshop.path("out"), packed] {
        #expect(labels.contains(try martlet("classify", model, "--output", "label", input: "good\n").lines[0]))
      }
    }
  }

  /// The same records in every form train to the same bits, however the options are spelt.
  @Test func dataInEveryForm() throws {
    try withWorkshop { workshop in
      // In the byte order of labels, then files, which is the order of a folder.
      let records = labelledReviews(12).sorted { $0.label < $1.label }
      var forms = [try workshop.writeTSV("train.tsv", records)]
      forms.append(try workshop.write("train.csv", "sentiment,review\n" + records.map { "\($0.label),\"\($0.text)\"\n" }.joined()))
      forms.append(
        try workshop.write("train.jsonl", records.map { #"{"sentence": "\#($0.text)", "class": "\#($0.label)"}"# + "\n" }.joined()))
      forms.append(
        try workshop.write("named.tsv", "a\tb\n" + records.map { "\($0.label)\t\($0.text)\n" }.joined()))
      for (index, record) in records.enumerated() { try workshop.write("tree/\(record.label)/\(index + 10).txt", record.text) }
      forms.append(workshop.path("tree"))
      var weights: [[UInt8]] = []
      for (index, data) in forms.enumerated() {
        let dash = index % 2 == 0 ? "-" : "_"
        let options = ["--max-steps 3", "--per-device-train-batch-size 4", "--learning-rate 1e-3", "--eval-strategy no"].flatMap { option in
          let parts = option.split(separator: " ")
          return ["--" + parts[0].dropFirst(2).split(separator: "-").joined(separator: dash), String(parts[1])]
        }
        let fields = data.hasSuffix("named.tsv") ? ["--text-field", "b", "--label-field", "a"] : []
        let outcome = try tune(workshop, fixture("tiny-bert-encoder"), data, "out\(index)", options + fields + ["--quiet", "--json"])
        try #require(outcome.status == 0, "\(data): \(outcome.errors)")
        #expect(outcome.errors.isEmpty, "--quiet is quiet")
        let summary = try outcome.json()
        #expect(summary["output_dir"]?.string == workshop.path("out\(index)") && summary["steps"] == 3 && summary["train_loss"] != nil)
        weights.append(try readFile(workshop.path("out\(index)/model.safetensors")))
      }
      for index in forms.indices { #expect(weights[index] == weights[0], "\(forms[index])") }
    }
  }

  /// Several labels at once, and a value: from the data's form to what classify prints and evaluate counts.
  @Test func otherHeads() throws {
    try withWorkshop { workshop in
      let texts = reviews(12, seed: 13)
      let labelSets = ["", #""a""#, #""a", "b""#]
      let sets = try workshop.write(
        "sets.jsonl", texts.indices.map { #"{"text": "\#(texts[$0])", "label": [\#(labelSets[$0 % 3])]}"# + "\n" }.joined())
      let values = try workshop.writeTSV("values.tsv", texts.indices.map { (texts[$0], "\(Double($0) / 4 - 0.1)") })
      let input = texts.map { $0 + "\n" }.joined()
      for data in [sets, values] {
        let output = data == sets ? "sets" : "values"
        let outcome = try tune(workshop, fixture("tiny-bert-encoder"), data, output, ["--max-steps", "2", "--validation", data])
        try #require(outcome.status == 0, "\(outcome.errors)")
        let lines = try martlet("classify", workshop.path(output), "--logits", input: input).lines
        #expect(lines.count == 12)
        for line in lines {
          let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
          let logits = fields.suffix(data == sets ? 2 : 1).map { Float($0)! }
          let label = data == sets ? zip(["a", "b"], logits).filter { $1 > 0 }.map(\.0).joined(separator: ",") : fields[1]
          #expect(fields[0] == label && fields.count == (data == sets ? 4 : 2), "\(fields)")
        }
        let json = try martlet("evaluate", workshop.path(output), "--data", data, "--json").json()
        #expect(json["samples"] == 12 && json[data == sets ? "macro_f1" : "pearson"]?.double != nil)
      }
    }
  }

  @Test func bundlesAreBases() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(6))
      let base = try workshop.pack(fixture("tiny-bert-encoder"), as: "base.martlet")
      let head = try workshop.pack(fixture("tiny-bert"), as: "head.martlet", "--carry-source")
      for (model, says) in [(base, "newly drawn: classifier.weight, classifier.bias"), (head, "the base is int8")] {
        let outcome = try tune(workshop, model, data, "out", ["--max-steps", "1", "--overwrite-output-dir"])
        #expect(outcome.status == 0 && outcome.errors.contains(says), "\(outcome.errors)")
        #expect(try martlet("classify", workshop.path("out"), input: "good\n").status == 0)
      }
      // A bundle without its folder's files cannot become a folder again.
      expectFailure(try tune(workshop, workshop.bundle, data, "none", []), naming: [workshop.bundle, "--carry-source"])
      expectFailure(try martlet("classify", base, input: "good\n"), naming: [base, "no classification head"])
    }
  }

  @Test func theLastStepDoesNotDependOnInterruptions() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(40))
      // Dropout stays on: its masks must not depend on where a run began.
      let options = [
        "--validation", data, "--max-steps", "120", "--per-device-train-batch-size", "3", "--save-steps", "10", "--logging-steps", "7",
        "--learning-rate", "1e-3", "--warmup-steps", "9", "--threads", "2",
      ]
      let whole = try tune(workshop, fixture("tiny-bert-encoder"), data, "whole", options)
      try #require(whole.status == 0, "\(whole.errors)")

      let arguments = ["tune", fixture("tiny-bert-encoder"), "--train", data, "--output-dir", workshop.path("out")] + options
      let program = try Program(arguments)
      #expect(program.waitForError("checkpoint-20\n"))
      program.interrupt()
      let stopped = program.finish()
      #expect(stopped.status == 1 && stopped.output.isEmpty)
      let last = try #require(stopped.errors.split(separator: "\n").last)
      #expect(last.hasPrefix("martlet: stopped after step ") && last.hasSuffix("; go on with the same command and --resume-from-checkpoint last"))
      let step = try #require(last.split(separator: " ").compactMap { Int($0.filter(\.isNumber)) }.first)
      #expect((20..<120).contains(step))
      #expect(fileExists(workshop.path("out/checkpoint-\(step)/trainer_state.json")), "saved where it stopped")
      #expect(!fileExists(workshop.path("out/model.safetensors")), "nothing unfinished under the final name")

      let resumed = try martlet(arguments + ["--resume-from-checkpoint", "last"])
      #expect(resumed.status == 0, "\(resumed.errors)")
      let early = try tune(
        workshop, fixture("tiny-bert-encoder"), data, "early", options + ["--resume_from_checkpoint", workshop.path("whole/checkpoint-50")])
      #expect(early.status == 0, "\(early.errors)")
      let weights = try readFile(workshop.path("whole/model.safetensors"))
      for output in ["out", "early"] {
        #expect(try readFile(workshop.path(output + "/model.safetensors")) == weights, "\(output)")
        #expect(try readFile(workshop.path(output + "/checkpoint-120/optimizer.safetensors")) == readFile(workshop.path("whole/checkpoint-120/optimizer.safetensors")))
      }
    }
  }

  /// Two runs in one folder would take each other's checkpoints for their own.
  @Test func oneRunInAFolder() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(40))
      let arguments = [
        "tune", fixture("tiny-bert-encoder"), "--train", data, "--output-dir", workshop.path("out"), "--save-steps", "1",
        "--no-forecast", "--threads", "1", "--num-train-epochs",
      ]
      let first = try Program(arguments + ["10000"])
      #expect(first.waitForError("checkpoint-2\n"))
      let names = try allNames(below: workshop.path("out")).filter { !$0.hasPrefix("checkpoint-") }
      expectFailure(try martlet(arguments + ["1"]), naming: [workshop.path("out"), "held by process \(first.process) (martlet)"])
      #expect(try allNames(below: workshop.path("out")).filter { !$0.hasPrefix("checkpoint-") } == names)
      // The lock goes with the process, however it ends.
      first.kill()
      _ = first.finish()
      #expect(try martlet(arguments + ["1"]).status == 0)
    }
  }

  /// Killed again and again, at moments that fall where they fall, and taken up: the same bits, and nothing left over.
  @Test func killedAtAnyMoment() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(40))
      let options = [
        "--validation", data, "--max-steps", "150", "--per-device-train-batch-size", "3", "--save-steps", "1", "--eval-strategy", "steps",
        "--eval-steps", "11", "--learning-rate", "1e-3", "--threads", "2", "--save-total-limit", "3", "--no-forecast",
      ]
      let whole = try tune(workshop, fixture("tiny-bert-encoder"), data, "whole", options)
      try #require(whole.status == 0, "\(whole.errors)")
      let arguments = ["tune", fixture("tiny-bert-encoder"), "--train", data, "--output-dir", workshop.path("out")] + options
      var (kills, isDone) = (0, false)
      while !isDone {
        let isResumed = try fileExists(workshop.path("out")) && (allNames(below: workshop.path("out"))).contains { $0.hasSuffix("trainer_state.json") }
        let program = try Program(arguments + (isResumed ? ["--resume-from-checkpoint", "last"] : []))
        if kills < 6, program.waitForError("checkpoint-\(20 * kills + 7)\n") {
          usleep(UInt32(kills) * 1700)
          program.kill()
        }
        let outcome = program.finish()
        if outcome.status == 128 + SIGKILL { kills += 1 } else {
          try #require(outcome.status == 0, "\(outcome.errors)")
          isDone = true
        }
      }
      #expect(kills == 6)
      #expect(try readFile(workshop.path("out/model.safetensors")) == readFile(workshop.path("whole/model.safetensors")))
      #expect(
        try readFile(workshop.path("out/checkpoint-150/optimizer.safetensors")) == readFile(workshop.path("whole/checkpoint-150/optimizer.safetensors")))
      func state(_ output: String) throws -> JSONObject {
        var state = try #require(try JSONValue(parsing: readFile(workshop.path(output + "/checkpoint-150/martlet_state.json"))).object)
        state["written"] = nil
        return state
      }
      #expect(try state("out") == state("whole"))
      let names = try listDirectory(workshop.path("out"))
      #expect(names.filter { $0.hasPrefix("checkpoint") } == ["checkpoint-148", "checkpoint-149", "checkpoint-150"])
      #expect(!names.contains { $0.contains(".partial-") })
    }
  }

  /// Another run's checkpoints are neither gone on from nor written over, unless that is asked for.
  @Test func anotherRunsFolder() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(12))
      let others = try workshop.writeTSV("others.tsv", labelledReviews(12).map { ($0.text, $0.label + "ish") })
      let options = ["--max-steps", "2", "--per-device-train-batch-size", "4", "--no-forecast", "--quiet"]
      #expect(try tune(workshop, fixture("tiny-bert-encoder"), data, "out", options).status == 0)
      #expect(try tune(workshop, fixture("tiny-bert-encoder"), data, "out", options).status == 0, "the same data")
      let out = workshop.path("out")
      expectFailure(
        try tune(workshop, fixture("tiny-bert-encoder"), others, "out", options), naming: [out + "/checkpoint-2", "--overwrite-output-dir"])
      expectFailure(
        try tune(workshop, fixture("tiny-bert-encoder"), others, "out", options + ["--resume-from-checkpoint", "last"]),
        naming: [out + "/checkpoint-2", "another run's checkpoint (labels "])
      let again = try tune(workshop, fixture("tiny-bert-encoder"), others, "out", options + ["--overwrite_output_dir", "True"])
      #expect(again.status == 0, "\(again.errors)")
    }
  }

  /// A second Ctrl-C does not wait for the step that the first one waits for.
  @Test func aSecondInterruption() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(20_000))
      let program = try Program([
        "tune", fixture("tiny-bert-encoder"), "--train", data, "--output-dir", workshop.path("out"), "--no-forecast", "--threads", "1",
        "--gradient-accumulation-steps", "20000", "--per-device-train-batch-size", "1",
      ])
      #expect(program.waitForError("training texts"))
      program.interrupt()
      #expect(program.waitForError("a second signal ends at once"))
      program.interrupt(by: SIGTERM)
      #expect(program.finish().status == 128 + SIGTERM)
    }
  }

  @Test func validationOfTheTrainingData() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(40))
      let options = ["--max-steps", "2", "--no-forecast", "--validation-split", "0.25"]
      let outcome = try tune(workshop, fixture("tiny-bert-encoder"), data, "out", options)
      try #require(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("30 training texts") && outcome.errors.contains("10 validation texts"))
      let rows = workshop.path("out/validation-rows.json")
      let figures = try martlet("evaluate", workshop.path("out"), "--data", data, "--rows", rows, "--json").json()
      #expect(figures["samples"] == 10)
      let state = try JSONValue(parsing: readFile(workshop.path("out/trainer_state.json")))
      let own = state["log_history"]?.array?.compactMap { $0["eval_loss"]?.double }.last
      #expect(abs((figures["loss"]?.double ?? 0) - (own ?? 1)) < 1e-4, "the same rows")
      let other = try workshop.writeTSV("other.tsv", labelledReviews(9))
      expectFailure(try martlet("evaluate", workshop.path("out"), "--data", other, "--rows", rows), naming: [rows, other])
      let without = try tune(workshop, fixture("tiny-bert-encoder"), data, "without", ["--max-steps", "1", "--no-forecast"])
      #expect(without.text.contains("no figure of quality") && !outcome.text.contains("no figure of quality"))
    }
  }

  /// Rows that are left out are of the data that were given, not of each part of them.
  @Test func badRowsAreCountedOnce() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(20) + [("a film", ""), ("a movie", "")])
      let options = ["--max-steps", "1", "--no-forecast", "--validation-split", "0.25", "--skip-bad-rows"]
      let outcome = try tune(workshop, fixture("tiny-bert-encoder"), data, "out", options)
      try #require(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("15 training texts") && outcome.errors.contains("5 validation texts"))
      let told = outcome.errors.split(separator: "\n").filter { $0.contains("left out") }
      #expect(told.count == 1 && told[0].contains("\(data): 2 of 22 rows are bad: lines 22, 23: the label is empty"), "\(outcome.errors)")
    }
  }

  /// A classifier of three labels becomes one of two others; without the option the message names it.
  @Test func newHead() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(12).map { ($0.text, $0.label.count % 2 == 0 ? "even" : "odd") })
      let options = ["--max-steps", "1", "--no-forecast"]
      let refused = try tune(workshop, fixture("tiny-bert"), data, "refused", options)
      #expect(refused.status == 1 && refused.errors.contains("--new-head"), "\(refused.errors)")
      let outcome = try tune(workshop, fixture("tiny-bert"), data, "out", options + ["--new-head"])
      try #require(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("newly drawn: classifier.weight, classifier.bias\n"))
      let configuration = try JSONValue(parsing: readFile(workshop.path("out/config.json")))
      #expect(configuration["id2label"] == ["0": "even", "1": "odd"])
    }
  }

  @Test func theBestCheckpointAndAnEarlyEnd() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(12))
      let outcome = try tune(
        workshop, fixture("tiny-bert"), data, "out",
        [
          "--validation", data, "--learning-rate", "1e-9", "--num-train-epochs", "9", "--load-best-model-at-end",
          "--metric-for-best-model", "accuracy", "--early-stopping-patience", "2", "--save-total-limit", "2",
        ])
      try #require(outcome.status == 0, "\(outcome.errors)")
      // Nothing changes at that rate: the first evaluation stays the best, and two more are waited for.
      let state = try JSONValue(parsing: readFile(workshop.path("out/trainer_state.json")))
      #expect(state["global_step"] == 3 && state["best_global_step"] == 1)
      #expect(state["best_model_checkpoint"]?.string?.hasSuffix("/checkpoint-1") == true)
    }
  }
}
