import JSON
import TestSupport
import Testing
import Training

@Suite struct TrainingArgumentTests {
  private func assigned(_ values: [(String, String)]) throws -> TrainingArguments {
    var arguments = TrainingArguments()
    for (name, value) in values { try #require(TrainingArgument.named(name)).assign(value, &arguments) }
    try arguments.check()
    return arguments
  }

  /// No property is without a row: what is assigned by name differs from the default, and is in the JSON.
  @Test func everyPropertyHasARow() throws {
    let properties = Mirror(reflecting: TrainingArguments()).children.compactMap(\.label)
    // Shares of all steps are written under the name of the steps.
    let names = properties.filter { !$0.hasSuffix("StepsRatio") }
    #expect(TrainingArgument.all.count == names.count)
    #expect(Set(TrainingArgument.all.map(\.name)).count == names.count)
    let snake = names.map { name in name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) } }
    #expect(Set(TrainingArgument.all.map(\.name)) == Set(snake))
    #expect(TrainingArguments().json.object?.keys == TrainingArgument.all.map(\.name))
    for row in TrainingArgument.all { #expect(!row.help.isEmpty && row.help.last == "." || row.help.hasSuffix(")") || row.help.hasSuffix("}"), "\(row.name)") }
  }

  @Test func values() throws {
    var expected = TrainingArguments()
    (expected.maxSteps, expected.seed, expected.dataSeed, expected.evalStrategy) = (-1, 7, 8, .steps)
    (expected.evalSteps, expected.saveStepsRatio, expected.saveStrategy, expected.loggingStepsRatio) = (20, 0.25, .best, 0.5)
    (expected.warmupRatio, expected.loadBestModelAtEnd, expected.greaterIsBetter) = (0.1, true, false)
    (expected.classWeights, expected.loraTargets, expected.metricForBestModel) = ([1, 2.5], ["query", "key"], "eval_f1")
    let arguments = try assigned([
      ("max_steps", "-1"), ("seed", "7"), ("data_seed", "8"), ("evaluation_strategy", "steps"), ("eval_steps", "20.0"), ("save_steps", "0.25"),
      ("save_strategy", "best"), ("logging_steps", "0.5"), ("warmup_steps", "0.1"), ("load_best_model_at_end", "True"),
      ("greater_is_better", "false"), ("class_weights", "1,2.5"), ("lora_targets", "query,key"), ("metric_for_best_model", "eval_f1"),
    ])
    #expect(arguments == expected)
    #expect(arguments.json["max_steps"] == 0 && arguments.json["save_steps"] == 0.25 && arguments.json["save_total_limit"] == 0)
    #expect(arguments.json["greater_is_better"] == false && TrainingArguments().json["greater_is_better"] == .null)
    #expect(try assigned([("warmup_steps", "3.0")]).warmupSteps == 3 && assigned([("warmup_steps", "0")]).warmupRatio == 0)
    for (name, value) in [
      ("max_steps", "ten"), ("max_steps", "1.5"), ("seed", "-1"), ("eval_strategy", "often"), ("save_steps", "x"), ("warmup_steps", "nan"),
      ("warmup_steps", "-1"), ("load_best_model_at_end", "maybe"), ("class_weights", "1,x"), ("lora_targets", ","), ("dropout", "0.5"),
    ] {
      do {
        _ = try assigned([(name, value)])
        Issue.record("\(name) \(value) was taken")
      } catch {
        let option = String(name.map { $0 == "_" ? "-" : $0 })
        #expect("\(error)".hasPrefix("\(option): expected "), "\(error)")
      }
    }
  }

  // MARK: When things are done

  /// The steps at which there are log entries of the loss and of an evaluation, and the checkpoints.
  private func events(_ change: (inout TrainingArguments) -> Void) throws -> (losses: [Int], evaluations: [Int], checkpoints: [String]) {
    try withTemporaryFolder { folder in
      var run = try TinyRun(folder: folder)  // 5 steps an epoch, 2 epochs
      run.validation = Array(run.training.prefix(4))
      change(&run.arguments)
      let finished = try run()
      func steps(_ key: String) -> [Int] { finished.outcome.logHistory.filter { $0[key] != nil }.compactMap { $0["step"]?.int } }
      return (steps("loss"), steps("eval_loss"), finished.checkpoints.map { String($0.dropFirst("checkpoint-".count)) })
    }
  }

  @Test func strategies() throws {
    var found = try events { $0.loggingSteps = nil }
    #expect(found == (Array(1...10), [5, 10], ["10"]), "a short run has a curve")
    found = try events { ($0.loggingSteps, $0.evalStrategy, $0.saveStrategy) = (100, .no, .no) }
    #expect(found == (Array(1...10), [], []))
    found = try events { ($0.loggingStrategy, $0.loggingFirstStep, $0.saveStrategy, $0.evalDelay) = (.epoch, true, .epoch, 1.5) }
    #expect(found == ([1, 5, 10], [10], ["5", "10"]))
    found = try events { ($0.loggingStrategy, $0.evalStrategy, $0.evalStepsRatio, $0.saveStepsRatio) = (.no, .steps, 0.35, 0.5) }
    #expect(found == ([], [4, 8, 10], ["5", "10"]))
    // A loss that only falls is the best each time, where less is better.
    found = try events { ($0.saveStrategy, $0.metricForBestModel, $0.greaterIsBetter, $0.dropout) = (.best, "loss", false, 0) }
    #expect(found.checkpoints == ["5", "10"])
    found = try events { ($0.saveStrategy, $0.metricForBestModel, $0.greaterIsBetter, $0.dropout) = (.best, "loss", true, 0) }
    #expect(found.checkpoints == ["5"])
  }

  /// The model does not depend on the batches of an evaluation; the order of the data is that of its own seed.
  @Test func whatResultsDependOn() throws {
    func run(_ change: (inout TrainingArguments) -> Void) throws -> TinyRun.Finished {
      var run = try TinyRun()
      run.validation = Array(run.training.prefix(9))
      change(&run.arguments)
      return try run()
    }
    let plain = try run { _ in }
    let small = try run { $0.perDeviceEvalBatchSize = 2 }
    let losses = (small.outcome.evaluation?["loss"] ?? .nan, plain.outcome.evaluation?["loss"] ?? .nan)
    #expect(small.weights == plain.weights && abs(losses.0 - losses.1) < 1e-6)
    #expect(try run { $0.dataSeed = 42 }.weights == plain.weights)
    #expect(try run { $0.dataSeed = 43 }.weights != plain.weights)
    // With the order of seed 43 and dropout off nothing is left of the other seed.
    let ordered = try run { ($0.dataSeed, $0.dropout) = (43, 0) }
    #expect(try run { ($0.seed, $0.dropout) = (43, 0) }.weights == ordered.weights)
  }
}
