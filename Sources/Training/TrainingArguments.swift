import Encoders
import JSON
import Storage

/// When something is done during training.
public enum IntervalStrategy: String, Sendable, CaseIterable {
  case no
  case steps
  case epoch
}

/// When a checkpoint is written.
public enum SaveStrategy: String, Sendable, CaseIterable {
  case no
  case steps
  case epoch
  /// After each evaluation that is the best so far.
  case best
}

/// How to fine-tune: the names of the reference library's `TrainingArguments`, as far as they apply.
///
/// Properties and their defaults are here; everything else that is said of an argument (its name, values, check, JSON and help) is a row
/// of `TrainingArgument.all`.
public struct TrainingArguments: Sendable, Equatable {
  /// AdamW's learning rate at its highest.
  public var learningRate = 2e-5
  /// Texts of one step on this machine.
  public var perDeviceTrainBatchSize = 16
  public var numTrainEpochs = 3.0
  /// Ends training after this many steps, whatever the epochs; 0 for none, or -1 as in the reference library.
  public var maxSteps = 0
  public var weightDecay = 0.01
  public var adamBeta1 = 0.9
  public var adamBeta2 = 0.999
  public var adamEpsilon = 1e-8
  /// The L2 norm that the gradients are clipped to; 0 for none.
  public var maxGradNorm = 1.0
  public var warmupSteps = 0
  /// The share of all steps that warm up; used when `warmupSteps` is 0.
  public var warmupRatio = 0.0
  /// The name of a schedule of the reference library whose rates are a function of the step: `linear`, `cosine`, `polynomial`, ….
  public var lrSchedulerType = "linear"
  /// What that schedule can be given besides, as a JSON object: `{"num_cycles": 2}`; empty for its defaults.
  public var lrSchedulerKwargs = ""
  /// Batches whose gradients are averaged into one step.
  public var gradientAccumulationSteps = 1
  public var labelSmoothingFactor = 0.0
  /// One weight for each label, in their order; empty for all the same.
  public var classWeights: [Double] = []
  /// The seed of the data order, of dropout and of new parameters.
  public var seed: UInt32 = 42
  /// The seed of the data order; nil for `seed`.
  public var dataSeed: UInt32?
  /// Texts are cut at this many tokens, at most as many as the model has positions for; nil for `usualMaxLength`, or the base's
  /// own limit where that is less.
  public var maxLength: Int?
  public static let usualMaxLength = 512
  /// Turns every dropout to this rate; nil for the rates of the model's configuration. Only 0 is offered.
  public var dropout: Double?
  public var evalStrategy = IntervalStrategy.epoch
  /// Steps between evaluations when `evalStrategy` is `.steps`.
  public var evalSteps = 500
  /// The same as a share of all steps; 0 for `evalSteps`.
  public var evalStepsRatio = 0.0
  /// Epochs, or steps when `evalStrategy` is `.steps`, before the first evaluation.
  public var evalDelay = 0.0
  /// Texts of one batch of an evaluation: memory and time depend on it, figures only in their last bits.
  public var perDeviceEvalBatchSize = 32
  /// When checkpoints are written. With `.steps` and `.epoch` there is one after the last step in any case; a run that is stopped always
  /// writes one.
  public var saveStrategy = SaveStrategy.steps
  /// Steps between checkpoints when `saveStrategy` is `.steps`; 0 for the one after the last step only.
  public var saveSteps = 500
  /// The same as a share of all steps; 0 for `saveSteps`.
  public var saveStepsRatio = 0.0
  /// Keeps this many checkpoints, the newest, and with `loadBestModelAtEnd` the best among them (with a limit of 1 both
  /// the newest and the best); 0 for all.
  public var saveTotalLimit = 0
  public var loggingStrategy = IntervalStrategy.steps
  /// Steps between log entries when `loggingStrategy` is `.steps`; nil for `usualLoggingSteps`, or a tenth of a shorter run. A run of
  /// fewer steps than this logs at each tenth too.
  public var loggingSteps: Int?
  public static let usualLoggingSteps = 100
  /// The same as a share of all steps; 0 for `loggingSteps`.
  public var loggingStepsRatio = 0.0
  public var loggingFirstStep = false
  public var loadBestModelAtEnd = false
  /// `loss`, `accuracy`, `f1`, …; with or without `eval_`.
  public var metricForBestModel = "loss"
  /// Whether a higher value of that metric is better; nil for what its name says: lower for names that end in `loss`.
  public var greaterIsBetter: Bool?
  /// Evaluations without an improvement after which training stops; 0 for never.
  public var earlyStoppingPatience = 0
  public var earlyStoppingThreshold = 0.0
  /// Keeps only the input of each layer and runs the layer again in the backward pass: less memory, more time.
  public var gradientCheckpointing = false
  /// Leaves the embeddings as they are. What is frozen has no dropout, unlike the reference library's.
  public var freezeEmbeddings = false
  /// Leaves the embeddings and so many layers, from the first on, as they are, without dropout.
  public var freezeLayers = 0
  /// The rank of LoRA's adapters; 0 for training the model itself. What lies below the first adapter is frozen as above.
  public var loraRank = 0
  /// An adapter's share is scaled by this over the rank.
  public var loraAlpha = 16.0
  /// The layers that get adapters, by the last part of their names; none for what the model calls queries and values.
  public var loraTargets: [String] = []

  public init() {}

  package func lowRankSettings(for family: any EncoderFamily.Type) -> LowRankSettings {
    LowRankSettings(rank: loraRank, alpha: loraAlpha, targets: loraTargets.isEmpty ? family.adapterTargets : loraTargets)
  }

  /// The metric for the best model, without `eval_`.
  var metricName: String {
    metricForBestModel.hasPrefix("eval_") ? String(metricForBestModel.dropFirst("eval_".count)) : metricForBestModel
  }

  /// Whether a higher value of the metric is better, as the reference library decides.
  var higherIsBetter: Bool { greaterIsBetter ?? !metricForBestModel.hasSuffix("loss") }
}

extension TrainingArguments {
  /// Refuses values that no run can have, before anything is done with them.
  package func check() throws(TrainingError) {
    for argument in TrainingArgument.all { try argument.check(self) }
    guard loraRank == 0 || freezeLayers == 0 && !freezeEmbeddings else {
      throw .argument("lora-rank: expected 0 with frozen layers (adapters leave all of the encoder as it is), found \(loraRank)")
    }
    _ = try Schedule(self, totalSteps: 1)
  }

  /// By the names of the reference library.
  package var json: JSONValue { .object(JSONObject(TrainingArgument.all.map { ($0.name, $0.json(self)) })) }

  /// The number of steps between two of something, which is given as a number or as a share of all steps.
  static func interval(_ steps: Int, ratio: Double, of total: Int) -> Int {
    ratio > 0 ? max(1, Int(saturating: (Double(total) * ratio).rounded(.up))) : steps
  }

  /// The number of steps between two log entries of a run.
  func loggingInterval(of total: Int) -> Int {
    let steps = Self.interval(loggingSteps ?? Self.usualLoggingSteps, ratio: loggingStepsRatio, of: total)
    let isSpread = loggingSteps == nil && loggingStepsRatio == 0 ? total < 10 * steps : total < steps
    return isSpread ? max(1, total / 10) : steps
  }

  /// The number of steps that warm up: so many, or a share of all.
  func warmupInterval(of total: Int) -> Int {
    warmupSteps > 0 ? warmupSteps : Int(saturating: (Double(total) * warmupRatio).rounded(.up))
  }
}
