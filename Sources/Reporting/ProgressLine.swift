/// Where some work stands.
package struct ProgressSnapshot: Sendable, Equatable {
  /// What is counted.
  package enum Unit: Sendable, Equatable { case steps, bytes }

  /// What is being done, in a word: `tune`, `evaluate`.
  package var label: String
  package var step: Int
  package var totalSteps: Int
  package var epoch: Double?
  package var totalEpochs: Double?
  package var loss: Double?
  package var learningRate: Double?
  package var tokensPerSecond: Double?
  package var textsPerSecond: Double?
  package var unit = Unit.steps
  package var elapsedSeconds: Double
  /// Nil: taken from the steps done and the time they took.
  package var remainingSeconds: Double?

  package init(
    label: String, step: Int, totalSteps: Int, epoch: Double? = nil, totalEpochs: Double? = nil, loss: Double? = nil,
    learningRate: Double? = nil, tokensPerSecond: Double? = nil, elapsedSeconds: Double = 0, remainingSeconds: Double? = nil
  ) {
    self.label = label
    self.step = step
    self.totalSteps = totalSteps
    self.epoch = epoch
    self.totalEpochs = totalEpochs
    self.loss = loss
    self.learningRate = learningRate
    self.tokensPerSecond = tokensPerSecond
    self.elapsedSeconds = elapsedSeconds
    self.remainingSeconds = remainingSeconds
  }

  var share: Double { totalSteps > 0 ? min(max(Double(step) / Double(totalSteps), 0), 1) : 0 }
  var isDone: Bool { totalSteps > 0 && step >= totalSteps }

  var secondsLeft: Double? {
    if let remainingSeconds { return remainingSeconds }
    guard step > 0, totalSteps > step, elapsedSeconds > 0 else { return nil }
    return elapsedSeconds / Double(step) * Double(totalSteps - step)
  }

  /// The parts of a line, the most important first.
  fileprivate var parts: [String] {
    var parts: [String] = []
    if let secondsLeft, !isDone { parts.append(formatDuration(secondsLeft) + " left") }
    if isDone { parts.append("in " + formatDuration(elapsedSeconds)) }
    if let loss { parts.append("loss " + formatFixed(loss, digits: 4)) }
    if let epoch, let totalEpochs {
      parts.append("epoch " + formatFixed(epoch, digits: 2) + "/" + formatFixed(totalEpochs, digits: totalEpochs == totalEpochs.rounded() ? 0 : 2))
    }
    if let textsPerSecond { parts.append(formatRate(textsPerSecond) + " texts/s") }
    if let tokensPerSecond { parts.append(formatRate(tokensPerSecond) + " tokens/s") }
    if let learningRate { parts.append("lr " + formatScientific(learningRate)) }
    return parts
  }

  fileprivate var steps: String {
    func format(_ count: Int) -> String { unit == .bytes ? formatBytes(count) : formatCount(count) }
    return totalSteps > 0 ? "\(format(step))/\(format(totalSteps))" : format(step)
  }
}

/// One line for a terminal of that width: label, bar, steps, and as many of time left, loss, epoch, speed and learning rate as fit.
/// Never as wide as the terminal, so that it does not wrap.
package func progressLine(_ snapshot: ProgressSnapshot, width: Int) -> String {
  let room = max(width - 1, 10)
  var numbers = snapshot.steps
  if snapshot.totalSteps > 0 {
    let percent = formatFixed((snapshot.share * 100).rounded(.down), digits: 0)
    numbers = String(repeating: " ", count: 3 - percent.utf8.count) + percent + " % " + numbers
  }
  let head = displayWidth(snapshot.label) + 1 + displayWidth(numbers)
  // Ten columns of bar come before the least important parts.
  var left = room - head - (snapshot.totalSteps > 0 ? 11 : 0)
  var parts: [String] = []
  for part in snapshot.parts where displayWidth(part) + 2 <= left {
    parts.append(part)
    left -= displayWidth(part) + 2
  }
  var line = snapshot.label
  if snapshot.totalSteps > 0 && left >= 0 {
    let width = min(10 + left, 40)
    let full = Int(saturating: (snapshot.share * Double(width)).rounded(.down))
    line += " " + String(repeating: "━", count: full) + String(repeating: "╌", count: width - full)
  }
  return shortened(([line + " " + numbers] + parts).joined(separator: "  "), toWidth: room)
}

/// One line for a log.
package func plainProgressLine(_ snapshot: ProgressSnapshot) -> String {
  var head = snapshot.label + (snapshot.unit == .steps ? ": step " : ": ") + snapshot.steps
  if snapshot.totalSteps > 0 { head += " (" + formatPercent(snapshot.share, digits: 0) + ")" }
  return ([head] + snapshot.parts).joined(separator: ", ")
}
