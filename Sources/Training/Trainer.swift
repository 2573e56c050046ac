import Checkpoints
import Encoders
import JSON
import Storage
import Tasks

/// What a finished (or stopped) run leaves.
package struct TrainingOutcome: Sendable {
  package let steps: Int
  package let trainLoss: Double
  package let logHistory: [JSONObject]
  /// The last evaluation of the model that the run ends with.
  package let evaluation: EvaluationReport?
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
  /// The label that the headline figures are of where there are two.
  let positiveLabel: Int
  /// Where checkpoints go; nil for none.
  let outputFolder: String?
  /// The configuration and small files that each checkpoint folder gets.
  let configuration: JSONValue
  let files: [CarriedFile]
  /// The folder or bundle that training started from, for the record.
  let base: String
  /// What its checkpoints say that they are of; nil for nothing.
  let origin: RunOrigin?
  let onEvent: (TrainingEvent) -> Void
  private let shouldStop: () -> Bool
  private let schedule: Schedule
  let optimizer: AdamW
  private var loss: Loss
  var state = RunState()
  var lastEvaluation: EvaluationReport?

  package let stepsPerEpoch: Int
  package let totalSteps: Int
  /// Steps between two log entries, evaluations and checkpoints, where those go by steps.
  let loggingInterval: Int
  let evalInterval: Int
  let saveInterval: Int

  package init(
    model: Model, engine: TrainingEngine, arguments: TrainingArguments, training: [TrainingExample],
    validation: [TrainingExample], positiveLabel: Int = 1, outputFolder: String?, configuration: JSONValue, files: [CarriedFile],
    base: String = "", origin: RunOrigin? = nil, shouldStop: @escaping () -> Bool = { false }, onEvent: @escaping (TrainingEvent) -> Void = { _ in }
  ) throws {
    guard !training.isEmpty else { throw TrainingError.emptyDataSet }
    try arguments.check()
    guard arguments.classWeights.isEmpty || arguments.classWeights.count == model.task.labels.count else {
      throw TrainingError.argument(
        "class-weights: expected \(model.task.labels.count), one for each label, found \(arguments.classWeights.count)")
    }
    self.model = model
    self.engine = engine
    self.arguments = arguments
    self.training = training
    self.validation = validation
    self.positiveLabel = positiveLabel
    self.outputFolder = outputFolder
    self.configuration = configuration
    self.files = files
    self.base = base
    self.origin = origin
    self.onEvent = onEvent
    self.shouldStop = shouldStop
    let batches = (training.count + arguments.perDeviceTrainBatchSize - 1) / arguments.perDeviceTrainBatchSize
    let accumulation = arguments.gradientAccumulationSteps
    stepsPerEpoch = (batches + accumulation - 1) / accumulation
    totalSteps =
      arguments.maxSteps > 0
      ? arguments.maxSteps : Int(saturating: (arguments.numTrainEpochs * Double(stepsPerEpoch)).rounded(.up))
    schedule = try Schedule(arguments, totalSteps: totalSteps)
    loggingInterval = arguments.loggingInterval(of: totalSteps)
    evalInterval = TrainingArguments.interval(arguments.evalSteps, ratio: arguments.evalStepsRatio, of: totalSteps)
    saveInterval = TrainingArguments.interval(arguments.saveSteps, ratio: arguments.saveStepsRatio, of: totalSteps)
    optimizer = AdamW(
      beta1: Float(arguments.adamBeta1), beta2: Float(arguments.adamBeta2), epsilon: Float(arguments.adamEpsilon),
      weightDecay: Float(arguments.weightDecay))
    loss = Loss(model.task.kind)
    loss.labelSmoothing = arguments.labelSmoothingFactor
    if !arguments.classWeights.isEmpty { loss.classWeights = arguments.classWeights }
    engine.dropoutIsOff = arguments.dropout == 0
    engine.checkpointsGradients = arguments.gradientCheckpointing
    try freeze()
    try engine.freezeBottom(of: model.family)
    // Found now, not after the first epoch.
    let empty = try EvaluationAccumulator(model.task).report()
    guard empty[arguments.metricName] != nil else {
      throw TrainingError.unknownMetric(
        arguments.metricName, known: empty.figures.map(\.name) + (empty.perLabel.isEmpty ? [] : ["f1:LABEL", "precision:LABEL", "recall:LABEL"]))
    }
  }

  var store: ParameterStore { engine.parameters }

  /// Takes what the arguments freeze out of training.
  private func freeze() throws {
    guard arguments.freezeEmbeddings || arguments.freezeLayers > 0 else { return }
    let use = try ParameterUse(model.family)
    guard arguments.freezeLayers <= use.layers.count else {
      throw TrainingError.argument("freeze-layers: expected at most \(use.layers.count), the layers of the model, found \(arguments.freezeLayers)")
    }
    guard use.hasOwnMatrices(layers: arguments.freezeLayers) else {
      throw TrainingError.argument("freeze-layers: expected layers that share no weights with those above, found \(arguments.freezeLayers)")
    }
    store.freeze(use.bottom(layers: arguments.freezeLayers))
  }

  /// Trains from where the state stands to the last step, or until `shouldStop` says so.
  package func run() throws -> TrainingOutcome {
    let start = Machine.monotonicSeconds()
    var wasStopped = false
    var order: (epoch: Int, indices: [Int]) = (-1, [])
    training: while state.step < totalSteps {
      let epoch = state.step / stepsPerEpoch
      if order.epoch != epoch { order = (epoch, try dataOrder(epoch)) }
      try step(order.indices, place: state.step % stepsPerEpoch)
      let done = state.step
      let isBest = try evaluates(after: done) && evaluateAndLog()
      let hasPatience =
        arguments.earlyStoppingPatience == 0 || state.evaluationsWithoutImprovement < arguments.earlyStoppingPatience
      wasStopped = shouldStop() && done < totalSteps
      let isLast = done == totalSteps || !hasPatience || wasStopped
      if saves(after: done, isBest: isBest, isLast: isLast) || wasStopped { try save() }
      if isLast { break training }
    }
    let seconds = Machine.monotonicSeconds() - start
    if !wasStopped {
      if arguments.loadBestModelAtEnd, state.bestStep > 0, let outputFolder {
        let best = "\(outputFolder)/checkpoint-\(state.bestStep)"
        if fileExists(best) {
          try store.restore(from: best, checksum: nil)
          lastEvaluation = try validation.isEmpty ? nil : evaluate()
        }
      }
      // A run that is taken up after its last step has evaluated before.
      if lastEvaluation == nil, arguments.evalStrategy != .no, !validation.isEmpty { lastEvaluation = try evaluate() }
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

  /// Whether a step is the last of its epoch, or of the run.
  private func endsEpoch(_ done: Int) -> Bool { done % stepsPerEpoch == 0 || done == totalSteps }

  private func evaluates(after done: Int) -> Bool {
    switch arguments.evalStrategy {
    case .no: false
    case .epoch: endsEpoch(done) && arguments.evalDelay <= epoch
    case .steps: (done % evalInterval == 0 || done == totalSteps) && arguments.evalDelay <= Double(done)
    }
  }

  private func saves(after done: Int, isBest: Bool, isLast: Bool) -> Bool {
    if isBest && arguments.loadBestModelAtEnd { return true }
    return switch arguments.saveStrategy {
    case .no: false
    case .steps: isLast || saveInterval > 0 && done % saveInterval == 0
    case .epoch: isLast || endsEpoch(done)
    case .best: isBest
    }
  }

  private func logs(after done: Int) -> Bool {
    if done == 1 && arguments.loggingFirstStep { return true }
    return switch arguments.loggingStrategy {
    case .no: false
    case .steps: done % loggingInterval == 0
    case .epoch: endsEpoch(done)
    }
  }

  /// The examples of an epoch, in the order of the reference library's sampler.
  func dataOrder(_ epoch: Int) throws(OutOfMemory) -> [Int] {
    try requireMemory(training.count.memory(times: 8 * MemoryLayout<Int>.stride))
    var random = TorchRandom(seed: (arguments.dataSeed ?? arguments.seed) &+ UInt32(truncatingIfNeeded: epoch))
    return random.permutation(training.count)
  }

  // MARK: One step

  /// Of a step's arrays beside its activations, the largest: for each row of a table whether it is touched.
  var arrayBytes: Int { (store.blueprint.tables.map(\.rows).max() ?? 0).memory(times: 8) }

  private func step(_ order: [Int], place: Int) throws {
    try requireMemory(arrayBytes)
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
      let batch = try makeBatch(micro)
      tokens += batch.tokenCount
      let key = mix(mix(UInt64(arguments.seed), UInt64(state.step)), UInt64(start))
      let logits = try engine.forward(model.family, batch, dropoutKey: key)
      var gradient: [Float] = []
      let (mean, weight) = loss.evaluate(
        UnsafeBufferPointer(start: try logits.values, count: logits.count), micro.map(\.target), gradient: &gradient)
      let share = weight / totalWeight
      if share != 1 { for index in gradient.indices { gradient[index] *= Float(share) } }
      value += mean * share
      guard value.isFinite else { throw TrainingError.lossNotFinite(step: state.step + 1, value: "\(value)") }
      try engine.backward(logits, gradient: gradient)
    }
    let norm = try optimizer.gradientNorm(engine)
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
    if logs(after: state.step) {
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
      ? Double(totalSteps) * Double(arguments.perDeviceTrainBatchSize * arguments.gradientAccumulationSteps)
      : Double(training.count) * arguments.numTrainEpochs
  }

  var epoch: Double { Double(state.step) / Double(stepsPerEpoch) }

  func makeBatch(_ examples: some Collection<TrainingExample>) throws(OutOfMemory) -> Batch {
    // Ids, token types, positions, and where each token's row is.
    try requireMemory(examples.reduce(0) { $0 + $1.ids.count }.memory(times: 64))
    var batch = Batch()
    for example in examples { batch.append(example.ids, tokenTypes: example.tokenTypes) }
    return batch
  }

  func log(_ entries: [(String, JSONValue)]) {
    let entry = JSONObject(entries + [("epoch", .number(epoch)), ("step", .integer(Int64(state.step)))])
    state.logHistory.append(entry)
    onEvent(.log(entry))
  }
}
