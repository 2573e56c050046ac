import Encoders

#if canImport(Glibc)
  import Glibc
#endif

/// What an example should come out as.
package enum Target: Sendable, Equatable {
  case label(Int)
  /// One number from 0 to 1 for each label.
  case labels([Float])
  case value(Float)
}

/// The loss of a head and its gradient, computed in Double: there are only texts x labels numbers.
package struct Loss: Sendable {
  package let problemType: ProblemType
  /// ε of (1-ε)·NLL + ε·mean over the classes of -log p; single label only.
  package var labelSmoothing = 0.0
  /// One for each label, or nil for all the same; single label only. The mean is weighted, as in PyTorch.
  package var classWeights: [Double]?

  package init(_ problemType: ProblemType) { self.problemType = problemType }

  /// The loss of a batch, and the weight that it has against other batches of the same step.
  ///
  /// - Parameters:
  ///   - logits: `[texts, labels]`.
  ///   - gradient: overwritten by the loss's gradient, the mean over the batch included.
  package func evaluate(
    _ logits: UnsafeBufferPointer<Float>, _ targets: [Target], gradient: inout [Float]
  ) -> (value: Double, weight: Double) {
    let labels = logits.count / max(1, targets.count)
    gradient = [Float](repeating: 0, count: logits.count)
    var total = 0.0
    var weight = 0.0
    for (text, target) in targets.enumerated() {
      let row = text * labels..<(text + 1) * labels
      let outputs = logits[row].map(Double.init)
      switch target {
      case .label(let truth):
        let highest = outputs.max()!
        let exponentials = outputs.map { exp($0 - highest) }
        let sum = exponentials.reduce(0, +)
        let logProbabilities = outputs.map { $0 - highest - log(sum) }
        let classWeight = classWeights?[truth] ?? 1
        // The reference weights the likelihood by the true class and the smoothing part by each class.
        let smooth = labelSmoothing / Double(labels)
        total -= (1 - labelSmoothing) * classWeight * logProbabilities[truth]
        var coefficients = outputs.indices.map { -smooth * (classWeights?[$0] ?? 1) }
        for label in outputs.indices { total += coefficients[label] * logProbabilities[label] }
        coefficients[truth] -= (1 - labelSmoothing) * classWeight
        let mass = coefficients.reduce(0, +)
        for label in outputs.indices {
          gradient[row.lowerBound + label] = Float(coefficients[label] - mass * exponentials[label] / sum)
        }
        weight += classWeight
      case .labels(let truths):
        for label in outputs.indices {
          let x = outputs[label]
          let truth = Double(truths[label])
          total += (max(x, 0) - x * truth + log1p(exp(-abs(x)))) / Double(labels)
          gradient[row.lowerBound + label] = Float((1 / (1 + exp(-x)) - truth) / Double(labels))
        }
        weight += 1
      case .value(let truth):
        let difference = outputs[0] - Double(truth)
        total += difference * difference
        gradient[row.lowerBound] = Float(2 * difference)
        weight += 1
      }
    }
    let scale = Float(1 / weight)
    for index in gradient.indices { gradient[index] *= scale }
    return (total / weight, weight)
  }
}

extension Loss {
  /// The weight of a batch against other batches of the same step.
  func weight(of targets: [Target]) -> Double {
    guard let classWeights else { return Double(targets.count) }
    return targets.reduce(0) { sum, target in
      if case .label(let label) = target { sum + classWeights[label] } else { sum + 1 }
    }
  }
}
