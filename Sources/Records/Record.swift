import Storage

/// How records lie in a file. INTERFACE: `--format`.
package enum RecordFormat: String, Sendable, CaseIterable {
  /// One text a line. Every line is a record, an empty one too; one carriage return before the line feed is dropped.
  case lines
  /// One JSON object a line. Every line is a record, so an empty one is a faulty one.
  case jsonl
  /// RFC 4180 as Python's `csv` reads it: quotes double inside quotes, line ends inside quotes belong to the field, a quote
  /// inside an unquoted field is itself, LF, CRLF and CR end a row, and a blank line is no record.
  case csv
  /// Fields split at tabs and nothing else: no quotes, no escapes, as the GLUE files have none. A blank line is no record.
  case tsv

  /// The format that a file name's ending says, nil for an ending that says none. How the file is compressed is said after it.
  package static func forPath(_ path: String) -> RecordFormat? {
    var name = path.lowercased()
    for ending in [".gz", ".lz4"] where name.hasSuffix(ending) { name.removeLast(ending.count) }
    if name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson") { return .jsonl }
    if name.hasSuffix(".csv") { return .csv }
    if name.hasSuffix(".tsv") { return .tsv }
    if name.hasSuffix(".txt") { return .lines }
    return nil
  }
}

/// Which fields hold the text, the second text of a pair and the label.
///
/// A name is looked up exactly, then without regard to case and surrounding blanks. In csv and tsv a whole number is a column counted from
/// 1 and says that there is no header line. Without a choice the usual names are tried in order.
package struct FieldChoice: Sendable, Equatable {
  package var text: String?
  package var pair: String?
  package var label: String?

  package init(text: String? = nil, pair: String? = nil, label: String? = nil) {
    (self.text, self.pair, self.label) = (text, pair, label)
  }

  static let usualTexts = ["text", "sentence", "review", "content"]
  static let usualLabels = ["label", "sentiment", "class"]
}

package struct RecordOptions: Sendable {
  package var format: RecordFormat
  package var fields: FieldChoice
  /// Whether a record without a label is faulty.
  package var wantsLabel: Bool
  /// Whether records carry their whole input along (`--echo`).
  package var keepsInput: Bool
  /// Of a longer text the rest is dropped and counted, at the last whole scalar. A token has seldom more than ten bytes, so a mebibyte is
  /// far beyond what any encoder reads.
  package var maximumTextBytes: Int
  /// A jsonl, csv or tsv record that is longer is faulty: it cannot be understood from its beginning.
  package var maximumRecordBytes: Int
  package var bufferBytes: Int

  package init(
    format: RecordFormat, fields: FieldChoice = FieldChoice(), wantsLabel: Bool = false, keepsInput: Bool = false,
    maximumTextBytes: Int = 1 << 20, maximumRecordBytes: Int = 16 << 20, bufferBytes: Int = 256 << 10
  ) {
    self.format = format
    self.fields = fields
    self.wantsLabel = wantsLabel
    self.keepsInput = keepsInput
    self.maximumTextBytes = max(maximumTextBytes, 4)
    self.maximumRecordBytes = max(maximumRecordBytes, 4)
    self.bufferBytes = max(bufferBytes, 16)
  }
}

/// Why one record could not be read; the stream goes on after it.
package struct RecordProblem: Error, Sendable, Equatable, CustomStringConvertible {
  package let source: String
  /// The line of the source, from 1, on which the record begins; nil for a source that is one record.
  package let line: Int?
  package let message: String

  package var description: String { "\(source)\(line.map { ", line \($0)" } ?? ""): \(message)".onOneLine }
}

/// Where a record begins, for what is found wrong with it later.
package struct RecordPlace: Sendable, Equatable {
  package let source: String
  package let line: Int

  package func problem(_ message: String) -> RecordProblem { RecordProblem(source: source, line: line, message: message) }
}

/// One record. Its buffers are meant to be used again: `RecordReader.next(into:)` swaps them with its own.
package struct Record: Sendable {
  /// Well-formed UTF-8; empty when there is a problem.
  package internal(set) var text: [UInt8] = []
  /// The second text, empty without one.
  package internal(set) var pair: [UInt8] = []
  package internal(set) var hasPair = false
  /// The label as the file has it: a JSON array stays JSON.
  package internal(set) var label: [UInt8] = []
  package internal(set) var hasLabel = false
  package internal(set) var problem: RecordProblem?
  /// Counted over all sources, from 1.
  package internal(set) var number = 0
  /// The line of its source on which the record begins, from 1.
  package internal(set) var line = 0
  package internal(set) var input = InputColumns()

  package init() {}

  /// A record made by hand.
  package init(text: String, pair: String? = nil) {
    self.text = Array(text.utf8)
    self.pair = pair.map { Array($0.utf8) } ?? []
    hasPair = pair != nil
  }

  /// Ready to be filled again. Large buffers go, so that one long record does not make a whole pool of records large.
  mutating func reset() {
    let keep = 64 << 10
    text.removeAll(keepingCapacity: text.capacity <= keep)
    pair.removeAll(keepingCapacity: pair.capacity <= keep)
    label.removeAll(keepingCapacity: label.capacity <= keep)
    input.bytes.removeAll(keepingCapacity: input.bytes.capacity <= keep)
    input.ends.removeAll(keepingCapacity: true)
    hasPair = false
    hasLabel = false
    problem = nil
  }
}

/// What `--echo` repeats of a record.
package struct InputColumns: Sendable {
  package enum Form: Sendable {
    /// Nothing was kept.
    case none
    /// The record's text is its input.
    case text
    /// `bytes` is a JSON value on one line.
    case json
    /// `bytes` is a line that should have been JSON.
    case broken
    /// `bytes` holds the fields of a table's row end to end.
    case fields
  }
  package internal(set) var form = Form.none
  package internal(set) var bytes: [UInt8] = []
  package internal(set) var ends: [Int] = []
}

/// Counts of what a reader met.
package struct RecordStatistics: Sendable, Equatable {
  package internal(set) var records = 0
  package internal(set) var problems = 0
  /// Records with invalid UTF-8, and how many U+FFFD took its place.
  package internal(set) var replacedRecords = 0
  package internal(set) var replacements = 0
  /// Records with a text over the bound, and the bytes that were dropped.
  package internal(set) var cutRecords = 0
  package internal(set) var droppedBytes = 0
}
