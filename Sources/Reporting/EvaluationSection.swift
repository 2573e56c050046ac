import Tasks

/// How a model did on data: the part that the pages of `tune` and of `evaluate` have in common. What is empty or nil is left out.
package struct EvaluationSection: Sendable {
  /// A text that the model got wrong.
  package struct Mistake: Sendable, Equatable {
    package var text: String
    /// Where it is in the data, `train.csv, line 17`; empty if unknown.
    package var place: String
    package var truth: String
    package var prediction: String
    /// How sure the model is of its answer; of a regression the error.
    package var confidence: Double
    /// What it gives to the label of the data.
    package var truthScore: Double?
    /// The text in pieces, with what each word does to the answer; empty if nobody asked.
    package var parts: [Part] = []

    package init(
      text: String, truth: String, prediction: String, confidence: Double, truthScore: Double? = nil, place: String = ""
    ) {
      (self.text, self.truth, self.prediction, self.confidence) = (text, truth, prediction, confidence)
      (self.truthScore, self.place) = (truthScore, place)
    }
  }

  /// A piece of a text.
  package struct Part: Sendable, Equatable {
    package var text: String
    /// What the answer gains by it; nil for what stands between words.
    package var share: Double?
  }

  /// So many mistakes are shown.
  package static let mostMistakes = 20

  /// A text as pieces, up to as much of it as is shown.
  ///
  /// - Parameter shares: of words in the text's bytes, in their order.
  package static func parts(of text: [UInt8], _ shares: [(range: Range<Int>, share: Double)]) -> [Part] {
    var parts: [Part] = []
    var written = 0
    func append(_ range: Range<Int>, _ share: Double?) {
      if !range.isEmpty { parts.append(Part(text: String(decoding: text[range], as: UTF8.self), share: share)) }
      written = range.upperBound
    }
    for (range, share) in shares {
      append(written..<range.lowerBound, nil)
      append(range, share)
    }
    append(written..<text.count, nil)
    return parts
  }

  /// A part of the data, such as the texts of some length.
  package struct Slice: Sendable, Equatable {
    package var title: String
    package var count: Int
    /// The share that is right; of a regression nothing, and the mean error counts.
    package var accuracy: Double
    package var meanError: Double?

    package init(title: String, count: Int, accuracy: Double, meanError: Double? = nil) {
      (self.title, self.count, self.accuracy, self.meanError) = (title, count, accuracy, meanError)
    }
  }

  package var evaluation: EvaluationReport?
  package var calibration: CalibrationBins?
  package var curve: ThresholdCurve?
  /// The precision that somebody wants, if anybody said so.
  package var wantedPrecision: Double?
  /// By length of the text, the shortest first.
  package var lengthSlices: [Slice] = []
  /// With an unknown token and without.
  package var unknownSlices: [Slice] = []
  /// Texts of unknown tokens only.
  package var unknownTexts = 0
  /// The texts with the largest share of unknown tokens.
  package var unknownExamples: [(text: String, place: String, share: Double)] = []
  package var mistakes: [Mistake] = []
  /// The mistakes whose label is in doubt.
  package var doubtful: [Mistake] = []

  package init() {}

  /// - Parameters:
  ///   - text: of the record at an index.
  ///   - place: where it is in the data.
  ///   - explanations: of the surest mistakes, in their order.
  package init(
    _ evaluation: EvaluationReport, _ details: EvaluationDetails, wantedPrecision: Double? = nil, text: (Int) -> String, place: (Int) -> String,
    explanations: [[Part]] = []
  ) {
    let task = details.task
    let isRegression = task.kind == .regression
    self.evaluation = evaluation
    self.wantedPrecision = wantedPrecision
    calibration = isRegression ? nil : details.calibration
    curve = details.curve
    func slice(_ slice: EvaluationDetails.Slice) -> Slice {
      Slice(title: slice.title, count: slice.count, accuracy: slice.accuracy, meanError: isRegression ? slice.meanError : nil)
    }
    lengthSlices = details.slices.filter { $0.count > 0 }.map(slice)
    unknownTexts = details.unknownTexts
    if details.withUnknown.count > 0 {
      unknownSlices = [details.withUnknown, details.withoutUnknown].filter { $0.count > 0 }.map(slice)
      unknownExamples = details.unknownRecords.sorted.map { (shortened(text($0.record), toWidth: 200), place($0.record), $0.share) }
    }
    func mistake(_ decision: EvaluationDetails.Decision) -> Mistake {
      let label = shortened(task.labels[decision.predicted], toWidth: 60)
      let (truth, prediction) =
        switch task.kind {
        case .singleLabel: (shortened(task.labels[decision.truth], toWidth: 60), label)
        case .multiLabel: decision.isGiven ? ("not \(label)", label) : (label, "not \(label)")
        case .regression:
          (
            (task.labels.count > 1 ? label + " " : "") + formatFixed(decision.truthScore, digits: 4),
            formatFixed(decision.truthScore + (decision.isGiven ? 1 : -1) * decision.confidence, digits: 4)
          )
        }
      return Mistake(
        text: shortened(text(decision.record), toWidth: 600), truth: truth, prediction: prediction, confidence: decision.confidence,
        truthScore: isRegression ? nil : decision.truthScore, place: place(decision.record))
    }
    let surest = details.mistakes.sorted.prefix(Self.mostMistakes)
    func explained(_ decision: EvaluationDetails.Decision) -> Mistake {
      var mistake = mistake(decision)
      if let index = surest.firstIndex(of: decision), explanations.indices.contains(index) { mistake.parts = explanations[index] }
      return mistake
    }
    mistakes = surest.map(explained)
    doubtful = details.doubtfulLabels.prefix(Self.mostMistakes).map(explained)
  }

  // MARK: In words

  package var findings: [String] { [confidence, commonestConfusion, weakSlice, unknown].compactMap { $0 } }

  private var confidence: String? {
    guard let calibration, calibration.total > 0 else { return nil }
    let total = Double(calibration.total)
    let mean = calibration.bins.reduce(0) { $0 + $1.confidence * Double($1.count) } / total
    let accuracy = calibration.bins.reduce(0) { $0 + Double($1.correct) } / total
    let error = formatFixed(calibration.expectedError, digits: 3)
    guard calibration.expectedError >= 0.03 else {
      return "Confidence can be taken at its word: it differs from accuracy by \(error) on average."
    }
    return "The model is \(mean > accuracy ? "surer than it should be" : "more cautious than it need be"): its mean confidence is "
      + "\(formatPercent(mean)), its accuracy \(formatPercent(accuracy)) (calibration error \(error))."
  }

  private var commonestConfusion: String? {
    guard let evaluation, let confusion = evaluation.confusion, confusion.total > 0 else { return nil }
    var worst = (count: 0, truth: 0, prediction: 0)
    for truth in 0..<confusion.classes {
      for prediction in 0..<confusion.classes where truth != prediction && confusion[truth, prediction] > worst.count {
        worst = (confusion[truth, prediction], truth, prediction)
      }
    }
    guard worst.count > 0 else { return "No record was classified wrongly." }
    func name(_ label: Int) -> String { shortened(evaluation.task.labels[label], toWidth: 60) }
    return "The commonest mistake is to take “\(name(worst.truth))” for “\(name(worst.prediction))”: \(formatCount(worst.count)) of "
      + "\(formatCount(confusion.support(of: worst.truth)))."
  }

  private var weakSlice: String? {
    let total = lengthSlices.reduce(0) { $0 + $1.count }
    guard total > 0, lengthSlices.allSatisfy({ $0.meanError == nil }),
      let weakest = lengthSlices.filter({ $0.count >= 30 }).min(by: { $0.accuracy < $1.accuracy })
    else { return nil }
    let overall = lengthSlices.reduce(0) { $0 + $1.accuracy * Double($1.count) } / Double(total)
    guard weakest.accuracy < overall - 0.05 else { return nil }
    return "Texts of \(weakest.title) are the hardest: \(formatPercent(weakest.accuracy)) right, against \(formatPercent(overall)) overall."
  }

  private var unknown: String? {
    guard unknownTexts > 0 else { return nil }
    return "Of \(formatCount(unknownTexts)) texts the vocabulary knows nothing: they are one text to the model, whatever they say."
  }
}
