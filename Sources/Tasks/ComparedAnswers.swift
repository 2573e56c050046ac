import Storage

/// What one of several models answers to the records of a data set: enough to compare it with another, some bytes a record.
package struct ComparedAnswers: Sendable {
  /// The first model's, whose order of labels all have here.
  package let task: ClassificationTask
  /// For each output of the first model the index of this model's.
  private let order: [Int]
  /// By record. Single label: the best label and its score. Otherwise a score for each output.
  private var answers: [Float] = []
  /// By record: what adds up to the figure.
  private var sums: [Float] = []

  /// - Parameters:
  ///   - own: the model's task; nil is returned if it has other labels than the first's.
  ///   - records: how many there will be.
  package init?(_ own: ClassificationTask, as first: ClassificationTask, records: Int) throws(OutOfMemory) {
    let order = first.labels.compactMap { label in own.labels.firstIndex { $0.utf8.elementsEqual(label.utf8) } }
    guard own.kind == first.kind, own.labels.count == first.labels.count, Set(order).count == own.labels.count else { return nil }
    task = first
    self.order = order
    try requireMemory(records.memory(times: (answerWidth + sumWidth) * MemoryLayout<Float>.stride))
    answers.reserveCapacity(records * answerWidth)
    sums.reserveCapacity(records * sumWidth)
  }

  private var answerWidth: Int { task.kind == .singleLabel ? 2 : task.labels.count }
  private var sumWidth: Int { task.kind == .multiLabel ? 3 : 1 }

  /// The name of the figure that models are compared by; an error is better where it is lower.
  package var figureName: String {
    switch task.kind {
    case .singleLabel: "accuracy"
    case .multiLabel: "f1"
    case .regression: "mse"
    }
  }

  /// A target in the order of this model's labels.
  package func own(_ target: TrainingTarget) -> TrainingTarget {
    switch target {
    case .label(let label): return .label(order[label])
    case .values(let values):
      var own = values
      for (index, output) in order.enumerated() { own[output] = values[index] }
      return .values(own)
    }
  }

  /// The next record: its logits and its target in the model's own order.
  package mutating func add(_ logits: UnsafeBufferPointer<Float>, _ target: TrainingTarget) {
    let scores = task.scores(logits)
    switch target {
    case .label(let truth):
      let best = argmax(logits)
      answers += [Float(order.firstIndex(of: best) ?? 0), scores[best]]
      sums.append(best == truth ? 1 : 0)
    case .values(let truths):
      for index in order { answers.append(scores[index]) }
      guard task.kind == .multiLabel else {
        let squares = zip(scores, truths).reduce(0.0) { sum, pair in
          let difference = Double(pair.0) - Double(pair.1)
          return sum + difference * difference
        }
        return sums.append(Float(squares / Double(truths.count)))
      }
      var (both, given, wanted) = (0, 0, 0)
      for (score, truth) in zip(scores, truths) {
        if score > AnswerOptions.usualThreshold { given += 1 }
        if truth > 0.5 { wanted += 1 }
        if score > AnswerOptions.usualThreshold && truth > 0.5 { both += 1 }
      }
      sums += [Float(both), Float(given), Float(wanted)]
    }
  }

  package var count: Int { sums.count / sumWidth }

  private static func figure(_ kind: ClassificationTask.Kind, _ totals: [Double], _ count: Int) -> Double {
    guard kind == .multiLabel else { return totals[0] / Double(max(count, 1)) }
    return totals[1] + totals[2] > 0 ? 2 * totals[0] / (totals[1] + totals[2]) : 0
  }

  /// The figure over all records.
  package var figure: Double {
    var totals = [Double](repeating: 0, count: sumWidth)
    for (index, value) in sums.enumerated() { totals[index % sumWidth] += Double(value) }
    return Self.figure(task.kind, totals, count)
  }

  /// Two models on the same records.
  ///
  /// - Parameter isOnlyPair: whether no further models are compared; only then McNemar's test is what it says.
  package func compared(with other: ComparedAnswers, isOnlyPair: Bool, seed: UInt64 = 42) throws(OutOfMemory) -> ModelComparison {
    precondition(count == other.count && task == other.task, "answers to the same records")
    var (onlyFirst, onlySecond) = (0, 0)
    if task.kind == .singleLabel {
      for (first, second) in zip(sums, other.sums) {
        if first > second { onlyFirst += 1 }
        if second > first { onlySecond += 1 }
      }
    }
    let test: PairedTest
    if task.kind == .singleLabel && isOnlyPair {
      test = .mcNemar(onlyFirst: onlyFirst, onlySecond: onlySecond)
    } else {
      try requireMemory(sums.count.memory(times: 2 * MemoryLayout<Float>.stride))
      var rows: [Float] = []
      rows.reserveCapacity(2 * sums.count)
      for record in 0..<count {
        rows += sums[record * sumWidth..<(record + 1) * sumWidth]
        rows += other.sums[record * sumWidth..<(record + 1) * sumWidth]
      }
      let kind = task.kind
      test = .bootstrap(rows, width: sumWidth, seed: seed) { Self.figure(kind, $0, $1) }
    }
    var differing = Highest<ModelComparison.Difference>(20) { $0.size }
    var differences = 0
    for record in 0..<count {
      guard let size = difference(other, record) else { continue }
      differences += 1
      differing.add(
        ModelComparison.Difference(record: record, size: size, first: answer(record), second: other.answer(record)))
    }
    return ModelComparison(
      figureName: figureName, first: figure, second: other.figure, test: test,
      onlyFirst: task.kind == .singleLabel ? onlyFirst : nil, onlySecond: task.kind == .singleLabel ? onlySecond : nil,
      differing: differences, examples: differing.sorted)
  }

  /// How far two models' answers to a record are apart; nil if they are the same.
  private func difference(_ other: ComparedAnswers, _ record: Int) -> Double? {
    let row = record * answerWidth
    guard task.kind != .singleLabel else {
      return answers[row] == other.answers[row] ? nil : Double(answers[row + 1]) + Double(other.answers[row + 1])
    }
    var largest: Double?
    for index in row..<row + answerWidth {
      let (first, second) = (answers[index], other.answers[index])
      if task.kind == .multiLabel && (first > AnswerOptions.usualThreshold) == (second > AnswerOptions.usualThreshold) { continue }
      if first != second { largest = max(largest ?? 0, abs(Double(first) - Double(second))) }
    }
    return largest
  }

  /// What is said of a record, in words.
  private func answer(_ record: Int) -> String {
    let row = answers[record * answerWidth..<(record + 1) * answerWidth]
    switch task.kind {
    case .singleLabel: return Int(exactly: row[row.startIndex]).map { task.labels[$0] } ?? ""
    case .multiLabel:
      let given = zip(task.labels, row).filter { $0.1 > AnswerOptions.usualThreshold }.map(\.0)
      return given.isEmpty ? "no label" : given.joined(separator: ", ")
    case .regression: return row.map { "\($0)" }.joined(separator: ", ")
    }
  }
}

/// What two models on the same records come to.
package struct ModelComparison: Sendable {
  /// A record to which the two say something else.
  package struct Difference: Sendable, Equatable {
    package let record: Int
    package let size: Double
    package let first: String
    package let second: String
  }

  package let figureName: String
  package let first: Double
  package let second: Double
  package let test: PairedTest
  /// How many records one of the two alone has right; of single labels.
  package let onlyFirst: Int?
  package let onlySecond: Int?
  /// How many records the two say something else to, and those where they are furthest apart.
  package let differing: Int
  package let examples: [Difference]
}
