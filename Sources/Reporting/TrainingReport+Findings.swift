import Tasks

/// The report in words: what a reader would say after looking at the figures.
extension TrainingReport {
  package var findings: [String] {
    [bestEvaluation, lossTurn, confidence, commonestConfusion, unevenLabels, weakSlice].compactMap { $0 }
  }

  private var bestEvaluation: String? {
    guard let name = evaluations.last?.metrics.first?.name else { return nil }
    let values = evaluations.compactMap { evaluation in
      evaluation.metrics.first { $0.name == name }.map { (evaluation, $0.value) }
    }
    // The first of equal ones: more training did not help.
    guard var best = values.first else { return nil }
    for value in values where value.1 > best.1 { best = value }
    var text = "The best \(plain(name)) is \(formatPercent(best.1)), after \(epochs(best.0.epoch))"
    if values.count > 1 { text += best.0.step == values.last!.0.step ? ", the last evaluation" : " of \(epochCount(values.last!.0.epoch))" }
    return text + "."
  }

  private var lossTurn: String? {
    let losses = evaluations.compactMap { evaluation in evaluation.loss.map { (evaluation, $0) } }
    guard losses.count > 1, let last = losses.last, let lowest = losses.min(by: { $0.1 < $1.1 }) else { return nil }
    if lowest.0.step == last.0.step { return "Validation loss was still falling at the end: more epochs may help." }
    guard last.1 > lowest.1 * 1.02 else { return nil }
    return "Validation loss was lowest after \(epochs(lowest.0.epoch)) (\(formatFixed(lowest.1, digits: 4))) and ended at "
      + "\(formatFixed(last.1, digits: 4)): the later epochs made the model surer of itself, also where it is wrong."
  }

  private var confidence: String? {
    guard let calibration, calibration.total > 0 else { return nil }
    let total = Double(calibration.total)
    let mean = calibration.bins.reduce(0) { $0 + $1.confidence * Double($1.count) } / total
    let accuracy = calibration.bins.reduce(0) { $0 + Double($1.correct) } / total
    let error = formatFixed(calibration.expectedError, digits: 3)
    guard calibration.expectedError >= 0.03 else {
      return "Confidence can be taken at its word: it differs from accuracy by \(error) on average."
    }
    return "The model is \(mean > accuracy ? "surer than it should be" : "more cautious than it need be"): its mean confidence is "
      + "\(formatPercent(mean)), its accuracy \(formatPercent(accuracy)) (calibration error \(error))."
  }

  private var commonestConfusion: String? {
    guard let confusion = evaluation?.confusion, confusion.total > 0 else { return nil }
    var worst = (count: 0, truth: 0, prediction: 0)
    for truth in 0..<confusion.classes {
      for prediction in 0..<confusion.classes where truth != prediction && confusion[truth, prediction] > worst.count {
        worst = (confusion[truth, prediction], truth, prediction)
      }
    }
    guard worst.count > 0 else { return "No validation record was classified wrongly." }
    return "The commonest mistake is to take “\(name(worst.truth))” for “\(name(worst.prediction))”: \(formatCount(worst.count)) of "
      + "\(formatCount(confusion.support(of: worst.truth)))."
  }

  private var unevenLabels: String? {
    let counts = labelBalance.filter { $0.training > 0 }
    guard let most = counts.max(by: { $0.training < $1.training }), let least = counts.min(by: { $0.training < $1.training }),
      most.training >= 3 * least.training
    else { return nil }
    return "The labels are uneven: “\(most.label)” has \(formatCount(most.training)) training records, “\(least.label)” has "
      + "\(formatCount(least.training)). Look at macro F1 rather than at accuracy."
  }

  private var weakSlice: String? {
    let total = lengthSlices.reduce(0) { $0 + $1.count }
    guard total > 0, let weakest = lengthSlices.filter({ $0.count >= 30 }).min(by: { $0.accuracy < $1.accuracy }) else { return nil }
    let overall = lengthSlices.reduce(0) { $0 + $1.accuracy * Double($1.count) } / Double(total)
    guard weakest.accuracy < overall - 0.05 else { return nil }
    return "Texts of \(weakest.title) are the hardest: \(formatPercent(weakest.accuracy)) right, against \(formatPercent(overall)) overall."
  }

  func name(_ label: Int) -> String { label < labels.count ? labels[label] : "\(label)" }

  /// `eval_accuracy` and `accuracy` alike read as accuracy.
  func plain(_ metric: String) -> String {
    var words = metric.utf8.starts(with: "eval_".utf8) ? String(metric.unicodeScalars.dropFirst(5)) : metric
    if words == "f1" { words = "F1" }
    return words.split(separator: "_").joined(separator: " ")
  }

  private func epochs(_ epoch: Double) -> String { "epoch " + epochCount(epoch) }
  func epochCount(_ epoch: Double) -> String { formatFixed(epoch, digits: epoch == epoch.rounded() ? 0 : 2) }
}
