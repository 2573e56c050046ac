import Storage
import Tasks

extension Trainer: LogitsSource {
  /// Runs the validation data through the model as it stands, in file order, dropout off.
  package func forEachLogits(_ visit: (Int, UnsafeBufferPointer<Float>) -> Void) throws {
    let outputs = model.task.labels.count
    var first = 0
    while first < validation.count {
      let count = min(validation.count - first, arguments.perDeviceEvalBatchSize)
      let logits = try engine.forward(model.family, makeBatch(validation[first..<first + count]), dropoutKey: nil)
      let values = try logits.values
      for index in 0..<count { visit(first + index, UnsafeBufferPointer(start: values + index * outputs, count: outputs)) }
      first += count
    }
  }

  /// Evaluates the model as it stands on the validation data.
  ///
  /// - Parameter visit: called for each example with its logits.
  package func evaluate(_ visit: (Int, UnsafeBufferPointer<Float>) -> Void = { _, _ in }) throws -> EvaluationReport {
    try Tasks.evaluate(model.task, positiveLabel: positiveLabel, on: self, target: { validation[$0].target }, visit: visit)
  }

  /// Returns whether this is the best evaluation so far.
  func evaluateAndLog() throws -> Bool {
    guard !validation.isEmpty else { return false }
    let start = Machine.monotonicSeconds()
    var notFinite = 0
    let report = try evaluate { _, logits in notFinite += logits.allSatisfy(\.isFinite) ? 0 : 1 }
    let seconds = Machine.monotonicSeconds() - start
    lastEvaluation = report
    if notFinite > 0 {
      onEvent(
        .warning(
          "step \(state.step): the logits of \(notFinite) of \(validation.count) validation texts are not finite numbers, so these figures "
            + "say nothing; lower the learning rate"))
    }
    for warning in report.warnings { onEvent(.warning(warning)) }
    let batches = (validation.count + arguments.perDeviceEvalBatchSize - 1) / arguments.perDeviceEvalBatchSize
    log(
      report.figures.map { ("eval_" + $0.name, .number($0.value)) } + [
        ("eval_runtime", .number(seconds)),
        ("eval_samples_per_second", .number(Double(validation.count) / seconds)),
        ("eval_steps_per_second", .number(Double(batches) / seconds)),
      ])
    // Known, as `init` has seen.
    let metric = report[arguments.metricName] ?? .nan
    let sign = arguments.higherIsBetter ? 1.0 : -1.0
    // What is not a number is no gain, so that the best metric always is one.
    let gain = metric.isFinite ? state.bestMetric.map { sign * (metric - $0) } ?? .infinity : -.infinity
    state.evaluationsWithoutImprovement = gain > arguments.earlyStoppingThreshold ? 0 : state.evaluationsWithoutImprovement + 1
    guard gain > 0 else { return false }
    state.bestMetric = metric
    state.bestStep = state.step
    return true
  }
}
