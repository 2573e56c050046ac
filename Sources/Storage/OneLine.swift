// Messages are one line, whatever a file, a text or a caller contributes to them. The errors of every module put what comes from a
// file into their text as an excerpt; what is printed in the end is escaped once more.

extension String {
  /// What a file contributes to a message: at most 100 characters, the last of them `…` where it was cut, and escaped.
  package var excerpt: String {
    var line = String.UnicodeScalarView()
    var count = 0
    var rest = unicodeScalars[...]
    // Of what is cut nothing beyond the bound is looked at.
    while let scalar = rest.popFirst() {
      let written = scalar.onOneLine
      let length = written?.utf8.count ?? 1
      guard count + length <= (rest.isEmpty ? 100 : 99) else {
        line.append("…")
        break
      }
      if let written { line.append(contentsOf: written.unicodeScalars) } else { line.append(scalar) }
      count += length
    }
    return String(line)
  }

  /// Escaped: control characters, line and paragraph separators, and what turns the direction of writing, as `\n`, `\r`, `\t` or `\u001b`.
  package var onOneLine: String {
    guard unicodeScalars.contains(where: { $0.onOneLine != nil }) else { return self }
    var line = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      if let written = scalar.onOneLine { line.append(contentsOf: written.unicodeScalars) } else { line.append(scalar) }
    }
    return String(line)
  }
}

extension Sequence<String> {
  /// The excerpts of the first few, with commas between them and how many more there are.
  package func excerpts(_ most: Int = 3) -> String {
    var count = 0
    var shown: [String] = []
    for text in self {
      count += 1
      if count <= most { shown.append(text.excerpt) }
    }
    return shown.joined(separator: ", ") + (count > most ? " and \(count - most) more" : "")
  }
}

extension Unicode.Scalar {
  /// How it is written where it is not written as it is.
  fileprivate var onOneLine: String? {
    switch value {
    case 0x0A: return #"\n"#
    case 0x0D: return #"\r"#
    case 0x09: return #"\t"#
    // C0, DEL and C1; then separators, marks, embeddings, overrides and isolates of the bidirectional algorithm.
    case 0..<0x20, 0x7F...0x9F, 0x2028, 0x2029, 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069:
      let digits = String(value, radix: 16)
      return #"\u"# + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    default: return nil
    }
  }
}
