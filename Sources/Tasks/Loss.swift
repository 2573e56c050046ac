import Storage

/// The training target of one example.
package enum TrainingTarget: Sendable, Equatable {
  case label(Int)
  /// A number for each output: from 0 to 1 where any number of labels may hold, the values of a regression.
  case values([Float])
}

/// The loss of a task and its gradient, computed in Double: there are only texts x outputs numbers.
package struct Loss: Sendable {
  package let kind: ClassificationTask.Kind
  /// ε of (1-ε)·NLL + ε·mean over the classes of -log p; single label only.
  package var labelSmoothing = 0.0
  /// One for each label, or nil for all the same; single label only. The mean is weighted, as in PyTorch.
  package var classWeights: [Double]?

  package init(_ kind: ClassificationTask.Kind) { self.kind = kind }

  /// The loss of a batch, and the weight that it has against other batches of the same step.
  ///
  /// - Parameters:
  ///   - logits: `[texts, outputs]`.
  ///   - gradient: overwritten by the loss's gradient, the mean over the batch included.
  package func evaluate(
    _ logits: UnsafeBufferPointer<Float>, _ targets: [TrainingTarget], gradient: inout [Float]
  ) -> (value: Double, weight: Double) {
    let count = logits.count / max(1, targets.count)
    gradient = [Float](repeating: 0, count: logits.count)
    var total = 0.0
    var weight = 0.0
    for (text, target) in targets.enumerated() {
      let row = text * count..<(text + 1) * count
      let outputs = logits[row].map(Double.init)
      switch target {
      case .label(let truth):
        let highest = outputs.max()!
        let exponentials = outputs.map { Double.exp($0 - highest) }
        let sum = exponentials.reduce(0, +)
        let logProbabilities = outputs.map { $0 - highest - Double.log(sum) }
        let classWeight = classWeights?[truth] ?? 1
        // The reference weights the likelihood by the true class and the smoothing part by each class.
        let smooth = labelSmoothing / Double(count)
        total -= (1 - labelSmoothing) * classWeight * logProbabilities[truth]
        var coefficients = outputs.indices.map { -smooth * (classWeights?[$0] ?? 1) }
        for label in outputs.indices { total += coefficients[label] * logProbabilities[label] }
        coefficients[truth] -= (1 - labelSmoothing) * classWeight
        let mass = coefficients.reduce(0, +)
        for label in outputs.indices {
          gradient[row.lowerBound + label] = Float(coefficients[label] - mass * exponentials[label] / sum)
        }
        weight += classWeight
      case .values(let truths):
        for (index, x) in outputs.enumerated() {
          let truth = Double(truths[index])
          if kind == .regression {
            let difference = x - truth
            total += difference * difference / Double(count)
            gradient[row.lowerBound + index] = Float(2 * difference / Double(count))
          } else {
            total += (max(x, 0) - x * truth + Double.log(onePlus: Double.exp(-abs(x)))) / Double(count)
            gradient[row.lowerBound + index] = Float((1 / (1 + Double.exp(-x)) - truth) / Double(count))
          }
        }
        weight += 1
      }
    }
    let scale = Float(1 / weight)
    for index in gradient.indices { gradient[index] *= scale }
    return (total / weight, weight)
  }

  /// The weight of a batch against other batches of the same step.
  package func weight(of targets: [TrainingTarget]) -> Double {
    guard let classWeights else { return Double(targets.count) }
    return targets.reduce(0) { sum, target in
      if case .label(let label) = target { sum + classWeights[label] } else { sum + 1 }
    }
  }
}
