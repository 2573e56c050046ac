import Encoders
import Evaluation
import Storage

extension Trainer {
  /// Runs the validation data through the model as it stands, in file order, dropout off.
  ///
  /// - Parameter visit: called for each example with its logits.
  package func evaluate(
    _ visit: (Int, UnsafeBufferPointer<Float>) -> Void = { _, _ in }
  ) throws(OutOfMemory) -> (result: EvaluationResult, batches: Int) {
    let labels = model.labels.names.count
    var tally = try Tally(model.labels)
    var batches = 0
    var first = 0
    while first < validation.count {
      let examples = validation[first..<min(validation.count, first + Self.evaluationBatchSize)]
      let logits = try engine.forward(model.family, makeBatch(examples), dropoutKey: nil)
      let values = try logits.values
      for (place, example) in examples.enumerated() {
        let row = UnsafeBufferPointer(start: values + place * labels, count: labels)
        visit(first + place, row)
        tally.add(row, example.target)
      }
      first += examples.count
      batches += 1
    }
    return (tally.result, batches)
  }

  static let evaluationBatchSize = 32

  /// Returns whether this is the best evaluation so far.
  func evaluateAndLog() throws(OutOfMemory) -> Bool {
    guard !validation.isEmpty else { return false }
    let start = Machine.monotonicSeconds()
    var notFinite = 0
    let (result, batches) = try evaluate { _, logits in notFinite += logits.allSatisfy(\.isFinite) ? 0 : 1 }
    let seconds = Machine.monotonicSeconds() - start
    lastEvaluation = result
    if notFinite > 0 {
      onEvent(
        .warning(
          "step \(state.step): the logits of \(notFinite) of \(validation.count) validation texts are not finite numbers, so these figures "
            + "say nothing; lower the learning rate"))
    }
    let metrics = result.metrics
    log(
      metrics.map { ("eval_" + $0.name, .number($0.value)) } + [
        ("eval_runtime", .number(seconds)),
        ("eval_samples_per_second", .number(Double(validation.count) / seconds)),
        ("eval_steps_per_second", .number(Double(batches) / seconds)),
      ])
    let metric = metrics.first { $0.name == arguments.metricName }!.value
    let sign = arguments.greaterIsBetter ? 1.0 : -1.0
    // What is not a number is no gain, so that the best metric always is one.
    let gain = metric.isFinite ? state.bestMetric.map { sign * (metric - $0) } ?? .infinity : -.infinity
    state.evaluationsWithoutImprovement = gain > arguments.earlyStoppingThreshold ? 0 : state.evaluationsWithoutImprovement + 1
    guard gain > 0 else { return false }
    state.bestMetric = metric
    state.bestStep = state.step
    return true
  }
}

/// The figures of an evaluation, whatever the head, collected text by text.
struct Tally {
  private let problemType: ProblemType
  private var classes: ClassificationAccumulator
  private var sets: MultiLabelAccumulator
  private var values = RegressionAccumulator()

  init(_ labels: LabelConfiguration) throws(OutOfMemory) {
    problemType = labels.problemType
    // The confusion matrix, and what is made of it.
    if problemType == .singleLabel { try requireMemory((labels.names.count * labels.names.count).memory(times: 3 * MemoryLayout<Int>.stride)) }
    classes = ClassificationAccumulator(classes: problemType == .singleLabel ? max(2, labels.names.count) : 2)
    sets = MultiLabelAccumulator(labels: labels.names.count)
  }

  mutating func add(_ logits: UnsafeBufferPointer<Float>, _ target: Target) {
    switch target {
    case .label(let truth): classes.add(logits: logits, truth: truth)
    case .labels(let truths): truths.withUnsafeBufferPointer { sets.add(logits: logits, targets: $0) }
    case .value(let truth): values.add(prediction: Double(logits[0]), truth: Double(truth))
    }
  }

  var result: EvaluationResult {
    switch problemType {
    case .singleLabel: .singleLabel(classes.report())
    case .multiLabel: .multiLabel(sets.report())
    case .regression: .regression(values.report())
    }
  }
}
