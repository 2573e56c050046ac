import Encoders
import JSON
import Storage
import Tasks
import TestSupport
import Testing
import Training

@Suite struct TrainerTests {
  /// A step over several batches is a step over one large batch, whatever the last batch's size and the classes' weights.
  @Test(arguments: [[], [0.5, 2, 1.25]], [16, 20, 39]) func accumulation(_ weights: [Double], _ count: Int) throws {
    func step(_ size: Int, _ accumulated: Int) throws -> (loss: Double, norm: Double, gradients: [Float]) {
      var run = try TinyRun()
      run.training = Array(run.training.prefix(count))
      run.arguments.maxSteps = 1
      run.arguments.loggingSteps = 1
      run.arguments.perDeviceTrainBatchSize = size
      run.arguments.gradientAccumulationSteps = accumulated
      run.arguments.classWeights = weights
      run.arguments.dropout = 0
      let finished = try run()
      #expect(finished.trainer.stepsPerEpoch == 1)
      let store = finished.store
      return (finished.losses[0], finished.logged("grad_norm")[0], (0..<store.count).map { store.gradients[$0] })
    }
    let whole = try step(count, 1)
    let parts = try step(8, (count + 7) / 8)
    #expect(abs(parts.loss / whole.loss - 1) <= 1e-6)
    #expect(abs(parts.norm / whole.norm - 1) <= 1e-5)
    let difference = norm(zip(parts.gradients, whole.gradients).map { Double($0 - $1) })
    #expect(difference <= 1e-5 * norm(whole.gradients.map(Double.init)))
  }

