#if canImport(Glibc)
  import Glibc
#endif

/// Everything `evaluate` says about a multi-label classifier.
package struct MultiLabelReport: Sendable, Equatable {
  package let samples: Int
  /// Binary cross entropy, mean over records and labels.
  package let loss: Double
  /// Share of the records of which every label is right.
  package let subsetAccuracy: Double
  /// From the counts of all labels together.
  package let micro: ClassScores
  /// The plain mean over all labels, those without any record included, as scikit-learn does for label matrices.
  package let macro: ClassScores
  package let perLabel: [ClassScores]
}

/// Collects a `MultiLabelReport` in constant memory. A label is predicted when its probability is over the threshold.
package struct MultiLabelAccumulator: Sendable {
  private let thresholdLogit: Double
  private var truePositives: [Int]
  private var predicted: [Int]
  private var support: [Int]
  private var samples = 0
  private var whollyRight = 0
  private var lossSum = 0.0

  package init(labels: Int, threshold: Double = 0.5) {
    precondition(labels > 0 && threshold > 0 && threshold < 1, "labels, and a threshold between 0 and 1")
    thresholdLogit = log(threshold / (1 - threshold))
    truePositives = [Int](repeating: 0, count: labels)
    predicted = truePositives
    support = truePositives
  }

  /// One record: a logit and a target (0 or 1) for each label.
  package mutating func add(logits: UnsafeBufferPointer<Float>, targets: UnsafeBufferPointer<Float>) {
    precondition(logits.count == support.count, "one logit for each label")
    lossSum += binaryCrossEntropy(logits: logits, targets: targets)
    samples += 1
    var right = true
    for label in logits.indices {
      let isPredicted = Double(logits[label]) > thresholdLogit
      let isTrue = targets[label] > 0.5
      if isPredicted { predicted[label] += 1 }
      if isTrue { support[label] += 1 }
      if isPredicted && isTrue { truePositives[label] += 1 }
      right = right && isPredicted == isTrue
    }
    if right { whollyRight += 1 }
  }

  package mutating func add(logits: [Float], targets: [Float]) {
    logits.withUnsafeBufferPointer { logits in targets.withUnsafeBufferPointer { add(logits: logits, targets: $0) } }
  }

  package func report() -> MultiLabelReport {
    let perLabel = support.indices.map {
      ClassScores(truePositives: truePositives[$0], predicted: predicted[$0], support: support[$0])
    }
    return MultiLabelReport(
      samples: samples, loss: samples == 0 ? 0 : lossSum / Double(samples), subsetAccuracy: ratio(whollyRight, samples),
      micro: ClassScores(
        truePositives: truePositives.reduce(0, +), predicted: predicted.reduce(0, +), support: support.reduce(0, +)),
      macro: .mean(perLabel, weightedBySupport: false), perLabel: perLabel)
  }
}
