extension JSONValue {
  /// The document as text, laid out as Python's `json.dumps` does.
  ///
  /// - Parameters:
  ///   - indent: spaces for each level, one member a line; on one line if nil.
  ///   - sortedKeys: members by the code points of their keys instead of in their own order.
  package func text(indent: Int? = nil, sortedKeys: Bool = false) -> String {
    var writer = JSONWriter(indent: indent, sortedKeys: sortedKeys)
    writer.write(self, level: 0)
    return writer.text
  }
}

private struct JSONWriter {
  let indent: Int?
  let sortedKeys: Bool
  var text = ""

  init(indent: Int?, sortedKeys: Bool) {
    self.indent = indent
    self.sortedKeys = sortedKeys
  }

  mutating func write(_ value: JSONValue, level: Int) {
    switch value {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += "\(value)"
    case .number(let value): text += pythonText(value)
    case .string(let value): write(value)
    case .array(let values):
      guard !values.isEmpty else { return text += "[]" }
      text += "["
      for (index, value) in values.enumerated() {
        separate(index, level)
        write(value, level: level + 1)
      }
      close(level)
      text += "]"
    case .object(let object):
      guard object.count > 0 else { return text += "{}" }
      text += "{"
      let entries =
        sortedKeys
        ? object.entries.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) } : object.entries
      for (index, entry) in entries.enumerated() {
        separate(index, level)
        write(entry.key)
        text += ": "
        write(entry.value, level: level + 1)
      }
      close(level)
      text += "}"
    }
  }

  private mutating func separate(_ index: Int, _ level: Int) {
    if index > 0 { text += indent == nil ? ", " : "," }
    newLine(level + 1)
  }

  private mutating func close(_ level: Int) { newLine(level) }

  private mutating func newLine(_ level: Int) {
    guard let indent else { return }
    text += "\n"
    text += String(repeating: " ", count: indent * level)
  }

  /// ASCII only, as Python writes it by default.
  private mutating func write(_ string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{08}": text += "\\b"
      case "\u{0C}": text += "\\f"
      case " "..."~": text.unicodeScalars.append(scalar)
      default: for unit in UTF16.encode(scalar)! { text += "\\u" + hexadecimal(unit) }
      }
    }
    text += "\""
  }

  private func hexadecimal(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }
}

/// The shortest text that reads back to the same number, in the form of Python's `repr`.
package func pythonText(_ value: Double) -> String {
  if value.isNaN { return "NaN" }
  if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
  var text = "\(value)"
  // Swift and Python agree on the digits, and differ on when to use an exponent and how to write it.
  guard let mark = text.firstIndex(of: "e") else { return text }
  let exponent = Int(text[text.index(after: mark)...])!
  var mantissa = String(text[..<mark])
  if mantissa.hasSuffix(".0") { mantissa.removeLast(2) }
  if exponent >= 0 && exponent < 16 || exponent < 0 && exponent >= -4 {
    let negative = mantissa.hasPrefix("-")
    let digits = mantissa.filter { $0 != "-" && $0 != "." }
    text =
      exponent < 0
      ? "0." + String(repeating: "0", count: -exponent - 1) + digits
      : digits + String(repeating: "0", count: max(0, exponent + 1 - digits.count)) + ".0"
    return negative ? "-" + text : text
  }
  let magnitude = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
  return mantissa + "e" + (exponent < 0 ? "-" : "+") + magnitude
}
