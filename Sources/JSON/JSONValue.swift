/// A JSON document (RFC 8259), untyped. Objects keep the order of their keys.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number without fraction or exponent that fits.
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

/// The members of an object in the order they were written. A key that comes twice keeps its first place and its
/// last value, as in Python.
package struct JSONObject: Sendable, Equatable {
  package private(set) var entries: [(key: String, value: JSONValue)] = []
  private var places: [ExactText: Int] = [:]

  package init() {}

  package init(_ entries: some Sequence<(String, JSONValue)>) {
    for (key, value) in entries { self[key] = value }
  }

  package var keys: [String] { entries.map(\.key) }
  package var count: Int { entries.count }

  /// The member's value; setting nil removes the member.
  package subscript(key: String) -> JSONValue? {
    get { places[ExactText(key)].map { entries[$0].value } }
    set {
      let exactKey = ExactText(key)
      switch (places[exactKey], newValue) {
      case (let place?, let value?): entries[place].value = value
      case (nil, let value?):
        places[exactKey] = entries.count
        entries.append((key, value))
      case (let place?, nil):
        entries.remove(at: place)
        places[exactKey] = nil
        for (other, index) in places where index > place { places[other] = index - 1 }
      case (nil, nil): break
      }
    }
  }

  package static func == (first: JSONObject, second: JSONObject) -> Bool {
    first.entries.count == second.entries.count && first.entries.allSatisfy { second[$0.key] == $0.value }
  }
}

/// A string equal only to the same scalars. Swift's own equality takes canonically equivalent strings for the same, and
/// the vocabulary of a tokenizer has tokens that differ in nothing else.
private struct ExactText: Hashable {
  let text: String

  init(_ text: String) { self.text = text }

  static func == (first: ExactText, second: ExactText) -> Bool { isSame(first.text, second.text) }

  static func isSame(_ first: String, _ second: String) -> Bool {
    let same = first.utf8.withContiguousStorageIfAvailable { first in
      second.utf8.withContiguousStorageIfAvailable { first.count == $0.count && first.elementsEqual($0) }
    }
    return (same ?? nil) ?? first.utf8.elementsEqual(second.utf8)
  }

  func hash(into hasher: inout Hasher) {
    let isHashed: Void? = text.utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    if isHashed == nil { Array(text.utf8).withUnsafeBytes { hasher.combine(bytes: $0) } }
  }
}

extension JSONValue {
  /// Strings are equal if they have the same scalars; numbers if they have the same value and were written the same way.
  package static func == (first: JSONValue, second: JSONValue) -> Bool {
    switch (first, second) {
    case (.null, .null): true
    case (.bool(let first), .bool(let second)): first == second
    case (.integer(let first), .integer(let second)): first == second
    case (.number(let first), .number(let second)): first == second
    case (.string(let first), .string(let second)): ExactText.isSame(first, second)
    case (.array(let first), .array(let second)): first == second
    case (.object(let first), .object(let second)): first == second
    default: false
    }
  }

  package var isNull: Bool { self == .null }

  package var string: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  package var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// A whole number, also when it is written with a fraction of zero.
  package var int: Int? {
    switch self {
    case .integer(let value): Int(value)
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  package var array: [JSONValue]? {
    guard case .array(let values) = self else { return nil }
    return values
  }

  package var object: JSONObject? {
    guard case .object(let object) = self else { return nil }
    return object
  }

  /// A member of an object; nil for anything else.
  package subscript(key: String) -> JSONValue? { object?[key] }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
  package init(nilLiteral: ()) { self = .null }
}
