import Storage

/// Collects an `EvaluationReport` record by record, in memory that does not grow with them.
package struct EvaluationAccumulator: Sendable {
  private let task: ClassificationTask
  private let positiveLabel: Int
  private let thresholdLogit: Double
  private var samples = 0
  private var lossSum = 0.0
  private var whollyRight = 0
  private var confusion: ConfusionMatrix?
  private var counts: [LabelCounts]
  private var values: [ValueErrors]

  private struct LabelCounts: Sendable { var truePositives = 0, predicted = 0, support = 0 }

  /// - Parameters:
  ///   - positiveLabel: the label that the headline figures are of where there are two.
  ///   - threshold: where any number of labels may hold, one is predicted when its probability is over this.
  /// - Throws: where there is no memory for the confusion matrix, and what is made of it.
  package init(_ task: ClassificationTask, positiveLabel: Int = 1, threshold: Double = 0.5) throws(OutOfMemory) {
    precondition(!task.labels.isEmpty && threshold > 0 && threshold < 1, "an output, and a threshold between 0 and 1")
    let count = task.labels.count
    if task.kind == .singleLabel {
      try requireMemory((count * count).memory(times: 3 * MemoryLayout<Int>.stride))
      confusion = ConfusionMatrix(classes: count)
    }
    self.task = task
    self.positiveLabel = positiveLabel
    thresholdLogit = Double.log(threshold / (1 - threshold))
    counts = task.kind == .multiLabel ? [LabelCounts](repeating: LabelCounts(), count: count) : []
    values = task.kind == .regression ? [ValueErrors](repeating: ValueErrors(), count: count) : []
  }

  /// One record: its logits, one for each output, and its target.
  package mutating func add(_ logits: UnsafeBufferPointer<Float>, _ target: TrainingTarget) {
    precondition(logits.count == task.labels.count, "one logit for each output")
    samples += 1
    switch target {
    case .label(let truth):
      lossSum += crossEntropy(logits: logits, target: truth)
      confusion?.add(truth: truth, prediction: argmax(logits))
    case .values(let truths) where task.kind == .regression:
      var squares = 0.0
      for (index, truth) in truths.enumerated() {
        let error = Double(logits[index]) - Double(truth)
        squares += error * error
        values[index].add(Double(logits[index]), Double(truth))
      }
      lossSum += squares / Double(truths.count)
    case .values(let truths):
      lossSum += truths.withUnsafeBufferPointer { binaryCrossEntropy(logits: logits, targets: $0) }
      var right = true
      for label in logits.indices {
        let isPredicted = Double(logits[label]) > thresholdLogit
        let isTrue = truths[label] > 0.5
        if isPredicted { counts[label].predicted += 1 }
        if isTrue { counts[label].support += 1 }
        if isPredicted && isTrue { counts[label].truePositives += 1 }
        right = right && isPredicted == isTrue
      }
      if right { whollyRight += 1 }
    }
  }

  package mutating func add(_ logits: [Float], _ target: TrainingTarget) {
    logits.withUnsafeBufferPointer { add($0, target) }
  }

  package func report() -> EvaluationReport {
    let loss = samples == 0 ? 0 : lossSum / Double(samples)
    let none = ClassScores(precision: 0, recall: 0, f1: 0, support: 0)
    if let confusion {
      let scores = (0..<confusion.classes).map(confusion.scores(of:))
      let predicted = (0..<confusion.classes).map(confusion.predicted)
      let macro = ClassScores.mean(scores.indices.filter { scores[$0].support > 0 || predicted[$0] > 0 }.map { scores[$0] })
      let headlineLabel = confusion.classes == 2 ? positiveLabel : nil
      return EvaluationReport(
        task: task, samples: samples, loss: loss, accuracy: confusion.accuracy, headline: headlineLabel.map { scores[$0] } ?? macro,
        headlineLabel: headlineLabel, macro: macro, perLabel: scores, predicted: predicted, confusion: confusion, errors: nil)
    }
    guard task.kind == .multiLabel else {
      let count = Double(max(samples, 1))
      let outputs = Double(values.count)
      let errors = RegressionErrors(
        meanSquared: loss, meanAbsolute: values.reduce(0) { $0 + $1.absolute / count } / outputs,
        pearson: values.reduce(0) { $0 + $1.moments.correlation } / outputs)
      return EvaluationReport(
        task: task, samples: samples, loss: loss, accuracy: 0, headline: none, headlineLabel: nil, macro: none, perLabel: [],
        predicted: [], confusion: nil, errors: errors)
    }
    let scores = counts.map { ClassScores(truePositives: $0.truePositives, predicted: $0.predicted, support: $0.support) }
    let micro = ClassScores(
      truePositives: counts.reduce(0) { $0 + $1.truePositives }, predicted: counts.reduce(0) { $0 + $1.predicted },
      support: counts.reduce(0) { $0 + $1.support })
    return EvaluationReport(
      task: task, samples: samples, loss: loss, accuracy: ratio(whollyRight, samples), headline: micro, headlineLabel: nil,
      macro: .mean(scores), perLabel: scores, predicted: counts.map(\.predicted), confusion: nil, errors: nil)
  }
}

/// The errors of one output of a regression.
private struct ValueErrors: Sendable {
  var absolute = 0.0
  var moments = Moments()

  mutating func add(_ prediction: Double, _ truth: Double) {
    absolute += abs(prediction - truth)
    moments.add(prediction, truth)
  }
}

/// Centred second moments of pairs of values, updated by Welford's method, which does not cancel.
private struct Moments: Sendable {
  var count = 0.0
  var meanA = 0.0
  var meanB = 0.0
  var squaresA = 0.0
  var squaresB = 0.0
  var products = 0.0

  mutating func add(_ a: Double, _ b: Double) {
    count += 1
    let (deltaA, deltaB) = (a - meanA, b - meanB)
    meanA += deltaA / count
    meanB += deltaB / count
    squaresA += deltaA * (a - meanA)
    squaresB += deltaB * (b - meanB)
    products += deltaA * (b - meanB)
  }

  var correlation: Double {
    let scale = squaresA.squareRoot() * squaresB.squareRoot()
    return scale > 0 ? products / scale : 0
  }
}

/// What gives the logits of texts: the engine that trains, or the one that classifies.
package protocol LogitsSource {
  /// Runs the texts in order and calls `visit` for each with its logits.
  func forEachLogits(_ visit: (Int, UnsafeBufferPointer<Float>) -> Void) throws
}

/// Evaluates a model on examples in constant memory besides them.
///
/// - Parameters:
///   - positiveLabel: the one that the headline figures are of where there are two.
///   - target: of the example at an index.
///   - visit: called for each example in order with its logits.
package func evaluate(
  _ task: ClassificationTask, positiveLabel: Int = 1, on source: some LogitsSource, target: (Int) -> TrainingTarget,
  visit: (Int, UnsafeBufferPointer<Float>) -> Void = { _, _ in }
) throws -> EvaluationReport {
  var accumulator = try EvaluationAccumulator(task, positiveLabel: positiveLabel)
  try source.forEachLogits { index, logits in
    accumulator.add(logits, target(index))
    visit(index, logits)
  }
  return accumulator.report()
}
