import Martlet
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Every call of the library with values of every kind: an answer or a `ClassifierError`, never the end of the process.
///
/// The same values each time; MARTLET_FUZZ_SECONDS in the environment goes on with others for so long.
@Suite struct ValueTests {
  private static let numbers = [Int.min, -1 << 31, -2, -1, 0, 1, 2, 3, 16, 1024, 1025, 1 << 20, 1 << 31, 1 << 53, .max - 1, .max]
  private static let texts = [
    "", " ", "\0", "good", "\u{FEFF}", "e\u{301}\u{301}\u{301}", "🎬👩‍👩‍👧‍👦", "\u{10FFFF}", "\r\n\t", String(repeating: "映", count: 5000),
    String(repeating: "a", count: 40_000), String(repeating: "good bad ", count: 3000), String(repeating: "\u{301}", count: 2000),
    "[CLS] [SEP] [MASK] [PAD]", "../../etc/passwd", "%n%n%n",
  ]

  private func forSomeTime(_ rounds: Int, _ body: (inout SeededGenerator) throws -> Void) rethrows {
    var generator = SeededGenerator(seed: 1)
    let seconds = getenv("MARTLET_FUZZ_SECONDS").flatMap { Double(String(cString: $0)) } ?? 0
    let end = Machine.monotonicSeconds() + seconds
    for _ in 0..<rounds { try body(&generator) }
    while Machine.monotonicSeconds() < end { try body(&generator) }
  }

  /// Runs `body`; says whether it threw, which may be the library's own error alone.
  private func isRefused(_ what: String, _ body: () throws -> Void) -> Bool {
    do {
      try body()
      return false
    } catch {
      #expect(error is ClassifierError, "\(what): \(error)")
      let text = "\(error)"
      #expect(!text.isEmpty && !text.contains("\n"), "\(what)")
      return true
    }
  }

  @Test func opening() throws {
    try withTemporaryFolder { folder in
      let model = folder + "/tiny.martlet"
      try write(tinyBundle(), to: model)
      let paths = Self.texts + [folder, model, model + "/", "/dev/null", "/proc/self/mem", folder + "/no such file"]
      var opened = 0
      forSomeTime(300) { generator in
        let path = paths.randomElement(using: &generator) ?? ""
        let threads = Self.numbers.filter { $0 < 3 }.randomElement(using: &generator)
        let base = generator.next() % 4 == 0 ? paths.randomElement(using: &generator) : nil
        let flags = generator.next()
        let refused = isRefused("\(path.prefix(40)), \(String(describing: threads))") {
          let classifier = try Classifier(
            contentsOf: path, base: base, threads: threads, verifyChecksums: flags & 1 == 0, isMapped: flags & 2 == 0, calibrated: flags & 4 == 0)
          #expect(try !classifier.classify("good").label.isEmpty)
        }
        if !refused { opened += 1 }
      }
      #expect(opened > 0)
    }
  }

  @Test func classifying() throws {
    let classifier = try tinyClassifier(threads: 2)
    let expected = try classifier.classify("good")
    var answers = 0
    forSomeTime(150) { generator in
      let text = Self.texts.randomElement(using: &generator) ?? ""
      let pair = generator.next() % 2 == 0 ? Self.texts.randomElement(using: &generator) : nil
      let several = (0..<Int(generator.next() % 9)).map { _ in Self.texts.randomElement(using: &generator) ?? "" }
      let batchTokens = Self.numbers.randomElement(using: &generator) ?? 0
      let refused = isRefused("\(text.prefix(40)), \(batchTokens)") {
        let prediction = try classifier.classify(text, pair: pair)
        #expect(prediction.scores.count == classifier.labels.count && prediction.tokenCount <= classifier.maximumLength)
        #expect(try classifier.classify(several, batchTokens: batchTokens).count == several.count)
      }
      if !refused { answers += 1 }
    }
    #expect(answers > 0)
    #expect(try classifier.classify("good") == expected)
  }

  @Test func asynchronousSequences() async throws {
    let classifier = try tinyClassifier(threads: 2)
    for batchTokens in Self.numbers {
      let stream = AsyncStream<String> { continuation in
        for text in Self.texts { continuation.yield(text) }
        continuation.finish()
      }
      var count = 0
      for try await prediction in classifier.predictions(of: stream, batchTokens: batchTokens) {
        #expect(prediction.scores.count == classifier.labels.count)
        count += 1
      }
      #expect(count == Self.texts.count, "\(batchTokens)")
    }
  }
}
