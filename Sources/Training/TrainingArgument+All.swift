import JSON

extension TrainingArguments {
  /// Within this the counts of steps and texts that are made of an argument cannot overflow.
  static let mostSteps = 1 << 40
  static let mostTexts = 1 << 20
}

extension TrainingArgument {
  /// Every argument, in the order of the help.
  package static let all: [TrainingArgument] = [
    Self("learning_rate", \.learningRate, .positive, "AdamW's learning rate at its highest."),
    Self(
      "per_device_train_batch_size", \.perDeviceTrainBatchSize, .whole(1...TrainingArguments.mostTexts),
      aliases: ["per_gpu_train_batch_size"], "Texts of one batch."),
    Self("num_train_epochs", \.numTrainEpochs, .positive(atMost: 1e6), "Passes over the training data."),
    Self(
      "max_steps", \.maxSteps, .maxSteps, "End after this many steps, whatever the epochs; 0 or -1 for no such end."),
    Self("weight_decay", \.weightDecay, .atLeastZero, "Decoupled weight decay of all but biases and normalisations."),
    Self("eval_strategy", \.evalStrategy, .choice, aliases: ["evaluation_strategy"], "When to evaluate: no, steps or epoch."),
    Self(
      "eval_steps", \.evalStepsOrNone, ratio: \.evalStepsRatio, standing: 500, atLeast: 1,
      "Steps between evaluations with --eval-strategy steps; below 1 a share of all."),
    Self("eval_delay", \.evalDelay, .atLeastZero, "Epochs (or steps, with --eval-strategy steps) before the first evaluation."),
    Self(
      "per_device_eval_batch_size", \.perDeviceEvalBatchSize, .whole(1...TrainingArguments.mostTexts),
      aliases: ["per_gpu_eval_batch_size"], changesRun: false, "Texts of one batch of an evaluation: memory and time depend on it."),
    Self(
      "save_strategy", \.saveStrategy, .choice, changesRun: false,
      "When to write a checkpoint: no, steps, epoch or best; with steps and epoch also after the last step."),
    Self(
      "save_steps", \.saveStepsOrNone, ratio: \.saveStepsRatio, standing: 500, atLeast: 0,
      "Steps between checkpoints, below 1 a share of all; 0 for one at the end only."),
    Self("save_total_limit", \.saveTotalLimit, .whole(0...Int.max), changesRun: false, "Keep this many checkpoints; 0 for all."),
    Self(
      "logging_strategy", \.loggingStrategy, .choice, changesRun: false, "When to log the loss: no, steps or epoch."),
    Self(
      "logging_steps", \.loggingSteps, ratio: \.loggingStepsRatio, standing: TrainingArguments.usualLoggingSteps, atLeast: 1,
      "Steps between log entries, below 1 a share of all. (default: \(TrainingArguments.usualLoggingSteps), or a tenth of a shorter run)"),
    .flag("logging_first_step", \.loggingFirstStep, changesRun: false, "Log the first step too."),
    Self("seed", \.seed, .seed, "The seed of the data order, of dropout and of new parameters."),
    Self("data_seed", \.dataSeed, .seed, "The seed of the data order. (default: that of --seed)"),
    Self(
      "max_length", \.maxLength, .whole(3...Int.max), standing: TrainingArguments.usualMaxLength, aliases: ["max_seq_length"],
      changesRun: false,
      """
      Cut texts at this many tokens, at most as many as the model has positions for; the length is recorded, and what is \
      written cuts there too. (default: \(TrainingArguments.usualMaxLength), or the base's limit where that is less)
      """),
    .warmupSteps,
    Self("warmup_ratio", \.warmupRatio, .share, "The share of all steps that warm up."),
    Self(
      "lr_scheduler_type", \.lrSchedulerType, .word,
      "How the learning rate goes: \(ScheduleKind.allCases.map(\.rawValue).joined(separator: ", "))."),
    Self(
      "lr_scheduler_kwargs", \.lrSchedulerKwargs, .word, #"What the schedule is given besides, as a JSON object: {"num_cycles": 2}."#),
    Self("max_grad_norm", \.maxGradNorm, .atLeastZero, "Clip the gradients to this L2 norm; 0 for no clipping."),
    Self(
      "gradient_accumulation_steps", \.gradientAccumulationSteps, .whole(1...TrainingArguments.mostTexts), "Batches that make one step."),
    Self("adam_beta1", \.adamBeta1, .share, "AdamW's β1."),
    Self("adam_beta2", \.adamBeta2, .share, "AdamW's β2."),
    Self("adam_epsilon", \.adamEpsilon, .positive, "AdamW's ε."),
    Self("label_smoothing_factor", \.labelSmoothingFactor, .share, "Label smoothing."),
    Self(
      "class_weights", \.classWeights, .list(.positive, expected: "positive numbers"),
      "What each label counts in the loss: `balanced`, weights by name (negative=2,positive=1; 1 for others), or one for each label in order."),
    .flag("load_best_model_at_end", \.loadBestModelAtEnd, "End with the best checkpoint instead of the last."),
    Self(
      "metric_for_best_model", \.metricForBestModel, .word,
      """
      loss, accuracy, f1, precision, recall, macro_f1, or f1:LABEL, precision:LABEL, recall:LABEL of one label; loss, mse, mae or \
      pearson of a regression.
      """),
    Self(
      "greater_is_better", \.greaterIsBetter, .bool,
      "Whether a higher value of that metric is better: true or false. (default: true, but for names that end in loss)"),
    Self(
      "early_stopping_patience", \.earlyStoppingPatience, .whole(0...Int.max),
      "Evaluations without improvement after which to stop; 0 for never."),
    Self("early_stopping_threshold", \.earlyStoppingThreshold, .atLeastZero, "What counts as an improvement."),
    Self("dropout", \.dropout, .noDropout, "0 turns all dropout off."),
    .flag(
      "gradient_checkpointing", \.gradientCheckpointing, aliases: ["activation_checkpointing"],
      "Run each layer a second time instead of keeping what it made: less memory, more time."),
    .flag("freeze_embeddings", \.freezeEmbeddings, "Leave the embeddings as they are; they then have no dropout."),
    Self(
      "freeze_layers", \.freezeLayers, .whole(0...Int.max),
      "Leave the embeddings and this many layers, from the first on, as they are; they then have no dropout."),
    Self(
      "lora_rank", \.loraRank, .whole(0...LowRankSettings.mostRank),
      "Train adapters of this rank and the head instead of the model; they are merged at the end."),
    Self("lora_alpha", \.loraAlpha, .positive, "An adapter's share is scaled by this over the rank."),
    Self(
      "lora_targets", \.loraTargets, .list(.word, expected: "at least one layer"),
      "Comma-separated: the layers that get adapters, by the last part of their names. (default: queries and values)"),
  ]

  /// As in transformers 5 a number below 1 is a share of all steps, which `warmup_ratio` holds.
  private static let warmupSteps: TrainingArgument = {
    let form = ArgumentForm.whole(0...TrainingArguments.mostSteps)
    let row = TrainingArgument("warmup_steps", \.warmupSteps, form, "Steps over which the learning rate rises; below 1 a share of all.")
    return TrainingArgument(row) { text, arguments throws(TrainingError) in
      guard let number = Double(text), number.isFinite else {
        throw error("warmup_steps", "a number of steps, or a share of all steps below 1", text)
      }
      if number > 0 && number < 1 {
        (arguments.warmupSteps, arguments.warmupRatio) = (0, number)
      } else {
        arguments.warmupSteps = Int(saturating: number)
      }
    }
  }()
}

extension TrainingArgument {
  /// A row whose value is written in a way of its own.
  fileprivate init(
    _ row: TrainingArgument, assign: @escaping @Sendable (String, inout TrainingArguments) throws(TrainingError) -> Void
  ) {
    name = row.name
    aliases = row.aliases
    help = row.help
    isFlag = row.isFlag
    changesRun = row.changesRun
    self.assign = assign
    check = row.check
    json = row.json
    defaultText = row.defaultText
  }
}

extension ArgumentForm where Value == Int {
  /// -1, which the reference library has for no limit, is recorded as 0.
  fileprivate static let maxSteps = {
    let form = whole(-1...TrainingArguments.mostSteps)
    return Self(parse: form.parse, json: { .integer(Int64(max(0, $0))) }, isValid: form.isValid, expected: form.expected)
  }()
}

extension ArgumentForm where Value == Double {
  fileprivate static let noDropout = Self(
    parse: { Double($0) }, json: { .number($0) }, isValid: { $0 == 0 }, expected: "0 (or leave it out for the model's own rates)")
}

extension TrainingArguments {
  /// As the rows of intervals have them, of which `loggingSteps` may be open.
  fileprivate var evalStepsOrNone: Int? {
    get { evalSteps }
    set { evalSteps = newValue ?? evalSteps }
  }
  fileprivate var saveStepsOrNone: Int? {
    get { saveSteps }
    set { saveSteps = newValue ?? saveSteps }
  }
}
