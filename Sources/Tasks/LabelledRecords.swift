import Storage

/// Records whose labels are as their file has them.
package protocol LabelledRecords {
  /// The name of the data, for messages.
  var name: String { get }
  /// The name of the column that the labels are from, if it has one.
  var labelField: String? { get }
  var labels: TextColumn { get }
}

/// Why the labels of data cannot be read at all; what is wrong with single ones is told by row (`LabelReading.targets`).
package enum LabelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Two readings are equally likely.
  case ambiguous(data: String, what: String, choices: String)
  case oneLabel(data: String, label: String)
  case option(name: String, expected: String, found: String)

  package var description: String {
    switch self {
    case .ambiguous(let data, let what, let choices): "\(data): \(what): \(choices)"
    case .oneLabel(let data, let label): "\(data): expected at least two labels, found only \(label.excerpt)"
    case .option(let name, let expected, let found): "\(name): expected \(expected), found \(found.excerpt)"
    }
  }
}

/// What is known of the labels besides the data.
package struct LabelOptions: Sendable, Equatable {
  /// What is to be learnt; told from the labels if nil.
  package var kind: ClassificationTask.Kind?
  package var map = LabelMap()

  package init(kind: ClassificationTask.Kind? = nil, map: LabelMap = LabelMap()) {
    self.kind = kind
    self.map = map
  }
}

/// Names for the labels of data: `1,2=negative 3=neutral 4,5=positive`, and `unsup=` for one whose records are left out.
package struct LabelMap: Sendable, Equatable {
  private var names: [String: String?] = [:]

  package init() {}

  package var isEmpty: Bool { names.isEmpty }

  /// - Parameter arguments: an argument with one `=` is an entry, blanks and all; one with several is cut at its blanks.
  package init(parsing arguments: [String]) throws(LabelError) {
    func refuse(_ expected: String, _ found: String) -> LabelError { .option(name: "--label-map", expected: expected, found: found) }
    for argument in arguments {
      let entries = argument.utf8.count { $0 == UInt8(ascii: "=") } > 1 ? argument.split(separator: " ").map(String.init) : [argument]
      for entry in entries {
        let parts = entry.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw refuse("LABEL[,LABEL…]=NAME, or LABEL= to leave records out", entry) }
        let name = trimmed(parts[1].utf8)
        for label in parts[0].split(separator: ",", omittingEmptySubsequences: false) {
          let label = trimmed(label.utf8)
          guard names.updateValue(name.isEmpty ? nil : name, forKey: label) == nil else { throw refuse("each label once", label) }
        }
      }
    }
  }

  /// What a label of the data is called; `.some(nil)` for one whose records are left out, nil for one that the map does not tell of.
  func name(of label: String) -> String?? {
    guard !isEmpty else { return nil }
    if let name = names[label] { return name }
    guard let number = Rating.number(label), let name = names[Rating.text(number)] else { return nil }
    return name
  }

  /// The labels that data do not have: most likely misspelt.
  func unused(among labels: Set<String>) -> [String] {
    names.keys.filter { !labels.contains($0) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}

/// Without the blanks at both ends, no-break ones and byte order marks included.
func trimmed(_ bytes: some Collection<UInt8>) -> String {
  var scalars = Substring(String(decoding: bytes, as: UTF8.self)).unicodeScalars
  func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace || scalar == "\u{FEFF}" || scalar == "\u{200B}" }
  while let first = scalars.first, isBlank(first) { scalars.removeFirst() }
  while let last = scalars.last, isBlank(last) { scalars.removeLast() }
  return String(scalars)
}
