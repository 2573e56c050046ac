import Checkpoints
import Encoders
import Evaluation
import JSON
import Storage

/// What a finished (or stopped) run leaves.
package struct TrainingOutcome: Sendable {
  package let steps: Int
  package let trainLoss: Double
  package let logHistory: [JSONObject]
  /// The last evaluation of the model that the run ends with.
  package let evaluation: EvaluationResult?
  /// Whether the run was asked to stop before its last step; a checkpoint was written then.
  package let wasStopped: Bool
}

/// The fine-tuning loop of the reference library's Trainer: epochs over shuffled batches, AdamW with a schedule,
/// evaluation, logs, checkpoints. It writes checkpoints and tells events; it prints nothing.
package final class Trainer {
  package let model: Model
  package let engine: TrainingEngine
  let arguments: TrainingArguments
  let training: [TrainingExample]
  let validation: [TrainingExample]
  /// Where checkpoints go; nil for none.
  private let outputFolder: String?
  /// The configuration and small files that each checkpoint folder gets.
  private let configuration: JSONValue
  private let files: [CarriedFile]
  /// The folder or bundle that training started from, for the record.
  private let base: String
  private let onEvent: (TrainingEvent) -> Void
  private let shouldStop: () -> Bool
  private let schedule: Schedule
  let optimizer: AdamW
  private var loss: Loss
  private(set) var state = RunState()
  private var lastEvaluation: EvaluationResult?

  package let stepsPerEpoch: Int
  package let totalSteps: Int

  package init(
    model: Model, engine: TrainingEngine, arguments: TrainingArguments, training: [TrainingExample],
    validation: [TrainingExample], outputFolder: String?, configuration: JSONValue, files: [CarriedFile],
    base: String = "", shouldStop: @escaping () -> Bool = { false }, onEvent: @escaping (TrainingEvent) -> Void = { _ in }
  ) throws {
    guard !training.isEmpty else { throw TrainingError.emptyDataSet }
    try arguments.check()
    guard arguments.classWeights.isEmpty || arguments.classWeights.count == model.labels.names.count else {
      throw TrainingError.argument(
        "class-weights: expected \(model.labels.names.count), one for each label, found \(arguments.classWeights.count)")
    }
    self.model = model
    self.engine = engine
    self.arguments = arguments
    self.training = training
    self.validation = validation
    self.outputFolder = outputFolder
    self.configuration = configuration
    self.files = files
    self.base = base
    self.onEvent = onEvent
    self.shouldStop = shouldStop
    let batches = (training.count + arguments.perDeviceTrainBatchSize - 1) / arguments.perDeviceTrainBatchSize
    let accumulation = arguments.gradientAccumulationSteps
    stepsPerEpoch = (batches + accumulation - 1) / accumulation
    totalSteps =
      arguments.maxSteps > 0
      ? arguments.maxSteps : Int((arguments.numTrainEpochs * Double(stepsPerEpoch)).rounded(.up))
    let warmup =
      arguments.warmupSteps > 0
      ? arguments.warmupSteps : Int((Double(totalSteps) * arguments.warmupRatio).rounded(.up))
    schedule = Schedule(
      kind: ScheduleKind(rawValue: arguments.lrSchedulerType)!, peak: arguments.learningRate, warmupSteps: warmup,
      totalSteps: totalSteps)
    optimizer = AdamW(
      beta1: Float(arguments.adamBeta1), beta2: Float(arguments.adamBeta2), epsilon: Float(arguments.adamEpsilon),
      weightDecay: Float(arguments.weightDecay))
    loss = Loss(model.labels.problemType)
    loss.labelSmoothing = arguments.labelSmoothingFactor
    if !arguments.classWeights.isEmpty { loss.classWeights = arguments.classWeights }
    engine.dropoutIsOff = arguments.dropout == 0
    engine.checkpointsGradients = arguments.gradientCheckpointing
    try freeze()
    try engine.freezeBottom(of: model.family)
    // Found now, not after the first epoch.
    let known = Tally(model.labels).result.metrics.map(\.name)
    guard known.contains(arguments.metricName) else { throw TrainingError.unknownMetric(arguments.metricName, known: known) }
  }

  var store: ParameterStore { engine.parameters }

  /// Takes what the arguments freeze out of training.
  private func freeze() throws(TrainingError) {
    guard arguments.freezeEmbeddings || arguments.freezeLayers > 0 else { return }
    let use = ParameterUse(model.family)
    guard arguments.freezeLayers <= use.layers.count else {
      throw .argument("freeze-layers: expected at most \(use.layers.count), the layers of the model, found \(arguments.freezeLayers)")
    }
    let layers = use.layers.enumerated().map { (isFrozen: $0.offset < arguments.freezeLayers, parameters: $0.element) }
    let frozen = layers.filter(\.isFrozen).reduce(into: Set()) { $0.formUnion($1.parameters) }
    guard layers.allSatisfy({ $0.isFrozen || $0.parameters.isDisjoint(with: frozen) }) else {
      throw .argument("freeze-layers: expected layers that share no parameters with those above, found \(arguments.freezeLayers)")
    }
    store.freeze(use.below(layers: arguments.freezeLayers))
  }

  /// Trains from where the state stands to the last step, or until `shouldStop` says so.
  package func run() throws -> TrainingOutcome {
    let start = Machine.monotonicSeconds()
    var wasStopped = false
    var order: (epoch: Int, indices: [Int]) = (-1, [])
    training: while state.step < totalSteps {
      let epoch = state.step / stepsPerEpoch
      if order.epoch != epoch { order = (epoch, dataOrder(epoch)) }
      try step(order.indices, place: state.step % stepsPerEpoch)
      let done = state.step
      let epochEnds = done % stepsPerEpoch == 0 || done == totalSteps
      var isBest = false
      if arguments.evalStrategy == .epoch && epochEnds
        || arguments.evalStrategy == .steps && (done % arguments.evalSteps == 0 || done == totalSteps)
      {
        isBest = evaluateAndLog()
      }
      let hasPatience =
        arguments.earlyStoppingPatience == 0 || state.evaluationsWithoutImprovement < arguments.earlyStoppingPatience
      wasStopped = shouldStop() && done < totalSteps
      let isLast = done == totalSteps || !hasPatience || wasStopped
      if isLast || arguments.saveSteps > 0 && done % arguments.saveSteps == 0
        || isBest && arguments.loadBestModelAtEnd
      {
        try save()
      }
      if isLast { break training }
    }
    let seconds = Machine.monotonicSeconds() - start
    if !wasStopped {
      if arguments.loadBestModelAtEnd, state.bestStep > 0, let outputFolder {
        let best = "\(outputFolder)/checkpoint-\(state.bestStep)"
        if fileExists(best) {
          try store.restore(from: best, checksum: nil)
          lastEvaluation = validation.isEmpty ? nil : evaluate().result
        }
      }
      // A run that is taken up after its last step has evaluated before.
      if lastEvaluation == nil, arguments.evalStrategy != .no, !validation.isEmpty { lastEvaluation = evaluate().result }
      log([
        ("train_runtime", .number(seconds)),
        ("train_samples_per_second", .number(trainedSamples / seconds)),
        ("train_steps_per_second", .number(Double(totalSteps) / seconds)),
        ("train_loss", .number(state.totalLoss / Double(max(1, state.step)))),
      ])
    }
    return TrainingOutcome(
      steps: state.step, trainLoss: state.totalLoss / Double(max(1, state.step)), logHistory: state.logHistory,
      evaluation: lastEvaluation, wasStopped: wasStopped)
  }

  /// The examples of an epoch, in the order of the reference library's sampler.
  func dataOrder(_ epoch: Int) -> [Int] {
    var random = TorchRandom(seed: arguments.seed &+ UInt32(epoch))
    return random.permutation(training.count)
  }

  // MARK: One step

  private func step(_ order: [Int], place: Int) throws {
    let size = arguments.perDeviceTrainBatchSize
    let first = place * size * arguments.gradientAccumulationSteps
    let last = min(order.count, first + size * arguments.gradientAccumulationSteps)
    let examples = order[first..<last].map { training[$0] }
    let totalWeight = loss.weight(of: examples.map(\.target))
    store.clearGradients()
    var value = 0.0
    var tokens = 0
    for start in stride(from: 0, to: examples.count, by: size) {
      let micro = examples[start..<min(examples.count, start + size)]
      let batch = makeBatch(micro)
      tokens += batch.tokenCount
      let key = mix(mix(UInt64(arguments.seed), UInt64(state.step)), UInt64(start))
      let logits = engine.forward(model.family, batch, dropoutKey: key)
      var gradient: [Float] = []
      let (mean, weight) = loss.evaluate(
        UnsafeBufferPointer(start: logits.values, count: logits.count), micro.map(\.target), gradient: &gradient)
      let share = weight / totalWeight
      if share != 1 { for index in gradient.indices { gradient[index] *= Float(share) } }
      value += mean * share
      guard value.isFinite else { throw TrainingError.lossNotFinite(step: state.step + 1, value: "\(value)") }
      engine.backward(logits, gradient: gradient)
    }
    let norm = optimizer.gradientNorm(engine)
    guard norm.isFinite else { throw TrainingError.lossNotFinite(step: state.step + 1, value: "finite, the norm of its gradient is not") }
    let scale = arguments.maxGradNorm > 0 ? min(1, arguments.maxGradNorm / (norm + 1e-6)) : 1
    let rate = schedule.learningRate(state.step)
    optimizer.update(engine, step: state.step + 1, learningRate: Float(rate), gradientScale: Float(scale))
    state.step += 1
    state.totalLoss += value
    state.loggedLoss += value
    state.lossesSinceLog += 1
    state.tokensSeen += tokens
    onEvent(
      .step(done: state.step, total: totalSteps, epoch: epoch, loss: value, learningRate: rate, tokens: tokens))
    if state.step % arguments.loggingSteps == 0 {
      log([
        ("loss", .number(state.loggedLoss / Double(state.lossesSinceLog))), ("grad_norm", .number(norm)),
        ("learning_rate", .number(rate)),
      ])
      state.loggedLoss = 0
      state.lossesSinceLog = 0
    }
  }

  /// As the reference counts them: by steps when those are limited, by epochs otherwise.
  private var trainedSamples: Double {
    arguments.maxSteps > 0
      ? Double(totalSteps * arguments.perDeviceTrainBatchSize * arguments.gradientAccumulationSteps)
      : Double(training.count) * arguments.numTrainEpochs
  }

  private var epoch: Double { Double(state.step) / Double(stepsPerEpoch) }

  func makeBatch(_ examples: some Collection<TrainingExample>) -> Batch {
    var batch = Batch()
    for example in examples { batch.append(example.ids, tokenTypes: example.tokenTypes) }
    return batch
  }

  private func log(_ entries: [(String, JSONValue)]) {
    let entry = JSONObject(entries + [("epoch", .number(epoch)), ("step", .integer(Int64(state.step)))])
    state.logHistory.append(entry)
    onEvent(.log(entry))
  }

  // MARK: Evaluation

  /// Runs the validation data through the model as it stands, in file order, dropout off.
  ///
  /// - Parameter visit: called for each example with its logits.
  package func evaluate(
    _ visit: (Int, UnsafeBufferPointer<Float>) -> Void = { _, _ in }
  ) -> (result: EvaluationResult, batches: Int) {
    let labels = model.labels.names.count
    var tally = Tally(model.labels)
    var batches = 0
    var first = 0
    while first < validation.count {
      let examples = validation[first..<min(validation.count, first + Self.evaluationBatchSize)]
      let logits = engine.forward(model.family, makeBatch(examples), dropoutKey: nil)
      for (place, example) in examples.enumerated() {
        let row = UnsafeBufferPointer(start: logits.values + place * labels, count: labels)
        visit(first + place, row)
        tally.add(row, example.target)
      }
      first += examples.count
      batches += 1
    }
    return (tally.result, batches)
  }

  static let evaluationBatchSize = 32

  /// Returns whether this is the best evaluation so far.
  private func evaluateAndLog() -> Bool {
    guard !validation.isEmpty else { return false }
    let start = Machine.monotonicSeconds()
    let (result, batches) = evaluate()
    let seconds = Machine.monotonicSeconds() - start
    lastEvaluation = result
    let metrics = result.metrics
    log(
      metrics.map { ("eval_" + $0.name, .number($0.value)) } + [
        ("eval_runtime", .number(seconds)),
        ("eval_samples_per_second", .number(Double(validation.count) / seconds)),
        ("eval_steps_per_second", .number(Double(batches) / seconds)),
      ])
    let metric = metrics.first { $0.name == arguments.metricName }!.value
    let sign = arguments.greaterIsBetter ? 1.0 : -1.0
    let gain = state.bestMetric.map { sign * (metric - $0) } ?? .infinity
    state.evaluationsWithoutImprovement = gain > arguments.earlyStoppingThreshold ? 0 : state.evaluationsWithoutImprovement + 1
    guard gain > 0 else { return false }
    state.bestMetric = metric
    state.bestStep = state.step
    return true
  }

  // MARK: Checkpoints

  private func save() throws {
    guard let outputFolder else { return }
    let path = "\(outputFolder)/checkpoint-\(state.step)"
    do { try write(path) } catch { throw TrainingError.checkpointNotWritten(path: path, why: "\(error)") }
    onEvent(.checkpoint(path: path))
    try removeOldCheckpoints(outputFolder)
  }

  private func write(_ path: String) throws {
    let folder = try AtomicFolder(path: path)
    try engine.writeModel(into: folder.temporaryPath, configuration: configuration, files: files, base: base)
    state.checksum = store.checksum
    try store.writeMoments(to: folder.temporaryPath + "/" + CheckpointFile.optimizer)
    for (name, json) in [
      (CheckpointFile.arguments, circumstances), (CheckpointFile.run, state.json),
      (CheckpointFile.trainerState, trainerState),
    ] {
      var file = try AtomicFile(path: folder.temporaryPath + "/" + name)
      try file.write(json.text(indent: 2, sortedKeys: true) + "\n")
      try file.commit()
    }
    try folder.commit()
  }

  /// Keeps the checkpoint just written, the best one, and the newest others up to the limit.
  private func removeOldCheckpoints(_ folder: String) throws {
    guard arguments.saveTotalLimit > 0 else { return }
    var kept: Set = [state.step]
    if arguments.loadBestModelAtEnd && state.bestStep > 0 { kept.insert(state.bestStep) }
    let others = wholeCheckpoints(in: folder).filter { !kept.contains($0.step) }
    for old in others.dropLast(max(0, arguments.saveTotalLimit - kept.count)) { try removeFolder(old.path) }
  }

  /// `trainer_state.json`, with the keys of the reference library.
  package var trainerState: JSONValue {
    let best = state.bestStep > 0 && outputFolder != nil && arguments.loadBestModelAtEnd
    return [
      "best_global_step": best ? .integer(Int64(state.bestStep)) : .null,
      "best_metric": best ? state.bestMetric.map { .number($0) } ?? .null : .null,
      "best_model_checkpoint": best ? .string("\(outputFolder!)/checkpoint-\(state.bestStep)") : .null,
      "epoch": .number(epoch), "eval_steps": .integer(Int64(arguments.evalSteps)),
      "global_step": .integer(Int64(state.step)), "is_hyper_param_search": false, "is_local_process_zero": true,
      "is_world_process_zero": true, "log_history": .array(state.logHistory.map { .object($0) }),
      "logging_steps": .integer(Int64(arguments.loggingSteps)), "max_steps": .integer(Int64(totalSteps)),
      "num_input_tokens_seen": .integer(Int64(state.tokensSeen)),
      "num_train_epochs": .integer(Int64(arguments.numTrainEpochs.rounded(.up))),
      "save_steps": .integer(Int64(arguments.saveSteps)), "stateful_callbacks": [:], "total_flos": 0.0,
      "train_batch_size": .integer(Int64(arguments.perDeviceTrainBatchSize)), "trial_name": nil, "trial_params": nil,
    ]
  }

  /// What a run's bits depend on: its arguments, and what computes.
  private var circumstances: JSONValue {
    var object = arguments.json.object!
    object["thread_count"] = .integer(Int64(engine.threads.threadCount))
    object["instruction_set"] = .string(engine.kernels.instructionSet.rawValue)
    object["openblas_kernels"] = .string(engine.blasCoreName)
    return .object(object)
  }

  /// Takes up the newest checkpoint of the output folder that is whole; one that is not gets a warning.
  package func restoreNewest() throws {
    guard let outputFolder else { throw TrainingError.noCheckpoint(path: "") }
    for (_, path) in wholeCheckpoints(in: outputFolder).reversed() {
      do {
        return try restore(path)
      } catch let error as TrainingError {
        guard case .brokenCheckpoint = error else { throw error }
        onEvent(.warning("\(error); taking the one before it"))
      }
    }
    throw TrainingError.noCheckpoint(path: outputFolder)
  }

  /// Takes up a checkpoint folder.
  package func restore(_ checkpoint: String) throws {
    func broken(_ what: String) -> TrainingError { .brokenCheckpoint(path: checkpoint, what: what) }
    func read(_ name: String) throws(TrainingError) -> JSONValue {
      do { return try JSONValue(parsing: readFile(checkpoint + "/" + name)) } catch { throw broken("\(name): \(error)") }
    }
    guard let history = try read(CheckpointFile.trainerState)["log_history"]?.array?.compactMap(\.object) else {
      throw broken("\(CheckpointFile.trainerState): log_history is missing")
    }
    guard let state = RunState(try read(CheckpointFile.run), logHistory: history) else {
      throw broken("\(CheckpointFile.run): a value is missing")
    }
    let before = try read(CheckpointFile.arguments)
    for (key, value) in circumstances.object!.entries where before[key] != value {
      onEvent(.warning("resuming with another \(key): \(before[key]?.text() ?? "none") before, \(value.text()) now"))
    }
    do { try store.restore(from: checkpoint, checksum: state.checksum) } catch let error as CheckpointError { throw broken("\(error)") }
    self.state = state
  }
}

