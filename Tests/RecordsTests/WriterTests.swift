import JSON
import Records
import Storage
import Tasks
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Runs the work with a writer on a file and returns what it wrote.
private func written(
  _ options: PredictionOptions, _ work: (inout PredictionWriter) throws -> Void
) throws -> String {
  let folder = TemporaryFolder()
  let path = try folder.write("out", "")
  let file = try FileDescriptor(opening: path, flags: O_WRONLY)
  var writer = PredictionWriter(descriptor: file.rawValue, options: options)
  try work(&writer)
  return String(decoding: try readFile(path), as: UTF8.self)
}

extension PredictionWriter {
  fileprivate mutating func write(
    _ record: borrowing Record, _ logits: [Float], _ scores: [Float], isUnknown: Bool = false, columns: [String] = []
  ) throws(OutputError) {
    var failure: OutputError?
    logits.withUnsafeBufferPointer { logits in
      scores.withUnsafeBufferPointer { scores in
        do throws(OutputError) { try write(record, logits: logits, scores: scores, isUnknown: isUnknown, columns: columns) } catch { failure = error }
      }
    }
    if let failure { throw failure }
  }
}

@Suite struct WriterTests {
  let record = Record(text: "a\tb, \"c\"\n")

  func two(_ format: OutputFormat, all: Bool = false, logits: Bool = false, echo: Bool = false) throws -> String {
    let options = PredictionOptions(format: format, among: ["bad", "good"], allScores: all, logits: logits, echo: echo)
    return try written(options) { writer in
      try writer.write(record, [-1.5, 2.25], [0.023, 0.977], columns: ["text"])
      try writer.writeProblem(record, message: "line 2: no, \"text\"", columns: ["text"])
      try writer.finish()
      #expect(writer.recordsWritten == 2 && writer.problemsWritten == 1)
    }
  }

