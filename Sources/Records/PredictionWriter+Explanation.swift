/// What the parts of a record's text do to its answer.
package struct Explanation: Sendable, Equatable {
  /// The outputs that the answer is about.
  package let outputs: [Int]
  package let parts: [PartShare]

  package init(outputs: [Int], parts: [PartShare]) { (self.outputs, self.parts) = (outputs, parts) }
}

extension PredictionWriter {
  /// `"explanation": [{"text": "good", "share": 0.31}, …]`, or by label or value where there may be several.
  mutating func appendJSONExplanation(_ record: borrowing Record) {
    guard let explanation else { return }
    let task = options.answer.task
    let isOne = task.kind == .singleLabel || task.kind == .regression && task.labels.count == 1
    buffer.append(text: ", \"explanation\": [")
    for (index, part) in explanation.parts.enumerated() {
      if index > 0 { buffer.append(text: ", ") }
      buffer.append(text: "{\"text\": ")
      buffer.append(jsonString: record.text[part.range])
      buffer.append(text: isOne ? ", \"share\": " : ", \"shares\": {")
      for (place, output) in explanation.outputs.enumerated() {
        if !isOne {
          if place > 0 { buffer.append(text: ", ") }
          buffer.append(contentsOf: labels[output])
          buffer.append(text: ": ")
        }
        appendJSON(sixDigits: part.shares[place])
      }
      buffer.append(text: isOne ? "}" : "}}")
    }
    buffer.append(text: "]")
  }

  /// The text on a line of its own: green what speaks for the answer, red what speaks against it, bold what does so most.
  mutating func appendMarkedText(_ record: borrowing Record) {
    guard let explanation, !explanation.parts.isEmpty else { return }
    func share(_ part: PartShare) -> Float { part.shares.max { abs($0) < abs($1) } ?? 0 }
    let most = explanation.parts.map { abs(share($0)) }.max() ?? 0
    buffer.append(text: "\n  ")
    var written = 0
    for part in explanation.parts {
      let share = share(part)
      buffer.append(tsvEscaped: record.text[written..<part.range.lowerBound])
      let isMarked = most > 0 && abs(share) >= 0.15 * most
      if isMarked {
        buffer.append(text: abs(share) >= 0.5 * most ? "\u{1B}[1;" : "\u{1B}[")
        buffer.append(text: share > 0 ? "32m" : "31m")
      }
      buffer.append(tsvEscaped: record.text[part.range])
      if isMarked { buffer.append(text: "\u{1B}[0m") }
      written = part.range.upperBound
    }
    buffer.append(tsvEscaped: record.text[written...])
  }
}
