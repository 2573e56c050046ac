#if canImport(Glibc)
  import Glibc
#endif

/// Confidence against accuracy in bins of equal width over (0, 1], and the expected calibration error (Naeini et al. 2015;
/// Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2).
package struct CalibrationBins: Sendable, Equatable {
  package struct Bin: Sendable, Equatable {
    package fileprivate(set) var count = 0
    package fileprivate(set) var correct = 0
    fileprivate var confidenceSum = 0.0
    package var accuracy: Double { ratio(correct, count) }
    package var confidence: Double { count == 0 ? 0 : confidenceSum / Double(count) }
  }

  package private(set) var bins: [Bin]

  package init(count: Int = 15) {
    precondition(count > 0, "at least one bin")
    bins = [Bin](repeating: Bin(), count: count)
  }

  package var total: Int { bins.reduce(0) { $0 + $1.count } }

  /// One prediction: the probability of the predicted label, and whether it was right. A bin owns its upper edge.
  package mutating func add(confidence: Double, correct: Bool) {
    let place = confidence.isFinite ? (confidence * Double(bins.count)).rounded(.up) - 1 : 0
    let index = Int(exactly: min(max(place, 0), Double(bins.count - 1)).rounded(.down)) ?? 0
    bins[index].count += 1
    bins[index].confidenceSum += confidence
    if correct { bins[index].correct += 1 }
  }

  /// Mean gap between confidence and accuracy, weighted by the records in each bin.
  package var expectedError: Double {
    let total = Double(max(total, 1))
    return bins.reduce(0) { $0 + abs($1.accuracy - $1.confidence) * Double($1.count) / total }
  }

  /// The largest gap of a bin that has records.
  package var maximumError: Double {
    bins.filter { $0.count > 0 }.map { abs($0.accuracy - $0.confidence) }.max() ?? 0
  }
}

/// A fitted temperature and the mean cross entropy without it and with it.
package struct TemperatureFit: Sendable, Equatable {
  package let temperature: Double
  package let lossBefore: Double
  package let lossAfter: Double
}

/// The temperature T in [0.05, 20] that minimises the mean cross entropy of `softmax(logits / T)` (Guo et al. 2017, section 4.2).
///
/// In β = 1/T the loss is convex; its derivative is `mean(E_p[l] - l_truth)`, its second derivative the mean variance of `l` under p. Newton
/// steps that leave the bracket are replaced by bisection, so that separable data (no minimum) end at the edge. Without records T is 1.
/// - logits: records x classes, row by row.
package func fitTemperature(logits: [Float], classes: Int, truths: [Int]) -> TemperatureFit {
  precondition(classes > 0 && logits.count == truths.count * classes, "logits of records x classes")
  guard !truths.isEmpty else { return TemperatureFit(temperature: 1, lossBefore: 0, lossAfter: 0) }
  return fitTemperature { beta in
    var (loss, slope, curvature) = (0.0, 0.0, 0.0)
    for (record, truth) in truths.enumerated() {
      let row = logits[(record * classes)..<((record + 1) * classes)]
      let shift = Double(row.max()!)
      var (sum, first, second) = (0.0, 0.0, 0.0)
      for logit in row {
        let centred = Double(logit) - shift
        let weight = exp(beta * centred)
        sum += weight
        first += weight * centred
        second += weight * centred * centred
      }
      let target = Double(row[row.startIndex + truth]) - shift
      let mean = first / sum
      loss += log(sum) - beta * target
      slope += mean - target
      curvature += second / sum - mean * mean
    }
    let count = Double(truths.count)
    return (loss / count, slope / count, curvature / count)
  }
}

/// The temperature T in [0.05, 20] that minimises the mean binary cross entropy of `sigmoid(logits / T)`: one for all labels.
///
/// With s = sigmoid(βl) the derivative is `mean(l·(s - t))`, the second derivative `mean(l²·s·(1 - s))`. Without records T is 1.
/// - logits: records x labels, row by row; targets: the same of zeros and ones.
package func fitTemperature(logits: [Float], targets: [Float]) -> TemperatureFit {
  precondition(logits.count == targets.count, "a target for each logit")
  guard !targets.isEmpty else { return TemperatureFit(temperature: 1, lossBefore: 0, lossAfter: 0) }
  return fitTemperature { beta in
    var (loss, slope, curvature) = (0.0, 0.0, 0.0)
    for (logit, target) in zip(logits, targets) {
      let (logit, target) = (Double(logit), Double(target))
      let scaled = beta * logit
      let probability = 1 / (1 + exp(-scaled))
      loss += max(scaled, 0) - scaled * target + log1p(exp(-abs(scaled)))
      slope += logit * (probability - target)
      curvature += logit * logit * probability * (1 - probability)
    }
    let count = Double(logits.count)
    return (loss / count, slope / count, curvature / count)
  }
}

/// Minimises a convex loss of β = 1/T, given with its first and second derivative.
private func fitTemperature(_ evaluate: (_ beta: Double) -> (loss: Double, slope: Double, curvature: Double)) -> TemperatureFit {
  var (low, high) = (1.0 / 20, 20.0)
  var beta = 1.0
  let before = evaluate(1)
  var now = before
  for _ in 0..<100 where now.slope != 0 {
    if now.slope > 0 { high = beta } else { low = beta }
    let newton = beta - now.slope / now.curvature
    let next = newton > low && newton < high ? newton : (low + high) / 2
    guard abs(next - beta) > 1e-10 * beta else { break }
    beta = next
    now = evaluate(beta)
  }
  return TemperatureFit(temperature: 1 / beta, lossBefore: before.loss, lossAfter: now.loss)
}
