import JSON
import Storage

/// Records whose labels are as their file has them.
package protocol LabelledRecords {
  /// The name of the data, for messages.
  var name: String { get }
  var labels: TextColumn { get }
  /// Where a record comes from, for messages: `train.csv, line 17`.
  func place(of index: Int) -> String
}

/// What is wrong with a label of data.
package enum LabelError: Error, Sendable, Equatable, CustomStringConvertible {
  case unknown(place: String, label: String, known: [String])
  case bad(place: String, label: String, expected: String)

  package var description: String {
    switch self {
    case .unknown(let place, let label, let known):
      let shown = known.prefix(20).map { "`\($0.excerpt)`" }.joined(separator: ", ")
      return "\(place): label `\(label.excerpt)` is not one of the model's: "
        + (known.count > 20 ? shown + ", … (\(known.count) in all)" : shown)
    case .bad(let place, let label, let expected): return "\(place): label `\(label.excerpt)`: expected \(expected)"
    }
  }
}

/// From raw labels to what a head is trained on.
///
/// Data with several labels hold a JSON array of names or integers (`["a", "b"]`), names joined with bars (`a|b`), nothing for no label, or
/// a JSON array of decimals, one 0.0 or 1.0 for each label in order.
extension LabelledRecords {
  /// What the labels look like: arrays or bars are several labels, decimals are values, all else is one label. Whole numbers are one label.
  package var suggestedKind: ClassificationTask.Kind {
    var allNumbers = labels.count > 0
    var someDecimals = false
    for index in 0..<labels.count {
      let label = labels[index]
      if label.contains(UInt8(ascii: "|")) || array(label) != nil { return .multiLabel }
      guard allNumbers else { continue }
      let text = String(decoding: label, as: UTF8.self)
      guard Float(text) != nil else {
        allNumbers = false
        continue
      }
      if Int(text) == nil { someDecimals = true }
    }
    return allNumbers && someDecimals ? .regression : .singleLabel
  }

