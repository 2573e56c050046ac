import ArgumentParser
import JSON
import Martlet
import Packing
import Records
import Reporting
import Storage
import Tasks

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure a classifier on labelled data: accuracy, precision, recall, F1, loss, confusion.")

  @OptionGroup var modelArgument: ModelArgument
  @Option(help: DataOptions.dataHelp)
  var data: String
  @OptionGroup var reading: DataOptions
  @OptionGroup var labels: LabelArguments
  @OptionGroup var length: LengthOptions
  @Flag(help: "Print one JSON object.")
  var json = false
  @OptionGroup var threading: ThreadOptions

  func run() throws {
    let classifier = try modelArgument.open(threads: threading.threads)
    var dataset = try reading.dataset(data)
    let task = classifier.model.task
    let targets = try labels.targets(&dataset, for: task)
    let start = Machine.monotonicSeconds()
    var unknown = 0
    let evaluation = try evaluate(
      classifier, dataset, targets, maximumLength: length.maxLength, positiveLabel: try task.positiveLabel(named: labels.positiveLabel),
      describe: { unknown += $1.isUnknown ? 1 : 0 })
    let seconds = Machine.monotonicSeconds() - start
    if json {
      var report = evaluation.json.object!
      report["bad_rows"] = .integer(Int64(dataset.badRows.count))
      report["unknown_texts"] = .integer(Int64(unknown))
      report["runtime"] = .number(seconds)
      report["samples_per_second"] = .number(Double(dataset.count) / seconds)
      try writeToStandardOutput(JSONValue.object(report).text(indent: 2) + "\n")
    } else {
      try writeToStandardOutput(
        evaluation.table
          + "\n\(formatCount(dataset.count)) texts in \(formatDuration(seconds)), \(formatRate(Double(dataset.count) / seconds)) texts/s"
          + (dataset.badRows.count > 0 ? "; \(formatCount(dataset.badRows.count)) bad rows left out\n" : "\n")
          + (unknown > 0 ? "of \(formatCount(unknown)) texts the vocabulary knows nothing: unknown tokens only\n" : ""))
    }
    for warning in evaluation.warnings { writeToStandardError("warning: \(warning)") }
  }
}

extension EvaluationReport {
  /// By the names of the reference library, with everything that is known.
  var json: JSONValue {
    var object = JSONObject(figures.map { ($0.name, .number($0.value)) })
    if let headlineLabel { object["positive_label"] = .string(task.labels[headlineLabel]) }
    object["labels"] = .array(task.labels.map { .string($0) })
    object["samples"] = .integer(Int64(samples))
    if !perLabel.isEmpty { object["per_class"] = .array(perLabel.map(\.json)) }
    if let confusion {
      object["confusion"] = .array(
        (0..<confusion.classes).map { truth in .array((0..<confusion.classes).map { .integer(Int64(confusion[truth, $0])) }) })
    }
    return .object(object)
  }

  /// The figures as text, with a line for each label and the confusion matrix of a single-label classifier.
  var table: String {
    let ofOne: Set = ["f1", "precision", "recall"]
    var text = figures.map { figure in
      let of = ofOne.contains(figure.name) ? headlineLabel.map { "  of \(task.labels[$0].excerpt)" } ?? "" : ""
      return "\(figure.name.padded(to: 10))\(formatFixed(figure.value, digits: 4))\(of)\n"
    }.joined()
    if !perLabel.isEmpty {
      var table = TextTable([.init("label", .left), .init("precision"), .init("recall"), .init("f1"), .init("texts")])
      for (label, scores) in zip(task.labels, perLabel) {
        table.add(
          [label] + [scores.precision, scores.recall, scores.f1].map { formatFixed($0, digits: 4) }
            + [formatCount(scores.support)])
      }
      text += "\n" + table.text()
    }
    if let confusion {
      var table = TextTable([.init("truth \\ prediction", .left)] + task.labels.map { .init($0) })
      for (truth, label) in task.labels.enumerated() {
        table.add([label] + task.labels.indices.map { formatCount(confusion[truth, $0]) })
      }
      text += "\n" + table.text()
    }
    return text
  }
}

extension ClassScores {
  fileprivate var json: JSONValue {
    [
      "precision": .number(precision), "recall": .number(recall), "f1": .number(f1), "support": .integer(Int64(support)),
    ]
  }
}
