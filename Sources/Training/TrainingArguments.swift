import Encoders
import JSON

/// When something is done during training.
public enum IntervalStrategy: String, Sendable, CaseIterable {
  case no
  case steps
  case epoch
}

/// How to fine-tune: the names and defaults of the reference library's `TrainingArguments`, as far as they apply.
public struct TrainingArguments: Sendable, Equatable {
  /// AdamW's learning rate at its highest.
  public var learningRate = 2e-5
  /// Texts of one step on this machine.
  public var perDeviceTrainBatchSize = 16
  public var numTrainEpochs = 3.0
  /// Ends training after this many steps, whatever the epochs; 0 for none.
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
  /// `linear`, `cosine`, `constant` or `constant_with_warmup`.
  public var lrSchedulerType = "linear"
  /// Batches whose gradients are averaged into one step.
  public var gradientAccumulationSteps = 1
  public var labelSmoothingFactor = 0.0
  /// One weight for each label, in their order; empty for all the same.
  public var classWeights: [Double] = []
  /// The seed of the data order, of dropout and of new parameters.
  public var seed: UInt32 = 42
  /// Texts are cut at this many tokens, at most as many as the model has positions for; nil for `usualMaxLength`, or the base's
  /// own limit where that is less.
  public var maxLength: Int?
  public static let usualMaxLength = 512
  /// Turns every dropout to this rate; nil for the rates of the model's configuration. Only 0 is offered.
  public var dropout: Double?
  public var evalStrategy = IntervalStrategy.epoch
  /// Steps between evaluations when `evalStrategy` is `.steps`.
  public var evalSteps = 500
  /// Steps between checkpoints; one is written after the last step in any case. 0 for that one only.
  public var saveSteps = 500
  /// Keeps this many checkpoints, the newest, and with `loadBestModelAtEnd` the best among them (with a limit of 1 both
  /// the newest and the best); 0 for all.
  public var saveTotalLimit = 0
  public var loggingSteps = 100
  public var loadBestModelAtEnd = false
  /// `loss`, `accuracy`, `f1`, …; with or without `eval_`.
  public var metricForBestModel = "loss"
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
  var greaterIsBetter: Bool { !metricForBestModel.hasSuffix("loss") }
}

extension TrainingArguments {
  /// Refuses values that no run can have, before anything is done with them.
  package func check() throws(TrainingError) {
    func require(_ isValid: Bool, _ name: String, _ expected: String, _ found: some Any) throws(TrainingError) {
      if !isValid { throw .argument("\(name): expected \(expected), found \(found)") }
    }
    for (name, value, isValid) in [
      ("learning-rate", learningRate, learningRate > 0), ("num-train-epochs", numTrainEpochs, numTrainEpochs > 0),
      ("adam-epsilon", adamEpsilon, adamEpsilon > 0), ("lora-alpha", loraAlpha, loraAlpha > 0),
    ] {
      try require(isValid && value.isFinite, name, "a positive number", value)
    }
    for (name, value) in [
      ("weight-decay", weightDecay), ("max-grad-norm", maxGradNorm), ("early-stopping-threshold", earlyStoppingThreshold),
    ] {
      try require(value >= 0 && value.isFinite, name, "a number of at least 0", value)
    }
    for (name, value) in [
      ("adam-beta1", adamBeta1), ("adam-beta2", adamBeta2), ("warmup-ratio", warmupRatio),
      ("label-smoothing-factor", labelSmoothingFactor),
    ] {
      try require((0..<1).contains(value), name, "0 to below 1", value)
    }
    for (name, value, least) in [
      ("per-device-train-batch-size", perDeviceTrainBatchSize, 1),
      ("gradient-accumulation-steps", gradientAccumulationSteps, 1), ("max-steps", maxSteps, 0),
      ("freeze-layers", freezeLayers, 0), ("lora-rank", loraRank, 0), ("warmup-steps", warmupSteps, 0), ("logging-steps", loggingSteps, 1), ("eval-steps", evalSteps, 1),
      ("save-steps", saveSteps, 0), ("save-total-limit", saveTotalLimit, 0), ("max-length", maxLength ?? Self.usualMaxLength, 3),
      ("early-stopping-patience", earlyStoppingPatience, 0),
    ] {
      try require(value >= least, name, "at least \(least)", value)
    }
    // Within these the counts of steps and texts that are made of them cannot overflow.
    for (name, value, most) in [
      ("per-device-train-batch-size", perDeviceTrainBatchSize, 1 << 20),
      ("gradient-accumulation-steps", gradientAccumulationSteps, 1 << 20), ("max-steps", maxSteps, 1 << 40),
      ("warmup-steps", warmupSteps, 1 << 40),
    ] {
      try require(value <= most, name, "at most \(most)", value)
    }
    try require(numTrainEpochs <= 1e6, "num-train-epochs", "at most 1000000", numTrainEpochs)
    for weight in classWeights { try require(weight > 0 && weight.isFinite, "class-weights", "positive numbers", weight) }
    try require(dropout == nil || dropout == 0, "dropout", "0 (or leave it out for the model's own rates)", dropout ?? 0)
    try require(loraRank <= LowRankSettings.mostRank, "lora-rank", "at most \(LowRankSettings.mostRank)", loraRank)
    try require(
      loraRank == 0 || freezeLayers == 0 && !freezeEmbeddings, "lora-rank",
      "0 with frozen layers (adapters leave all of the encoder as it is)", loraRank)
    guard ScheduleKind(rawValue: lrSchedulerType) != nil else { throw .unknownSchedule(lrSchedulerType) }
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
      "max_length": .integer(Int64(maxLength ?? Self.usualMaxLength)), "dropout": dropout.map { .number($0) } ?? .null,
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
