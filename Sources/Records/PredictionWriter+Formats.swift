import Tasks

private let tab = UInt8(ascii: "\t")
private let comma = UInt8(ascii: ",")

/// What each format makes of a prediction.
extension PredictionWriter {
  private var isCSV: Bool { options.format == .csv }
  private var separator: UInt8 { isCSV ? comma : tab }
  private var task: ClassificationTask { options.answer.task }
  private var isRegression: Bool { task.kind == .regression }

  private mutating func append(field bytes: some Collection<UInt8>) {
    if isCSV { buffer.append(csvField: bytes) } else { buffer.append(tsvEscaped: bytes) }
  }

  // MARK: tsv and csv

  mutating func appendHeader(_ columns: [String]) {
    var names = !isRegression ? ["label", "score"] : task.labels.count == 1 ? ["value"] : task.labels.map { "value_" + $0 }
    if options.allScores && !isRegression { names += task.labels.map { "score_" + $0 } }
    if options.logits { names += task.labels.map { "logit_" + $0 } }
    names.append("error")
    if options.echo {
      // A table's own `label` column must not make two of that name.
      let own = Set(names)
      names.insert(contentsOf: columns.map { own.contains($0) ? "input_" + $0 : $0 }, at: names.count - 1)
    }
    for (index, name) in names.enumerated() {
      if index > 0 { buffer.append(comma) }
      buffer.append(csvField: name.utf8)
    }
  }

  mutating func appendRow(
    _ record: borrowing Record, logits: UnsafeBufferPointer<Float>, scores: UnsafeBufferPointer<Float>, columns: [String]
  ) {
    switch task.kind {
    case .regression:
      for (index, value) in logits.enumerated() {
        if index > 0 { buffer.append(separator) }
        buffer.append(shortest: value)
      }
    case .singleLabel:
      let best = argmax(logits)
      appendLabelName(best, scores[best])
      buffer.append(separator)
      buffer.append(sixDigits: scores[best])
    case .multiLabel:
      appendChosenLabels(scores)
      buffer.append(separator)
      appendChosenScores(scores)
    }
    if options.allScores && !isRegression {
      for score in scores {
        buffer.append(separator)
        buffer.append(sixDigits: score)
      }
    }
    if options.logits {
      for logit in logits {
        buffer.append(separator)
        buffer.append(shortest: logit)
      }
    }
    appendInput(record, columns)
    if isCSV { buffer.append(comma) }
  }

  mutating func appendProblemRow(_ record: borrowing Record, message: String, columns: [String]) {
    buffer.append(text: "!error")
    var empty = isRegression ? labels.count - 1 : 1
    if options.allScores && !isRegression { empty += labels.count }
    if options.logits { empty += labels.count }
    for _ in 0..<empty { buffer.append(separator) }
    appendInput(record, columns)
    buffer.append(separator)
    append(field: message.utf8)
  }

  /// As many columns as the input has names, whatever this record has.
  private mutating func appendInput(_ record: borrowing Record, _ columns: [String]) {
    guard options.echo else { return }
    for column in 0..<max(columns.count, 1) {
      buffer.append(separator)
      if record.input.form == .none || record.input.form == .text {
        append(field: record.text)
      } else if column < record.input.ends.count {
        let begin = column == 0 ? 0 : record.input.ends[column - 1]
        append(field: record.input.bytes[begin..<record.input.ends[column]])
      }
    }
  }

  private mutating func appendLabelName(_ best: Int, _ score: Float) {
    let name = name(ofBest: best, score: score)
    if isCSV { buffer.append(csvField: name) } else { buffer.append(contentsOf: name) }
  }

  private mutating func appendChosenLabels(_ scores: UnsafeBufferPointer<Float>) {
    let begin = buffer.count
    var isFirst = true
    for index in scores.indices where gives(scores[index]) {
      if !isFirst { buffer.append(comma) }
      isFirst = false
      buffer.append(contentsOf: labels[index])
    }
    quoteField(from: begin)
  }

  private mutating func appendChosenScores(_ scores: UnsafeBufferPointer<Float>) {
    let begin = buffer.count
    var isFirst = true
    for score in scores where gives(score) {
      if !isFirst { buffer.append(comma) }
      isFirst = false
      buffer.append(sixDigits: score)
    }
    quoteField(from: begin)
  }

