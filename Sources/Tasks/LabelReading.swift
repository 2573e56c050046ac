import Storage

/// How the labels of data are read: the task that they are targets of, what was understood, and the target of each.
///
/// Labels are trimmed. Data with several labels hold a JSON array of names or integers (`["a", "b"]`), names joined with bars (`a|b`),
/// nothing for no label, or a JSON array of decimals, one 0.0 or 1.0 for each label in order. Values are numbers, or a JSON array of several.
package struct LabelReading: Sendable {
  package let task: ClassificationTask
  /// What was understood where it was not plain, a line each with what overrules it.
  package internal(set) var notes: [String] = []
  let map: LabelMap
  /// The output of each name, of names in small letters that are one output's alone, and of numbers.
  private var byName: [String: Int] = [:]
  private var byFoldedName: [String: Int] = [:]
  var byNumber: [Int: Int] = [:]
  /// Numbers of the data whose output is not told.
  var unreadNumbers: [Int] = []
  /// What stands between several names.
  var separator = ParsedLabel.bar
  /// Whether a list holds a 0 or 1 for each label.
  var listsAreFlags = false
  /// Labels that stand for a missing one.
  var missing: Set<String> = []

  init(_ task: ClassificationTask, _ map: LabelMap) {
    self.task = task
    self.map = map
    byName = Self.unique(task.labels)
    byFoldedName = Self.unique(task.labels.map { $0.lowercased() })
  }

  /// The index of each name that only one label has.
  private static func unique(_ names: [String]) -> [String: Int] {
    Dictionary(names.enumerated().map { ($0.element, $0.offset) }) { _, _ in -1 }.filter { $0.value >= 0 }
  }

  /// The output of a name, numbers aside.
  func output(named name: String) -> Int? {
    if let index = byName[name] { return index }
    if let number = Self.defaultNumber(name), task.labels.indices.contains(number) { return number }
    return byFoldedName[name.lowercased()]
  }

  func output(of name: String) -> Int? {
    if let index = output(named: name) { return index }
    guard let number = Rating.number(name).flatMap({ Int(exactly: $0) }) else { return nil }
    return byName["\(number)"] ?? byName["LABEL_\(number)"] ?? byNumber[number]
  }

  /// 7 of `LABEL_7`.
  static func defaultNumber(_ name: String) -> Int? {
    guard name.utf8.starts(with: "LABEL_".utf8), let number = Int(name.dropFirst(6)), number >= 0 else { return nil }
    return number
  }

  // MARK: Targets

  /// What became of the labels of data.
  package struct Targets: Sendable {
    /// Of the records that are left.
    package internal(set) var targets: [TrainingTarget] = []
    /// Records that the map leaves out, in ascending order.
    package internal(set) var leftOut: [Int] = []
    /// Records whose label cannot be read, in ascending order, and why.
    package internal(set) var bad: [(row: Int, message: String)] = []
  }

  private enum Outcome {
    case target(TrainingTarget)
    case leftOut
    case bad(String)
  }

  /// Reads the label of each record.
  package func targets(of records: some LabelledRecords) throws(OutOfMemory) -> Targets {
    let count = records.labels.count
    let perRecord = MemoryLayout<TrainingTarget>.stride + (task.kind == .singleLabel ? 0 : task.labels.count.memory(times: 4))
    try requireMemory(count.memory(times: perRecord))
    var found = Targets()
    found.targets.reserveCapacity(count)
    // Data repeat few labels many times; values are all different.
    var known: [ArraySlice<UInt8>: Outcome] = [:]
    for row in 0..<count {
      let label = records.labels[row]
      var outcome = known[label]
      if outcome == nil {
        outcome = self.outcome(label)
        if task.kind != .regression { known[label] = outcome }
      }
      switch outcome {
      case .target(let target): found.targets.append(target)
      case .leftOut: found.leftOut.append(row)
      case .bad(let message): found.bad.append((row, message))
      case nil: break
      }
    }
    return found
  }

  private func outcome(_ bytes: ArraySlice<UInt8>) -> Outcome {
    func bad(_ expected: String) -> Outcome { .bad("label `\(String(decoding: bytes, as: UTF8.self).excerpt)`: expected \(expected)") }
    var label = ParsedLabel(bytes, map)
    if case .leftOut = label { return .leftOut }
    if case .text(let text) = label, missing.contains(text) { return bad("a number (\(text.excerpt) stands for none)") }
    if listsAreFlags, let values = label.flags { label = .vector(values) }
    switch task.kind {
    case .singleLabel:
      switch label {
      case .text(let text) where text.isEmpty: return .bad("the label is empty: expected a name or a number")
      case .text(let text): return output(of: text).map { .target(.label($0)) } ?? unknown(text)
      case .list(let names) where names.count == 1: return output(of: names[0]).map { .target(.label($0)) } ?? unknown(names[0])
      case .list, .vector, .broken, .leftOut: return bad("one label (\(Self.overrule) multi_label_classification)")
      }
    case .multiLabel:
      let names: [String]
      switch label {
      case .text(let text): names = output(named: text) != nil ? [text] : ParsedLabel.parts(text, map, separator: separator)
      case .list(let list): names = list
      case .vector(let values) where values.count == task.labels.count && values.allSatisfy { $0 == 0 || $0 == 1 }:
        return .target(.values(values.map { Float($0) }))
      case .vector, .broken, .leftOut: return bad("names as `a|b` or a JSON array, or \(task.labels.count) numbers that are 0.0 or 1.0")
      }
      var row = [Float](repeating: 0, count: task.labels.count)
      for name in names {
        guard let index = output(of: name) else { return unknown(name) }
        row[index] = 1
      }
      return .target(.values(row))
    case .regression:
      let numbers: [Double?] =
        switch label {
        case .text(let text): [Rating.number(text)]
        case .list(let names): names.map(Rating.number)
        case .vector(let values): values
        case .broken, .leftOut: []
        }
      let values = numbers.compactMap { $0.map { Float($0) } }.filter(\.isFinite)
      guard values.count == numbers.count, values.count == task.labels.count else {
        return bad(task.labels.count == 1 ? "a number" : "a JSON array of \(task.labels.count) numbers")
      }
      return .target(.values(values))
    }
  }

  static let overrule = "--problem-type says otherwise:"

  /// A label that is none of the task's, or several of them.
  private func unknown(_ name: String) -> Outcome {
    let shared = task.labels.indices.filter { task.labels[$0].lowercased() == name.lowercased() }
    if shared.count > 1 {
      let choices = shared.map { "`LABEL_\($0)`" }.joined(separator: " or ")
      return .bad("label `\(name.excerpt)`: expected \(choices), for \(shared.count) of the model's have this name")
    }
    let known = task.labels.prefix(20).map { "`\($0.excerpt)`" }.joined(separator: ", ")
      + (task.labels.count > 20 ? ", … (\(task.labels.count) in all)" : "")
    guard let number = Rating.number(name), !task.labels.contains(where: { Rating.number($0) != nil }) else {
      return .bad("label `\(name.excerpt)` is not one of the model's: \(known) (--label-map)")
    }
    guard unreadNumbers.count > 1, Int(exactly: number).map(unreadNumbers.contains) == true else {
      return .bad("label `\(name.excerpt)` is a number, and which of \(known) it means is not told: --label-map '\(name.excerpt)=NAME …'")
    }
    // One message for all of them, with a map to be filled in.
    let shown = unreadNumbers.prefix(10)
    return .bad(
      "the labels \(shown.map(String.init).joined(separator: ", "))\(shown.count < unreadNumbers.count ? ", …" : "") are numbers, and which of \(known) they mean "
        + "is not told: --label-map '\(shown.map { "\($0)=NAME" }.joined(separator: " "))'")
  }
}
