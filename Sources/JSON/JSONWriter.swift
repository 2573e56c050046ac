extension JSONValue: CustomStringConvertible {
  /// The document as text, laid out as Python's `json.dumps` does; a number that is not finite is written as `null`.
  ///
  /// - Parameters:
  ///   - indent: spaces for each level, one member a line; on one line if nil.
  ///   - sortedKeys: members by the code points of their keys instead of in their own order.
  package func text(indent: Int? = nil, sortedKeys: Bool = false) -> String {
    var writer = JSONWriter(indent: indent, sortedKeys: sortedKeys, namesNotFinite: false)
    writer.write(self, level: 0)
    return writer.text
  }

  /// For messages: on one line, NaN and infinities by the names that Python gives them.
  package var description: String {
    var writer = JSONWriter(indent: nil, sortedKeys: false, namesNotFinite: true)
    writer.write(self, level: 0)
    return writer.text
  }
}

private struct JSONWriter {
  let indent: Int?
  let sortedKeys: Bool
  let namesNotFinite: Bool
  var text = ""

  init(indent: Int?, sortedKeys: Bool, namesNotFinite: Bool) {
    self.indent = indent
    self.sortedKeys = sortedKeys
    self.namesNotFinite = namesNotFinite
  }

  mutating func write(_ value: JSONValue, level: Int) {
    switch value {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += "\(value)"
    case .number(let value): text += value.isFinite ? pythonText(value) : notFinite(value)
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

  /// JSON has neither NaN nor infinity.
  private func notFinite(_ value: Double) -> String {
    guard namesNotFinite else { return "null" }
    return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
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

/// The shortest text that reads back to the same finite number, in the form of Python's `repr`.
package func pythonText(_ value: Double) -> String {
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
