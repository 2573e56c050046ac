import JSON

/// A label of data, taken apart.
enum ParsedLabel: Sendable {
  case text(String)
  /// A JSON array of names or whole numbers.
  case list([String])
  /// A JSON array of decimals.
  case vector([Double])
  /// Its records are left out, by the map.
  case leftOut
  /// A JSON array of something else.
  case broken

  init(_ bytes: ArraySlice<UInt8>, _ map: LabelMap) {
    let text = trimmed(bytes)
    if let name = map.name(of: text) {
      self = name.map { .text($0) } ?? .leftOut
      return
    }
    guard text.utf8.first == UInt8(ascii: "["), let array = (try? JSONValue(parsing: Array(text.utf8)))?.array ?? PythonList.elements(text) else {
      self = .text(text)
      return
    }
    var names: [String] = []
    var values: [Double] = []
    var isLeftOut = false
    func add(_ name: String) {
      switch map.name(of: name) {
      case .some(.some(let mapped)): names.append(mapped)
      case .some(.none): isLeftOut = true
      case .none: names.append(name)
      }
    }
    for element in array {
      switch element {
      case .string(let name): add(trimmed(name.utf8))
      case .integer(let number): add(String(number))
      case .number(let value): values.append(value)
      default:
        self = .broken
        return
      }
    }
    if isLeftOut && names.isEmpty { self = .leftOut } else if values.isEmpty { self = .list(names) } else { self = names.isEmpty ? .vector(values) : .broken }
  }

  /// What a list holds for each label, if it may be that: zeros and ones.
  var flags: [Double]? {
    guard case .list(let names) = self, names.count > 1, names.allSatisfy({ $0 == "0" || $0 == "1" }) else { return nil }
    return names.map { $0 == "1" ? 1 : 0 }
  }

  static let bar = UInt8(ascii: "|")

  /// The names that a label with bars, or another separator, joins.
  static func parts(_ text: String, _ map: LabelMap, separator: UInt8 = bar) -> [String] {
    text.utf8.split(separator: separator).compactMap { part in
      let name = trimmed(part)
      guard !name.isEmpty else { return nil }
      return map.name(of: name) ?? name
    }
  }
}

/// The labels that occur in data, each once, and how often.
struct LabelTable {
  private(set) var entries: [(label: ParsedLabel, count: Int)] = []
  /// Whether all lists hold a 0 or 1 for each label. Lists of numbers of labels are not all of one length, or say no more than their order.
  private(set) var listsAreFlags = false
  /// Rows with a label, be it an empty one.
  private(set) var rows = 0
  /// The labels as the data have them, without blanks at their ends: what a map may name. Empty without a map.
  private(set) var written: Set<String> = []

  init(_ sets: [any LabelledRecords], _ map: LabelMap) {
    var counts: [ArraySlice<UInt8>: Int] = [:]
    for set in sets {
      rows += set.labels.count
      for index in 0..<set.labels.count { counts[set.labels[index], default: 0] += 1 }
    }
    for (bytes, count) in counts.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      entries.append((ParsedLabel(bytes, map), count))
      guard !map.isEmpty else { continue }
      let text = trimmed(bytes)
      written.insert(text)
      if let number = Rating.number(text) { written.insert(Rating.text(number)) }
      written.formUnion(ParsedLabel.parts(text, LabelMap()))
      if case .list(let names) = ParsedLabel(bytes, LabelMap()) { written.formUnion(names) }
    }
    let lists = entries.filter { if case .list = $0.label { true } else { false } }
    let flags = lists.compactMap(\.label.flags)
    guard let width = flags.first?.count, flags.count == lists.count, flags.allSatisfy({ $0.count == width }) else { return }
    listsAreFlags = true
    for index in entries.indices {
      if let values = entries[index].label.flags { entries[index].label = .vector(values) }
    }
  }

  /// Takes labels that stand for a missing one out of those that are looked at; their rows are told when targets are made.
  mutating func leaveOut(_ missing: Set<String>) {
    for index in entries.indices {
      if case .text(let text) = entries[index].label, missing.contains(text) { entries[index].label = .text("") }
    }
  }

  /// Words for a missing value, where all other labels are numbers.
  var missingNumbers: Set<String> {
    let others = texts.filter { Rating.number($0.text) == nil }
    guard !others.isEmpty, others.reduce(0, { $0 + $1.count }) * 2 < rows, others.allSatisfy({ MissingWords.contains($0.text) }) else { return [] }
    return Set(others.map(\.text))
  }

  /// Labels that a separator joins, if there are enough of them and most of their parts are labels alone.
  func joined(by separator: UInt8) -> (labels: [(text: String, count: Int)], areSeveral: Bool) {
    let texts = texts
    let joined = texts.filter { $0.text.utf8.contains(separator) }
    let plain = Set(texts.map(\.text))
    let parts = Set(joined.flatMap { ParsedLabel.parts($0.text, LabelMap(), separator: separator) })
    let count = joined.reduce(0) { $0 + $1.count }
    return (joined, count * 10 >= rows && parts.count(where: plain.contains) * 2 > parts.count)
  }

  /// Plain labels that are not empty.
  var texts: [(text: String, count: Int)] {
    entries.compactMap { if case .text(let text) = $0.label, !text.isEmpty { (text, $0.count) } else { nil } }
  }
}

/// Words that programs write for a missing value.
package enum MissingWords {
  private static let words: Set<String> = ["nan", "null", "none", "n/a", "na", "#n/a", "<na>", "\\n", "nil"]

  package static func contains(_ text: String) -> Bool { text.utf8.count <= 4 && words.contains(text.lowercased()) }
}
