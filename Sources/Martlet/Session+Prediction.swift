import Sessions
import Tasks

extension Session {
  /// The prediction of each text of the last run, in order.
  ///
  /// - Parameter first: the number of the first text, from 0, for messages; nil where there is one text.
  /// - Throws: `ClassifierError` of kind `notFinite`.
  ///
  /// Not inlined: what the optimiser specialises for two files it keeps in one of them, and the linker would take
  /// `Predictions.swift`, and with it the concurrency runtime, for code that only grows an array.
  @inline(never)
  func predictions(first: Int?) throws(ClassifierError) -> [Prediction] {
    let (predictions, failure) = predictionsBeforeFailure(first: first)
    if let failure { throw failure }
    return predictions
  }

  /// The predictions of the texts before the first whose logits are not finite, and what is said of that.
  @inline(never)
  func predictionsBeforeFailure(first: Int?) -> ([Prediction], ClassifierError?) {
    let count = (0..<answered.count).first { !isFinite($0) } ?? answered.count
    let failure =
      count < answered.count ? ClassifierError(.notFinite, (first.map { "text \($0 + count): " } ?? "") + Self.notFinite) : nil
    return ((0..<count).map(prediction), failure)
  }

  private func prediction(of index: Int) -> Prediction {
    let (logits, length) = (logits(of: index), answered.lengths[index])
    let scores = task.scores(logits, temperature: temperature)
    let best = task.kind == .regression ? 0 : best(of: index)
    let label: String
    switch task.kind {
    case .singleLabel: label = labels[best]
    case .multiLabel: label = scores.indices.filter { AnswerOptions(task).gives(scores[$0]) }.map { labels[$0] }.joined(separator: ",")
    case .regression: label = scores.map { "\($0)" }.joined(separator: ",")
    }
    return Prediction(
      label: label, score: scores[best], scores: scores, logits: Array(logits), tokenCount: length.tokens,
      wasTruncated: length.wasTruncated)
  }
}
