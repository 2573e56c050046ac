/// What a classifier says of one text.
public struct Prediction: Sendable, Equatable {
  /// The label's name. Multi-label: the labels over the threshold, comma-joined. Regression: the value; of several, all of them.
  public let label: String
  /// Single-label: the probability of `label`. Multi-label: the highest probability. Regression: the value, the first of several.
  public let score: Float
  /// Single-label: the softmax over the labels, in the classifier's order. Multi-label: a sigmoid for each label.
  /// Regression: the value or values.
  public let scores: [Float]
  /// The model's raw outputs, in the order of `Classifier.labels`.
  public let logits: [Float]
  /// The tokens that the model read, special tokens included.
  public let tokenCount: Int
  /// Whether the text was longer than the limit and was cut.
  public let wasTruncated: Bool
}