  /// Steps, warm-up and logs when epochs are no whole number, and when steps are limited.
  @Test func countsOfSteps() throws {
    for (epochs, maximum, accumulated, perEpoch, total) in [
      (2.0, 0, 1, 5, 10), (0.5, 0, 1, 5, 3), (1, 7, 1, 5, 7), (3, 0, 2, 3, 9), (1, 0, 8, 1, 1),
    ] {
      var run = try TinyRun()
      run.arguments.numTrainEpochs = epochs
      run.arguments.maxSteps = maximum
      run.arguments.gradientAccumulationSteps = accumulated
      let finished = try run()
      #expect(finished.trainer.stepsPerEpoch == perEpoch && finished.trainer.totalSteps == total)
      #expect(finished.losses.count == total && finished.outcome.steps == total)
      #expect(finished.logged("loss").count == (total < 3 ? total : total / 3))
      #expect(abs(finished.outcome.trainLoss - finished.losses.reduce(0, +) / Double(total)) <= 1e-12)
    }
    var run = try TinyRun()
    run.arguments.warmupRatio = 0.25
    run.arguments.loggingSteps = 1
    let expected: [Double] = (0..<3).map { Double($0) / 3 } + (1...7).reversed().map { Double($0) / 7 }
    for (rate, share) in zip(try run().logged("learning_rate"), expected) { #expect(abs(rate - share * 1e-3) <= 1e-15) }
  }

  /// The mean of the losses since the last log, not of all.
  @Test func loggedLoss() throws {
    let finished = try TinyRun()()
    for (number, loss) in finished.logged("loss").enumerated() {
      #expect(abs(loss - finished.losses[number * 3..<number * 3 + 3].reduce(0, +) / 3) <= 1e-12)
    }
  }

  /// The gradients are clipped to the norm, and the logged one is the one before.
  @Test func clipping() throws {
    func run(_ limit: Double) throws -> TinyRun.Finished {
      var run = try TinyRun()
      run.arguments.maxGradNorm = limit
      run.arguments.maxSteps = 1
      run.arguments.loggingSteps = 1
      run.arguments.adamEpsilon = 1  // makes the update depend on the gradient's size
      return try run()
    }
    let (free, clipped, wide) = (try run(0), try run(0.5), try run(1e6))
    #expect(free.weights == wide.weights && free.weights != clipped.weights)
    let size = free.logged("grad_norm")[0]
    #expect(size > 1 && clipped.logged("grad_norm") == [size])
    let store = clipped.store
    let moments = norm((0..<store.count).map { Double(store.firstMoments[$0]) })
    #expect(abs(moments / 0.05 - 1) <= 1e-4)
  }

  @Test func sameSeedSameBits() throws {
    for threads in [1, 2] {
      var run = try TinyRun()
      run.threads = threads
      let (first, second) = (try run(), try run())
      #expect(first.weights == second.weights && first.moments == second.moments && first.history == second.history)
      run.arguments.seed = 43
      #expect(try run().weights != first.weights)
    }
  }

  @Test func dropoutOff() throws {
    var run = try TinyRun()
    let dropped = try run().losses
    run.arguments.dropout = 0
    let plain = try run().losses
    #expect(dropped[0] != plain[0])
    run.model = try tinyModel(changes: ["hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0])
    run.arguments.dropout = nil
    #expect(try run().losses == plain)
  }

  /// `eval_loss` is weighted by texts, in whatever batches; evaluation drops nothing and changes nothing.
  @Test func evaluation() throws {
    var run = try TinyRun()
    run.validation = run.training
    let finished = try run()
    let before = finished.weights
    var visited: [Int] = []
    let report = try finished.trainer.evaluate { index, logits in
      visited.append(index)
      #expect(logits.count == 3)
    }
    #expect(visited == Array(0..<39) && finished.weights == before)
    finished.trainer.engine.dropoutIsOff = true
    let loss = try finished.trainer.engine.lossAndGradients(finished.trainer.model, run.training, Loss(.singleLabel))
    #expect(abs(report.loss / loss - 1) <= 1e-6)
    #expect(finished.logged("eval_loss") == [finished.logged("eval_loss")[0], report.loss])
    #expect(report.figures.map(\.name) == ["loss", "accuracy", "f1", "precision", "recall", "macro_f1"])
  }

  /// The texts are learnt by heart, with every kind of head.
  @Test(arguments: ClassificationTask.Kind.allCases) func learns(_ problem: ClassificationTask.Kind) throws {
    let names = problem == .regression ? ["score"] : ["a", "b", "c"]
    let model = try tinyModel("tiny-bert-encoder", task: ClassificationTask(problem, labels: names))
    let examples = try TrainingFixture().examples.map { example in
      guard case .label(let label) = example.target else { return example }
      let target: TrainingTarget =
        switch problem {
        case .singleLabel: .label(label)
        case .multiLabel: .values([label == 0 ? 1 : 0, label == 1 ? 1 : 0, label < 2 ? 1 : 0])
        case .regression: .values([Float(label)])
        }
      return TrainingExample(ids: example.ids, target: target)
    }
    var run = try TinyRun(model: model, training: examples)
    run.weights = "tiny-bert-encoder"
    run.validation = examples
    run.arguments.learningRate = 5e-3
    run.arguments.numTrainEpochs = 12
    run.arguments.dropout = 0
    let losses = try run().logged("eval_loss")
    #expect(losses.count == 12 && losses[11] < 0.6 * losses[0], "\(losses)")
  }

  // MARK: Choosing and ending

  @Test func earlyStopping() throws {
    var run = try TinyRun()
    run.validation = run.training
    run.arguments.numTrainEpochs = 8
    run.arguments.earlyStoppingPatience = 2
    // No evaluation after the first improves by as much.
    run.arguments.earlyStoppingThreshold = 1e9
    #expect(try run().outcome.steps == 15)
    // It improves all the time.
    run.arguments.earlyStoppingThreshold = 0
    run.arguments.learningRate = 1e-4
    run.arguments.dropout = 0
    let improving = try run()
    #expect(improving.outcome.steps == 40 && improving.logged("eval_loss") == improving.logged("eval_loss").sorted(by: >))
    // It gets worse all the time.
    run.validation = mislabelled(run.training)
    run.arguments.learningRate = 1e-3
    run.arguments.evalStrategy = .steps
    run.arguments.evalSteps = 4
    let worsening = try run()
    #expect(worsening.outcome.steps == 12 && !worsening.outcome.wasStopped)
  }

  @Test func bestModelAtEnd() throws {
    try withTemporaryFolder { folder in
      var run = try TinyRun(folder: folder)
      run.validation = mislabelled(run.training)
      run.arguments.numTrainEpochs = 4
      run.arguments.dropout = 0
      run.arguments.loadBestModelAtEnd = true
      let finished = try run()
      let losses = finished.logged("eval_loss")
      let best = losses.indices.min { losses[$0] < losses[$1] }!
      try #require(best < 3, "the test wants a run that gets worse: \(losses)")
      let state = finished.trainer.trainerState
      let path = "\(folder)/checkpoint-\((best + 1) * 5)"
      #expect(state["best_model_checkpoint"]?.string == path && state["best_metric"]?.double == losses[best])
      #expect(state["best_global_step"]?.int == (best + 1) * 5)
      #expect(finished.outcome.evaluation?.loss == losses[best])
      var other = run
      other.folder = nil
      other.arguments.loadBestModelAtEnd = false
      #expect(try other().weights != finished.weights)
      #expect(try other(interruptedAfter: (best + 1) * 5).weights == finished.weights)
    }
  }

  /// Higher is better, but for a loss.
  @Test func bestByAccuracy() throws {
    try withTemporaryFolder { folder in
      var run = try TinyRun(folder: folder)
      run.validation = run.training
      run.arguments.numTrainEpochs = 6
      run.arguments.loadBestModelAtEnd = true
      run.arguments.metricForBestModel = "eval_accuracy"
      let finished = try run()
      let accuracies = finished.logged("eval_accuracy")
      #expect(finished.trainer.trainerState["best_metric"]?.double == accuracies.max())
      #expect(finished.trainer.trainerState["best_global_step"]?.int == (accuracies.firstIndex(of: accuracies.max()!)! + 1) * 5)
    }
  }

  /// A limit of N keeps the newest N; with the best model wanted, the best and the newest N - 1, but never less than the newest.
  @Test func saveTotalLimit() throws {
    for (limit, keepsBest, kept) in [
      (2, false, { _ in [8, 10] }), (1, true, { [$0, 10] }), (2, true, { [$0, 10] }), (3, true, { [$0, 8, 10] }),
    ] as [(Int, Bool, (Int) -> [Int])] {
      try withTemporaryFolder { folder in
        var run = try TinyRun(folder: folder)
        run.validation = mislabelled(run.training)
        run.arguments.dropout = 0
        run.arguments.evalStrategy = .steps
        run.arguments.evalSteps = 2
        run.arguments.saveSteps = 2
        run.arguments.saveTotalLimit = limit
        run.arguments.loadBestModelAtEnd = keepsBest
        let finished = try run()
        let losses = finished.logged("eval_loss")
        let best = 2 + 2 * losses.firstIndex(of: losses.min()!)!
        try #require(best < 8, "the test wants a run that gets worse: \(losses)")
        #expect(finished.checkpoints == [2, 4, 6, 8, 10].map { "checkpoint-\($0)" })
        #expect(wholeCheckpoints(in: folder).map(\.step) == kept(best), "limit \(limit), best \(keepsBest)")
        if keepsBest { #expect(finished.trainer.trainerState["best_global_step"]?.int == best) }
      }
    }
  }

  // MARK: Refusals

  @Test func refusals() throws {
    func error(_ change: (inout TinyRun) -> Void) throws -> TrainingError? {
      var run = try TinyRun()
      run.validation = run.training
      change(&run)
      do { _ = try run() } catch let error as TrainingError { return error }
      return nil
    }
    #expect(try error { $0.training = [] } == .emptyDataSet)
    #expect(try error { $0.arguments.lrSchedulerType = "greedy" } == .unknownSchedule("greedy"))
    #expect(
      try error { $0.arguments.metricForBestModel = "eval_accuracies" }
        == .unknownMetric("accuracies", known: ["loss", "accuracy", "f1", "precision", "recall", "macro_f1", "f1:LABEL", "precision:LABEL", "recall:LABEL"]))
    #expect(try error { $0.arguments.metricForBestModel = "f1:neutral" } == nil)
    #expect(try error { $0.arguments.classWeights = [1, 2] }?.description == "class-weights: expected 3, one for each label, found 2")
    for (name, change) in [
      ("per-device-train-batch-size", { $0.perDeviceTrainBatchSize = 0 }), ("num-train-epochs", { $0.numTrainEpochs = 0 }),
      ("gradient-accumulation-steps", { $0.gradientAccumulationSteps = 0 }), ("logging-steps", { $0.loggingSteps = 0 }),
      ("eval-steps", { $0.evalSteps = 0 }), ("learning-rate", { $0.learningRate = .nan }), ("dropout", { $0.dropout = 0.3 }),
      ("max-steps", { $0.maxSteps = -2 }), ("eval-steps", { $0.evalStepsRatio = 1 }), ("save-steps", { $0.saveStepsRatio = .nan }), ("label-smoothing-factor", { $0.labelSmoothingFactor = 1 }),
      ("class-weights", { $0.classWeights = [1, 0, -1] }), ("num-train-epochs", { $0.numTrainEpochs = 1e300 }),
      ("num-train-epochs", { $0.numTrainEpochs = .infinity }), ("num-train-epochs", { $0.numTrainEpochs = .nan }),
      ("max-steps", { $0.maxSteps = .max }), ("warmup-steps", { $0.warmupSteps = .max }),
      ("per-device-train-batch-size", { $0.perDeviceTrainBatchSize = .max }),
      ("gradient-accumulation-steps", { $0.gradientAccumulationSteps = .max }), ("max-length", { $0.maxLength = .min }),
      ("lora-rank", { $0.loraRank = .max }), ("freeze-layers", { $0.freezeLayers = .max }),
    ] as [(String, (inout TrainingArguments) -> Void)] {
      let text = try error { change(&$0.arguments) }?.description
      #expect(text?.hasPrefix(name + ": expected") == true && text?.contains("\n") == false, "\(name): \(text ?? "no error")")
    }
  }

  /// A metric that does not exist is found before the first step, not after the first epoch.
  @Test func unknownMetricBeforeTraining() throws {
    var run = try TinyRun()
    run.validation = run.training
    run.arguments.metricForBestModel = "bleu"
    let model = run.model
    #expect(throws: TrainingError.self) {
      _ = try Trainer(
        model: model, engine: tinyEngine(model), arguments: run.arguments, training: run.training,
        validation: run.validation, outputFolder: nil, configuration: model.configuration, files: [])
    }
  }

  /// A loss that is not a number ends the run at its step; the checkpoints before it are whole and can be gone on from.
  @Test func lossNotFinite() throws {
    try withTemporaryFolder { folder in
      let task = ClassificationTask(.regression, labels: ["score"])
      var random = TorchRandom(seed: 42)
      let bad = random.permutation(39)[3 * 8 + 2]
      let texts = try TrainingFixture().examples.enumerated().map { index, example in
        TrainingExample(ids: example.ids, target: .values([index == bad ? .nan : 1]))
      }
      var run = try TinyRun(folder: folder, model: tinyModel("tiny-bert-encoder", task: task), training: texts)
      run.weights = "tiny-bert-encoder"
      run.arguments.saveSteps = 1
      run.arguments.evalStrategy = .no
      #expect(throws: TrainingError.lossNotFinite(step: 4, value: "nan")) { _ = try run() }
      #expect(wholeCheckpoints(in: folder).map(\.step) == [1, 2, 3])
      #expect(try listDirectory(folder) == ["checkpoint-1", "checkpoint-2", "checkpoint-3"])
      let description = TrainingError.lossNotFinite(step: 4, value: "nan").description
      #expect(description == "step 4: the loss is nan; lower the learning rate; earlier checkpoints are intact")
      run.training = texts.map { example in
        if case .values(let values) = example.target, values[0].isNaN { TrainingExample(ids: example.ids, target: .values([0])) } else { example }
      }
      let resumed = try run(resumingFrom: folder + "/checkpoint-3")
      #expect(resumed.losses.count == 7 && resumed.outcome.trainLoss.isFinite)
    }
  }
}
