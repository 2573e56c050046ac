import ArgumentParser
import JSON
import MartletTuning
import Records
import Reporting
import Storage
import Synchronization
import Training

struct TuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune",
    abstract: "Fine-tune a pretrained encoder into a text classifier, as the Hugging Face Trainer would.",
    discussion: """
      Options have the names of TrainingArguments, with dashes or underscores, and its ways to write values (True, -1 for no limit, a \
      share of all steps). Its other arguments are taken where they change no result here, and refused by name where they would.
      """)

  @Argument(help: "A Hugging Face folder, or a bundle that carries its folder's files.")
  var base: String
  @Option(help: "\(DataOptions.dataText) Given several times, they are read one after the other.")
  var train: [String]
  @Option(help: "The same, to evaluate on.")
  var validation: String?
  @Option(
    name: spellings("validation-split"),
    help: """
      Keep this share of the training data to evaluate on instead, by label and from the seed; which rows is written to \
      validation-rows.json in the output folder (martlet evaluate --rows).
      """)
  var validationSplit: Double?
  @Option(name: spellings("output-dir"), help: "Where the model, checkpoints and reports go.")
  var outputDir: String
  @OptionGroup var reading: DataOptions
  @OptionGroup var labels: LabelArguments

  @OptionGroup var training: TrainingOptions
  @Option(name: spellings("logging-dir"), help: "The folder of the TensorBoard events (default: runs/… in the output folder).")
  var loggingDir: String?
  @Option(name: spellings("report-to"), help: "Where curves are written besides: tensorboard (or all), or none.")
  var reportTo = "tensorboard"
  @Flag(
    name: spellings("new-head"),
    help: "Of a base that is a classifier draw the output layer anew: the labels are then those of the data.")
  var newHead = false
  @Flag(
    name: spellings("from-scratch"),
    help: """
      Draw all weights anew: of BASE only the configuration and the tokenizer are used. Without it a base that lacks more than half \
      of the encoder is refused.
      """)
  var fromScratch = false
  @Flag(
    name: spellings("unescape-html"),
    help: """
      Read texts as HTML: tags become blanks, entities what they stand for. The model that is written says so, and `classify`, \
      `evaluate` and the libraries read texts in the same way.
      """)
  var unescapeHtml = false
  @Flag(name: spellings("no-forecast"), help: "Do without the few steps that foretell memory and time.")
  var noForecast = false
  @Option(
    name: spellings("resume-from-checkpoint"),
    help: "Go on from a checkpoint folder; `last` (or `true`) is the newest whole one of the output folder.")
  var resumeFromCheckpoint: String?
  @Flag(
    name: spellings("overwrite-output-dir"),
    help: "Begin anew in an output folder that holds another run's checkpoints, which are refused otherwise.")
  var overwriteOutputDir = false
  @Flag(help: "Print nothing but the result.")
  var quiet = false
  @Flag(help: "Print one JSON object as the result.")
  var json = false
  @OptionGroup var threading: ThreadOptions

  func validate() throws {
    guard (train + [validation ?? ""]).count(where: { $0 == "-" }) <= 1 else {
      throw ValidationError("--train, --validation: only one of them can be standard input")
    }
    let arguments = try training.arguments()
    for (name, isSet) in [
      ("load-best-model-at-end", arguments.loadBestModelAtEnd), ("early-stopping-patience", arguments.earlyStoppingPatience > 0),
      ("save-strategy best", arguments.saveStrategy == .best),
    ] where isSet && (validation == nil && validationSplit == nil || arguments.evalStrategy == .no) {
      throw ValidationError("--\(name) needs --validation or --validation-split, and an --eval-strategy other than no")
    }
    if let validationSplit {
      guard validationSplit > 0 && validationSplit < 1 else {
        throw ValidationError("--validation-split: expected a share above 0 and below 1, found \(validationSplit)")
      }
      guard validation == nil else { throw ValidationError("--validation-split and --validation exclude each other") }
    }
    guard ["tensorboard", "all", "none"].contains(reportTo) else {
      throw ValidationError("--report-to: expected tensorboard, all or none, found \(reportTo)")
    }
  }

  func run() throws {
    let arguments = try training.arguments()
    let trainingData = TuningData(try reading.dataset(train, isQuiet: quiet))
    let validationData = try validation.map { TuningData(try reading.dataset([$0], isQuiet: quiet)) }
    var tuner = Tuner(base: base)
    tuner.arguments = arguments
    tuner.threads = threading.threads
    tuner.forecasts = !noForecast
    tuner.startsFromScratch = fromScratch
    tuner.unescapesHTML = unescapeHtml
    tuner.drawsNewHead = newHead
    tuner.validationShare = validationSplit
    tuner.overwritesOutputFolder = overwriteOutputDir
    tuner.problemType = labels.problemType
    tuner.labelMap = labels.labelMap
    tuner.positiveLabel = labels.positiveLabel
    tuner.classWeights = try training.classWeights()
    tuner.shouldStop = { interrupted.load(ordering: .relaxed) }
    onInterrupt {
      interrupted.store(true, ordering: .relaxed)
      writeInHandler("\nmartlet: stopping after this step with a checkpoint; a second signal ends at once\n")
    }
    let display = TuningDisplay(
      arguments: arguments, mode: quiet ? .quiet : .automatic,
      eventsFolder: reportTo == "none" ? nil : loggingDir ?? outputDir + "/runs/" + TensorBoardWriter.defaultRunName())
    let resumption = try resumption()
    let result = try naming(base) {
      try tuner.tune(
        on: trainingData, validation: validationData, outputFolder: outputDir, resumingFrom: resumption, onEvent: display.show)
    }
    display.finish()
    if result.wasStopped {
      throw CommandError(
        "stopped after step \(result.steps); go on with the same command and --resume-from-checkpoint last")
    }
    let report = display.report(result, tuner, trainingData)
    var file = try AtomicFile(path: outputDir + "/report.html")
    try file.write(report.html())
    try file.commit()
    try writeToStandardOutput(json ? summary(result, badRows: display.summary?.leftOutCount ?? 0).text(indent: 2) + "\n" : table(result))
  }

  private func resumption() throws -> Resumption {
    guard let resumeFromCheckpoint else { return .none }
    if resumeFromCheckpoint == "last" || truth(of: resumeFromCheckpoint) == true {
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
    guard let last = evaluations.last else {
      return head + (validation == nil && validationSplit == nil
        ? "no figure of quality: nothing was evaluated; give --validation DATA, or --validation-split 0.1 to keep a share of the training data\n" : "")
    }
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
