import Storage

/// Where a text stops being JSON, and why.
package struct JSONError: Error, CustomStringConvertible, Sendable, Equatable {
  /// Bytes from the start of the text.
  package let offset: Int
  /// From 1.
  package let line: Int
  package let what: String

  package var description: String { "not JSON: line \(line), byte \(offset): \(what)" }
}

extension JSONValue {
  /// Parses one document: strict RFC 8259 in UTF-8, with Python's `NaN`, `Infinity` and `-Infinity` besides.
  ///
  /// An escaped surrogate without its partner becomes U+FFFD. Nesting is limited to 128 levels, and memory to 32 MiB or, where
  /// that is more, nine times the text: what needs more, such as millions of empty arrays, is refused.
  package init(parsing bytes: UnsafeRawBufferPointer) throws(JSONError) {
    var parser = JSONParser(bytes: bytes)
    self = try parser.document()
  }

  package init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
    var result = Result<JSONValue, JSONError>.success(.null)
    func parse(_ buffer: UnsafeRawBufferPointer) {
      do throws(JSONError) { result = .success(try JSONValue(parsing: buffer)) } catch { result = .failure(error) }
    }
    if bytes.withContiguousStorageIfAvailable({ parse(UnsafeRawBufferPointer($0)) }) == nil {
      Array(bytes).withUnsafeBytes(parse)
    }
    self = try result.get()
  }
}

private struct JSONParser {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private var depth = 0
  /// The unescaped bytes of the string in progress.
  private var scratch: [UInt8] = []

  /// The bytes that arrays, objects and strings have taken so far, about, and the most that they may.
  private var memory = 0
  private let mostMemory: Int

  private static let maximumDepth = 128

  init(bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    mostMemory = max(32 << 20, bytes.count > .max / 9 ? .max : 9 * bytes.count)
  }

  mutating func document() throws(JSONError) -> JSONValue {
    skipWhitespace()
    let value = try self.value()
    skipWhitespace()
    guard position == bytes.count else { throw error("expected the end, found \(found)") }
    return value
  }

  private func error(_ what: String, at offset: Int? = nil) -> JSONError {
    let offset = offset ?? position
    let line = 1 + bytes[..<min(offset, bytes.count)].reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    return JSONError(offset: offset, line: line, what: what)
  }

