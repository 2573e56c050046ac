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
    guard text.utf8.first == UInt8(ascii: "["), let array = (try? JSONValue(parsing: Array(text.utf8)))?.array else {
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

  /// The names that a label with bars joins.
  static func parts(_ text: String, _ map: LabelMap) -> [String] {
    text.utf8.split(separator: UInt8(ascii: "|")).compactMap { part in
      let name = trimmed(part)
      guard !name.isEmpty else { return nil }
      return map.name(of: name) ?? name
    }
  }
}

/// The labels that occur in data, each once, and how often.
struct LabelTable {
  private(set) var entries: [(label: ParsedLabel, count: Int)] = []
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
  }

  /// Plain labels that are not empty.
  var texts: [(text: String, count: Int)] {
    entries.compactMap { if case .text(let text) = $0.label, !text.isEmpty { (text, $0.count) } else { nil } }
  }
}