/// The figures of an evaluation, whatever the head, collected text by text.
private struct Tally {
  private let problemType: ProblemType
  private var classes: ClassificationAccumulator
  private var sets: MultiLabelAccumulator
  private var values = RegressionAccumulator()

  init(_ labels: LabelConfiguration) {
    problemType = labels.problemType
    classes = ClassificationAccumulator(classes: max(2, labels.names.count))
    sets = MultiLabelAccumulator(labels: labels.names.count)
  }

  mutating func add(_ logits: UnsafeBufferPointer<Float>, _ target: Target) {
    switch target {
    case .label(let truth): classes.add(logits: logits, truth: truth)
    case .labels(let truths): truths.withUnsafeBufferPointer { sets.add(logits: logits, targets: $0) }
    case .value(let truth): values.add(prediction: Double(logits[0]), truth: Double(truth))
    }
  }

  var result: EvaluationResult {
    switch problemType {
    case .singleLabel: .singleLabel(classes.report())
    case .multiLabel: .multiLabel(sets.report())
    case .regression: .regression(values.report())
    }
  }
}

extension Loss {
  /// The weight of a batch against other batches of the same step.
  func weight(of targets: [Target]) -> Double {
    guard let classWeights else { return Double(targets.count) }
    return targets.reduce(0) { sum, target in
      if case .label(let label) = target { sum + classWeights[label] } else { sum + 1 }
    }
  }
}

