import JSON

/// Lists as Python and NumPy print them: `['a', "b's"]`, `['a' 'b']`, `[1 0 1]`, `[1. 0.]`, `[True, False]`.
enum PythonList {
  /// The elements as JSON has them; nil if the text is no such list.
  static func elements(_ text: String) -> [JSONValue]? {
    var rest = Array(text.utf8)[...]
    guard rest.popFirst() == UInt8(ascii: "["), rest.popLast() == UInt8(ascii: "]") else { return nil }
    var elements: [JSONValue] = []
    while let byte = rest.first {
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: ","), UInt8(ascii: "\n"): rest.removeFirst()
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        guard let string = takeString(&rest) else { return nil }
        elements.append(.string(string))
      default:
        let word = rest.prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "\n") }
        rest = rest.dropFirst(word.count)
        guard let element = number(String(decoding: word, as: UTF8.self)) else { return nil }
        elements.append(element)
      }
    }
    return elements
  }

  /// Takes what stands in quotes.
  private static func takeString(_ rest: inout ArraySlice<UInt8>) -> String? {
    guard let quote = rest.popFirst() else { return nil }
    var string: [UInt8] = []
    while let byte = rest.popFirst() {
      if byte == quote { return String(decoding: string, as: UTF8.self) }
      guard byte == UInt8(ascii: "\\") else {
        string.append(byte)
        continue
      }
      guard let escaped = rest.popFirst() else { return nil }
      if escaped != quote && escaped != UInt8(ascii: "\\") && escaped != UInt8(ascii: "'") { string.append(byte) }
      string.append(escaped)
    }
    return nil
  }

  private static func number(_ word: String) -> JSONValue? {
    switch word {
    case "True": .integer(1)
    case "False": .integer(0)
    default:
      // NumPy leaves the zero out behind the point.
      Int64(word).map { .integer($0) } ?? Double(word.hasSuffix(".") ? word + "0" : word).flatMap { $0.isFinite ? .number($0) : nil }
    }
  }
}
