import ArgumentParser
import JSON
import MartletTuning
import Records
import Reporting
import Storage
import Synchronization
import Training

#if canImport(Glibc)
  import Glibc
#endif

extension IntervalStrategy: ExpressibleByArgument {}

/// Both spellings of an option: `--learning-rate` and `--learning_rate`.
func spellings(_ name: String, _ others: String...) -> NameSpecification {
  let all = [name] + others
  return NameSpecification(
    all.flatMap { name -> [NameSpecification.Element] in
      let snake = name.split(separator: "-").joined(separator: "_")
      return snake == name ? [.customLong(name)] : [.customLong(name), .customLong(snake)]
    })
}

struct TuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune",
    abstract: "Fine-tune a pretrained encoder into a text classifier, as the Hugging Face Trainer would.",
    discussion: "Options have the names and defaults of TrainingArguments, with dashes or underscores.")

  @Argument(help: "A Hugging Face folder, or a bundle that carries its folder's files.")
  var base: String
  @Option(help: DataOptions.dataHelp)
  var train: String
  @Option(help: "The same, to evaluate on.")
  var validation: String?
  @Option(name: spellings("output-dir"), help: "Where the model, checkpoints and reports go.")
  var outputDir: String
  @OptionGroup var reading: DataOptions
  @OptionGroup var labels: LabelArguments

  @Option(name: spellings("learning-rate"), help: "AdamW's learning rate at its highest.")
  var learningRate = 2e-5
  @Option(name: spellings("per-device-train-batch-size"), help: "Texts of one batch.")
  var perDeviceTrainBatchSize = 16
  @Option(name: spellings("num-train-epochs"), help: "Passes over the training data.")
  var numTrainEpochs = 3.0
  @Option(name: spellings("max-steps"), help: "End after this many steps, whatever the epochs.")
  var maxSteps = 0
  @Option(name: spellings("weight-decay"), help: "Decoupled weight decay of all but biases and normalisations.")
  var weightDecay = 0.01
  @Option(name: spellings("eval-strategy", "evaluation-strategy"), help: "When to evaluate: no, steps or epoch.")
  var evalStrategy = IntervalStrategy.epoch
  @Option(name: spellings("eval-steps"), help: "Steps between evaluations with --eval-strategy steps.")
  var evalSteps = 500
  @Option(name: spellings("save-steps"), help: "Steps between checkpoints; 0 for one at the end only.")
  var saveSteps = 500
  @Option(name: spellings("save-total-limit"), help: "Keep this many checkpoints; 0 for all.")
  var saveTotalLimit = 0
  @Option(name: spellings("logging-steps"), help: "Steps between log entries.")
  var loggingSteps = 100
  @Option(name: spellings("logging-dir"), help: "The folder of the TensorBoard events (default: runs/… in the output folder).")
  var loggingDir: String?
  @Option(help: "The seed of the data order, of dropout and of new parameters.")
  var seed: UInt32 = 42
  @Option(
    name: spellings("max-length"),
    help: """
      Cut texts at this many tokens, at most as many as the model has positions for; the length is recorded, and what is \
      written cuts there too. (default: \(TuningArguments.usualMaxLength), or the base's limit where that is less)
      """)
  var maxLength: Int?
  @Option(name: spellings("warmup-steps"), help: "Steps over which the learning rate rises.")
  var warmupSteps = 0
  @Option(name: spellings("warmup-ratio"), help: "The share of all steps that warm up.")
  var warmupRatio = 0.0
  @Option(name: spellings("lr-scheduler-type"), help: "linear, cosine, constant or constant_with_warmup.")
  var lrSchedulerType = "linear"
  @Option(name: spellings("max-grad-norm"), help: "Clip the gradients to this L2 norm; 0 for no clipping.")
  var maxGradNorm = 1.0
  @Option(name: spellings("gradient-accumulation-steps"), help: "Batches that make one step.")
  var gradientAccumulationSteps = 1
  @Option(name: spellings("adam-beta1"), help: "AdamW's β1.")
  var adamBeta1 = 0.9
  @Option(name: spellings("adam-beta2"), help: "AdamW's β2.")
  var adamBeta2 = 0.999
  @Option(name: spellings("adam-epsilon"), help: "AdamW's ε.")
  var adamEpsilon = 1e-8
  @Option(name: spellings("label-smoothing-factor"), help: "Label smoothing.")
  var labelSmoothingFactor = 0.0
  @Option(name: spellings("class-weights"), help: """
      What each label counts in the loss: `balanced`, weights by name (negative=2,positive=1; 1 for others), or one for each label in order.
      """)
  var classWeights: String?
  @Flag(name: spellings("load-best-model-at-end"), help: "End with the best checkpoint instead of the last.")
  var loadBestModelAtEnd = false
  @Option(name: spellings("metric-for-best-model"), help: """
      loss, accuracy, f1, precision, recall, macro_f1, or f1:LABEL, precision:LABEL, recall:LABEL of one label; loss, mse, mae or \
      pearson of a regression.
      """)
  var metricForBestModel = "loss"
  @Option(name: spellings("early-stopping-patience"), help: "Evaluations without improvement after which to stop; 0 for never.")
  var earlyStoppingPatience = 0
  @Option(name: spellings("early-stopping-threshold"), help: "What counts as an improvement.")
  var earlyStoppingThreshold = 0.0
  @Option(help: "0 turns all dropout off.")
  var dropout: Double?
  @Flag(name: spellings("gradient-checkpointing"), help: "Run each layer a second time instead of keeping what it made: less memory, more time.")
  var gradientCheckpointing = false
  @Flag(name: spellings("freeze-embeddings"), help: "Leave the embeddings as they are; they then have no dropout.")
  var freezeEmbeddings = false
  @Option(name: spellings("freeze-layers"), help: "Leave the embeddings and this many layers, from the first on, as they are; they then have no dropout.")
  var freezeLayers = 0
  @Option(name: spellings("lora-rank"), help: "Train adapters of this rank and the head instead of the model; they are merged at the end.")
  var loraRank = 0
  @Option(name: spellings("lora-alpha"), help: "An adapter's share is scaled by this over the rank.")
  var loraAlpha = 16.0
  @Option(
    name: spellings("lora-targets"),
    help: "Comma-separated: the layers that get adapters, by the last part of their names. (default: queries and values)")
  var loraTargets: String?
  @Flag(
    name: spellings("from-scratch"),
    help: """
      Draw all weights anew: of BASE only the configuration and the tokenizer are used. Without it a base that lacks more than half \
      of the encoder is refused.
      """)
  var fromScratch = false
  @Flag(name: spellings("no-forecast"), help: "Do without the few steps that foretell memory and time.")
  var noForecast = false
  @Option(
    name: spellings("resume-from-checkpoint"),
    help: "Go on from a checkpoint folder; `last` (or `true`) is the newest whole one of the output folder.")
  var resumeFromCheckpoint: String?
  @Flag(help: "Print nothing but the result.")
  var quiet = false
  @Flag(help: "Print one JSON object as the result.")
  var json = false
  @OptionGroup var threading: ThreadOptions

  func validate() throws {
    let arguments = try arguments()
    do { try arguments.check() } catch { throw ValidationError("--\(error)") }
  }

  private func parsedLoraTargets() throws -> [String] {
    guard let loraTargets else { return [] }
    let targets = loraTargets.split(separator: ",").map(String.init)
    guard !targets.isEmpty else { throw ValidationError("--lora-targets: expected at least one layer, found none") }
    return targets
  }

  private func parsedClassWeights() throws -> [Double] {
    guard let classWeights, classWeights != "balanced", !classWeights.contains("=") else { return [] }
    return try classWeights.split(separator: ",").map { part in
      guard let weight = Double(part) else {
        throw ValidationError("--class-weights: expected positive numbers, found \(part)")
      }
      return weight
    }
  }

  private func parsedNamedClassWeights() throws -> ClassWeights? {
    guard let classWeights else { return nil }
    if classWeights == "balanced" { return .balanced }
    guard classWeights.contains("=") else { return nil }
    var weights: [String: Double] = [:]
    for part in classWeights.split(whereSeparator: { $0 == "," }) {
      // The weight is behind the last sign: a name may hold one.
      guard let sign = part.lastIndex(of: "="), let weight = Double(part[part.index(after: sign)...]), weight > 0, weight.isFinite,
        weights.updateValue(weight, forKey: String(part[..<sign])) == nil
      else { throw ValidationError("--class-weights: expected NAME=WEIGHT with a positive number, each name once, found \(part)") }
    }
    return .named(weights)
  }

  private func arguments() throws -> TuningArguments {
    for (name, isSet) in [
      ("load-best-model-at-end", loadBestModelAtEnd), ("early-stopping-patience", earlyStoppingPatience > 0),
    ] where isSet && (validation == nil || evalStrategy == .no) {
      throw ValidationError("--\(name) needs --validation, and an --eval-strategy other than no")
    }
    var arguments = TuningArguments()
    arguments.learningRate = learningRate
    arguments.perDeviceTrainBatchSize = perDeviceTrainBatchSize
    arguments.numTrainEpochs = numTrainEpochs
    arguments.maxSteps = maxSteps
    arguments.weightDecay = weightDecay
    arguments.adamBeta1 = adamBeta1
    arguments.adamBeta2 = adamBeta2
    arguments.adamEpsilon = adamEpsilon
    arguments.maxGradNorm = maxGradNorm
    arguments.warmupSteps = warmupSteps
    arguments.warmupRatio = warmupRatio
    arguments.lrSchedulerType = lrSchedulerType
    arguments.gradientAccumulationSteps = gradientAccumulationSteps
    arguments.labelSmoothingFactor = labelSmoothingFactor
    arguments.classWeights = try parsedClassWeights()
    arguments.seed = seed
    arguments.maxLength = maxLength
    arguments.dropout = dropout
    arguments.evalStrategy = evalStrategy
    arguments.evalSteps = evalSteps
    arguments.saveSteps = saveSteps
    arguments.saveTotalLimit = saveTotalLimit
    arguments.loggingSteps = loggingSteps
    arguments.loadBestModelAtEnd = loadBestModelAtEnd
    arguments.metricForBestModel = metricForBestModel
    arguments.earlyStoppingPatience = earlyStoppingPatience
    arguments.earlyStoppingThreshold = earlyStoppingThreshold
    arguments.gradientCheckpointing = gradientCheckpointing
    arguments.freezeEmbeddings = freezeEmbeddings
    arguments.freezeLayers = freezeLayers
    arguments.loraRank = loraRank
    arguments.loraAlpha = loraAlpha
    arguments.loraTargets = try parsedLoraTargets()
    return arguments
  }

  func run() throws {
    let arguments = try arguments()
    let training = TuningData(try reading.dataset(train))
    let validationData = try validation.map { TuningData(try reading.dataset($0)) }
    var tuner = Tuner(base: base)
    tuner.arguments = arguments
    tuner.threads = threading.threads
    tuner.forecasts = !noForecast
    tuner.startsFromScratch = fromScratch
    tuner.problemType = labels.problemType
    tuner.labelMap = labels.labelMap
    tuner.positiveLabel = labels.positiveLabel
    tuner.classWeights = try parsedNamedClassWeights()
    tuner.shouldStop = { interrupted.load(ordering: .relaxed) }
    onInterrupt { interrupted.store(true, ordering: .relaxed) }
    let display = TuningDisplay(
      arguments: arguments, mode: quiet ? .quiet : .automatic,
      eventsFolder: loggingDir ?? outputDir + "/runs/" + TensorBoardWriter.defaultRunName())
    let resumption = try resumption()
    let result = try naming(base) {
      try tuner.tune(
        on: training, validation: validationData, outputFolder: outputDir, resumingFrom: resumption, onEvent: display.show)
    }
    display.finish()
    if result.wasStopped {
      throw CommandError(
        "stopped after step \(result.steps); go on with the same command and --resume-from-checkpoint last")
    }
    let report = display.report(result, tuner, training)
    var file = try AtomicFile(path: outputDir + "/report.html")
    try file.write(report.html())
    try file.commit()
    try writeToStandardOutput(json ? summary(result, badRows: training.dataset.badRows.count + (validationData?.dataset.badRows.count ?? 0)).text(indent: 2) + "\n" : table(result))
  }

  private func resumption() throws -> Resumption {
    guard let resumeFromCheckpoint else { return .none }
    if resumeFromCheckpoint == "last" || resumeFromCheckpoint == "true" {
      guard !wholeCheckpoints(in: outputDir).isEmpty else { throw TrainingError.noCheckpoint(path: outputDir) }
      return .newest
    }
    guard isWholeCheckpoint(resumeFromCheckpoint) else { throw TrainingError.noCheckpoint(path: resumeFromCheckpoint) }
    return .checkpoint(path: resumeFromCheckpoint)
  }

  private func summary(_ result: TuningResult, badRows: Int) -> JSONValue {
    .object(
      JSONObject(
        [("output_dir", .string(outputDir)), ("steps", .integer(Int64(result.steps))), ("train_loss", .number(result.trainLoss)), ("bad_rows", .integer(Int64(badRows)))]
          + result.metrics.map { ("eval_" + $0.name, .number($0.value)) }))
  }

  /// What the run came to, and each evaluation in a row.
  private func table(_ result: TuningResult) -> String {
    let head = "\(outputDir): \(result.steps) steps, mean loss \(formatFixed(result.trainLoss, digits: 4))\n"
    let evaluations = TuningDisplay.evaluations(result.outcome.logHistory)
    guard let last = evaluations.last else { return head }
    var table = TextTable((["epoch", "step", "loss"] + last.metrics.map(\.name)).map { TextTable.Column($0) })
    for evaluation in evaluations {
      table.add(
        [formatFixed(evaluation.epoch, digits: 2), formatCount(evaluation.step)]
          + ([evaluation.loss ?? .nan] + evaluation.metrics.map(\.value)).map { formatFixed($0, digits: 4) })
    }
    return head + table.text()
  }
}

/// Set by Ctrl-C, SIGTERM and SIGHUP; training finishes its step, saves and returns.
private let interrupted = Atomic<Bool>(false)