extension TrainingArguments {
  /// By the names of the reference library.
  package var json: JSONValue {
    [
      "learning_rate": .number(learningRate), "per_device_train_batch_size": .integer(Int64(perDeviceTrainBatchSize)),
      "num_train_epochs": .number(numTrainEpochs), "max_steps": .integer(Int64(maxSteps)),
      "weight_decay": .number(weightDecay), "adam_beta1": .number(adamBeta1), "adam_beta2": .number(adamBeta2),
      "adam_epsilon": .number(adamEpsilon), "max_grad_norm": .number(maxGradNorm),
      "warmup_steps": .integer(Int64(warmupSteps)), "warmup_ratio": .number(warmupRatio),
      "lr_scheduler_type": .string(lrSchedulerType),
      "gradient_accumulation_steps": .integer(Int64(gradientAccumulationSteps)),
      "label_smoothing_factor": .number(labelSmoothingFactor),
      "class_weights": .array(classWeights.map { .number($0) }), "seed": .integer(Int64(seed)),
      "max_length": .integer(Int64(maxLength)), "dropout": dropout.map { .number($0) } ?? .null,
      "eval_strategy": .string(evalStrategy.rawValue), "eval_steps": .integer(Int64(evalSteps)), "save_steps": .integer(Int64(saveSteps)),
      "logging_steps": .integer(Int64(loggingSteps)), "load_best_model_at_end": .bool(loadBestModelAtEnd),
      "metric_for_best_model": .string(metricForBestModel),
      "early_stopping_patience": .integer(Int64(earlyStoppingPatience)),
      "early_stopping_threshold": .number(earlyStoppingThreshold),
      "gradient_checkpointing": .bool(gradientCheckpointing), "freeze_embeddings": .bool(freezeEmbeddings),
      "freeze_layers": .integer(Int64(freezeLayers)), "lora_rank": .integer(Int64(loraRank)),
      "lora_alpha": .number(loraAlpha), "lora_targets": .array(loraTargets.map { .string($0) }),
    ]
  }
}
