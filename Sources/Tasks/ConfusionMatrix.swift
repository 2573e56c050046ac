/// Counts of (truth, prediction) pairs; rows are the truth, columns the prediction.
package struct ConfusionMatrix: Sendable, Equatable {
  package let classes: Int
  /// `classes x classes`, row by row.
  package private(set) var counts: [Int]

  package init(classes: Int) {
    precondition(classes > 0, "a confusion matrix needs a class")
    self.classes = classes
    counts = [Int](repeating: 0, count: classes * classes)
  }

  package subscript(truth: Int, prediction: Int) -> Int { counts[truth * classes + prediction] }

  package mutating func add(truth: Int, prediction: Int) {
    precondition((0..<classes).contains(truth) && (0..<classes).contains(prediction), "a class outside the matrix")
    counts[truth * classes + prediction] += 1
  }

  package var total: Int { counts.reduce(0, +) }
  package var correct: Int { (0..<classes).reduce(0) { $0 + self[$1, $1] } }
  package var accuracy: Double { ratio(correct, total) }

  /// How often the class is the truth.
  package func support(of index: Int) -> Int { (0..<classes).reduce(0) { $0 + self[index, $1] } }
  /// How often the class is predicted.
  package func predicted(_ index: Int) -> Int { (0..<classes).reduce(0) { $0 + self[$1, index] } }

  package func scores(of index: Int) -> ClassScores {
    ClassScores(truePositives: self[index, index], predicted: predicted(index), support: support(of: index))
  }
}

/// Precision, recall and F1 of one class, or an average of several.
package struct ClassScores: Sendable, Equatable {
  package let precision: Double
  package let recall: Double
  package let f1: Double
  /// How many records have this truth.
  package let support: Int

  package init(precision: Double, recall: Double, f1: Double, support: Int) {
    (self.precision, self.recall, self.f1, self.support) = (precision, recall, f1, support)
  }

  init(truePositives: Int, predicted: Int, support: Int) {
    self.init(
      precision: ratio(truePositives, predicted), recall: ratio(truePositives, support),
      f1: ratio(2 * truePositives, predicted + support), support: support)
  }

  /// The plain mean; 0 where there is nothing to average.
  static func mean(_ scores: [ClassScores]) -> ClassScores {
    func average(_ value: KeyPath<ClassScores, Double>) -> Double {
      scores.isEmpty ? 0 : scores.reduce(0) { $0 + $1[keyPath: value] } / Double(scores.count)
    }
    return ClassScores(
      precision: average(\.precision), recall: average(\.recall), f1: average(\.f1),
      support: scores.reduce(0) { $0 + $1.support })
  }
}