  /// Makes a csv field of what was joined with commas.
  private mutating func quoteField(from begin: Int) {
    guard isCSV else { return }
    let joined = Array(buffer[begin...])
    buffer.removeSubrange(begin...)
    buffer.append(csvField: joined)
  }

  // MARK: label

  mutating func appendLabel(logits: UnsafeBufferPointer<Float>, scores: UnsafeBufferPointer<Float>) {
    switch task.kind {
    case .regression:
      for (index, value) in logits.enumerated() {
        if index > 0 { buffer.append(comma) }
        buffer.append(shortest: value)
      }
    case .singleLabel:
      let best = argmax(logits)
      appendLabelName(best, scores[best])
    case .multiLabel: appendChosenLabels(scores)
    }
  }

  // MARK: jsonl

  mutating func appendJSON(
    _ record: borrowing Record, logits: UnsafeBufferPointer<Float>, scores: UnsafeBufferPointer<Float>, columns: [String]
  ) {
    switch task.kind {
    case .regression where labels.count == 1:
      buffer.append(text: "{\"value\": ")
      appendJSON(shortest: logits[0])
    case .regression:
      buffer.append(text: "{\"values\": {")
      for (index, value) in logits.enumerated() {
        if index > 0 { buffer.append(text: ", ") }
        buffer.append(contentsOf: labels[index])
        buffer.append(text: ": ")
        appendJSON(shortest: value)
      }
      buffer.append(text: "}")
    case .singleLabel:
      let best = argmax(logits)
      buffer.append(text: "{\"label\": ")
      buffer.append(contentsOf: name(ofBest: best, score: scores[best]))
      buffer.append(text: ", \"score\": ")
      appendJSON(sixDigits: scores[best])
    case .multiLabel:
      buffer.append(text: "{\"label\": [")
      appendChosenLabels(scores)
      buffer.append(text: "], \"score\": [")
      appendChosenScores(scores)
      buffer.append(text: "]")
    }
    if options.allScores && !isRegression {
      buffer.append(text: ", \"scores\": {")
      for index in scores.indices {
        if index > 0 { buffer.append(text: ", ") }
        buffer.append(contentsOf: labels[index])
        buffer.append(text: ": ")
        appendJSON(sixDigits: scores[index])
      }
      buffer.append(text: "}")
    }
    if options.logits {
      buffer.append(text: ", \"logits\": [")
      for index in logits.indices {
        if index > 0 { buffer.append(text: ", ") }
        appendJSON(shortest: logits[index])
      }
      buffer.append(text: "]")
    }
    appendJSONExplanation(record)
    appendJSONInput(record, columns)
    buffer.append(text: "}")
  }

  mutating func appendJSONProblem(_ record: borrowing Record, message: String, columns: [String]) {
    buffer.append(text: "{\"error\": ")
    buffer.append(jsonString: message.utf8)
    appendJSONInput(record, columns)
    buffer.append(text: "}")
  }

  /// JSON has no NaN and no infinity.
  private mutating func appendJSON(shortest value: Float) {
    if value.isFinite { buffer.append(shortest: value) } else { buffer.append(text: "null") }
  }

  mutating func appendJSON(sixDigits value: Float) {
    if value.isFinite { buffer.append(sixDigits: value) } else { buffer.append(text: "null") }
  }

  /// A text as a string, a JSON record as it was, a table's row as an object (fields beyond the header as `column_N`).
  private mutating func appendJSONInput(_ record: borrowing Record, _ columns: [String]) {
    guard options.echo else { return }
    buffer.append(text: ", \"input\": ")
    switch record.input.form {
    case .none, .text: buffer.append(jsonString: record.text)
    case .json: buffer.append(contentsOf: record.input.bytes)
    case .broken: buffer.append(jsonString: record.input.bytes)
    case .fields:
      buffer.append(text: "{")
      for column in record.input.ends.indices {
        if column > 0 { buffer.append(text: ", ") }
        let name = column < columns.count ? columns[column] : "column_\(column + 1)"
        buffer.append(jsonString: name.utf8)
        buffer.append(text: ": ")
        let begin = column == 0 ? 0 : record.input.ends[column - 1]
        buffer.append(jsonString: record.input.bytes[begin..<record.input.ends[column]])
      }
      buffer.append(text: "}")
    }
  }
}
