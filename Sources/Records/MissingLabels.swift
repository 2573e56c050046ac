import Tasks

/// Labels that read like the words which programs write for a missing value. They may be labels of their own (`NA` for an answer), so they
/// stay what they are, and are told of.
struct MissingLabels {
  private var counts: [[UInt8]: (count: Int, line: Int)] = [:]

  mutating func look(at record: Record) {
    guard record.hasLabel, (2...4).contains(record.label.count) else { return }
    guard MissingWords.contains(String(decoding: record.label, as: UTF8.self)) else { return }
    counts[record.label, default: (0, record.line)].count += 1
  }

  /// Nil if there are none, or so many of them that they are labels.
  func note(of rows: Int) -> String? {
    let sum = counts.values.reduce(0) { $0 + $1.count }
    guard sum > 0, sum * 2 < rows, let first = counts.min(by: { $0.value.line < $1.value.line }) else { return nil }
    let names = counts.keys.map { "`\(String(decoding: $0, as: UTF8.self))`" }.sorted().joined(separator: ", ")
    return ", line \(first.value.line): \(names) may stand for a missing label, \(sum) times in all; it is taken for a label"
  }
}
