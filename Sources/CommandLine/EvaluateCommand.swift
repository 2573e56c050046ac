import ArgumentParser
import Evaluation
import JSON
import Martlet
import Packing
import Records
import Reporting
import Storage

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure a classifier on labelled data: accuracy, precision, recall, F1, loss, confusion.")

  @OptionGroup var modelArgument: ModelArgument
  @Option(help: DataOptions.dataHelp)
  var data: String
  @OptionGroup var reading: DataOptions
  @OptionGroup var length: LengthOptions
  @Flag(help: "Print one JSON object.")
  var json = false
  @OptionGroup var threading: ThreadOptions

  func run() throws {
    let classifier = try modelArgument.open(threads: threading.threads)
    let dataset = try reading.dataset(data)
    let start = Machine.monotonicSeconds()
    let evaluation = try evaluate(classifier, dataset, maximumLength: length.maxLength)
    let seconds = Machine.monotonicSeconds() - start
    if json {
      var report = evaluation.json.object!
      report["bad_rows"] = .integer(Int64(dataset.badRows.count))
      report["runtime"] = .number(seconds)
      report["samples_per_second"] = .number(Double(dataset.count) / seconds)
      return try writeToStandardOutput(JSONValue.object(report).text(indent: 2) + "\n")
    }
    try writeToStandardOutput(
      evaluation.table(labels: classifier.labels)
        + "\n\(formatCount(dataset.count)) texts in \(formatDuration(seconds)), \(formatRate(Double(dataset.count) / seconds)) texts/s"
        + (dataset.badRows.count > 0 ? "; \(formatCount(dataset.badRows.count)) bad rows left out\n" : "\n"))
  }
}

extension ModelEvaluation {
  /// By the names of the reference library, with everything that is known.
  var json: JSONValue {
    var object = JSONObject(metrics.map { ($0.name, .number($0.value)) })
    switch self {
    case .singleLabel(let report):
      object["samples"] = .integer(Int64(report.samples))
      object["macro_f1"] = .number(report.macro.f1)
      object["per_class"] = .array(report.perClass.map(\.json))
      object["confusion"] = .array(
        (0..<report.confusion.classes).map { truth in
          .array((0..<report.confusion.classes).map { .integer(Int64(report.confusion[truth, $0])) })
        })
    case .multiLabel(let report):
      object["samples"] = .integer(Int64(report.samples))
      object["per_class"] = .array(report.perLabel.map(\.json))
    case .regression(let report):
      object["samples"] = .integer(Int64(report.samples))
    }
    return .object(object)
  }

  /// The figures as text, with a line for each class and the confusion matrix of a single-label classifier.
  func table(labels: [String]) -> String {
    var text = metrics.map { "\($0.name.padded(to: 10))\(formatFixed($0.value, digits: 4))\n" }.joined()
    func classes(_ scores: [ClassScores]) -> String {
      var table = TextTable([.init("label", .left), .init("precision"), .init("recall"), .init("f1"), .init("texts")])
      for (label, scores) in zip(labels, scores) {
        table.add(
          [label] + [scores.precision, scores.recall, scores.f1].map { formatFixed($0, digits: 4) }
            + [formatCount(scores.support)])
      }
      return "\n" + table.text()
    }
    switch self {
    case .singleLabel(let report):
      text += classes(report.perClass)
      var table = TextTable([.init("truth \\ prediction", .left)] + labels.map { .init($0) })
      for (truth, label) in labels.enumerated() {
        table.add([label] + labels.indices.map { formatCount(report.confusion[truth, $0]) })
      }
      text += "\n" + table.text()
    case .multiLabel(let report): text += classes(report.perLabel)
    case .regression: break
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
