import Storage

/// A table of plain text with aligned columns, for a terminal or a log. Cells are excerpts, so that a row is a line.
package struct TextTable: Sendable {
  package enum Alignment: Sendable { case left, right }

  package struct Column: Sendable {
    package let title: String
    package let alignment: Alignment

    package init(_ title: String, _ alignment: Alignment = .right) {
      self.title = title.excerpt
      self.alignment = alignment
    }
  }

  private let columns: [Column]
  private var rows: [[String]] = []

  package init(_ columns: [Column]) { self.columns = columns }

  /// A row; missing cells are empty, more cells than columns are a mistake.
  package mutating func add(_ row: [String]) {
    precondition(row.count <= columns.count, "more cells than columns")
    rows.append(row.map(\.excerpt) + Array(repeating: "", count: columns.count - row.count))
  }

  /// Every line ends with a line feed, none with blanks. Without any title there is no header.
  package func text(indent: Int = 0) -> String {
    let hasHeader = columns.contains { !$0.title.isEmpty }
    let lines = (hasHeader ? [columns.map(\.title)] : []) + rows
    let widths = columns.indices.map { column in lines.map { displayWidth($0[column]) }.max() ?? 0 }
    var text = ""
    for line in lines {
      var cells = String(repeating: " ", count: indent)
      for column in columns.indices {
        if column > 0 { cells += "  " }
        let padding = String(repeating: " ", count: widths[column] - displayWidth(line[column]))
        cells += columns[column].alignment == .right ? padding + line[column] : line[column] + padding
      }
      while cells.utf8.last == UInt8(ascii: " ") { cells.unicodeScalars.removeLast() }
      text += cells + "\n"
    }
    return text
  }
}
