import Martlet
import ModelBundles
import Records
import Reporting
import Sessions
import Storage
import Tokenizers

/// What went through a stream.
struct StreamCounts: CustomStringConvertible {
  var records = 0
  var tokens = 0
  var truncated = 0
  var windowed = 0
  var problems = 0
  var abstentions = 0
  var unknown = 0
  var seconds = 0.0
  var replaced = 0
  var cut = 0

  var description: String {
    var parts = ["\(formatCount(records)) records", "\(formatCount(tokens)) tokens"]
    if truncated > 0 { parts.append("\(formatCount(truncated)) cut at the length limit") }
    if windowed > 0 { parts.append("\(formatCount(windowed)) read in windows") }
    if replaced > 0 { parts.append("\(formatCount(replaced)) with invalid UTF-8 replaced") }
    if cut > 0 { parts.append("\(formatCount(cut)) over the size limit cut") }
    if unknown > 0 { parts.append("\(formatCount(unknown)) of unknown tokens only") }
    if abstentions > 0 { parts.append("\(formatCount(abstentions)) under the threshold") }
    if problems > 0 { parts.append("\(formatCount(problems)) errors") }
    let rate = seconds > 0 ? Double(records) / seconds : 0
    return parts.joined(separator: ", ") + ": \(formatDuration(seconds)), \(formatRate(rate)) texts/s"
  }
}

/// Records in, predictions out: exactly one output record for each input record, in order.
///
/// Records collect in a batch until it has enough tokens, or until reading more would block: then what is there is
/// run and written out, so that a slow typist and a host that waits for its answers get them. While a full batch runs,
/// the next one is read as far as that does not block. Memory does not grow with the stream.
struct ClassificationStream: ~Copyable {
  var batchTokens = Classifier.defaultBatchTokens
  /// Milliseconds to wait for more input before a batch that is not full is run.
  var maximumDelay = 0
  /// Where texts are cut; at the model's limit if nil.
  var maximumLength: Int?
  /// How a text over the limit is read; it is cut if nil.
  var windows: Windows?
  var isStrict = false
  /// Tells what each word does to the answer, if that is asked for.
  var explainer: Explainer?
  /// Whether records are kept until they are written, because the output repeats or explains them.
  var echoes = false
  /// Tells whether many texts hold HTML, of a model that reads it as it is.
  var htmlNotice: HTMLNotice?
  /// Told how far the input is read, if the input tells how long it is.
  var progress: ProgressReporter?
  private(set) var counts = StreamCounts()

  private let session: Session
  /// What tells texts that the vocabulary knows nothing of.
  private let unknownTokens: UnknownTokens?
  private let reader: RecordReader
  private var writer: PredictionWriter
  /// The record being read.
  private var record = Record()
  /// What has been read and waits, and what is being run and written.
  private var waiting = StreamBatch()
  private var running = StreamBatch()
  /// Whether there is nothing more to read, and the failure that ended it.
  private var isEnded = false
  private var failure: (any Error)?
  private let scores: UnsafeMutableBufferPointer<Float>
  private let start = Machine.monotonicSeconds()
  /// What is written when the output does not repeat the records.
  private let blank = Record()

  /// The most records of one batch, so that a stream of records without texts does not collect without end.
  private static let maximumRecords = 4096

  init(session: Session, reader: RecordReader, writer: consuming PredictionWriter) {
    self.session = session
    unknownTokens = session.unknownTokens
    self.reader = reader
    self.writer = writer
    scores = .allocate(capacity: session.labels.count)
    scores.initialize(repeating: 0)
  }

  deinit { scores.deallocate() }

  mutating func run() throws {
    while true {
      let isBlocked = read()
      if isBlocked {
        try writer.flush()
        // A first record is waited for as long as it takes, others for `maximumDelay`.
        if waiting.problems.isEmpty {
          attempt { stream in try stream.readRecord() }
          continue
        }
        let delay = maximumDelay
        if delay > 0, attempt({ stream in try stream.reader.waitForRecord(milliseconds: delay) }) == true { continue }
      }
      if waiting.problems.isEmpty { break }
      try runBatch(readsAhead: !isBlocked)
      // Whoever sends no more may wait for these.
      if isBlocked { try writer.flush() }
    }
    // A failure takes no answer back: what was read before it has been written.
    if let failure {
      try writer.flush()
      throw failure
    }
    if let note = htmlNotice?.end() { writeNote(note) }
    try writer.finish(columns: reader.columns)
    counts.abstentions = writer.abstentions
    counts.replaced = reader.statistics.replacedRecords
    counts.cut = reader.statistics.cutRecords
    counts.seconds = Machine.monotonicSeconds() - start
  }

  /// Reads records until a batch is full, the input ends, or reading more would block; says whether it is that.
  private mutating func read() -> Bool {
    attempt { stream in
      while !stream.isEnded, !stream.isFull {
        guard try stream.reader.waitForRecord(milliseconds: 0) else { return true }
        try stream.readRecord()
      }
      return false
    } ?? false
  }

