/// How the logits of a text are told as an answer.
package struct AnswerOptions: Sendable, Equatable {
  package let task: ClassificationTask
  /// Single label: below it the model abstains, and never if nil. Several labels: each is given over it.
  package let threshold: Float?
  /// What is said of a text without a label that is sure enough.
  package let abstainLabel: String
  /// Whether nothing is said of a text that the vocabulary knows nothing of, whatever the scores: where a threshold was asked for.
  package let abstainsWhereUnknown: Bool

  /// A label is given over this score where any number may hold, if nothing else is asked for.
  package static let usualThreshold: Float = 0.5

  package init(_ task: ClassificationTask, threshold: Float? = nil, abstainLabel: String = "!abstain") {
    self.task = task
    self.threshold = threshold ?? (task.kind == .multiLabel ? Self.usualThreshold : nil)
    self.abstainLabel = abstainLabel
    abstainsWhereUnknown = threshold != nil && task.kind != .regression
  }

  /// Whether the best label of a single-label task is not sure enough. A score that is no number is not over anything.
  package func abstains(_ score: Float) -> Bool { threshold.map { !(score >= $0) } ?? false }

  /// Whether a label is given, where any number may hold.
  package func gives(_ score: Float) -> Bool { score > threshold ?? Self.usualThreshold }
}

extension ClassificationTask {
  /// Turns the logits of a text into scores: softmax, a sigmoid for each label, or the values themselves.
  ///
  /// - Parameter temperature: logits are divided by it, but for a regression.
  package func scores(
    _ logits: UnsafeBufferPointer<Float>, into scores: UnsafeMutableBufferPointer<Float>, temperature: Double = 1
  ) {
    switch kind {
    case .singleLabel: softmax(logits, into: scores, temperature: temperature)
    case .multiLabel: for label in logits.indices { scores[label] = sigmoid(logits[label], temperature: temperature) }
    case .regression: for index in logits.indices { scores[index] = logits[index] }
    }
  }

  package func scores(_ logits: UnsafeBufferPointer<Float>, temperature: Double = 1) -> [Float] {
    [Float](unsafeUninitializedCapacity: logits.count) { buffer, count in
      buffer.initialize(repeating: 0)
      scores(logits, into: buffer, temperature: temperature)
      count = logits.count
    }
  }
}
