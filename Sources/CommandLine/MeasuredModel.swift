import JSON
import Martlet
import Packing
import Records
import Reporting
import Storage
import Tasks

/// A model of `evaluate` and how it did.
struct MeasuredModel {
  let path: String
  let evaluation: EvaluationReport
  let details: EvaluationDetails
  let seconds: Double
  /// What the words of the surest mistakes do to the answer, in the order of `mistakes`; empty if nobody asked.
  private let explanations: [[EvaluationSection.Part]]
  /// What is kept to compare it with others.
  private let answers: ComparedAnswers?

  /// - Parameters:
  ///   - targets: in the order of the first model's labels.
  ///   - positiveLabel: the one that figures are of where there are two, by its name.
  ///   - first: the model that this one is compared with, which must have the same labels.
  ///   - isCompared: whether there are several models.
  ///   - explains: whether the words of mistakes are to be explained.
  init(
    _ path: String, _ classifier: Classifier, _ dataset: LabelledDataset, _ targets: [TrainingTarget], maximumLength: Int?,
    positiveLabel: String?, first: MeasuredModel?, isCompared: Bool, explains: Bool
  ) throws {
    self.path = path
    let task = classifier.model.task
    var answers: ComparedAnswers?
    var targets = targets
    if isCompared {
      answers = try ComparedAnswers(task, as: first?.evaluation.task ?? task, records: dataset.count)
      guard let answers else { throw CommandError(Self.mismatch(path, task, first)) }
      if first != nil { targets = targets.map(answers.own) }
    }
    var details = EvaluationDetails(task)
    var facts = TextFacts.none
    var tokens = 0
    let start = Machine.monotonicSeconds()
    evaluation = try evaluate(
      classifier.makeSession(), dataset, targets, maximumLength: maximumLength, positiveLabel: try task.positiveLabel(named: positiveLabel)
    ) { index, logits in
      details.add(
        index, logits, targets[index], tokens: facts.tokens, unknownTokens: facts.unknownTokens, isUnknown: facts.isUnknown)
      answers?.add(logits, targets[index])
    } describe: {
      facts = $1
      tokens += $1.tokens
    }
    seconds = Machine.monotonicSeconds() - start
    self.details = details
    self.answers = answers
    explanations = explains ? try Self.explanations(classifier, dataset, details, tokens: tokens, maximumLength: maximumLength) : []
  }

  /// - Parameter tokens: of the data: explaining takes a quarter of what measuring took, or what 100,000 tokens take. Longer texts than that
  ///   allows are explained by sentence.
  private static func explanations(
    _ classifier: Classifier, _ dataset: LabelledDataset, _ details: EvaluationDetails, tokens: Int, maximumLength: Int?
  ) throws -> [[EvaluationSection.Part]] {
    let decisions = details.mistakes.sorted.prefix(EvaluationSection.mostMistakes)
    guard !decisions.isEmpty else { return [] }
    let explainer = Explainer(session: try classifier.makeSession(), answer: AnswerOptions(details.task), maximumLength: maximumLength)
    // Each of `n` words takes a run of the others, and a word is about a token and a third.
    let mostTokens = max(100_000, tokens / 4) / decisions.count
    let mostWords = min(TextParts.mostWords, Int(saturating: (Double(mostTokens) * 0.75).squareRoot()))
    return try decisions.map { decision in
      let text = Array(dataset.texts[decision.record])
      let shares = try explainer.shares(
        of: text, pair: dataset.pairs.map { Array($0[decision.record]) }, output: decision.predicted, mostWords: mostWords)
      // Of a label that is not given, the other way round: what speaks for the answer.
      let sign: Double = details.task.kind == .multiLabel && !decision.isGiven ? -1 : 1
      return EvaluationSection.parts(of: text, shares.map { (range: $0.range, share: sign * Double($0.shares[0])) })
    }
  }

