import ArgumentParser
import JSON
import Martlet
import MartletTuning
import Packing
import Records
import Reporting
import Storage
import Tasks

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure a classifier on labelled data: accuracy, precision, recall, F1, loss, confusion.",
    discussion: """
      With several models they are compared on the same data: McNemar's test for two that give one label, the paired bootstrap (with a \
      fixed seed) otherwise, each against the first.
      """)

  @OptionGroup var modelArgument: ModelArgument
  @Argument(help: "Further models, to be compared with the first; they must have the same labels.")
  var others: [String] = []
  @Option(help: DataOptions.dataHelp)
  var data: String
  @OptionGroup var reading: DataOptions
  @OptionGroup var labels: LabelArguments
  @Option(help: "Evaluate on these rows of the data alone: the validation-rows.json that `tune --validation-split` wrote.")
  var rows: String?
  @OptionGroup var length: LengthOptions
  @Option(help: "Write a page to look at: confusion, labels, threshold, confidence, lengths, mistakes, labels in doubt.")
  var report: String?
  @Option(help: "Print the lowest --threshold of classify with which answers are right this often, from 0 to 1.")
  var precision: Double?
  @Flag(help: "Print one JSON object.")
  var json = false
  @OptionGroup var threading: ThreadOptions

  func validate() throws {
    if let precision, !(precision > 0 && precision <= 1) {
      throw ValidationError("--precision: expected more than 0 and at most 1, found \(precision)")
    }
    if !others.isEmpty, modelArgument.base != nil { throw ValidationError("--base: expected one model, found \(others.count + 1)") }
  }

  func run() throws {
    var classifiers = [try modelArgument.open(threads: threading.threads)]
    if precision != nil, classifiers[0].model.task.kind == .regression {
      throw CommandError("--precision: \(modelArgument.model) gives a value, not labels")
    }
    var dataset = try reading.dataset([data])
    if let rows { try ValidationRows.select(&dataset, from: rows) }
    let targets = try labels.targets(&dataset, for: classifiers[0].model.task)
    if !classifiers[0].readsHTML, let note = htmlNote(dataset) { writeNote(note) }
    var measured: [MeasuredModel] = []
    for path in [modelArgument.model] + others {
      // One model at a time is in memory.
      let classifier = try classifiers.popLast() ?? other(path).open(threads: threading.threads)
      measured.append(
        try MeasuredModel(
          path, classifier, dataset, targets, maximumLength: length.maxLength, positiveLabel: labels.positiveLabel, first: measured.first,
          isCompared: !others.isEmpty, explains: report != nil))
    }
    try write(dataset, measured)
    for model in measured {
      for warning in model.evaluation.warnings {
        writeToStandardError("warning: " + (measured.count > 1 ? model.path.excerpt + ": " : "") + warning)
      }
    }
  }

  /// Prints what was found, and writes the page.
  private func write(_ dataset: LabelledDataset, _ measured: [MeasuredModel]) throws {
    let comparisons = try measured.dropFirst().compactMap { model in
      try measured[0].comparison(with: model, isOnlyPair: measured.count == 2).map { (model: model, comparison: $0) }
    }
    if let report {
      var page = EvaluationPage(
        data: "\(data), \(formatCount(dataset.count)) texts", models: measured.map { $0.page(dataset, wantedPrecision: precision) })
      page.comparisons = comparisons.map { model, comparison in
        EvaluationPage.Comparison(
          name: model.path, comparison: comparison,
          texts: comparison.examples.map {
            (text: dataset.texts.string($0.record), place: dataset.place(of: $0.record), truth: dataset.labels.string($0.record))
          })
      }
      page.facts = facts(measured, dataset)
      var file = try AtomicFile(path: report)
      try file.write(page.html())
      try file.commit()
    }
    if json {
      var models = measured.map { $0.json(dataset, wantedPrecision: precision) }
      guard !comparisons.isEmpty else { return try writeToStandardOutput(JSONValue.object(models[0]).text(indent: 2) + "\n") }
      for (index, model) in measured.enumerated() { models[index]["model"] = .string(model.path) }
      let object: JSONValue = [
        "models": .array(models.map { .object($0) }),
        "comparisons": .array(comparisons.map { $0.comparison.json(model: $0.model.path, against: measured[0].path) }),
      ]
      return try writeToStandardOutput(object.text(indent: 2) + "\n")
    }
    var text = measured.map { $0.text(dataset, wantedPrecision: precision, isNamed: measured.count > 1) }.joined(separator: "\n")
    for (model, comparison) in comparisons {
      text += "\n\(model.path.excerpt) against \(measured[0].path.excerpt): \(comparison.sentence)\n"
    }
    try writeToStandardOutput(text)
  }

  private func htmlNote(_ dataset: LabelledDataset) -> String? {
    var notice = HTMLNotice(mostTexts: dataset.count)
    for index in 0..<dataset.count {
      if let note = dataset.texts.withBytes(index, { notice.look(at: $0) }) { return note }
    }
    return notice.end()
  }

  /// A further model, opened as the first is.
  private func other(_ path: String) -> ModelArgument {
    var argument = modelArgument
    argument.model = path
    return argument
  }

  private func facts(_ measured: [MeasuredModel], _ dataset: LabelledDataset) -> [Fact] {
    [Fact("data", data), Fact("texts", formatCount(dataset.count)), Fact("bad rows left out", formatCount(dataset.badRows.count))]
      + measured.map {
        Fact(measured.count > 1 ? $0.path : "speed", "\(formatRate(Double(dataset.count) / max($0.seconds, 1e-9))) texts/s, \(Machine.processorName)")
      }
  }
}

extension EvaluationReport {
  /// By the names of the reference library, with everything that is known.
  var json: JSONObject {
    var object = JSONObject(figures.map { ($0.name, .number($0.value)) })
    if let headlineLabel { object["positive_label"] = .string(task.labels[headlineLabel]) }
    object["labels"] = .array(task.labels.map { .string($0) })
    object["samples"] = .integer(Int64(samples))
    if !perLabel.isEmpty { object["per_class"] = .array(perLabel.map(\.json)) }
    if let confusion {
      object["confusion"] = .array(
        (0..<confusion.classes).map { truth in .array((0..<confusion.classes).map { .integer(Int64(confusion[truth, $0])) }) })
    }
    return object
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
