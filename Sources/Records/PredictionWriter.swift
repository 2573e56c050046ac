import Storage
import Tasks

/// INTERFACE: `--output`.
package enum OutputFormat: String, Sendable, CaseIterable { case tsv, jsonl, csv, label }

package struct PredictionOptions: Sendable {
  package var format: OutputFormat
  package var answer: AnswerOptions
  package var allScores: Bool
  package var logits: Bool
  package var echo: Bool
  /// Write after each record (`--line-buffered`, a terminal).
  package var flushesEachRecord: Bool
  /// csv: whether a byte order mark comes first, by which spreadsheets know UTF-8.
  package var hasByteOrderMark = false
  package var bufferBytes: Int
  /// Write a text once more below its row, the words that its answer rests on marked: for a terminal.
  package var marksWords = false

  package init(
    format: OutputFormat = .tsv, answer: AnswerOptions, allScores: Bool = false,
    logits: Bool = false, echo: Bool = false, flushesEachRecord: Bool = false, bufferBytes: Int = 56 << 10
  ) {
    self.format = format
    self.answer = answer
    self.allScores = allScores
    self.logits = logits
    self.echo = echo
    self.flushesEachRecord = flushesEachRecord
    self.bufferBytes = bufferBytes
  }
}

/// Why no more can be written.
package enum OutputError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Who read the output has gone (`| head`): the work is done, and that is no failure.
  case readerGone
  case file(FileError)

  package var description: String {
    switch self {
    case .readerGone: "the reader of the output has gone"
    case .file(let error): error.description
    }
  }
}

/// Writes one line for each record, in whole records, through one buffer.
///
/// Call `finish` at the end, and `flush` before waiting for input; nothing is written when the writer is dropped. After warm-up a record
/// costs no allocation. The columns are given in the module's README.
package struct PredictionWriter: ~Copyable {
  let options: PredictionOptions
  private let descriptor: Int32
  private let name: String
  var buffer: [UInt8] = []
  /// The labels as the format writes them, escaped once.
  let labels: [[UInt8]]
  private let abstainLabel: [UInt8]
  private var hasHeader = false
  /// Whether nothing is to be said of the record that is being written.
  private var isWithheld = false
  /// What the parts of its text do to the answer; nil if nobody asked.
  var explanation: Explanation?
  package private(set) var recordsWritten = 0
  package private(set) var problemsWritten = 0
  package private(set) var abstentions = 0

  package init(descriptor: Int32 = ByteStream.output.descriptor, name: String = ByteStream.output.name, options: PredictionOptions) {
    self.options = options
    self.descriptor = descriptor
    self.name = name
    func written(_ label: String) -> [UInt8] {
      var bytes: [UInt8] = []
      switch options.format {
      case .tsv, .label: bytes.append(tsvEscaped: label.utf8)
      case .jsonl: bytes.append(jsonString: label.utf8)
      case .csv: bytes.append(contentsOf: label.utf8)  // quoted with its neighbours
      }
      return bytes
    }
    labels = options.answer.task.labels.map(written)
    abstainLabel = written(options.answer.abstainLabel)
    buffer.reserveCapacity(options.bufferBytes + 4096)
  }

  /// Makes sure of the memory that a long record takes in the buffer, escaped, while it grows.
  private func requireRoom(for record: borrowing Record) throws(OutputError) {
    guard options.echo else { return }
    let byteCount = max(record.text.count + record.pair.count, record.input.bytes.count)
    guard byteCount > 1 << 12 else { return }
    do throws(OutOfMemory) { try requireMemory(byteCount.memory(times: 18)) } catch {
      throw .file(.outOfMemory(name, operation: "write"))
    }
  }

  /// One prediction, or the record's problem when it has one.
  ///
  /// - Parameters:
  ///   - logits: one for each label, in label order; `scores` the same.
  ///   - isUnknown: whether the vocabulary knows nothing of the text.
  ///   - explanation: what the parts of the text do to the answer.
  ///   - columns: the reader's, for `--echo`.
  package mutating func write(
    _ record: borrowing Record, logits: UnsafeBufferPointer<Float>, scores: UnsafeBufferPointer<Float>, isUnknown: Bool = false,
    explanation: Explanation? = nil, columns: [String] = []
  ) throws(OutputError) {
    if let problem = record.problem {
      try writeProblem(record, message: problem.description, columns: columns)
      return
    }
    precondition(logits.count == labels.count && scores.count == labels.count, "one logit and one score for each label")
    try requireRoom(for: record)
    writeHeader(columns)
    isWithheld = isUnknown && options.answer.abstainsWhereUnknown
    self.explanation = explanation
    switch options.format {
    case .jsonl: appendJSON(record, logits: logits, scores: scores, columns: columns)
    case .tsv, .csv: appendRow(record, logits: logits, scores: scores, columns: columns)
    case .label: appendLabel(logits: logits, scores: scores)
    }
    if options.marksWords { appendMarkedText(record) }
    try endRecord()
  }

  /// The error record that takes a prediction's place.
  package mutating func writeProblem(
    _ record: borrowing Record, message: String, columns: [String] = []
  ) throws(OutputError) {
    try requireRoom(for: record)
    writeHeader(columns)
    switch options.format {
    case .jsonl: appendJSONProblem(record, message: message, columns: columns)
    case .tsv, .csv: appendProblemRow(record, message: message, columns: columns)
    case .label: buffer.append(text: "!error")
    }
    problemsWritten += 1
    try endRecord()
  }

  /// The name to write for the best label of a single-label model.
  mutating func name(ofBest best: Int, score: Float) -> [UInt8] {
    guard isWithheld || options.answer.abstains(score) else { return labels[best] }
    abstentions += 1
    return abstainLabel
  }

  /// Whether a label of several is given.
  func gives(_ score: Float) -> Bool { !isWithheld && options.answer.gives(score) }

  private mutating func writeHeader(_ columns: [String]) {
    guard !hasHeader else { return }
    hasHeader = true
    guard options.format == .csv else { return }
    if options.hasByteOrderMark { buffer.append(contentsOf: [0xEF, 0xBB, 0xBF]) }
    appendHeader(columns)
    buffer.append(0x0A)
  }

  private mutating func endRecord() throws(OutputError) {
    buffer.append(0x0A)
    recordsWritten += 1
    if options.flushesEachRecord || buffer.count >= options.bufferBytes { try flush() }
  }

  /// Writes what is in the buffer.
  package mutating func flush() throws(OutputError) {
    defer {
      // One long record must not leave the buffer long.
      buffer.removeAll(keepingCapacity: buffer.capacity <= 4 * options.bufferBytes + 8192)
    }
    var failure: FileError?
    buffer.withUnsafeBytes { bytes in
      do throws(FileError) { try ByteStream(descriptor: descriptor, name: name).write(bytes) } catch { failure = error }
    }
    if let failure { throw failure.isReaderGone ? .readerGone : .file(failure) }
  }

  /// Writes the header of a csv that got no record, and what is in the buffer.
  package mutating func finish(columns: [String] = []) throws(OutputError) {
    writeHeader(columns)
    try flush()
  }
}
