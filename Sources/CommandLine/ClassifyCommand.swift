import ArgumentParser
import Decompression
import Encoders
import Martlet
import Records
import Reporting
import Sessions
import Storage
import Tasks

struct ClassifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classify", abstract: "Classify stdin or files as a stream: one output record per input record, in order.",
    discussion: """
      A score is the softmax over the labels; a sigmoid for each where problem_type is multi_label_classification; and in a \
      regression, which a model of one logit is unless its problem_type says otherwise, the logit as it is.
      """)

  @OptionGroup var modelArgument: ModelArgument
  @Argument(help: "Files to read; standard input if there is none, or for -. gzip and LZ4 are inflated.")
  var files: [String] = []

  @OptionGroup var options: ReadingOptions
  @Option(help: "How predictions are written: tsv, jsonl, csv or label.")
  var output: OutputFormat = .tsv
  @Flag(help: "Begin csv with a byte order mark, by which spreadsheets know that it is UTF-8.")
  var bom = false
  @Flag(help: "Carry the input along in further columns, or as `input` in jsonl.")
  var echo = false
  @Flag(help: "Write every label's score.")
  var allScores = false
  @Flag(help: "Write the raw logits in label order, with as many digits as read back to the same bits.")
  var logits = false
  @Flag(
    help: """
      Tell what each word does to the answer: its score, less the score without the word. In jsonl as `explanation`; on a terminal the text \
      is written below its row with the words marked. Texts of more than 512 words are told by sentence. Each word takes as long as a text.
      """)
  var explain = false
  @Flag(help: "Divide logits by the temperature that `pack --validation` fitted, so that scores say how often they are right.")
  var calibrated = false
  @Option(
    help: """
      A single label with a score under this is replaced by --abstain-label, the score stays; a label of several is given \
      over this (default: 0.5). Of a text that the vocabulary knows nothing of no label is given, whatever the scores.
      """)
  var threshold: Float?
  @Option(help: "What is written for a text without a label that is sure enough (default: !abstain).")
  var abstainLabel: String?
  @Option(help: "Run a batch when it has this many tokens; what a text comes to does not depend on it.")
  var batchTokens = Classifier.defaultBatchTokens
  @Option(help: "Wait this many milliseconds for more input before a batch that is not full is run.")
  var maxDelay = 0
  @Flag(help: "Write out after each record.")
  var lineBuffered = false
  @OptionGroup var length: LengthOptions
  @Option(
    help: """
      Read a text over the length limit in windows of that length instead of cutting it: its logits are the windows' \
      mean, or the highest of each label.
      """)
  var window: Windows.Pooling?
  @Option(
    help: """
      Tokens that neighbouring windows share (default: 0). The last window ends with the text and is as long as the \
      others, so it may share more.
      """)
  var stride: Int?
  @Flag(help: "Stop with status 1 at the first record that cannot be classified.")
  var strict = false
  @Flag(help: "Print counts to stderr at the end.")
  var summary = false
  @Flag(help: "Show no progress and no notes of how the input was understood. (Progress is shown on stderr for regular files, unless results go to a terminal.)")
  var quiet = false
  @OptionGroup var threading: ThreadOptions

  func validate() throws {
    if batchTokens < 1 { throw ValidationError("--batch-tokens: expected at least 1, found \(batchTokens)") }
    if maxDelay < 0 { throw ValidationError("--max-delay: expected at least 0, found \(maxDelay)") }
    if let stride, stride < 0 { throw ValidationError("--stride: expected at least 0, found \(stride)") }
    if let threshold, !(0...1).contains(threshold) { throw ValidationError("--threshold: expected 0 to 1, found \(threshold)") }
    if abstainLabel != nil && threshold == nil { throw ValidationError("--abstain-label needs --threshold") }
    if bom && output != .csv { throw ValidationError("--bom needs --output csv") }
    if stride != nil && window == nil { throw ValidationError("--stride needs --window") }
    if explain && output != .jsonl && !(output == .tsv && ByteStream.output.isTerminal) {
      throw ValidationError("--explain needs --output jsonl, or a terminal to write to with --output tsv")
    }
    if explain && window != nil { throw ValidationError("--explain and --window exclude each other") }
    if window != nil && options.textPairField != nil {
      throw ValidationError("--window and --text-pair-field exclude each other: a pair is not read in windows")
    }
  }

  func run() throws {
    let classifier = try modelArgument.open(threads: threading.threads, calibrated: calibrated)
    let recordOptions = try recordOptions()
    var prediction = PredictionOptions(answer: try answerOptions(classifier.model.task))
    prediction.format = output
    prediction.allScores = allScores
    prediction.logits = logits
    prediction.echo = echo
    prediction.marksWords = explain && output == .tsv
    prediction.flushesEachRecord = lineBuffered
    prediction.hasByteOrderMark = bom
    let reader = try RecordReader(paths: files, options: recordOptions, source: RecordSource.init(decompressing:))
    if !quiet { reader.onNote = { writeNote($0) } }
    var stream = ClassificationStream(
      session: try classifier.makeSession(),
      reader: reader,
      writer: PredictionWriter(descriptor: 1, options: prediction))
    // Two things cannot be drawn on one terminal, and results are progress enough.
    let progress = quiet || ByteStream.output.isTerminal ? nil : ProgressReporter()
    stream.progress = progress
    stream.batchTokens = batchTokens
    stream.maximumDelay = maxDelay
    stream.maximumLength = length.maxLength
    stream.windows = try windows(classifier)
    stream.isStrict = strict
    stream.echoes = echo || explain
    if !quiet, !classifier.readsHTML { stream.htmlNotice = HTMLNotice() }
    if explain {
      stream.explainer = Explainer(
        session: try classifier.makeSession(), answer: prediction.answer, batchTokens: batchTokens, maximumLength: length.maxLength)
    }
    onInterrupt(endsWaiting: true) { Interruption.isRequested.store(true, ordering: .relaxed) }
    do {
      defer { progress?.finish() }
      try stream.run()
    } catch OutputError.readerGone {
      return  // `| head` has what it wanted.
    }
    let counts = stream.counts
    if summary { writeToStandardError(counts.description) }
    if counts.problems > 0 && !summary {
      writeToStandardError("martlet: \(counts.problems) of \(counts.records) records could not be classified")
    }
    if Interruption.isRequested.load(ordering: .relaxed) {
      throw CommandError("stopped by a signal; records answered: \(formatCount(counts.records))")
    }
  }

  /// Lines, or what was said, or what the endings of the files say.
  private func recordOptions() throws -> RecordOptions {
    var found = RecordOptions(options.reading, keepsInput: echo)
    guard options.format == nil else { return found }
    // An archive's name says nothing of the file in it, which says it itself.
    let formats = files.map { path -> RecordFormat? in
      path == "-" ? .lines : RecordFormat.forPath(path) ?? (path.lowercased().hasSuffix(".zip") ? nil : .lines)
    }
    found.formatHint = formats.first ?? .lines
    guard formats.allSatisfy({ $0 == found.formatHint }) else {
      throw ValidationError("--format: by their endings the files are of several formats: say which one all of them are")
    }
    // What a pipe holds is not waited for.
    found.looksAhead = found.formatHint != .lines && files.allSatisfy { regularFileSize($0) != nil }
    if !found.looksAhead { found.reading.format = found.formatHint ?? .lines }
    if let format = found.formatHint, format != .lines, !quiet {
      writeNote("\(files.joined(separator: ", ")): read as \(format.rawValue), by the ending (--format)")
    }
    return found
  }

  private func answerOptions(_ task: ClassificationTask) throws -> AnswerOptions {
    switch task.kind {
    case .singleLabel: break
    case .multiLabel:
      guard abstainLabel == nil else { throw ValidationError("--abstain-label: a model of several labels abstains by giving none") }
    case .regression:
      guard threshold == nil else { throw ValidationError("--threshold: this model gives a value, not labels") }
    }
    let options = abstainLabel.map { AnswerOptions(task, threshold: threshold, abstainLabel: $0) } ?? AnswerOptions(task, threshold: threshold)
    guard threshold == nil || !task.labels.contains(options.abstainLabel) else {
      throw ValidationError("--abstain-label: expected another name than the model's labels, found \(options.abstainLabel)")
    }
    return options
  }

  private func windows(_ classifier: Classifier) throws -> Windows? {
    guard let window else { return nil }
    let room = classifier.limit.most(length.maxLength) - classifier.tokenizer.specialTokenCount()
    guard (stride ?? 0) < room else {
      throw ValidationError("--stride: expected less than the \(room) tokens of text in a window, found \(stride ?? 0)")
    }
    return Windows(pooling: window, overlap: stride ?? 0)
  }
}

extension Windows.Pooling: ExpressibleByArgument {}