  @Test func tsvByDefault() throws {
    #expect(try two(.tsv) == "good\t0.977000\n!error\t\tline 2: no, \"text\"\n")
    #expect(
      try two(.tsv, all: true, logits: true, echo: true)
        == "good\t0.977000\t0.023000\t0.977000\t-1.5\t2.25\ta\\tb, \"c\"\\n\n"
        + "!error\t\t\t\t\t\ta\\tb, \"c\"\\n\tline 2: no, \"text\"\n")
  }

  @Test func csvHasOneHeaderAndOneWidth() throws {
    #expect(try two(.csv) == "label,score,error\ngood,0.977000,\n!error,,\"line 2: no, \"\"text\"\"\"\n")
    #expect(
      try two(.csv, all: true, logits: true, echo: true)
        == "label,score,score_bad,score_good,logit_bad,logit_good,text,error\n"
        + "good,0.977000,0.023000,0.977000,-1.5,2.25,\"a\tb, \"\"c\"\"\n\",\n"
        + "!error,,,,,,\"a\tb, \"\"c\"\"\n\",\"line 2: no, \"\"text\"\"\"\n")
  }

  @Test func jsonl() throws {
    #expect(
      try two(.jsonl) == #"{"label": "good", "score": 0.977000}"# + "\n" + #"{"error": "line 2: no, \"text\""}"# + "\n")
    let full = try two(.jsonl, all: true, logits: true, echo: true).split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(full[0]["scores"]?["bad"]?.double == 0.023)
    #expect(full[0]["logits"]?.array?.map { $0.double } == [-1.5, 2.25])
    #expect(full[0]["input"]?.string == "a\tb, \"c\"\n")
    #expect(full[1]["input"]?.string == "a\tb, \"c\"\n")
  }

  @Test func labelAlone() throws { #expect(try two(.label) == "good\n!error\n") }

  @Test func aHeaderIsWrittenForNoRecordsToo() throws {
    let options = PredictionOptions(format: .csv, among: ["a", "b"], echo: true)
    #expect(try written(options) { try $0.finish(columns: ["label", "x"]) } == "label,score,input_label,x,error\n")
    #expect(try written(PredictionOptions(among: ["a"])) { try $0.finish() } == "")
  }

  @Test func severalLabels() throws {
    func output(_ format: OutputFormat) throws -> String {
      let options = PredictionOptions(format: format, answer: AnswerOptions(ClassificationTask(.multiLabel, labels: ["a", "b", "c"])))
      return try written(options) { writer in
        try writer.write(record, [1, -1, 2], [0.75, 0.25, 0.875])
        try writer.write(record, [-1, -1, -1], [0.25, 0.25, 0.5])
        try writer.finish()
      }
    }
    #expect(try output(.tsv) == "a,c\t0.750000,0.875000\n\t\n")
    #expect(try output(.csv) == "label,score,error\n\"a,c\",\"0.750000,0.875000\",\n,,\n")
    #expect(try output(.label) == "a,c\n\n")
    #expect(try output(.jsonl) == "{\"label\": [\"a\",\"c\"], \"score\": [0.750000,0.875000]}\n{\"label\": [], \"score\": []}\n")
  }

  /// Under a threshold nothing is said of a text that the vocabulary knows nothing of, however sure the score.
  @Test func unknownTextsAbstainUnderAThreshold() throws {
    func output(_ kind: ClassificationTask.Kind, _ format: OutputFormat, threshold: Float?) throws -> String {
      let task = ClassificationTask(kind, labels: ["a", "b"])
      return try written(PredictionOptions(format: format, answer: AnswerOptions(task, threshold: threshold))) { writer in
        try writer.write(record, [-9, 9], [0.01, 0.99], isUnknown: true)
        try writer.write(record, [-9, 9], [0.01, 0.99])
        try writer.finish()
        #expect(writer.abstentions == (kind == .singleLabel && threshold != nil ? 1 : 0))
      }
    }
    #expect(try output(.singleLabel, .tsv, threshold: 0.1) == "!abstain\t0.990000\nb\t0.990000\n")
    #expect(try output(.singleLabel, .label, threshold: nil) == "b\nb\n")
    #expect(try output(.multiLabel, .jsonl, threshold: 0.1) == "{\"label\": [], \"score\": []}\n{\"label\": [\"b\"], \"score\": [0.990000]}\n")
    #expect(try output(.multiLabel, .tsv, threshold: 0.1) == "\t\nb\t0.990000\n")
    #expect(try output(.multiLabel, .label, threshold: nil) == "b\nb\n")
  }

  @Test func regressionIsTheValue() throws {
    func output(_ format: OutputFormat) throws -> String {
      let options = PredictionOptions(format: format, answer: AnswerOptions(ClassificationTask(.regression, labels: ["LABEL_0"])))
      return try written(options) { writer in
        try writer.write(record, [3.1], [3.1])
        try writer.writeProblem(record, message: "m")
        try writer.finish()
      }
    }
    #expect(try output(.tsv) == "3.1\n!error\tm\n")
    #expect(try output(.csv) == "value,error\n3.1,\n!error,m\n")
    #expect(try output(.jsonl) == "{\"value\": 3.1}\n{\"error\": \"m\"}\n")
  }

  @Test func severalValues() throws {
    func output(_ format: OutputFormat) throws -> String {
      let options = PredictionOptions(format: format, answer: AnswerOptions(ClassificationTask(.regression, labels: ["taste", "price"])))
      return try written(options) { writer in
        try writer.write(record, [3.1, -1.5], [3.1, -1.5])
        try writer.writeProblem(record, message: "m")
        try writer.finish()
      }
    }
    #expect(try output(.tsv) == "3.1\t-1.5\n!error\t\tm\n")
    #expect(try output(.csv) == "value_taste,value_price,error\n3.1,-1.5,\n!error,,m\n")
    #expect(try output(.label) == "3.1,-1.5\n!error\n")
    #expect(try output(.jsonl) == "{\"values\": {\"taste\": 3.1, \"price\": -1.5}}\n{\"error\": \"m\"}\n")
  }

  @Test func awkwardLabelNames() throws {
    let labels = ["a\tb", "c,\"d\"", "e\\"]
    func output(_ format: OutputFormat) throws -> String {
      try written(PredictionOptions(format: format, among: labels)) { writer in
        for best in 0..<3 {
          var logits: [Float] = [0, 0, 0]
          logits[best] = 1
          try writer.write(record, logits, [1, 1, 1])
        }
        try writer.finish()
      }
    }
    #expect(try output(.label) == "a\\tb\nc,\"d\"\ne\\\\\n")
    #expect(try output(.csv) == "label,score,error\na\tb,1.000000,\n\"c,\"\"d\"\"\",1.000000,\ne\\,1.000000,\n")
    for line in try output(.jsonl).split(separator: "\n") { _ = try JSONValue(parsing: Array(line.utf8)) }
  }

  @Test func equalLogitsGoToTheLowestLabel() throws {
    #expect(try written(PredictionOptions(format: .label, among: ["a", "b"])) {
      try $0.write(record, [1, 1], [0.5, 0.5])
      try $0.finish()
    } == "a\n")
  }

  @Test func aFaultyRecordWritesItsProblem() throws {
    var options = RecordOptions(format: .jsonl)
    options.keepsInput = true
    let found = try records("{\"text\": \"a\", \"n\": [1]}\nno\"pe\n", options)
    let output = try written(PredictionOptions(format: .jsonl, among: ["x"], echo: true)) { writer in
      for record in found { try writer.write(record, [0], [1], columns: ["record"]) }
      try writer.finish()
    }
    let lines = output.split(separator: "\n")
    #expect(lines[0] == #"{"label": "x", "score": 1.000000, "input": {"text": "a", "n": [1]}}"#)
    #expect(lines[1].hasPrefix(#"{"error": "input, line 2: not JSON"#) && lines[1].hasSuffix(#""input": "no\"pe"}"#))
  }

  @Test func aTablesRowIsEchoedColumnByColumn() throws {
    var input = RecordOptions(format: .csv)
    input.keepsInput = true
    let reader = reader(Array("id,text,label\n1,\"a,b\",x\n2,c\n".utf8), input)
    let found = try all(reader)
    func output(_ format: OutputFormat) throws -> String {
      try written(PredictionOptions(format: format, among: ["p"], echo: true)) { writer in
        for record in found { try writer.write(record, [0], [1], columns: reader.columns) }
        try writer.finish()
      }
    }
    #expect(
      try output(.csv)
        == "label,score,id,text,input_label,error\np,1.000000,1,\"a,b\",x,\n"
        + "!error,,2,c,,\"input, line 3: expected 3 columns, found 2\"\n")
    #expect(try output(.tsv) == "p\t1.000000\t1\ta,b\tx\n!error\t\t2\tc\t\tinput, line 3: expected 3 columns, found 2\n")
    #expect(try output(.jsonl).hasPrefix("{\"label\": \"p\", \"score\": 1.000000, \"input\": {\"id\": \"1\", \"text\": \"a,b\", \"label\": \"x\"}}\n"))
  }

  /// Logits read back to the same bits, also by a reader that goes through double precision.
  @Test func logitsReadBackToTheSameBits() throws {
    var random = SeededGenerator(seed: 5)
    var values: [Float] = [0, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .leastNormalMagnitude, 16_777_216, 0.1, 1e7, 1e16]
    for _ in 0..<20_000 {
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      if value.isFinite { values.append(value) }
    }
    let labels = (0..<values.count).map { "\($0)" }
    let output = try written(PredictionOptions(among: labels, logits: true)) { writer in
      try writer.write(record, values, values.map { _ in 0 })
      try writer.finish()
    }
    let fields = output.dropLast().split(separator: "\t", omittingEmptySubsequences: false).dropFirst(2)
    #expect(fields.count == values.count)
    for (field, value) in zip(fields, values) {
      #expect(Float(field)!.bitPattern == value.bitPattern)
      #expect(Float(Double(field)!).bitPattern == value.bitPattern)
    }
  }

  @Test func scoresHaveSixDigits() throws {
    let scores: [Float] = [0, 1, 0.5, 0.9999995, 1e-7, 6e-7, 0.1234565, 123.25, -2.5, .nan, .infinity, 3e20]
    let output = try written(PredictionOptions(among: scores.map { "\($0)" }, allScores: true)) { writer in
      try writer.write(record, scores.map { _ in 0 }, scores)
      try writer.finish()
    }
    #expect(
      output == "0.0\t0.000000\t0.000000\t1.000000\t0.500000\t1.000000\t0.000000\t0.000001\t0.123457\t123.250000\t-2.500000\tnan\tinf\t3e+20\n")
  }

  @Test func aReaderThatWentAwayIsItsOwnOutcome() throws {
    ignoreWriteSignals()
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    close(ends[0])
    var writer = PredictionWriter(descriptor: ends[1], options: PredictionOptions(among: ["a"]))
    try writer.write(record, [0], [1])
    #expect(throws: OutputError.readerGone) { try writer.flush() }
    close(ends[1])
  }

  @Test func aFullDeviceIsAnError() throws {
    let full = try FileDescriptor(opening: "/dev/full", flags: O_WRONLY)
    var writer = PredictionWriter(descriptor: full.rawValue, options: PredictionOptions(among: ["a"]))
    try writer.write(record, [0], [1])
    do {
      try writer.flush()
      Issue.record("written to a full device")
    } catch { #expect("\(error)" == "cannot write standard output: no space left on device") }
  }

  @Test func aFullPipeThatDoesNotBlockIsWaitedFor() async throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let (readEnd, writeEnd) = (ends[0], ends[1])
    _ = fcntl(writeEnd, F_SETFL, O_NONBLOCK)
    let counting = Task.detached { () -> Int in
      var total = 0
      var piece = [UInt8](repeating: 0, count: 5000)
      while case let count = read(readEnd, &piece, 5000), count > 0 { total += count }
      return total
    }
    var writer = PredictionWriter(descriptor: writeEnd, options: PredictionOptions(among: ["label"], bufferBytes: 1000))
    for _ in 0..<20_000 { try writer.write(record, [0], [1]) }
    try writer.finish()
    close(writeEnd)
    #expect(await counting.value == 20_000 * "label\t1.000000\n".utf8.count)
    close(readEnd)
  }
}

extension PredictionOptions {
  /// For a single-label model.
  fileprivate init(
    format: OutputFormat = .tsv, among labels: [String], allScores: Bool = false, logits: Bool = false, echo: Bool = false,
    bufferBytes: Int = 56 << 10
  ) {
    self.init(
      format: format, answer: AnswerOptions(ClassificationTask(.singleLabel, labels: labels)), allScores: allScores, logits: logits,
      echo: echo, bufferBytes: bufferBytes)
  }
}
