import Storage

/// What an evaluation found, whatever the task.
package struct EvaluationReport: Sendable, Equatable {
  package let task: ClassificationTask
  package let samples: Int
  /// The mean of the task's loss over the records: cross entropy, binary cross entropy, or squared error.
  package let loss: Double
  /// Single label: the share of the records with the right label. Several: that of the records of which every label is right.
  package let accuracy: Double
  /// Precision, recall and F1 of one label or a mean of several, as `headlineLabel` tells: single label, of the positive label where there
  /// are two (scikit-learn's `average="binary"`, which the Hugging Face example computes) and the macro mean where there are more;
  /// several labels, from the counts of all together (`micro`).
  package let headline: ClassScores
  /// The label that `headline` is of, if it is one label's.
  package let headlineLabel: Int?
  /// The plain mean over the labels. Of a single-label task it leaves out those that are neither the truth nor the prediction of any record,
  /// as scikit-learn does when it is given no list of labels; of several labels it has all, as for scikit-learn's label matrices.
  package let macro: ClassScores
  /// By label; empty for a regression.
  package let perLabel: [ClassScores]
  /// How often each label was predicted; empty for a regression.
  package let predicted: [Int]
  /// Single label only.
  package let confusion: ConfusionMatrix?
  /// Regression only.
  package let errors: RegressionErrors?

  /// The figures by name, in the one order that they have everywhere.
  package var figures: [(name: String, value: Double)] {
    if let errors {
      return [
        ("loss", loss), ("mse", errors.meanSquared), ("mae", errors.meanAbsolute), ("pearson", errors.pearson),
      ]
    }
    return [
      ("loss", loss), ("accuracy", accuracy), ("f1", headline.f1), ("precision", headline.precision), ("recall", headline.recall),
      ("macro_f1", macro.f1),
    ]
  }

  /// What is to be known before the figures are believed: labels that records have and no prediction was, a line each.
  package var warnings: [String] {
    guard !predicted.isEmpty, samples > 0 else { return [] }
    let missing = perLabel.indices.filter { predicted[$0] == 0 && perLabel[$0].support > 0 }
    guard !missing.isEmpty else { return [] }
    let list = missing.prefix(5).map { index in
      let share = 100 * Double(perLabel[index].support) / Double(samples)
      let tenths = Int(saturating: (share * 10).rounded())
      return "`\(task.labels[index].excerpt)` (\(tenths / 10).\(tenths % 10) % of the records)"
    }
    return ["never predicted: \(list.joined(separator: ", "))\(missing.count > 5 ? " and \(missing.count - 5) more labels" : "")"]
  }

  /// The figure that is quoted first.
  package var quality: (name: String, value: Double) { errors.map { ("mse", $0.meanSquared) } ?? ("accuracy", accuracy) }

  /// A figure by its name: those of `figures`, and `f1:LABEL`, `precision:LABEL` and `recall:LABEL`. Nil for what there is none of.
  package subscript(name: String) -> Double? {
    if let figure = figures.first(where: { $0.name == name }) { return figure.value }
    let parts = name.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, let label = task.labels.firstIndex(where: { $0.utf8.elementsEqual(parts[1].utf8) }),
      perLabel.indices.contains(label)
    else { return nil }
    switch parts[0] {
    case "f1": return perLabel[label].f1
    case "precision": return perLabel[label].precision
    case "recall": return perLabel[label].recall
    default: return nil
    }
  }
}

/// How far the values of a regression are off.
package struct RegressionErrors: Sendable, Equatable {
  package let meanSquared: Double
  package let meanAbsolute: Double
  /// Pearson's correlation, the mean over the outputs; 0 where one side never varies.
  package let pearson: Double
}
