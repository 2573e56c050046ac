import JSON
import Storage

/// Reads records one by one from any number of sources, as one stream, in memory that the stream's length does not change.
///
/// ```swift
/// let reader = try RecordReader(paths: ["-"], options: RecordOptions(format: .lines))
/// var record = Record()
/// while try reader.next(into: &record) { … record.text … }
/// ```
/// A record that cannot be read is delivered in its place with a `problem`. A byte order mark at the start of a source is dropped. After an
/// error was thrown there are no more records. Not for use from two threads at once.
package final class RecordReader {
  package internal(set) var statistics = RecordStatistics()
  /// The names of what `Record.input` holds: `text` for lines, `record` for jsonl, the header (or `column_1`, …) for csv and tsv. Known once
  /// the first record was read.
  package private(set) var columns: [String]

  /// Told what a source's bytes were taken for, where that is not the plain default.
  package var onNote: (String) -> Void = { _ in }

  let options: RecordOptions
  private let sources: [RecordSource]
  private var nextSource = 0
  /// Of the sources before this one.
  private var bytesBefore = 0
  /// What this one has handed out.
  private var delivered = 0
  private var source: DecodingSource?
  var sourceName = ""
  /// As messages call the encoding of the source being read.
  private(set) var encodingName = TextEncoding.utf8.name
  /// Of the rows that hold bytes which are no text.
  var invalidBytes = ByteEvidence()
  var invalidRecords = 0

  /// Made when reading begins.
  private var memory: AlignedBuffer?
  private var buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var start = 0
  private var end = 0
  /// The longest row so far, for which there was memory.
  private var roomForRow = 0
  /// How records lie in the source being read.
  private(set) var format: RecordFormat
  private(set) var framing = RowFramer.Framing.line
  private var mayStartWithByteOrderMark = false
  /// What the source being read was taken for; nil while too few of its bytes are there.
  private(set) var recognition: Recognition?
  private var isFinished = false

  var framer: RowFramer
  /// Of the source being read; nil until its header was read.
  var layout: TableLayout?
  /// Whether it was said of which fields the text of this source is made.
  var hasNotedFields = false
  var hasNotedQuotes = false
  /// The names of the columns that are read of it.
  var chosenColumns: [String] = []
  var pending = Record()
  private var isPendingComplete = false
  var scratch: [UInt8] = []

  package init(sources: [RecordSource], options: RecordOptions) {
    self.sources = sources
    self.options = options
    let format = options.reading.format ?? options.formatHint ?? .lines
    self.format = format
    framer = RowFramer(
      maximumRowBytes: format == .lines && !options.looksAhead ? options.maximumTextBytes : options.maximumRecordBytes,
      maximumFieldBytes: options.maximumTextBytes)
    columns = Self.columns(of: format)
  }

  private static func columns(of format: RecordFormat) -> [String] {
    switch format {
    case .lines: ["text"]
    case .jsonl, .json: ["record"]
    case .csv, .tsv: []
    }
  }

  /// Reads files in turn; `-`, or no path at all, is standard input. A path that cannot be opened is found now, not after hours of work.
  /// - source: what makes a source of a path, for inputs that are not read as they are.
  package convenience init(
    paths: [String], options: RecordOptions, source: (String) -> RecordSource = RecordSource.init(path:)
  ) throws(RecordsError) {
    for path in paths where path != "-" {
      do throws(FileError) { try requireReadable(path) } catch { throw .file(error) }
    }
    self.init(sources: (paths.isEmpty ? ["-"] : paths).map(source), options: options)
  }

  /// The bytes of all sources, nil if one of them cannot tell.
  package var byteCount: Int? {
    var sum = 0
    for source in sources {
      guard let count = source.byteCount else { return nil }
      sum += count
    }
    return sum
  }

  /// The bytes of the sources that the records so far were made of: of what was inflated the share of it.
  package var bytesRead: Int {
    guard let source, delivered > 0 else { return bytesBefore }
    return bytesBefore + Int(saturating: Double(source.position) * Double(delivered - (end - start)) / Double(delivered))
  }

  /// Fills the record with the next one; false at the end of the last source. Blocks until there is a record.
  package func next(into record: inout Record) throws(RecordsError) -> Bool {
    while !isPendingComplete {
      if try parse() { break }
      if isFinished { return false }
      try refill()
    }
    isPendingComplete = false
    swap(&record, &pending)
    pending.reset()
    return true
  }

  /// Whether `next(into:)` would return without waiting for input, after at most so many milliseconds (0: only ask; -1: wait for ever).
  ///
  /// Bytes that have come are taken in meanwhile, so half a record does not count as one: what is to be flushed before a wait for input
  /// is to be flushed when this says false. It also does when the next record is in a source that may block as it is opened.
  package func waitForRecord(milliseconds: Int) throws(RecordsError) -> Bool {
    let deadline = milliseconds > 0 ? Machine.monotonicSeconds() + Double(milliseconds) / 1000 : 0
    var left = milliseconds
    while true {
      if isPendingComplete || isFinished { return true }
      if try parse() { return true }
      if source == nil, nextSource < sources.count, !sources[nextSource].opensAtOnce { return false }
      if let source, !source.waitForBytes(milliseconds: left) { return false }
      try refill()
      if milliseconds > 0 { left = max(0, Int(saturating: (deadline - Machine.monotonicSeconds()) * 1000)) }
    }
  }

  /// Goes on with the bytes in the buffer until a record is complete.
  private func parse() throws(RecordsError) -> Bool {
    if isPendingComplete { return true }
    if mayStartWithByteOrderMark && !passByteOrderMark(atEnd: false) { return false }
    if recognition == nil {
      let isTold = try recognise(atEnd: false)
      guard isTold else { return false }
    }
    while start < end {
      try requireRoom()
      let (taken, isWhole) = framer.take(waiting, framing)
      start += taken
      if isWhole, try interpretRow() { return true }
    }
    return false
  }

  /// Makes sure of the memory for a row that grows, and for the record that is made of it.
  private func requireRoom() throws(RecordsError) {
    let byteCount = framer.bytes.count + end - start
    guard byteCount > roomForRow else { return }
    do throws(OutOfMemory) { try requireMemory(byteCount.memory(times: format == .jsonl || format == .json ? 16 : 6)) } catch {
      throw .outOfMemory(source: sourceName, error)
    }
    roomForRow = byteCount
  }

  /// The bytes that have come and wait.
  var waiting: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: buffer.bindMemory(to: UInt8.self)[start..<end])
  }

  /// Settles what the source is; false while too few bytes are there to tell.
  private func recognise(atEnd: Bool) throws(RecordsError) -> Bool {
    var found: Recognition
    if Recogniser.isNeeded(options) {
      let recogniser = Recogniser(options: options, source: sourceName)
      guard source != nil, atEnd || end == buffer.count || recogniser.isEnough(waiting) else { return false }
      do throws(RecordsError) { found = try recogniser.recognise(waiting, isAll: atEnd) } catch { throw end(with: error) }
      for note in found.notes { self.note(note) }
    } else {
      found = Recognition(format: options.reading.format ?? .lines)
      if let delimiter = options.reading.delimiter, let quoting = options.reading.quoting {
        found.dialect = TableDialect(delimiter: delimiter, quoting: quoting)
      }
    }
    if found.format != format {
      format = found.format
      if statistics.records == 0 { columns = Self.columns(of: format) }
    }
    switch format {
    case .lines, .jsonl: framing = .line
    case .json: framing = .value
    case .csv, .tsv: framing = found.dialect.hasQuotes ? .quotedRow : .line
    }
    framer.delimiter = found.dialect.delimiter.byte
    framer.hasEscapes = found.dialect.quoting == .backslash
    framer.skipsBlanks = found.dialect.skipsBlanks
    start += found.skippedBytes
    if found.skippedBytes > 0 { framer.skipLine() }
    recognition = found
    return true
  }

  /// After an error there is nothing more.
  private func end(with error: RecordsError) -> RecordsError {
    isFinished = true
    (start, end) = (0, 0)
    return error
  }

  /// False while too few bytes are there to tell.
  private func passByteOrderMark(atEnd: Bool) -> Bool {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let count = min(3, end - start)
    let matches = (0..<count).allSatisfy { buffer[start + $0] == mark[$0] }
    if matches && count < 3 && !atEnd { return false }
    if matches && count == 3 { start += 3 }
    mayStartWithByteOrderMark = false
    return true
  }

  /// Reads once from the source, or goes on to the next one. The buffer was used up, but for the beginning of a byte order mark.
  private func refill() throws(RecordsError) {
    do throws(RecordsError) {
      if memory == nil { try makeBuffer() }
      guard let source else {
        guard nextSource < sources.count else {
          isFinished = true
          return
        }
        sourceName = sources[nextSource].name
        source = DecodingSource(
          try sources[nextSource].open(), name: sourceName, encoding: options.reading.encoding, believesMarks: options.isSet)
        encodingName = options.reading.encoding?.name ?? TextEncoding.utf8.name
        nextSource += 1
        mayStartWithByteOrderMark = true
        layout = nil
        hasNotedFields = false
        hasNotedQuotes = false
        recognition = nil
        framer = framer.forNewSource()
        return
      }
      if start == end { (start, end) = (0, 0) }
      let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
      end += count
      if delivered == 0, options.reading.encoding == nil, let encoding = source.decidedEncoding {
        encodingName = encoding.name
        note("\(encoding.name), by its byte order mark (--encoding)")
      }
      delivered += count
      if count > 0 { return }
    } catch {
      isFinished = true
      throw error
    }
    if mayStartWithByteOrderMark {
      _ = passByteOrderMark(atEnd: true)
      if try parse() { return }
    }
    if recognition == nil {
      _ = try recognise(atEnd: true)
      if try parse() { return }
    }
    bytesBefore += source?.position ?? 0
    delivered = 0
    source = nil
    if framer.finish(framing) { _ = try interpretRow() }
  }

  private func makeBuffer() throws(RecordsError) {
    do throws(OutOfMemory) {
      let byteCount = max(options.bufferBytes, Recogniser.isNeeded(options) ? 64 << 10 : 0)
      let memory = try AlignedBuffer(byteCount: byteCount, zeroed: false)
      buffer = UnsafeMutableRawBufferPointer(start: memory.baseAddress, count: byteCount)
      self.memory = memory
    } catch {
      throw .outOfMemory(source: sources.first?.name ?? "input", error)
    }
  }

  /// Makes a record of the framer's row; false for a row that is none (a header, a blank line).
  private func interpretRow() throws(RecordsError) -> Bool {
    defer { framer.reset() }
    if format.isTable {
      if framing == .line {
        guard !framer.bytes.isEmpty else { return false }
        framer.split()
      }
      if options.isSet, framer.isEmptyRow {
        if layout != nil { statistics.emptyRows += 1 }
        return false
      }
      if layout == nil {
        do throws(RecordsError) {
          if try readHeader() { return false }
        } catch {
          throw end(with: error)
        }
      }
    } else if options.isSet, format == .jsonl, framer.isBlankLine {
      return false
    }
    pending.line = framer.line
    do throws(RecordProblem) {
      switch format {
      case .lines: try interpretLine()
      case .jsonl, .json: try interpretJSON()
      case .csv, .tsv: try interpretTableRow()
      }
    } catch {
      pending.text.removeAll(keepingCapacity: true)
      pending.problem = error
      statistics.problems += 1
    }
    statistics.records += 1
    pending.number = statistics.records
    isPendingComplete = true
    return true
  }

  /// Where the record that was read last begins.
  package func place(of record: borrowing Record) -> RecordPlace { RecordPlace(source: sourceName, line: record.line) }

  /// Makes the record that was read last a faulty one, for what its reader finds wrong with it.
  package func refuse(_ record: inout Record, _ message: String) {
    record.problem = place(of: record).problem(message)
    record.text.removeAll(keepingCapacity: true)
    record.pair.removeAll(keepingCapacity: true)
  }

  func problem(_ message: String) -> RecordProblem {
    // A list may stand on a single line.
    let number = format == .json ? "record \(statistics.records + 1): " : ""
    return RecordProblem(source: sourceName, line: framer.line, message: number + message)
  }

  func count(replacements: Int) {
    guard replacements > 0 else { return }
    statistics.replacedRecords += 1
    statistics.replacements += replacements
  }

  func count(dropped: Int) {
    guard dropped > 0 else { return }
    statistics.cutRecords += 1
    statistics.droppedBytes += dropped
  }

  /// Says what was understood of the source being read.
  func note(_ what: String) { onNote("\(sourceName): \(what)") }

  func setColumns(_ names: [String]) { columns = names }
}
