import MartletTuning
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Arguments and data of every kind: a result or an error of one line, never the end of the process.
///
/// The same values each time; MARTLET_FUZZ_SECONDS in the environment goes on with others for so long.
@Suite struct ValueTests {
  private static let integers = [Int.min, -1 << 40, -1, 0, 1, 2, 3, 7, 64, 4096, 1 << 20, 1 << 31, 1 << 40, 1 << 53, .max]
  private static let numbers = [
    -Double.infinity, -1e300, -1, -0.0, 0, .leastNonzeroMagnitude, 1e-8, 0.1, 0.5, 0.999, 1, 2.5, 1e6, 1e7, 1e300, .infinity, .nan, .greatestFiniteMagnitude,
  ]
  private static let words = ["", "linear", "cosine", "loss", "eval_f1", "query", "value", "\0", "no such", "ü"]

  /// Two or three arguments of these values; the others as they are.
  private func change(_ arguments: inout TuningArguments, _ generator: inout SeededGenerator) {
    for _ in 0..<(1 + generator.next() % 3) {
      let integer = Self.integers.randomElement(using: &generator) ?? 0
      let number = Self.numbers.randomElement(using: &generator) ?? 0
      let word = Self.words.randomElement(using: &generator) ?? ""
      switch generator.next() % 27 {
      case 0: arguments.learningRate = number
      case 1: arguments.perDeviceTrainBatchSize = integer
      case 2: arguments.numTrainEpochs = min(number, 1e-3)
      case 3: arguments.weightDecay = number
      case 4: arguments.adamBeta1 = number
      case 5: arguments.adamBeta2 = number
      case 6: arguments.adamEpsilon = number
      case 7: arguments.maxGradNorm = number
      case 8: arguments.warmupSteps = integer
      case 9: arguments.warmupRatio = number
      case 10: arguments.lrSchedulerType = word
      case 11: arguments.gradientAccumulationSteps = integer
      case 12: arguments.labelSmoothingFactor = number
      case 13: arguments.classWeights = [number, 1]
      case 14: arguments.seed = UInt32(truncatingIfNeeded: integer)
      case 15: arguments.maxLength = integer
      case 16: arguments.dropout = number
      case 17: arguments.evalSteps = integer
      case 18: arguments.saveSteps = integer
      case 19: arguments.saveTotalLimit = integer
      case 20: arguments.loggingSteps = integer
      case 21: arguments.metricForBestModel = word
      case 22: (arguments.earlyStoppingPatience, arguments.earlyStoppingThreshold) = (integer, number)
      case 23: (arguments.freezeLayers, arguments.freezeEmbeddings) = (integer, generator.next() & 1 == 0)
      case 24: (arguments.loraRank, arguments.loraAlpha, arguments.loraTargets) = (min(integer, 1 << 13), number, [word])
      case 25: arguments.maxSteps = min(integer, 1)
      default: (arguments.gradientCheckpointing, arguments.evalStrategy) = (true, .steps)
      }
    }
  }

  @Test func arguments() throws {
    try withTemporaryFolder { folder in
      let data = try TinyData(lines: Array(TinyData.reviews().lines.prefix(6))).write(folder + "/train.tsv")
      var generator = SeededGenerator(seed: 1)
      let seconds = getenv("MARTLET_FUZZ_SECONDS").flatMap { Double(String(cString: $0)) } ?? 0
      let end = Machine.monotonicSeconds() + seconds
      var (results, errors, round) = (0, 0, 0)
      while round < 120 || Machine.monotonicSeconds() < end {
        round += 1
        var tuner = tinyTuner()
        // Whatever they are: two steps, and then the run is asked to stop.
        tuner.arguments.maxSteps = 2
        change(&tuner.arguments, &generator)
        tuner.threads = Self.integers.filter { $0 < 3 }.randomElement(using: &generator)
        tuner.forecasts = generator.next() % 4 == 0 && tuner.arguments.perDeviceTrainBatchSize < 100
        let asked = Counter()
        tuner.shouldStop = { asked.next() > 2 }
        do {
          _ = try tuner.tune(on: data, validation: data, outputFolder: folder + "/out\(round)")
          results += 1
        } catch {
          #expect(!"\(error)".isEmpty && !"\(error)".contains("\n"), "\(tuner.arguments)")
          errors += 1
        }
        try? removeTree(folder + "/out\(round)")
      }
      #expect(results > 10 && errors > 10, "\(results) results, \(errors) errors")
    }
  }

  @Test func data() throws {
    try withTemporaryFolder { folder in
      let contents = [
        "", "\n", "text\tlabel\n", "text\tlabel\na\tLABEL_9223372036854775807\n", "text\tlabel\na\t1e400\nb\t-1e400\n", "text\tlabel\na\tnan\nb\tinf\n",
        "text\tlabel\na\t[1e400, 0.5]\nb\t[]\n", "text\tlabel\n\0\t\0\nb\tc\n", "text\tlabel\na\t[0.0,1.0]\nb\t[0.0]\n", "label\n1\n", "\u{FEFF}text\tlabel\na\tb\nc\td",
        "text\tlabel\n" + String(repeating: "x", count: 1 << 21) + "\ta\ny\tb\n", "text\tlabel\na\t999999999999999999999\nb\t1\n",
      ]
      for (number, content) in contents.enumerated() {
        let path = folder + "/\(number).tsv"
        var file = try AtomicFile(path: path)
        try file.write(content)
        try file.commit()
        for fields in [(nil, nil), ("1", "2"), ("-1", "9223372036854775807"), ("text", "99999999999999999999"), ("", "\0")] as [(String?, String?)] {
          do {
            let data = try TuningData(contentsOf: path, textField: fields.0, labelField: fields.1)
            var tuner = tinyTuner()
            tuner.arguments.maxSteps = 1
            _ = try tuner.tune(on: data, outputFolder: folder + "/out")
          } catch {
            #expect(!"\(error)".isEmpty && !"\(error)".contains("\n"), "\(number), \(fields)")
          }
          try? removeTree(folder + "/out")
        }
      }
    }
  }
}

/// Counts calls.
private final class Counter: Sendable {
  private let count = Mutex(0)
  func next() -> Int {
    count.withLock { count in
      count += 1
      return count
    }
  }
}
