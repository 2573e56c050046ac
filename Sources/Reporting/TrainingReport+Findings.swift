import Tasks

/// The report in words: what a reader would say after looking at the figures.
extension TrainingReport {
  package var findings: [String] {
    [bestEvaluation, lossTurn].compactMap { $0 } + section.findings + [unevenLabels].compactMap { $0 }
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

  private var unevenLabels: String? {
    let counts = labelBalance.filter { $0.training > 0 }
    guard let most = counts.max(by: { $0.training < $1.training }), let least = counts.min(by: { $0.training < $1.training }),
      most.training >= 3 * least.training
    else { return nil }
    return "The labels are uneven: “\(most.label)” has \(formatCount(most.training)) training records, “\(least.label)” has "
      + "\(formatCount(least.training)). Look at macro F1 rather than at accuracy."
  }

  /// `eval_accuracy` and `accuracy` alike read as accuracy.
  func plain(_ metric: String) -> String {
    var words = metric.utf8.starts(with: "eval_".utf8) ? String(metric.unicodeScalars.dropFirst(5)) : metric
    if words == "f1" { words = "F1" }
    return words.split(separator: "_").joined(separator: " ")
  }

  private func epochs(_ epoch: Double) -> String { "epoch " + epochCount(epoch) }
  func epochCount(_ epoch: Double) -> String { formatFixed(epoch, digits: epoch == epoch.rounded() ? 0 : 2) }
}