  private var found: String {
    guard position < bytes.count else { return "the end of the text" }
    let byte = bytes[position]
    return (0x21...0x7E).contains(byte) ? "'\(Unicode.Scalar(byte))'" : "byte \(byte)"
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipWhitespace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private mutating func value() throws(JSONError) -> JSONValue {
    switch next {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "N"): return try literal("NaN", .number(.nan))
    case UInt8(ascii: "I"): return try literal("Infinity", .number(.infinity))
    case UInt8(ascii: "-")?: return try number()
    case let byte? where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte): return try number()
    default: throw error("expected a value, found \(found)")
    }
  }

  private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    guard bytes.count - position >= text.utf8CodeUnitCount,
      UnsafeRawPointer(bytes.baseAddress! + position).isEqual(to: text.utf8Start, count: text.utf8CodeUnitCount)
    else { throw error("expected a value, found \(found)") }
    position += text.utf8CodeUnitCount
    return value
  }

  /// What the storage of an array takes: its head, and what `malloc` adds and rounds up.
  private static func storage(_ elements: Int, _ size: Int) -> Int { elements == 0 ? 0 : 48 + elements * size }

  /// Throws if so much more would be too much.
  private func require(_ more: Int) throws(JSONError) {
    guard memory + more <= mostMemory else {
      throw error("expected a document that takes at most \(mostMemory) bytes of memory, found one that takes more")
    }
  }

  private mutating func take(_ more: Int) throws(JSONError) {
    try require(more)
    memory += more
  }

  private mutating func enter() throws(JSONError) {
    depth += 1
    guard depth <= Self.maximumDepth else { throw error("nested deeper than \(Self.maximumDepth) levels") }
    position += 1
    skipWhitespace()
  }

  private mutating func array() throws(JSONError) -> JSONValue {
    try enter()
    defer { depth -= 1 }
    var values: [JSONValue] = []
    if next == UInt8(ascii: "]") {
      position += 1
      return .array(values)
    }
    while true {
      let value = try self.value()
      // While it grows both its storage and that which is twice as large are there.
      if values.count == values.capacity { try require(Self.storage(3 * values.count, MemoryLayout<JSONValue>.stride)) }
      values.append(value)
      skipWhitespace()
      switch next {
      case UInt8(ascii: ","):
        position += 1
        skipWhitespace()
      case UInt8(ascii: "]"):
        position += 1
        try take(Self.storage(values.capacity, MemoryLayout<JSONValue>.stride))
        return .array(values)
      default: throw error("expected ',' or ']', found \(found)")
      }
    }
  }

  private mutating func object() throws(JSONError) -> JSONValue {
    try enter()
    defer { depth -= 1 }
    var object = JSONObject()
    if next == UInt8(ascii: "}") {
      position += 1
      return .object(object)
    }
    while true {
      guard next == UInt8(ascii: "\"") else { throw error("expected a key, found \(found)") }
      let key = try string()
      skipWhitespace()
      guard next == UInt8(ascii: ":") else { throw error("expected ':', found \(found)") }
      position += 1
      skipWhitespace()
      let value = try self.value()
      if object.entries.count == object.entries.capacity {
        try require(Self.storage(3 * object.count, MemoryLayout<(String, JSONValue)>.stride + 4 * MemoryLayout<UInt32>.stride))
      }
      object[key] = value
      skipWhitespace()
      switch next {
      case UInt8(ascii: ","):
        position += 1
        skipWhitespace()
      case UInt8(ascii: "}"):
        position += 1
        try take(Self.storage(object.entries.capacity, MemoryLayout<(String, JSONValue)>.stride + 4 * MemoryLayout<UInt32>.stride))
        return .object(object)
      default: throw error("expected ',' or '}', found \(found)")
      }
    }
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let start = position
    if next == UInt8(ascii: "-") {
      position += 1
      if next == UInt8(ascii: "I") { return try literal("Infinity", .number(-.infinity)) }
    }
    let leadingZero = next == UInt8(ascii: "0")
    let whole = digits()
    guard whole > 0 else { throw error("expected a digit, found \(found)") }
    guard !leadingZero || whole == 1 else { throw error("a number may not start with 0", at: start) }
    var isWhole = true
    if next == UInt8(ascii: ".") {
      isWhole = false
      position += 1
      guard digits() > 0 else { throw error("expected a digit, found \(found)") }
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      isWhole = false
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      guard digits() > 0 else { throw error("expected a digit, found \(found)") }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isWhole, let integer = Int64(text) { return .integer(integer) }
    return .number(Double(decimal: text))
  }

  private mutating func digits() -> Int {
    let start = position
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    return position - start
  }

  private mutating func string() throws(JSONError) -> String {
    position += 1
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        let text = try validated(UnsafeRawBufferPointer(rebasing: bytes[start..<position]), at: start)
        position += 1
        return text
      }
      if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
      guard byte >= 0x20 else { throw error("a control character in a string must be escaped") }
      position += 1
    }
    throw error("expected '\"', found the end of the text")
  }

  private mutating func escapedString(from start: Int) throws(JSONError) -> String {
    scratch.removeAll(keepingCapacity: true)
    scratch.append(contentsOf: bytes[start..<position])
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        var result = Result<String, JSONError>.success("")
        scratch.withUnsafeBytes { buffer in
          do throws(JSONError) { result = .success(try validated(buffer, at: start)) } catch { result = .failure(error) }
        }
        position += 1
        return try result.get()
      case UInt8(ascii: "\\"):
        position += 1
        try escape()
      case 0..<0x20: throw error("a control character in a string must be escaped")
      default:
        scratch.append(byte)
        position += 1
      }
    }
    throw error("expected '\"', found the end of the text")
  }

  private mutating func escape() throws(JSONError) {
    guard let byte = next else { throw error("expected an escape, found the end of the text") }
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scratch.append(byte)
    case UInt8(ascii: "b"): scratch.append(0x08)
    case UInt8(ascii: "f"): scratch.append(0x0C)
    case UInt8(ascii: "n"): scratch.append(0x0A)
    case UInt8(ascii: "r"): scratch.append(0x0D)
    case UInt8(ascii: "t"): scratch.append(0x09)
    case UInt8(ascii: "u"):
      position += 1
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code), position + 6 <= bytes.count, bytes[position] == UInt8(ascii: "\\"),
        bytes[position + 1] == UInt8(ascii: "u")
      {
        let mark = position
        position += 2
        let low = try hexadecimal()
        if (0xDC00..<0xE000).contains(low) {
          code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        } else {
          position = mark
        }
      }
      scratch.append(contentsOf: String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
      return
    default: throw error("expected an escape, found \(found)")
    }
    position += 1
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = hexDigit(byte) else {
        throw error("expected four hexadecimal digits, found \(found)")
      }
      code = code << 4 | digit
      position += 1
    }
    return code
  }

  private func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  private mutating func validated(_ text: UnsafeRawBufferPointer, at offset: Int) throws(JSONError) -> String {
    // Up to 15 bytes are kept where the string is.
    if text.count > 15 { try take(Self.storage(text.count, 1)) }
    guard let string = String(validating: text, as: UTF8.self) else { throw error("a string is not UTF-8", at: offset) }
    return string
  }
}
