import Storage
import Tasks

/// What each label counts in the loss of a single-label task.
public enum ClassWeights: Sendable, Equatable {
  /// So that all labels count alike in all: records / (labels x records of the label), as scikit-learn's `class_weight="balanced"`.
  case balanced
  /// By name; 1 for labels that are not named.
  case named([String: Double])

  func values(for task: ClassificationTask, _ targets: [TrainingTarget]) throws -> [Double] {
    guard task.kind == .singleLabel else {
      throw LabelError.option(name: "class-weights", expected: "a single_label_classification", found: task.kind.rawValue)
    }
    switch self {
    case .balanced:
      let counts = task.counts(of: targets)
      // A label without records has no share in any loss.
      return counts.map { $0 == 0 ? 1 : Double(targets.count) / Double(counts.count * $0) }
    case .named(let weights):
      for name in weights.keys.sorted() where !task.labels.contains(name) {
        throw LabelError.option(
          name: "class-weights", expected: "labels among \(task.labels.prefix(20).map(\.excerpt).joined(separator: ", "))", found: name)
      }
      return task.labels.map { weights[$0] ?? 1 }
    }
  }
}
