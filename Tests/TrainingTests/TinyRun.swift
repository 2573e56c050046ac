import Encoders
import JSON
import Storage
import Testing
import Training

/// Runs of `tiny-bert` on the 39 texts of the fixtures, in batches of 8: five steps an epoch. Dropout is on unless the
/// arguments say otherwise.
struct TinyRun {
  var arguments = TrainingArguments()
  var threads = 2
  var folder: String?
  var model: Model
  /// The fixture that the weights are from.
  var weights = "tiny-bert"
  /// Whether a rehearsal comes first.
  var forecasts = false
  /// What it is a run of.
  var origin: RunOrigin?
  var training: [TrainingExample]
  var validation: [TrainingExample] = []

  init(folder: String? = nil, model: Model? = nil, training: [TrainingExample]? = nil) throws {
    self.folder = folder
    self.model = try model ?? tinyModel()
    self.training = try training ?? TrainingFixture().examples
    arguments.learningRate = 1e-3
    arguments.perDeviceTrainBatchSize = 8
    arguments.numTrainEpochs = 2
    arguments.saveSteps = 0
    arguments.loggingSteps = 3
    arguments.evalStrategy = .epoch
  }

  struct Finished {
    let trainer: Trainer
    let outcome: TrainingOutcome
    let losses: [Double]
    let checkpoints: [String]
    let warnings: [String]

    var store: ParameterStore { trainer.engine.parameters }
    var weights: [UInt32] { store.bits(of: store.values) }
    var moments: [[UInt32]] { [store.bits(of: store.firstMoments), store.bits(of: store.secondMoments)] }
    /// The log without what depends on the clock.
    var history: [JSONObject] { outcome.logHistory.map(withoutTimes) }
    func logged(_ key: String) -> [Double] { outcome.logHistory.compactMap { $0[key]?.double } }
  }

  /// The model's weights, and adapters when the arguments ask for them.
  func store() throws -> ParameterStore {
    let store =
      try arguments.loraRank == 0
      ? ParameterStore(model.blueprint)
      : ParameterStore(model.blueprint, arguments.lowRankSettings(for: type(of: model.family)))
    _ = try store.load(from: FixtureWeights(weights), seed: 42)
    return store
  }

  /// - Parameters:
  ///   - checkpoint: a folder, or `newest`.
  ///   - interruptedAfter: asks to stop after this step.
  func callAsFunction(resumingFrom checkpoint: String? = nil, interruptedAfter: Int = .max) throws -> Finished {
    var losses: [Double] = []
    var checkpoints: [String] = []
    var warnings: [String] = []
    var done = 0
    let trainer = try Trainer(
      model: model, engine: makeEngine(store(), threads: threads), arguments: arguments, training: training,
      validation: validation, outputFolder: folder, configuration: model.configuration, files: [],
      origin: origin, shouldStop: { done >= interruptedAfter },
      onEvent: { event in
        switch event {
        case .step(let number, _, _, let loss, _, _):
          done = number
          losses.append(loss)
        case .checkpoint(let path): checkpoints.append(path.lastPathComponent)
        // What evaluations say of these few texts aside.
        case .warning(let text): if !text.contains("never predicted") { warnings.append(text) }
        case .log: break
        }
      })
    if checkpoint == "newest" { try trainer.restoreNewest() } else if let checkpoint { try trainer.restore(checkpoint) }
    if forecasts { #expect(try trainer.forecast().peakBytes > 0) }
    let outcome = try trainer.run()
    return Finished(trainer: trainer, outcome: outcome, losses: losses, checkpoints: checkpoints, warnings: warnings)
  }
}

/// A log entry without what depends on the clock.
func withoutTimes(_ entry: JSONObject) -> JSONObject {
  JSONObject(entry.entries.filter { !$0.key.hasSuffix("runtime") && !$0.key.hasSuffix("per_second") }.map { ($0.key, $0.value) })
}

/// The texts with every label moved on by one: the better the model learns the others, the worse it does on these.
func mislabelled(_ examples: [TrainingExample]) -> [TrainingExample] {
  examples.map { example in
    guard case .label(let label) = example.target else { return example }
    return TrainingExample(ids: example.ids, target: .label((label + 1) % 3))
  }
}
