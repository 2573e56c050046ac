import Storage

/// A fitted temperature, the mean cross entropy without it and with it, and how many decisions were wrong: a
/// record's best label, or each label of several.
package struct TemperatureFit: Sendable, Equatable {
  package let temperature: Double
  package let lossBefore: Double
  package let lossAfter: Double
  package let mistakes: Int
}

// The targets of the fits are not 0 and 1 but what is left of those after a record more of each outcome (Platt 1999, "Probabilistic
// Outputs for Support Vector Machines", section 2.2: (N₊ + 1) / (N₊ + 2) and 1 / (N₋ + 2)). Of many records that is next to nothing; of few
// it keeps the scores from being surer than so few can make them.

/// The temperature T in [0.05, 20] that minimises the mean cross entropy of `softmax(logits / T)` (Guo et al. 2017, section 4.2), with
/// Platt's targets: of a class with N records among K classes (N + 1) / (N + K), and 1 / (N + K) for each other class.
///
/// In β = 1/T the loss is convex; its derivative is `mean(E_p[l] - E_t[l])`, its second derivative the mean variance of `l` under p. Newton
/// steps that leave the bracket are replaced by bisection. Where no record's best label is wrong nothing says how sure is too sure, and T
/// is at least 1. Without records T is 1.
/// - logits: records x classes, row by row, finite.
package func fitTemperature(logits: [Float], classes: Int, truths: [Int]) -> TemperatureFit {
  precondition(classes > 0 && logits.count == truths.count * classes, "logits of records x classes")
  guard !truths.isEmpty else { return TemperatureFit(temperature: 1, lossBefore: 0, lossAfter: 0, mistakes: 0) }
  var support = [Int](repeating: 0, count: classes)
  for truth in truths { support[truth] += 1 }
  let mistakes = truths.indices.count { record in
    let row = logits[(record * classes)..<((record + 1) * classes)]
    return argmax(Array(row)) != truths[record]
  }
  return fitTemperature(mistakes: mistakes) { beta in
    var value = LossValue()
    for (record, truth) in truths.enumerated() {
      let row = logits[(record * classes)..<((record + 1) * classes)]
      let shift = Double(row.max()!)
      var (sum, first, second, all) = (0.0, 0.0, 0.0, 0.0)
      for logit in row {
        let centred = Double(logit) - shift
        let weight = Double.exp(beta * centred)
        sum += weight
        first += weight * centred
        second += weight * centred * centred
        all += centred
      }
      let target = Double(row[row.startIndex + truth]) - shift
      let expected = (Double(support[truth]) * target + all) / Double(support[truth] + classes)
      let mean = first / sum
      value.loss += Double.log(sum) - beta * target
      value.slope += mean - expected
      value.curvature += second / sum - mean * mean
    }
    return value / Double(truths.count)
  }
}

/// The temperature T in [0.05, 20] that minimises the mean binary cross entropy of `sigmoid(logits / T)`, with Platt's targets: one for all
/// labels, whose records are counted together.
///
/// With s = sigmoid(βl) the derivative is `mean(l·(s - t))`, the second derivative `mean(l²·s·(1 - s))`. Where no label is wrong T is at
/// least 1. Without records T is 1.
/// - logits: records x labels, row by row, finite; targets: the same of zeros and ones.
package func fitTemperature(logits: [Float], targets: [Float]) -> TemperatureFit {
  precondition(logits.count == targets.count, "a target for each logit")
  guard !targets.isEmpty else { return TemperatureFit(temperature: 1, lossBefore: 0, lossAfter: 0, mistakes: 0) }
  let positives = targets.count { $0 > 0.5 }
  let (given, absent) = (Double(positives + 1) / Double(positives + 2), 1 / Double(targets.count - positives + 2))
  let mistakes = zip(logits, targets).count { ($0 > 0) != ($1 > 0.5) }
  return fitTemperature(mistakes: mistakes) { beta in
    var value = LossValue()
    for (logit, target) in zip(logits, targets) {
      let (logit, target) = (Double(logit), Double(target))
      let scaled = beta * logit
      let probability = 1 / (1 + Double.exp(-scaled))
      value.loss += max(scaled, 0) - scaled * target + Double.log(onePlus: Double.exp(-abs(scaled)))
      value.slope += logit * (probability - (target > 0.5 ? given : absent))
      value.curvature += logit * logit * probability * (1 - probability)
    }
    return value / Double(logits.count)
  }
}

/// The loss with the data's own targets, and the first and second derivative of the loss that is minimised, by β.
private struct LossValue {
  var (loss, slope, curvature) = (0.0, 0.0, 0.0)

  static func / (value: Self, count: Double) -> Self {
    var value = value
    value.loss /= count
    value.slope /= count
    value.curvature /= count
    return value
  }
}

/// Minimises a convex loss of β = 1/T.
private func fitTemperature(mistakes: Int, _ evaluate: (_ beta: Double) -> LossValue) -> TemperatureFit {
  var (low, high) = (1.0 / 20, mistakes == 0 ? 1.0 : 20.0)
  var beta = 1.0
  let before = evaluate(1)
  var now = before
  for _ in 0..<100 where now.slope != 0 {
    if now.slope > 0 { high = beta } else { low = beta }
    guard low < high else { break }
    let newton = beta - now.slope / now.curvature
    let next = newton > low && newton < high ? newton : (low + high) / 2
    guard abs(next - beta) > 1e-10 * beta else { break }
    beta = next
    now = evaluate(beta)
  }
  return TemperatureFit(temperature: 1 / beta, lossBefore: before.loss, lossAfter: now.loss, mistakes: mistakes)
}

extension ClassificationTask {
  /// The temperature that is fitted to the logits of records, one row after the other; nil for a regression, which has no scores.
  package func fittedTemperature(logits: [Float], targets: [TrainingTarget]) -> TemperatureFit? {
    var (truths, values): ([Int], [Float]) = ([], [])
    for target in targets {
      switch target {
      case .label(let truth): truths.append(truth)
      case .values(let row): values += row
      }
    }
    return switch kind {
    case .singleLabel: fitTemperature(logits: logits, classes: labels.count, truths: truths)
    case .multiLabel: fitTemperature(logits: logits, targets: values)
    case .regression: nil
    }
  }
}
