/// The rows of a labelled set that cannot be used: how many of how many, and the first of them with what is wrong.
///
/// A set is read to its end before it is refused, so that everything that is wrong with it is known at once.
package struct BadRows: Sendable, Equatable {
  package private(set) var count = 0
  /// The first in the order of the data, at most `mostShown`.
  package private(set) var first: [RecordProblem] = []
  /// All rows, the bad ones too.
  package internal(set) var rowCount = 0
  /// Those of them that hold bytes which are no text, and what to do about it.
  private(set) var invalidCount = 0
  /// Those whose label is what is wrong.
  package private(set) var labelCount = 0
  private(set) var what = ""
  private(set) var advice = ""

  static let mostShown = 10

  package init() {}

  /// Adds a row that comes after all others.
  mutating func append(_ problem: RecordProblem) {
    count += 1
    if first.count < Self.mostShown { first.append(problem) }
  }

  /// Adds rows from anywhere among the others, whose labels are bad; the first are then told in the order of the data.
  /// - Parameter files: the sources in that order.
  mutating func merge(_ problems: [RecordProblem], files: [String]) {
    count += problems.count
    labelCount += problems.count
    first += problems.prefix(Self.mostShown)
    let positions = Dictionary(first.map { ($0.source, files.firstIndex(of: $0.source) ?? 0) }) { first, _ in first }
    first.sort { (positions[$0.source] ?? 0, $0.line ?? 0) < (positions[$1.source] ?? 0, $1.line ?? 0) }
    first.removeSubrange(min(first.count, Self.mostShown)...)
  }

  /// Says that some of the rows are not in the encoding that was read.
  mutating func add(invalid count: Int, _ evidence: ByteEvidence, encodingName: String) {
    guard count > 0 else { return }
    invalidCount += count
    what = "not \(encodingName)"
    advice = encodingName == TextEncoding.utf8.name ? ": \(evidence.guess)" : " (--encoding)"
  }
}

extension BadRows: CustomStringConvertible {
  /// `train.csv: 4 of 12 rows are bad: lines 5, 9: expected 2 columns, found 3; line 7: …`, on one line: what is said of several is said once.
  package var description: String {
    guard let one = first.first else { return "no bad rows" }
    if count == 1 { return one.description + advice }
    let isOneFile = first.allSatisfy { $0.source == one.source && $0.line != nil }
    var list = isOneFile ? byMessage : first.map(\.description)
    if count > first.count { list.append("and \(count - first.count) more") }
    let invalid = invalidCount > 0 ? ", \(invalidCount == count ? "all" : "\(invalidCount)") of them \(what)\(advice)" : ""
    return (isOneFile ? one.source + ": " : "") + "\(count) of \(rowCount) rows are bad\(invalid): " + list.joined(separator: "; ")
  }

  /// The lines with each message, in the order of the first.
  private var byMessage: [String] {
    var messages: [(text: String, lines: [String])] = []
    for problem in first {
      let line = problem.line.map(String.init) ?? ""
      if let known = messages.firstIndex(where: { $0.text == problem.message }) {
        messages[known].lines.append(line)
      } else {
        messages.append((problem.message, [line]))
      }
    }
    return messages.map { "line\($0.lines.count > 1 ? "s" : "") \($0.lines.joined(separator: ", ")): \($0.text)" }
  }
}
