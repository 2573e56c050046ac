/// Where the chosen fields are among a table's columns.
struct TableLayout: Equatable {
  let columnCount: Int
  /// The columns of the text, to be joined.
  let texts: [Int]
  var pair: Int?
  var label: Int?
}

/// Why a table's columns are not those that were chosen.
enum ColumnProblem: Error {
  case missing(kind: String, wanted: [String])
  /// Two columns of one name, by their numbers from 1.
  case twice(kind: String, name: String, first: Int, second: Int)
}

/// Finds the chosen fields by name.
struct ColumnLookup {
  let fields: FieldChoice
  let wantsLabel: Bool
  /// Whether of two columns of one name the first is taken.
  var takesFirst = false

  func layout(of names: [String]) throws(ColumnProblem) -> TableLayout {
    var layout = TableLayout(columnCount: names.count, texts: try texts(in: names))
    if let pair = fields.pair { layout.pair = try one([pair], in: names, kind: "text pair") }
    if wantsLabel { layout.label = try one(fields.label.map { [$0] } ?? FieldChoice.usualLabels, in: names, kind: "label") }
    return layout
  }

  func hasLayout(_ names: [String]) -> Bool {
    do throws(ColumnProblem) { _ = try layout(of: names) } catch {
      if case .missing = error { return false }
    }
    return true
  }

  private func texts(in names: [String]) throws(ColumnProblem) -> [Int] {
    guard let chosen = fields.text else { return [try one(FieldChoice.usualTexts, in: names, kind: "text")] }
    if firstColumn([chosen], in: names) == nil, let parts = Self.parts(chosen) {
      var columns: [Int] = []
      for part in parts { columns.append(try one([part], in: names, kind: "text")) }
      return columns
    }
    return [try one([chosen], in: names, kind: "text")]
  }

  /// The names that are joined with commas, nil for a single one.
  static func parts(_ chosen: String) -> [String]? {
    let parts = chosen.split(separator: ",").map(String.init)
    return parts.count > 1 ? parts : nil
  }

  private func one(_ wanted: [String], in names: [String], kind: String) throws(ColumnProblem) -> Int {
    guard let column = firstColumn(wanted, in: names) else { throw .missing(kind: kind, wanted: wanted) }
    guard !takesFirst else { return column }
    let name = names[column]
    // Of one spelling, or, if the one that was found is not spelled as wanted, of any.
    let others = names.indices.filter { other in
      other != column && (names[other] == name || !wanted.contains(name) && plainName(names[other]) == plainName(name))
    }
    if let other = others.first { throw .twice(kind: kind, name: name, first: column + 1, second: other + 1) }
    return column
  }
}

/// The first of the wanted names that a column has: exactly, or else without regard to case and surrounding blanks.
func firstColumn(_ wanted: [String], in names: [String]) -> Int? {
  for name in wanted {
    if let index = names.firstIndex(of: name) { return index }
  }
  let plainNames = names.map(plainName)
  for name in wanted {
    if let index = plainNames.firstIndex(of: plainName(name)) { return index }
  }
  return nil
}

private func plainName(_ name: String) -> String {
  var scalars = name.unicodeScalars[...]
  while scalars.first?.properties.isWhitespace == true { scalars.removeFirst() }
  while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
  return String(scalars).lowercased()
}
