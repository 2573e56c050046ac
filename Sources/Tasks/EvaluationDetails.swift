import Storage

/// What there is to look at in an evaluation beside its figures, collected record by record: confidence, thresholds, lengths, texts of
/// unknown words, and the few records that are worth reading. Memory does not grow with the records.
package struct EvaluationDetails: Sendable {
  /// One decision that is worth reading.
  package struct Decision: Sendable, Equatable {
    /// The record's index in the data.
    package let record: Int
    /// The label that is told, or the output of a regression.
    package let predicted: Int
    /// The label of the data; of several labels the same as `predicted`.
    package let truth: Int
    /// How sure the model is of what it says; of a regression the error.
    package let confidence: Double
    /// What it gives to what the data say; of a regression the value of the data.
    package let truthScore: Double
    /// Of several labels whether the model gives it; of a regression not used.
    package let isGiven: Bool
  }

  /// The texts of some length.
  package struct Slice: Sendable, Equatable {
    package let title: String
    package var count = 0
    /// Texts that are wholly right; of a regression the sum of the errors.
    package var right = 0
    package var errorSum = 0.0
    package var accuracy: Double { ratio(right, count) }
    package var meanError: Double { count == 0 ? 0 : errorSum / Double(count) }
  }

  package let task: ClassificationTask
  package private(set) var samples = 0
  package private(set) var calibration = CalibrationBins()
  /// None for a regression.
  package private(set) var curve: ThresholdCurve?
  package private(set) var slices: [Slice]
  /// Texts with an unknown token, and those without; what is said of lengths is said of these.
  package private(set) var withUnknown = Slice(title: "with unknown words")
  package private(set) var withoutUnknown = Slice(title: "without")
  /// Texts of unknown tokens only.
  package private(set) var unknownTexts = 0
  /// The records with the largest share of unknown tokens.
  package private(set) var unknownRecords: Highest<UnknownRecord>
  /// The surest decisions that are against the data, of a regression the largest errors; the surest first.
  package private(set) var mistakes: Highest<Decision>
  /// For each label the probability that the model gives to it where the data do, summed, and how often they do.
  private var ownScores: [(sum: Double, count: Int)]

  package struct UnknownRecord: Sendable, Equatable {
    package let record: Int
    package let share: Double
  }

  private static let ranges: [(title: String, longest: Int)] = [
    ( "up to 16 tokens", longest: 16), ("17 to 64", 64), ("65 to 256", 256), ("over 256", Int.max),
  ]

  /// - Parameter kept: how many records of each kind are kept.
  package init(_ task: ClassificationTask, kept: Int = 50) {
    self.task = task
    curve = task.kind == .regression ? nil : ThresholdCurve(task.kind)
    slices = Self.ranges.map { Slice(title: $0.title) }
    mistakes = Highest(kept) { $0.confidence }
    unknownRecords = Highest(min(kept, 10)) { $0.share }
    ownScores = task.kind == .singleLabel ? task.labels.map { _ in (0, 0) } : []
  }

  /// One record.
  ///
  /// - Parameters:
  ///   - index: in the data.
  ///   - tokens: special tokens included; `unknownTokens` of them are unknown.
  ///   - isUnknown: whether the vocabulary knows nothing of the text.
  package mutating func add(
    _ index: Int, _ logits: UnsafeBufferPointer<Float>, _ target: TrainingTarget, tokens: Int, unknownTokens: Int, isUnknown: Bool
  ) {
    samples += 1
    let scores = task.scores(logits)
    var isRight = true
    var error = 0.0
    switch target {
    case .label(let truth): isRight = addLabel(index, argmax(logits), truth, scores)
    case .values(let truths) where task.kind == .regression:
      for (output, truth) in truths.enumerated() {
        let difference = abs(Double(scores[output]) - Double(truth))
        error += difference / Double(truths.count)
        mistakes.add(
          Decision(
            record: index, predicted: output, truth: output, confidence: difference, truthScore: Double(truth), isGiven: Double(scores[output]) > Double(truth)))
      }
    case .values(let truths): isRight = addLabels(index, truths, scores)
    }
    func count(_ slice: inout Slice) {
      slice.count += 1
      slice.right += isRight ? 1 : 0
      slice.errorSum += error
    }
    if let slice = Self.ranges.firstIndex(where: { tokens <= $0.longest }) { count(&slices[slice]) }
    if isUnknown { unknownTexts += 1 }
    if unknownTokens > 0 {
      count(&withUnknown)
      unknownRecords.add(UnknownRecord(record: index, share: Double(unknownTokens) / Double(max(tokens, 1))))
    } else {
      count(&withoutUnknown)
    }
  }

  private mutating func addLabel(_ index: Int, _ predicted: Int, _ truth: Int, _ scores: [Float]) -> Bool {
    let isRight = predicted == truth
    let confidence = Double(scores[predicted])
    calibration.add(confidence: confidence, correct: isRight)
    curve?.add(score: scores[predicted], isRight: isRight, isWanted: true)
    ownScores[truth].sum += Double(scores[truth])
    ownScores[truth].count += 1
    if !isRight {
      mistakes.add(
        Decision(
          record: index, predicted: predicted, truth: truth, confidence: confidence, truthScore: Double(scores[truth]), isGiven: true))
    }
    return isRight
  }

  private mutating func addLabels(_ index: Int, _ truths: [Float], _ scores: [Float]) -> Bool {
    var isRight = true
    for (label, score) in scores.enumerated() {
      let (isGiven, holds) = (score > AnswerOptions.usualThreshold, truths[label] > 0.5)
      let confidence = isGiven ? Double(score) : 1 - Double(score)
      calibration.add(confidence: confidence, correct: isGiven == holds)
      curve?.add(score: score, isRight: holds, isWanted: holds)
      guard isGiven != holds else { continue }
      isRight = false
      mistakes.add(
        Decision(record: index, predicted: label, truth: label, confidence: confidence, truthScore: 1 - confidence, isGiven: isGiven))
    }
    return isRight
  }

  /// The mistakes whose label is in doubt, the surest first: the model is at least as sure of another label as it is on average where the
  /// data have that label (Northcutt et al. 2021, "Confident Learning", section 3.1). None for a regression.
  package var doubtfulLabels: [Decision] {
    switch task.kind {
    case .singleLabel:
      return mistakes.sorted.filter {
        let own = ownScores[$0.predicted]
        return own.count > 0 && $0.confidence >= own.sum / Double(own.count)
      }
    case .multiLabel: return mistakes.sorted.filter { $0.confidence >= 0.9 }
    case .regression: return []
    }
  }
}

/// The highest of any number of elements, of equals the first.
package struct Highest<Element: Sendable>: Sendable {
  private let most: Int
  private let value: @Sendable (Element) -> Double
  private var elements: [(order: Int, element: Element)] = []
  private var added = 0
  /// What an element must be over once there are enough.
  private var lowest = -Double.infinity

  package init(_ most: Int, by value: @escaping @Sendable (Element) -> Double) {
    self.most = most
    self.value = value
  }

  package mutating func add(_ element: Element) {
    let own = value(element)
    guard own > lowest else { return }
    added += 1
    elements.append((added, element))
    // Sorted seldom: each time as many may come again as are kept.
    guard elements.count >= 2 * max(most, 1) else { return }
    sort()
    if let last = elements.last, elements.count == most { lowest = value(last.element) }
  }

  private mutating func sort() {
    elements.sort { (value($0.element), -$0.order) > (value($1.element), -$1.order) }
    if elements.count > most { elements.removeSubrange(most...) }
  }

  /// The highest first.
  package var sorted: [Element] {
    var copy = self
    copy.sort()
    return copy.elements.map(\.element)
  }
}
