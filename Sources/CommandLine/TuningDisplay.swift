import JSON
import Martlet
import MartletTuning
import Reporting
import Storage
import Tasks
import Training

/// Shows a fine-tuning run: a live line or plain lines on stderr, TensorBoard events, and the report at the end.
final class TuningDisplay {
  private let arguments: TuningArguments
  private let reporter: ProgressReporter
  /// Nil for no events.
  private let eventsFolder: String?
  /// Opened by the first step: a run that cannot start leaves no file behind.
  private var events: TensorBoardWriter?
  private let isQuiet: Bool
  private let start = Machine.monotonicSeconds()
  private var firstStep: (time: Double, step: Int)?
  private var tokens = 0
  private var notes: [String] = []
  private var forecast: (peakBytes: Int, seconds: Double)?
  private(set) var summary: DataSummary?

  init(arguments: TuningArguments, mode: ProgressReporter.Mode, eventsFolder: String?) {
    self.arguments = arguments
    self.eventsFolder = eventsFolder
    isQuiet = mode == .quiet
    reporter = ProgressReporter(mode: mode)
  }

  func show(_ event: TuningEvent) {
    switch event {
    case .start(let summary, let notes):
      self.summary = summary
      self.notes = notes + summary.leftOut
      // Aloud, also where nothing else is.
      for line in summary.leftOut { writeNote(line) }
      for line in notes + lines(of: summary) { message(line) }
    case .forecast(let peakBytes, let seconds):
      forecast = (peakBytes, seconds)
      message("forecast: \(formatDuration(seconds)), peak memory \(formatBytes(peakBytes))")
    case .step(let done, let total, let epoch, let loss, let learningRate, let tokens):
      let now = Machine.monotonicSeconds()
      if firstStep == nil {
        firstStep = (start, done - 1)
        warning { events = try eventsFolder.map { try TensorBoardWriter(folder: $0) } }
      }
      self.tokens += tokens
      let elapsed = now - firstStep!.time
      let steps = done - firstStep!.step
      reporter.update(
        ProgressSnapshot(
          label: "tune", step: done, totalSteps: total, epoch: epoch, totalEpochs: arguments.numTrainEpochs, loss: loss,
          learningRate: learningRate, tokensPerSecond: Double(self.tokens) / max(elapsed, 1e-9), elapsedSeconds: elapsed,
          remainingSeconds: elapsed / Double(steps) * Double(total - done)))
    case .log(let step, let epoch, let values):
      log(step, epoch, values)
    case .checkpoint(let path): message("checkpoint \(path)")
    case .warning(let text): message("warning: \(text)")
    }
  }

  func finish() {
    reporter.finish()
    warning { try events?.flush() }
  }

  /// Curves are worth a warning, not a run of hours.
  private func warning(_ work: () throws -> Void) {
    do { try work() } catch { message("warning: \(error)") }
  }

  private func message(_ line: String) { if !isQuiet { reporter.message(line.onOneLine) } }

  private func log(_ step: Int, _ epoch: Double, _ values: [(name: String, value: Double)]) {
    for (name, value) in values {
      let tag = name.hasPrefix("eval_") ? "eval/" + name.dropFirst(5) : "train/" + name
      events?.scalar(tag, Float(value), step: step)
    }
    events?.scalar("train/epoch", Float(epoch), step: step)
    warning { try events?.flush() }
    func value(_ name: String) -> Double? { values.first { $0.name == name }?.value }
    if let loss = value("eval_loss") {
      message(
        "epoch \(formatFixed(epoch, digits: 2)): eval loss \(formatFixed(loss, digits: 4)), "
          + Self.metrics(values).map { "\($0.name) \(formatFixed($0.value, digits: 4))" }.joined(separator: ", "))
    } else if let runtime = value("train_runtime") {
      message(
        "trained in \(formatDuration(runtime)), \(formatFixed(value("train_samples_per_second") ?? 0, digits: 1)) texts/s, "
          + "peak memory \(formatBytes(Machine.peakResidentBytes()))")
    }
  }

  private static let timing = ["eval_runtime", "eval_samples_per_second", "eval_steps_per_second"]

  /// The figures of an evaluation other than its loss and times.
  private static func metrics(_ values: [(name: String, value: Double)]) -> [(name: String, value: Double)] {
    values.filter { $0.name.hasPrefix("eval_") && !timing.contains($0.name) && $0.name != "eval_loss" }
      .map { (name: String($0.name.dropFirst(5)), value: $0.value) }
  }

