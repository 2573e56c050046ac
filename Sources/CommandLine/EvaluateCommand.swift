import ArgumentParser
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
  @Option(help: "Labelled records: .csv, .tsv, .jsonl, or a folder with one sub-folder of text files per label.")
  var data: String
  @OptionGroup var fields: FieldOptions
  @Option(help: "Cut texts at this many tokens (default: the model's limit).")
  var maxLength: Int?
  @Flag(help: "Print one JSON object.")
  var json = false
  @OptionGroup var threading: ThreadOptions

  func run() throws {
    let classifier = try modelArgument.open(threads: threading.threads)
    let dataset = try LabelledDataset(path: data, fields: fields.choice)
    let start = Machine.monotonicSeconds()
    let evaluation = try evaluate(classifier, dataset, maximumLength: maxLength ?? .max)
    let seconds = Machine.monotonicSeconds() - start
    if json {
      var report = evaluation.json.object!
      report["runtime"] = .number(seconds)
      report["samples_per_second"] = .number(Double(dataset.count) / seconds)
      return try writeToStandardOutput(JSONValue.object(report).text(indent: 2) + "\n")
    }
    try writeToStandardOutput(
      evaluation.table(labels: classifier.labels)
        + "\n\(formatCount(dataset.count)) texts in \(formatDuration(seconds)), \(formatRate(Double(dataset.count) / seconds)) texts/s\n")
  }
}
