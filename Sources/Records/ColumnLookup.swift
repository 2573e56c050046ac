/// Where the chosen fields are among a table's columns.
struct TableLayout: Equatable {
  let columnCount: Int
  /// The columns of the text, to be joined.
  let texts: [Int]
  var pair: Int?
  var label: Int?
}

/// A column that a table does not have, and those that would have done.
package struct MissingColumn: Sendable, Equatable {
  let kind: String
  let wanted: [String]
}

/// Why a table's columns are not those that were chosen.
enum ColumnProblem: Error {
  case missing([MissingColumn])
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
    var missing: [MissingColumn] = []
    func found<Result>(_ body: () throws(ColumnProblem) -> Result) throws(ColumnProblem) -> Result? {
      do throws(ColumnProblem) { return try body() } catch {
        guard case .missing(let columns) = error else { throw error }
        missing += columns
        return nil
      }
    }
    var layout = TableLayout(columnCount: names.count, texts: try found { () throws(ColumnProblem) in try texts(in: names) } ?? [])
    if let pair = fields.pair { layout.pair = try found { () throws(ColumnProblem) in try one([pair], in: names, kind: "text pair") } }
    if wantsLabel {
      layout.label = try found { () throws(ColumnProblem) in
        try one(fields.label.map { [$0] } ?? FieldChoice.usualLabels, in: names, kind: "label")
      }
    }
    guard missing.isEmpty else { throw .missing(missing) }
    return layout
  }

  /// Columns that have a usual name too, besides those that were found by one, and the option that chooses.
  func others(_ layout: TableLayout, in names: [String]) -> [(chosen: String, others: [String], option: String)] {
    func others(_ column: Int?, _ usual: [String], _ option: String) -> (chosen: String, others: [String], option: String)? {
      guard let column else { return nil }
      let found = names.indices.filter { $0 != column && usual.contains(plainName(names[$0])) }.map { names[$0] }
      return found.isEmpty ? nil : (names[column], found, option)
    }
    return [
      fields.text == nil ? others(layout.texts.first, FieldChoice.usualTexts, "--text-field") : nil,
      fields.label == nil ? others(layout.label, FieldChoice.usualLabels, "--label-field") : nil,
    ].compactMap { $0 }
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
    guard let column = firstColumn(wanted, in: names) else { throw .missing([MissingColumn(kind: kind, wanted: wanted)]) }
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

/// Without blanks around it, a byte order mark that came into the text included.
func plainName(_ name: String) -> String {
  func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace || scalar == "\u{FEFF}" }
  var scalars = name.unicodeScalars[...]
  while scalars.first.map(isBlank) == true { scalars.removeFirst() }
  while scalars.last.map(isBlank) == true { scalars.removeLast() }
  return String(scalars).lowercased()
}
