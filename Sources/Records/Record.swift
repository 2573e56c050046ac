import Storage

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
  /// Rows of a set that were no records because all their fields are empty.
  package internal(set) var emptyRows = 0
  /// Rows of a set with a field that goes on behind the quote that closes it.
  package internal(set) var strayQuotes = 0

  mutating func add(_ other: RecordStatistics) {
    records += other.records
    problems += other.problems
    replacedRecords += other.replacedRecords
    replacements += other.replacements
    cutRecords += other.cutRecords
    droppedBytes += other.droppedBytes
    emptyRows += other.emptyRows
    strayQuotes += other.strayQuotes
  }
}
