import JSON
import Storage

/// What a head learns from a data set's labels.
package enum TargetKind: Sendable, Equatable { case singleLabel, multiLabel, regression }

/// From raw labels to what a head is trained on.
///
/// Multi-label data hold a JSON array of names or integers (`["a", "b"]`), names joined with bars (`a|b`), nothing for no label, or a JSON
/// array of decimals, one 0.0 or 1.0 for each label in order.
extension LabelledDataset {
  /// What the labels look like: arrays or bars are several labels, decimals are values, all else is one label. Whole numbers are one label.
  package var suggestedTarget: TargetKind {
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
  package func discoverLabels(_ target: TargetKind) throws(RecordsError) -> [String] {
    guard target != .regression else { return ["LABEL_0"] }
    var seen: Set<ArraySlice<UInt8>> = []
    for index in 0..<labels.count { seen.insert(labels[index]) }
    var names: Set<String> = []
    var vectorLength: Int?
    for label in seen {
      guard target == .multiLabel else {
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
    if let empty = (0..<labels.count).first(where: { target == .singleLabel && labels[$0].isEmpty }) {
      throw .badLabel(place: place(of: empty), label: "", expected: "a name or a number")
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

  /// The class of each record, given the names of the model's labels in order.
  package func classes(labels names: [String]) throws(RecordsError) -> [Int] {
    var lookup = LabelLookup(names: names)
    var classes: [Int] = []
    classes.reserveCapacity(labels.count)
    for index in 0..<labels.count {
      guard let found = lookup.index(of: labels[index]) else {
        throw unknownLabel(labels.string(index), index, names)
      }
      classes.append(found)
    }
    return classes
  }

  /// One row of zeros and ones for each record: records x labels.
  package func labelSets(labels names: [String]) throws(RecordsError) -> [Float] {
    var lookup = LabelLookup(names: names)
    let (count, overflow) = labels.count.multipliedReportingOverflow(by: names.count)
    do throws(OutOfMemory) { try requireMemory(overflow ? .max / 8 : count.memory(times: MemoryLayout<Float>.stride)) } catch {
      throw .outOfMemory(source: name, error)
    }
    var rows = [Float](repeating: 0, count: count)
    for index in 0..<labels.count {
      let row = index * names.count
      switch labelSet(labels[index]) {
      case .names(let set):
        for name in set {
          guard let found = lookup.index(of: Array(name.utf8)[...]) else { throw unknownLabel(name, index, names) }
          rows[row + found] = 1
        }
      case .vector(let values) where values.count == names.count && values.allSatisfy { $0 == 0 || $0 == 1 }:
        for (column, value) in values.enumerated() { rows[row + column] = Float(value) }
      case .vector, nil:
        throw .badLabel(
          place: place(of: index), label: labels.string(index),
          expected: "names as `a|b` or a JSON array, or \(names.count) numbers that are 0.0 or 1.0")
      }
    }
    return rows
  }

  /// The value of each record.
  package func values() throws(RecordsError) -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(labels.count)
    for index in 0..<labels.count {
      guard let value = Float(labels.string(index)), value.isFinite else {
        throw .badLabel(place: place(of: index), label: labels.string(index), expected: "a number")
      }
      values.append(value)
    }
    return values
  }

  /// A label that is none of a model's, or more than one.
  private func unknownLabel(_ label: String, _ index: Int, _ names: [String]) -> RecordsError {
    let count = names.count { $0.utf8.elementsEqual(label.utf8) }
    guard count > 1 else { return .unknownLabel(place: place(of: index), label: label, known: names) }
    return .badLabel(
      place: place(of: index), label: label, expected: "the number of a label from 0, for \(count) of the model's have this name")
  }

  private enum LabelSet {
    case names([String])
    case vector([Double])
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

/// Finds a label among a model's: by its exact name; by its number, or as `LABEL_number`, when the model's own names are not numbers; or by
/// its name without regard to case when only one fits.
struct LabelLookup {
  private let names: [String]
  private let namesAreNumbers: Bool
  /// Data repeat few labels many times.
  private var found: [ArraySlice<UInt8>: Int] = [:]

  init(names: [String]) {
    self.names = names
    namesAreNumbers = names.contains { Int($0) != nil }
    // A name that two labels have is neither's.
    var shared: Set<ArraySlice<UInt8>> = []
    for (index, name) in names.enumerated() where found.updateValue(index, forKey: Array(name.utf8)[...]) != nil {
      shared.insert(Array(name.utf8)[...])
    }
    for name in shared { found[name] = nil }
  }

  mutating func index(of label: ArraySlice<UInt8>) -> Int? {
    if let known = found[label] { return known }
    let text = String(decoding: label, as: UTF8.self)
    var index: Int?
    if let number = Int(text) ?? Self.defaultNumber(text), !namesAreNumbers, names.indices.contains(number) {
      index = number
    } else {
      let matches = names.indices.filter { names[$0].lowercased() == text.lowercased() }
      if matches.count == 1 { index = matches[0] }
    }
    if let index { found[Array(label)[...]] = index }
    return index
  }

  /// What a head has outputs for when data say no more than `LABEL_n`: larger numbers are names as any other.
  static let mostNumbers = 1 << 16

  /// 7 of `LABEL_7`.
  static func defaultNumber(_ name: String) -> Int? {
    guard name.utf8.starts(with: "LABEL_".utf8), let number = Int(name.dropFirst(6)), number >= 0 else { return nil }
    return number
  }
}
