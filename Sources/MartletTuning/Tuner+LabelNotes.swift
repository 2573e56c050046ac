import Records
import Storage
import Tasks

extension Tuner {
  /// What is learnt and why, and what looks wrong in the labels.
  func labelNotes(
    _ reading: LabelReading, _ training: TuningData, _ targets: [TrainingTarget], isEvaluated: Bool, _ positiveLabel: Int
  ) -> [String] {
    let task = reading.task
    let counts = task.kind == .singleLabel ? task.counts(of: targets).map { " \($0)" } : task.labels.map { _ in "" }
    let names = zip(task.labels, counts).prefix(10).map { $0.excerpt + $1 }.joined(separator: ", ") + (task.labels.count > 10 ? ", …" : "")
    var notes = reading.notes
    var why = problemType != nil ? "as asked for" : "--problem-type says otherwise"
    // Stars, most likely: people seldom want a class for each.
    if task.kind == .singleLabel, labelMap.isEmpty, task.labels == ["1", "2", "3", "4", "5"] {
      why += "; --label-map '1,2=negative 3=neutral 4,5=positive' groups them"
    }
    notes.append(
      task.kind == .regression
        ? "task: regression, \(task.labels.count == 1 ? "one value" : "\(task.labels.count) values") (\(why))"
        : "task: \(task.kind.rawValue), \(task.labels.count) labels: \(names) (\(why))")
    if task.kind == .singleLabel, task.labels.count == 2, isEvaluated {
      notes.append("f1, precision and recall are of `\(task.labels[positiveLabel].excerpt)` (--positive-label)")
    }
    guard task.kind != .regression else { return notes }
    notes += warnings(task, targets)
    notes += conflicts(training, targets)
    return notes
  }

  private func warnings(_ task: ClassificationTask, _ targets: [TrainingTarget]) -> [String] {
    guard task.kind == .singleLabel else { return [] }
    let counts = task.counts(of: targets)
    var warnings: [String] = []
    let used = counts.count { $0 > 0 }
    if used == 1, let only = counts.firstIndex(where: { $0 > 0 }) {
      warnings.append("warning: all training texts have the label `\(task.labels[only].excerpt)`")
    } else if targets.count >= 20, used * 2 > targets.count {
      warnings.append("warning: \(used) labels for \(targets.count) training texts: is it the column of the labels? (--label-field)")
    } else if let most = counts.max(), let least = counts.filter({ $0 > 0 }).min(), most >= 10 * least {
      warnings.append(
        "warning: unequal labels, \(most) texts against \(least): look at macro_f1, and at --class-weights balanced")
    }
    return warnings
  }

  /// The same text, or the same pair, under two labels: the first five.
  private func conflicts(_ data: TuningData, _ targets: [TrainingTarget]) -> [String] {
    let dataset = data.dataset
    guard (try? requireMemory(dataset.count.memory(times: 64))) != nil else { return [] }
    var first: [UInt64: Int] = [:]
    first.reserveCapacity(dataset.count)
    var count = 0
    var shown: [String] = []
    for index in 0..<dataset.count {
      var hash = dataset.texts.withBytes(index) { XXH64.hash(UnsafeRawBufferPointer($0)) }
      if let pairs = dataset.pairs { hash = pairs.withBytes(index) { XXH64.hash(UnsafeRawBufferPointer($0), seed: hash) } }
      guard let earlier = first[hash] else {
        first[hash] = index
        continue
      }
      let isSame = dataset.texts[earlier] == dataset.texts[index] && dataset.pairs?[earlier] == dataset.pairs?[index]
      guard isSame, targets[earlier] != targets[index] else { continue }
      count += 1
      if shown.count < 5 { shown.append("\(dataset.place(of: index)) and \(dataset.place(of: earlier))") }
    }
    guard count > 0 else { return [] }
    let what = dataset.pairs == nil ? "texts" : "pairs"
    return ["warning: \(count) \(what) stand under another label too: \(shown.joined(separator: "; "))\(count > shown.count ? "; …" : "")"]
  }
}