  /// Takes the next record, blocking until there is one.
  private mutating func readRecord() throws {
    // What was being read when a signal came may be a part of a record: it is not answered.
    guard try reader.next(into: &record), !Interruption.isRequested.load(ordering: .relaxed) else {
      isEnded = true
      return
    }
    var isUnknown = false
    do { isUnknown = try append() } catch let error as ModelError where error.kind == .textTooLong { try refuse("\(error)") }
    waiting.append(&record, at: reader.place(of: record), isUnknown: isUnknown, echoes: echoes)
  }

  /// Runs `body`; what it throws ends the input.
  @discardableResult
  private mutating func attempt<Result>(_ body: (inout Self) throws -> Result) -> Result? {
    do { return try body(&self) } catch {
      isEnded = true
      failure = error
      return nil
    }
  }

  private var isFull: Bool {
    !waiting.problems.isEmpty
      && (session.waiting.tokenCount >= batchTokens || waiting.problems.count >= Self.maximumRecords)
  }

  /// Appends the record's text to the next batch and says whether the vocabulary knows nothing of it.
  private mutating func append() throws -> Bool {
    if let problem = record.problem {
      try count(problem)
      return false
    }
    let length = try record.text.withUnsafeBufferPointer { text in
      if let windows { return try session.append(text, windows: windows, maximumLength: maximumLength) }
      guard record.hasPair else { return try session.append(text, maximumLength: maximumLength) }
      return try record.pair.withUnsafeBufferPointer { try session.append(text, pair: $0, maximumLength: maximumLength) }
    }
    if htmlNotice != nil, let note = record.text.withUnsafeBufferPointer({ htmlNotice?.look(at: $0) }) { writeNote(note) }
    counts.tokens += length.tokens
    if length.wasTruncated { counts.truncated += 1 }
    if length.windows > 1 { counts.windowed += 1 }
    guard let unknownTokens, unknownTokens.areAll(of: session.lastTextIDs) else { return false }
    counts.unknown += 1
    return true
  }

  /// Makes the record one that could not be read.
  private mutating func refuse(_ message: String) throws {
    reader.refuse(&record, message)
    if let problem = record.problem { try count(problem) }
  }

  private mutating func count(_ problem: RecordProblem) throws {
    counts.problems += 1
    if isStrict { throw CommandError("\(problem)") }
  }

  private mutating func runBatch(readsAhead: Bool) throws {
    swap(&waiting, &running)
    waiting.removeAll()
    if session.waiting.count > 0 {
      do {
        if readsAhead { try session.run { _ = read() } } else { try session.run() }
      } catch {
        // Memory was refused, which takes no answer back either.
        try writer.flush()
        throw error
      }
    }
    var text = 0
    for (index, problem) in running.problems.enumerated() {
      let record = echoes ? running.records[index] : blank
      var problem = problem
      if problem == nil {
        if session.isFinite(text) {
          session.scores(of: text, into: scores)
          try writer.write(
            record, logits: session.logits(of: text), scores: UnsafeBufferPointer(scores), isUnknown: running.unknown[index],
            explanation: try explainer?.explanation(of: record, scores: UnsafeBufferPointer(scores)), columns: reader.columns)
        } else {
          problem = running.places[index].problem(Session.notFinite)
          do { try problem.map { try count($0) } } catch {
            // The answers before it stand.
            try writer.flush()
            throw error
          }
        }
        text += 1
      }
      if let problem { try writer.writeProblem(record, message: "\(problem)", columns: reader.columns) }
    }
    counts.records += running.problems.count
    showProgress()
  }

  private func showProgress() {
    guard let progress, let byteCount = reader.byteCount else { return }
    let seconds = Machine.monotonicSeconds() - start
    var snapshot = ProgressSnapshot(
      label: "classify", step: min(reader.bytesRead, byteCount), totalSteps: byteCount, elapsedSeconds: seconds)
    snapshot.unit = .bytes
    if seconds > 0 { snapshot.textsPerSecond = Double(counts.records) / seconds }
    progress.update(snapshot)
  }
}

/// The records of one run.
private struct StreamBatch {
  /// For each record what is wrong with it; one with a problem has no place among the session's texts.
  private(set) var problems: [RecordProblem?] = []
  private(set) var places: [RecordPlace] = []
  /// Whether the vocabulary knows nothing of a record's text.
  private(set) var unknown: [Bool] = []
  /// The records, if the output repeats them: a text is of no use to anything else once its tokens are in the session.
  private(set) var records: [Record] = []

  /// - Parameter record: becomes another one, to be filled, if it is kept.
  mutating func append(_ record: inout Record, at place: RecordPlace, isUnknown: Bool, echoes: Bool) {
    problems.append(record.problem)
    places.append(place)
    unknown.append(isUnknown)
    guard echoes else { return }
    if records.count < problems.count { records.append(Record()) }
    swap(&record, &records[problems.count - 1])
  }

  mutating func removeAll() {
    problems.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    unknown.removeAll(keepingCapacity: true)
  }
}
