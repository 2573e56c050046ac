/// Numbers and strings as output text, appended to a byte buffer without a heap allocation.
extension [UInt8] {
  mutating func append(text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// The shortest decimal that reads back to the same bits (at most 15 bytes, which a Swift string holds inline).
  mutating func append(shortest value: Float) {
    append(contentsOf: value.description.utf8)
  }

  /// A probability with six digits after the point; numbers beyond that form's reach in their shortest form.
  mutating func append(sixDigits value: Float) {
    guard value.isFinite, abs(value) < 1e9 else {
      append(shortest: value)
      return
    }
    let scaled = (Double(value) * 1e6).rounded(.toNearestOrEven)
    var rest = Int(exactly: abs(scaled)) ?? 0
    if scaled < 0 { append(UInt8(ascii: "-")) }
    // Digits from the last to the first, at least seven of them, into one word each: enough for 1e15.
    var digits: (UInt64, UInt64) = (0, 0)
    var count = 0
    repeat {
      digits = ((digits.0 << 8) | (digits.1 >> 56), (digits.1 << 8) | UInt64(rest % 10))
      rest /= 10
      count += 1
    } while rest > 0 || count < 7
    for place in 0..<count {
      if count - place == 6 { append(UInt8(ascii: ".")) }
      append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digits.1))
      digits = (digits.0 >> 8, (digits.1 >> 8) | (digits.0 << 56))
    }
  }

  /// Tab, line feed, carriage return and backslash as `\t`, `\n`, `\r`, `\\`.
  mutating func append(tsvEscaped bytes: some Collection<UInt8>) {
    appendEscaped(bytes) { byte in
      switch byte {
      case 0x09: "\\t"
      case 0x0A: "\\n"
      case 0x0D: "\\r"
      case UInt8(ascii: "\\"): "\\\\"
      default: nil
      }
    }
  }

  /// RFC 4180: quoted when there is a comma, a quote or a line end in it, quotes doubled.
  mutating func append(csvField bytes: some Collection<UInt8>) {
    let needsQuotes = bytes.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 0x0A || $0 == 0x0D }
    guard needsQuotes else {
      append(contentsOf: bytes)
      return
    }
    append(UInt8(ascii: "\""))
    appendEscaped(bytes) { $0 == UInt8(ascii: "\"") ? "\"\"" : nil }
    append(UInt8(ascii: "\""))
  }

  /// A JSON string with its quotes; the bytes are well-formed UTF-8.
  mutating func append(jsonString bytes: some Collection<UInt8>) {
    append(UInt8(ascii: "\""))
    appendEscaped(bytes) { byte in
      switch byte {
      case UInt8(ascii: "\""): "\\\""
      case UInt8(ascii: "\\"): "\\\\"
      case 0x0A: "\\n"
      case 0x0D: "\\r"
      case 0x09: "\\t"
      case ..<0x20: controlEscapes[Int(byte)]
      default: nil
      }
    }
    append(UInt8(ascii: "\""))
  }

  private mutating func appendEscaped(_ bytes: some Collection<UInt8>, _ escape: (UInt8) -> StaticString?) {
    func appendRun(_ run: UnsafeBufferPointer<UInt8>) {
      var begin = 0
      for index in run.indices {
        guard let text = escape(run[index]) else { continue }
        append(contentsOf: UnsafeBufferPointer(rebasing: run[begin..<index]))
        append(text: text)
        begin = index + 1
      }
      append(contentsOf: UnsafeBufferPointer(rebasing: run[begin...]))
    }
    if bytes.withContiguousStorageIfAvailable(appendRun) == nil { Array(bytes).withUnsafeBufferPointer(appendRun) }
  }
}

/// `\u00XX` for the control characters that have no escape of their own in what we write.
private let controlEscapes: [StaticString] = [
  "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007", "\\u0008", "\\u0009", "\\u000a",
  "\\u000b", "\\u000c", "\\u000d", "\\u000e", "\\u000f", "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015",
  "\\u0016", "\\u0017", "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
]