  /// The evaluations of a log history, those before an interruption included.
  static func evaluations(_ history: [JSONObject]) -> [TrainingReport.Evaluation] {
    history.compactMap { entry in
      guard let loss = entry["eval_loss"]?.double else { return nil }
      return TrainingReport.Evaluation(
        step: entry["step"]?.int ?? 0, epoch: entry["epoch"]?.double ?? 0, loss: loss,
        metrics: metrics(entry.entries.compactMap { key, value in value.double.map { (key, $0) } }))
    }
  }

  /// The points of a log history where the loss was logged.
  private static func points(_ history: [JSONObject]) -> [TrainingReport.LogPoint] {
    history.compactMap { entry in
      guard let loss = entry["loss"]?.double else { return nil }
      return TrainingReport.LogPoint(
        step: entry["step"]?.int ?? 0, epoch: entry["epoch"]?.double ?? 0, loss: loss,
        learningRate: entry["learning_rate"]?.double ?? 0, gradientNorm: entry["grad_norm"]?.double)
    }
  }

  private func lines(of summary: DataSummary) -> [String] {
    var lines = [
      "\(formatCount(summary.trainingCount)) training texts, \(formatCount(summary.trainingTokens)) tokens; "
        + "\(formatCount(summary.validationCount)) validation texts"
    ]
    if summary.truncatedCount > 0 {
      lines.append("warning: \(formatCount(summary.truncatedCount)) training texts are cut at the length limit")
    }
    if summary.emptyCount > 0 { lines.append("warning: \(formatCount(summary.emptyCount)) training texts are empty") }
    let texts = summary.trainingCount + summary.validationCount
    if texts >= 20, summary.markedCount * 20 >= texts {
      lines.append("note: \(formatCount(summary.markedCount)) texts hold tags or entities of HTML: --unescape-html makes plain text of them")
    }
    if summary.unknownCount > 0 {
      lines.append("warning: of \(formatCount(summary.unknownCount)) texts the vocabulary knows nothing: unknown tokens only")
    }
    if summary.duplicateCount > 0 {
      lines.append("warning: \(formatCount(summary.duplicateCount)) validation texts are in the training data too")
    }
    return lines
  }

  /// The page that says what the run came to.
  func report(_ result: TuningResult, _ tuner: Tuner, _ training: TuningData) -> TrainingReport {
    var report = TrainingReport(
      title: "Fine-tuning \(tuner.base)", subtitle: "\(result.steps) steps, \(formatCount(training.count)) texts")
    report.headline = result.metrics.map { .init($0.name, formatFixed($0.value, digits: 4)) }
    report.log = Self.points(result.outcome.logHistory)
    report.evaluations = Self.evaluations(result.outcome.logHistory)
    report.labels = result.labels
    if let summary {
      report.labelBalance = summary.labelCounts.map { .init(label: $0.label, training: $0.training, validation: $0.validation) }
    }
    if let validation = result.validation { report.section = section(result, validation) }
    report.configuration = arguments.json.object!.entries.map { .init($0.key, $0.value.string ?? $0.value.description) }
    report.environment =
      [
        .init("processor", Machine.processorName), .init("duration", formatDuration(Machine.monotonicSeconds() - start)),
        .init("peak memory", formatBytes(Machine.peakResidentBytes())),
      ] + (forecast.map { [.init("forecast", "\(formatDuration($0.seconds)), peak memory \(formatBytes($0.peakBytes))")] } ?? []) + notes.map { .init("note", $0) }
    return report
  }

  /// What `evaluate --report` shows too, of the validation data.
  private func section(_ result: TuningResult, _ validation: TuningData) -> EvaluationSection {
    guard let evaluation = result.evaluation else { return EvaluationSection() }
    var details = EvaluationDetails(evaluation.task)
    for (index, example) in result.examples.enumerated() {
      example.logits.withUnsafeBufferPointer {
        details.add(
          index, $0, example.target, tokens: example.tokens, unknownTokens: example.unknownTokens, isUnknown: example.isUnknown)
      }
    }
    let dataset = validation.dataset
    return EvaluationSection(evaluation, details, text: dataset.texts.string, place: dataset.place(of:))
  }
}
