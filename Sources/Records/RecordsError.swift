import Storage
import Tasks

/// What is wrong with a whole input; a single bad record of a stream is a `RecordProblem`.
package enum RecordsError: Error, Sendable, Equatable, CustomStringConvertible {
  case file(FileError)
  case outOfMemory(source: String, OutOfMemory)
  /// A compressed source whose bytes inflate to nothing sound.
  case compressed(source: String, what: String)
  /// A source that is not what can be read here.
  case unreadable(source: String, what: String)
  /// The columns that a header lacks, those that it has, and what may be wrong besides.
  case noColumn(source: String, [MissingColumn], found: [String], besides: String?)
  case header(source: String, what: String)
  /// Two sources of one stream whose headers differ while their columns are to be echoed.
  case differentColumns(source: String, expected: [String], found: [String])
  /// Labelled sets are refused for their bad rows, and for what may be wrong with the labels of all rows besides.
  case badRows([BadRows], besides: LabelError?)
  case unknownFormat(path: String)
  case noRecords(path: String)
  case noLabelFolders(path: String)

  package var description: String {
    switch self {
    case .file(let error): return error.description
    case .outOfMemory(let source, let refusal): return "\(source): \(refusal)"
    case .compressed(let source, let what): return "\(source): \(what)"
    case .unreadable(let source, let what): return "\(source): \(what.onOneLine)"
    case .noColumn(let source, let missing, let found, let besides):
      let wanted = missing.map { "no \($0.kind) column: expected \($0.wanted.map { "`\($0)`" }.joined(separator: ", "))" }
      let options = missing.map { "--\($0.kind.split(separator: " ").joined(separator: "-"))-field" }
      return "\(source): \(wanted.joined(separator: ", and ")), found \(Self.list(found)) "
        + "(\(options.joined(separator: ", ")), with \(options.count > 1 ? "numbers" : "a number") if there is no header)"
        + (besides.map { "; \($0)" } ?? "")
    case .header(let source, let what): return "\(source), line 1: \(what.onOneLine)"
    case .differentColumns(let source, let expected, let found):
      return "\(source): other columns than the first input: expected \(Self.list(expected)), found \(Self.list(found))"
    case .badRows(let sets, let besides):
      let isOne = sets.reduce(0) { $0 + $1.count } == 1
      return (besides.map { "\($0); " } ?? "") + sets.map(\.description).joined(separator: "; ")
        + " (--skip-bad-rows leaves \(isOne ? "it" : "them") out)"
    case .unknownFormat(let path):
      return "\(path): expected a folder with one folder of texts per label, JSON, or a table whose header has the columns of text and label; for another: --format, --text-field, --label-field"
    case .noRecords(let path): return "\(path): no records"
    case .noLabelFolders(let path): return "\(path): expected one folder of text files per label, found no folder with files"
    }
  }

  /// Whether it is labels that are wrong, or are too.
  package var isOfLabels: Bool {
    guard case .badRows(let sets, let besides) = self else { return false }
    return besides != nil || sets.contains { $0.labelCount > 0 }
  }

  private static func list(_ names: [String]) -> String {
    if names.isEmpty { return "nothing" }
    let shown = names.prefix(20).map { "`\($0.excerpt)`" }.joined(separator: ", ")
    return names.count > 20 ? shown + ", … (\(names.count) in all)" : shown
  }
}