  private static func mismatch(_ path: String, _ task: ClassificationTask, _ first: MeasuredModel?) -> String {
    func labels(_ task: ClassificationTask) -> String { "\(task.kind.rawValue) of \(task.labels.excerpts(8))" }
    guard let first else { return "\(path): labels that are not told apart: \(labels(task))" }
    return "\(path): expected the labels of \(first.path) to compare the two, \(labels(first.evaluation.task)), found \(labels(task))"
  }

  /// Nil for a model that was not measured to be compared.
  func comparison(with other: MeasuredModel, isOnlyPair: Bool) throws -> ModelComparison? {
    guard let answers, let others = other.answers else { return nil }
    return try answers.compared(with: others, isOnlyPair: isOnlyPair)
  }

  func page(_ dataset: LabelledDataset, wantedPrecision: Double?) -> EvaluationPage.Model {
    EvaluationPage.Model(
      name: path,
      section: EvaluationSection(
        evaluation, details, wantedPrecision: wantedPrecision, text: dataset.texts.string, place: dataset.place(of:), explanations: explanations))
  }

  func json(_ dataset: LabelledDataset, wantedPrecision: Double?) -> JSONObject {
    var report = evaluation.json
    report["bad_rows"] = .integer(Int64(dataset.badRows.count))
    report["unknown_texts"] = .integer(Int64(details.unknownTexts))
    if let wantedPrecision {
      report["threshold_for_precision"] =
        details.curve?.point(reaching: wantedPrecision).map { point in
          [
            "wanted": .number(wantedPrecision), "threshold": .number(Double("\(point.threshold)") ?? Double(point.threshold)),
            "precision": .number(point.precision), "recall": .number(point.recall), "answered": .integer(Int64(point.answered)),
          ]
        } ?? .null
    }
    report["runtime"] = .number(seconds)
    report["samples_per_second"] = .number(Double(dataset.count) / seconds)
    return report
  }

  func text(_ dataset: LabelledDataset, wantedPrecision: Double?, isNamed: Bool) -> String {
    var text = (isNamed ? path.excerpt + "\n" : "") + evaluation.table
    text += "\n\(formatCount(dataset.count)) texts in \(formatDuration(seconds)), \(formatRate(Double(dataset.count) / seconds)) texts/s"
    text += dataset.badRows.count > 0 ? "; \(formatCount(dataset.badRows.count)) bad rows left out\n" : "\n"
    if details.unknownTexts > 0 {
      text += "of \(formatCount(details.unknownTexts)) texts the vocabulary knows nothing: unknown tokens only\n"
    }
    if let wantedPrecision { text += thresholdLine(wantedPrecision) + "\n" }
    return text
  }

  private func thresholdLine(_ wanted: Double) -> String {
    func what(_ point: ThresholdCurve.Point) -> String {
      "precision \(formatFixed(point.precision, digits: 4)), recall \(formatFixed(point.recall, digits: 4)), "
        + "\(formatCount(point.answered)) of \(formatCount(details.curve?.samples ?? 0)) answered"
    }
    if let point = details.curve?.point(reaching: wanted) { return "--threshold \(point.threshold): \(what(point))" }
    guard let best = details.curve?.mostPrecise else { return "no threshold reaches a precision of \(wanted): there are no answers" }
    return "no threshold reaches a precision of \(wanted); the most precise is --threshold \(best.threshold): \(what(best))"
  }
}

extension ModelComparison {
  func json(model: String, against first: String) -> JSONValue {
    var object: JSONObject = JSONObject([
      ("model", .string(model)), ("against", .string(first)), ("figure", .string(figureName)), ("difference", .number(second - self.first)),
      ("test", .string(test.method.rawValue)), ("p_value", .number(test.pValue)), ("differing", .integer(Int64(differing))),
    ])
    if let onlyFirst, let onlySecond {
      object["only_model_right"] = .integer(Int64(onlySecond))
      object["only_against_right"] = .integer(Int64(onlyFirst))
    }
    if let interval = test.interval {
      object["interval"] = [.number(interval.lowerBound), .number(interval.upperBound)]
    }
    return .object(object)
  }
}
