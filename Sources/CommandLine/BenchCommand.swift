import ArgumentParser
import Inference
import JSON
import Martlet
import Reporting
import Sessions
import Storage

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure a classifier on this machine: latency by length, throughput, cold start, memory.")

  @OptionGroup var modelArgument: ModelArgument
  @Option(help: "Comma-separated lengths in tokens, special tokens included; those over the model's limit are left out.")
  var lengths = "16,32,64,128,256,512"
  @Option(help: "Comma-separated numbers of texts in a batch.")
  var batch = "1,32"
  @Option(help: "Seconds to spend on each length and batch, after a warm-up.")
  var seconds = 1.0
  @Flag(help: "Tell how the time of a forward pass on one thread divides among the kinds of work.")
  var profile = false
  @Flag(help: "Print one JSON object.")
  var json = false
  @OptionGroup var threading: ThreadOptions

  private func numbers(_ text: String, _ option: String) throws -> [Int] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let number = Int(part), (1...1 << 16).contains(number) else {
        throw ValidationError("\(option): expected whole numbers from 1 to \(1 << 16) with commas, found \(text)")
      }
      return number
    }
  }

  func validate() throws {
    _ = try numbers(lengths, "--lengths")
    _ = try numbers(batch, "--batch")
    if !(seconds > 0 && seconds <= 3600) {
      throw ValidationError("--seconds: expected more than 0 and at most 3600, found \(seconds)")
    }
  }

  /// The run times of one length and batch.
  private struct Measurement {
    let length: Int
    let batch: Int
    /// Seconds of each run, sorted.
    let runs: [Double]
    /// Seconds of one pass for each kind of work, when asked for.
    let profile: [(work: Profile.Work, seconds: Double)]

    func percentile(_ share: Double) -> Double { runs[min(runs.count - 1, Int(saturating: Double(runs.count) * share))] }
    var textsPerSecond: Double { Double(batch) / percentile(0.5) }
  }

  func run() throws {
    let threads = threading.threads ?? Machine.availableCores
    let opened = Machine.monotonicSeconds()
    let classifier = try modelArgument.open(threads: threads)
    let openSeconds = Machine.monotonicSeconds() - opened
    let longest = classifier.limit.most(.max)
    guard try numbers(lengths, "--lengths").contains(where: { $0 <= longest }) else {
      throw ValidationError("--lengths: expected one of at most \(longest), the model's limit, found \(lengths)")
    }
    let coldStart = try measureColdStart()
    var measurements: [Measurement] = []
    for batch in try numbers(batch, "--batch") {
      for length in try numbers(lengths, "--lengths") where length <= longest {
        measurements.append(try measure(classifier, length: length, batch: batch))
      }
    }
    let resident = Machine.residentBytes()
    if json {
      let report: JSONValue = [
        "model": .string(modelArgument.model), "instruction_set": .string(classifier.instructionSet),
        "processor": .string(Machine.processorName), "threads": .integer(Int64(threads)),
        "open_seconds": .number(openSeconds), "cold_start_seconds": .number(coldStart),
        "resident_bytes": resident.map { .integer(Int64($0)) } ?? .null, "peak_resident_bytes": .integer(Int64(Machine.peakResidentBytes())),
        "latency": .array(
          measurements.map {
            [
              "length": .integer(Int64($0.length)), "batch": .integer(Int64($0.batch)), "runs": .integer(Int64($0.runs.count)),
              "p50_ms": .number($0.percentile(0.5) * 1e3), "p90_ms": .number($0.percentile(0.9) * 1e3),
              "p99_ms": .number($0.percentile(0.99) * 1e3), "texts_per_second": .number($0.textsPerSecond),
              "tokens_per_second": .number($0.textsPerSecond * Double($0.length)),
              "profile_ms": .object(JSONObject($0.profile.map { ("\($0.work)", .number($0.seconds * 1e3)) })),
            ]
          }),
      ]
      return try writeToStandardOutput(report.text(indent: 2) + "\n")
    }
    var table = TextTable([
      .init("batch"), .init("tokens"), .init("p50 ms"), .init("p90 ms"), .init("p99 ms"), .init("texts/s"), .init("tokens/s"),
      .init("runs"),
    ] + (profile ? Profile.Work.allCases.map { .init("\($0)") } : []))
    for measurement in measurements {
      table.add(
        ["\(measurement.batch)", "\(measurement.length)"]
          + [0.5, 0.9, 0.99].map { formatFixed(measurement.percentile($0) * 1e3, digits: 3) }
          + [
            formatRate(measurement.textsPerSecond), formatRate(measurement.textsPerSecond * Double(measurement.length)),
            "\(measurement.runs.count)",
          ] + measurement.profile.map { share($0.seconds, of: measurement.profile) })
    }
    try writeToStandardOutput(
      """
      \(Machine.processorName), kernels \(classifier.instructionSet), \(threads) threads

      \(table.text())
      open and check   \(formatMilliseconds(openSeconds))
      cold start       \(formatMilliseconds(coldStart)) from process start to the first label
      resident memory  \(resident.map(formatBytes) ?? "unknown"), at most \(formatBytes(Machine.peakResidentBytes()))

      """)
  }

  private func measure(_ classifier: Classifier, length: Int, batch: Int) throws -> Measurement {
    try requireMemory((batch * length).memory(times: 64))
    let session = try classifier.makeSession()
    let vocabulary = classifier.tokenizer.vocabularySize
    var state: UInt64 = 1
    for _ in 0..<batch {
      let ids = (0..<length).map { _ -> Int32 in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int32(state >> 33) % Int32(vocabulary)
      }
      session.append(ids: ids)
    }
    let warmUntil = Machine.monotonicSeconds() + min(0.2, seconds / 4)
    try session.run()
    if !(0..<batch).allSatisfy(session.isFinite) {
      writeToStandardError("martlet: note: \(batch) x \(length) tokens: \(Session.notFinite)")
    }
    while Machine.monotonicSeconds() < warmUntil { try session.runAgain() }
    var runs: [Double] = []
    let end = Machine.monotonicSeconds() + seconds
    repeat {
      let start = Machine.monotonicSeconds()
      try session.runAgain()
      runs.append(Machine.monotonicSeconds() - start)
    } while Machine.monotonicSeconds() < end || runs.count < 5
    return Measurement(
      length: length, batch: batch, runs: runs.sorted(), profile: try profile ? measureProfile(session) : [])
  }

  /// The mean over enough passes to fill a fifth of the time of a measurement.
  private func measureProfile(_ session: Session) throws -> [(work: Profile.Work, seconds: Double)] {
    var sums = Profile.Work.allCases.map { (work: $0, seconds: 0.0) }
    var passes = 0.0
    let end = Machine.monotonicSeconds() + seconds / 5
    repeat {
      let profile = try session.profile()
      for index in sums.indices { sums[index].seconds += profile[sums[index].work] }
      passes += 1
    } while Machine.monotonicSeconds() < end
    return sums.map { ($0.work, $0.seconds / passes) }
  }

  private func share(_ seconds: Double, of profile: [(work: Profile.Work, seconds: Double)]) -> String {
    formatFixed(100 * seconds / profile.reduce(0) { $0 + $1.seconds }, digits: 1) + " %"
  }

  /// The median time from starting this program as a process of its own to its first label.
  private func measureColdStart() throws -> Double {
    var times: [Double] = []
    for _ in 0..<5 {
      let arguments = ["classify", modelArgument.model] + (modelArgument.base.map { ["--base", $0] } ?? [])
      let start = Machine.monotonicSeconds()
      var child = try ChildProcess(Machine.executablePath, arguments: arguments)
      try child.send("a stirring , funny and finally transporting film\n")
      let answer = try child.read(atMost: 1)
      let seconds = Machine.monotonicSeconds() - start
      child.wait()
      guard !answer.isEmpty else { throw CommandError("bench: the process for the cold start gave no label") }
      times.append(seconds)
    }
    return times.sorted()[times.count / 2]
  }
}