  /// The names of the labels that occur: whole numbers by value, names by bytes. 0, 1, …, n-1 and a vector of n decimals give
  /// `LABEL_0`, …, `LABEL_{n-1}`, the names Hugging Face gives to numbered labels; so do those names themselves.
  package func discoverLabels(_ kind: ClassificationTask.Kind) throws(LabelError) -> [String] {
    guard kind != .regression else { return ["LABEL_0"] }
    var seen: Set<ArraySlice<UInt8>> = []
    for index in 0..<labels.count { seen.insert(labels[index]) }
    var names: Set<String> = []
    var vectorLength: Int?
    for label in seen {
      guard kind == .multiLabel else {
        names.insert(String(decoding: label, as: UTF8.self))
        continue
      }
      switch labelSet(label) {
      case .names(let set): names.formUnion(set)
      case .vector(let values): vectorLength = max(vectorLength ?? 0, values.count)
      case nil: continue  // reported with its place when the sets are made
      }
    }
    if let vectorLength { return (0..<vectorLength).map { "LABEL_\($0)" } }
    if let empty = (0..<labels.count).first(where: { kind == .singleLabel && labels[$0].isEmpty }) {
      throw .bad(place: place(of: empty), label: "", expected: "a name or a number")
    }
    let numbered = names.compactMap { name in Int(name).map { (number: $0, name: name) } }
    if numbered.count == names.count {
      let sorted = numbered.sorted { $0.number < $1.number }
      return sorted.map(\.number) == Array(0..<sorted.count) ? sorted.map { "LABEL_\($0.number)" } : sorted.map(\.name)
    }
    let defaults = names.compactMap(LabelLookup.defaultNumber)
    if defaults.count == names.count, let last = defaults.max(), last < LabelLookup.mostNumbers {
      return (0...last).map { "LABEL_\($0)" }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The target of each record for a task.
  package func targets(for task: ClassificationTask) throws -> [TrainingTarget] {
    try requireMemory(labels.count.memory(times: MemoryLayout<TrainingTarget>.stride))
    switch task.kind {
    case .singleLabel: return try classes(task.labels)
    case .multiLabel: return try labelSets(task.labels)
    case .regression: return try values(count: task.labels.count)
    }
  }

  private func classes(_ names: [String]) throws(LabelError) -> [TrainingTarget] {
    var lookup = LabelLookup(names: names)
    var targets: [TrainingTarget] = []
    targets.reserveCapacity(labels.count)
    for index in 0..<labels.count {
      guard let found = lookup.index(of: labels[index]) else { throw unknownLabel(labels.string(index), index, names) }
      targets.append(.label(found))
    }
    return targets
  }

  /// Zeros and ones for each record.
  private func labelSets(_ names: [String]) throws -> [TrainingTarget] {
    var lookup = LabelLookup(names: names)
    let (count, overflow) = labels.count.multipliedReportingOverflow(by: names.count)
    try requireMemory(overflow ? .max / 8 : count.memory(times: MemoryLayout<Float>.stride))
    return try (0..<labels.count).map { index in
      var row = [Float](repeating: 0, count: names.count)
      switch labelSet(labels[index]) {
      case .names(let set):
        for name in set {
          guard let found = lookup.index(of: Array(name.utf8)[...]) else { throw unknownLabel(name, index, names) }
          row[found] = 1
        }
      case .vector(let values) where values.count == names.count && values.allSatisfy { $0 == 0 || $0 == 1 }:
        row = values.map { Float($0) }
      case .vector, nil:
        throw LabelError.bad(
          place: place(of: index), label: labels.string(index),
          expected: "names as `a|b` or a JSON array, or \(names.count) numbers that are 0.0 or 1.0")
      }
      return .values(row)
    }
  }

  /// A number, or a JSON array of several.
  private func values(count: Int) throws(LabelError) -> [TrainingTarget] {
    var targets: [TrainingTarget] = []
    targets.reserveCapacity(labels.count)
    for index in 0..<labels.count {
      let numbers =
        array(labels[index])?.map { $0.double.map { Float($0) } ?? .nan } ?? [Float(labels.string(index)) ?? .nan]
      guard numbers.count == count, numbers.allSatisfy(\.isFinite) else {
        throw .bad(
          place: place(of: index), label: labels.string(index),
          expected: count == 1 ? "a number" : "a JSON array of \(count) numbers")
      }
      targets.append(.values(numbers))
    }
    return targets
  }

  /// A label that is none of a model's, or more than one.
  private func unknownLabel(_ label: String, _ index: Int, _ names: [String]) -> LabelError {
    let count = names.count { $0.utf8.elementsEqual(label.utf8) }
    guard count > 1 else { return .unknown(place: place(of: index), label: label, known: names) }
    return .bad(
      place: place(of: index), label: label, expected: "the number of a label from 0, for \(count) of the model's have this name")
  }

  private func array(_ label: ArraySlice<UInt8>) -> [JSONValue]? {
    guard label.first == UInt8(ascii: "[") else { return nil }
    return (try? JSONValue(parsing: Array(label)))?.array
  }

  /// Nil for an array of something else.
  private func labelSet(_ label: ArraySlice<UInt8>) -> LabelSet? {
    guard let array = array(label) else {
      let parts = label.split(separator: UInt8(ascii: "|")).map { part in
        var part = part
        while part.first == 0x20 { part.removeFirst() }
        while part.last == 0x20 { part.removeLast() }
        return String(decoding: part, as: UTF8.self)
      }
      return .names(parts.filter { !$0.isEmpty })
    }
    var names: [String] = []
    var values: [Double] = []
    for element in array {
      switch element {
      case .string(let name): names.append(name)
      case .integer(let number): names.append(String(number))
      case .number(let value): values.append(value)
      default: return nil
      }
    }
    if values.isEmpty { return .names(names) }
    return names.isEmpty ? .vector(values) : nil
  }
}

private enum LabelSet {
  case names([String])
  case vector([Double])
}
