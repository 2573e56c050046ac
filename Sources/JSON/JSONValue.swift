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
  /// One more than the position of an entry, 0 for a free slot: an open-addressing table by the hash of the key, at most half full.
  /// Empty where there are so few entries that looking at all of them is as fast; a file may have millions of small objects.
  private var slots: [UInt32] = []

  private static let fewEntries = 8

  package init() {}

  package init(_ entries: some Sequence<(String, JSONValue)>) {
    for (key, value) in entries { self[key] = value }
  }

  package var keys: [String] { entries.map(\.key) }
  package var count: Int { entries.count }

  /// The member's value; setting nil removes the member.
  package subscript(key: String) -> JSONValue? {
    get { find(key).position.map { entries[$0].value } }
    set {
      let (position, slot) = find(key)
      switch (position, newValue) {
      case (let position?, let value?): entries[position].value = value
      case (nil, let value?):
        entries.append((key, value))
        if 2 * entries.count <= slots.count {
          slots[slot] = UInt32(truncatingIfNeeded: entries.count)
        } else if entries.count > Self.fewEntries {
          makeSlots()
        }
      case (let position?, nil):
        entries.remove(at: position)
        if entries.count > Self.fewEntries { makeSlots() } else { slots = [] }
      case (nil, nil): break
      }
    }
  }

  /// Where the entry of a key is, and the slot that says so or would.
  private func find(_ key: String) -> (position: Int?, slot: Int) {
    guard !slots.isEmpty else { return (entries.firstIndex { ExactText.isSame($0.key, key) }, 0) }
    var slot = ExactText.hash(key) & (slots.count - 1)
    while slots[slot] != 0 {
      let position = Int(slots[slot]) - 1
      if ExactText.isSame(entries[position].key, key) { return (position, slot) }
      slot = (slot + 1) & (slots.count - 1)
    }
    return (nil, slot)
  }

  private mutating func makeSlots() {
    var size = 32
    while size < 3 * entries.count { size *= 2 }
    slots = []
    slots = [UInt32](repeating: 0, count: size)
    for (position, entry) in entries.enumerated() {
      var slot = ExactText.hash(entry.key) & (size - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
      slots[slot] = UInt32(truncatingIfNeeded: position + 1)
    }
  }

  package static func == (first: JSONObject, second: JSONObject) -> Bool {
    first.entries.count == second.entries.count && first.entries.allSatisfy { second[$0.key] == $0.value }
  }
}

/// Strings as equal only if they have the same scalars. Swift's own equality takes canonically equivalent strings for the same, and
/// the vocabulary of a tokenizer has tokens that differ in nothing else.
private enum ExactText {
  static func isSame(_ first: String, _ second: String) -> Bool {
    let same = first.utf8.withContiguousStorageIfAvailable { first in
      second.utf8.withContiguousStorageIfAvailable { first.count == $0.count && first.elementsEqual($0) }
    }
    return (same ?? nil) ?? first.utf8.elementsEqual(second.utf8)
  }

  /// Differs from process to process: no file can be made of keys that collide.
  static func hash(_ text: String) -> Int {
    var hasher = Hasher()
    let isHashed: Void? = text.utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    if isHashed == nil { Array(text.utf8).withUnsafeBytes { hasher.combine(bytes: $0) } }
    return hasher.finalize()
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
