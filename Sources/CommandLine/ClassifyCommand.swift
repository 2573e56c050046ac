import ArgumentParser
import Encoders
import Martlet
import Records

struct ClassifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classify", abstract: "Classify stdin or files as a stream: one output record per input record, in order.")

  @OptionGroup var modelArgument: ModelArgument
  @Argument(help: "Files to read; standard input if there is none, or for -.")
  var files: [String] = []

  @Option(help: "How the input is cut into records: lines, jsonl, csv or tsv.")
  var format: RecordFormat = .lines
  @OptionGroup var fields: FieldOptions
  @Option(help: "How predictions are written: tsv, jsonl, csv or label.")
  var output: OutputFormat = .tsv
  @Flag(help: "Carry the input along.")
  var echo = false
  @Flag(help: "Write every label's score.")
  var allScores = false
  @Flag(help: "Write the raw logits in label order, so that they read back to the same bits.")
  var logits = false
  @Option(help: "Run a batch when it has this many tokens.")
  var batchTokens = 2048
  @Option(help: "Wait this many milliseconds for more input before a batch that is not full is run.")
  var maxDelay = 0
  @Flag(help: "Write out after each record.")
  var lineBuffered = false
  @Option(help: "Cut texts at this many tokens (default: the model's limit).")
  var maxLength: Int?
  @Flag(help: "Stop with status 1 at the first record that cannot be classified.")
  var strict = false
  @Flag(help: "Print counts to stderr at the end.")
  var summary = false
  @OptionGroup var threading: ThreadOptions

  func validate() throws {
    if batchTokens < 1 { throw ValidationError("--batch-tokens: expected at least 1, found \(batchTokens)") }
    if maxDelay < 0 { throw ValidationError("--max-delay: expected at least 0, found \(maxDelay)") }
    if let maxLength, maxLength < 3 { throw ValidationError("--max-length: expected at least 3, found \(maxLength)") }
  }

  func run() throws {
    let classifier = try modelArgument.open(threads: threading.threads)
    var options = RecordOptions(format: format, fields: fields.choice)
    options.keepsInput = echo
    var prediction = PredictionOptions(kind: classifier.model.labels.problemType.predictionKind, labels: classifier.labels)
    prediction.format = output
    prediction.allScores = allScores
    prediction.logits = logits
    prediction.echo = echo
    prediction.flushesEachRecord = lineBuffered
    var stream = ClassificationStream(
      session: classifier.makeSession(), reader: try RecordReader(paths: files, options: options),
      writer: PredictionWriter(descriptor: 1, options: prediction))
    stream.batchTokens = batchTokens
    stream.maximumDelay = maxDelay
    stream.maximumLength = maxLength ?? .max
    stream.isStrict = strict
    do {
      try stream.run()
    } catch OutputError.readerGone {
      return  // `| head` has what it wanted.
    }
    let counts = stream.counts
    if summary { writeToStandardError(counts.description) }
    if counts.problems > 0 && !summary {
      writeToStandardError("martlet: \(counts.problems) of \(counts.records) records could not be classified")
    }
    if counts.problems > 0 && strict { throw ExitCode(1) }
  }
}

extension ProblemType {
  var predictionKind: PredictionKind {
    switch self {
    case .singleLabel: .singleLabel
    case .multiLabel: .multiLabel(threshold: multiLabelThreshold)
    case .regression: .regression
    }
  }
}
