import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// What the program weighs, against `Tests/Footprint/budgets.json`.
@Suite(.serialized) struct FootprintTests {
  private func run(_ arguments: [String]) throws {
    let command = arguments.map { "'\($0)'" }.joined(separator: " ")
    try #require(system(command) == 0, "\(command)")
  }

  // MARK: Size

  /// The objects of this build, linked as `tools/build` links them: with the Swift runtime inside.
  @Test func size() throws {
    try withTemporaryFolder { folder in
      let tool = folder + "/martlet"
      try run([
        "swiftc", "-static-stdlib", "@\(Program.path).product/Objects.LinkFileList", "-o", tool, "-Xlinker", "--gc-sections", "-Xlinker", "--no-export-dynamic",
        "-Xlinker", "-l:liblz4.a", "-Xlinker", "-l:libz.a", "-lFoundationEssentials",
        "-l_FoundationCShims", "-l_FoundationCollections",
      ])
      try run(["strip", tool])
      let help = try Program(["--help"], path: tool).finish()
      #expect(help.status == 0 && help.text.contains("classify"), "\(help.errors)")
      let size = try FileDescriptor(opening: tool).regularFileSize()
      #expect(try (1_000_000...budget("tool stripped bytes")).contains(size), "\(size) bytes")
    }
  }

  // MARK: Memory

  /// With the carried MiniLM-L6, whose mapped pages count. The lower bounds say that they did.
  @Test func residentMemory() throws {
    let bundle = fixture("../../models/sentiment.martlet")
    let first = try Program(["classify", bundle])
    first.send("a stirring , funny and finally transporting film\n")
    #expect(first.readLine() != nil)
    let afterFirst = try first.peakResidentBytes()
    #expect(first.finish().status == 0)
    #expect(try (10_000_000...budget("first label resident bytes")).contains(afterFirst), "\(afterFirst) bytes")

    // Reviews of all lengths up to several times the limit of 512 tokens.
    let words = String(decoding: try readFile(fixture("../../models/sample/reviews.txt")), as: UTF8.self).split(whereSeparator: \.isWhitespace)
    try #require(words.count > 400)
    let reviews = (0..<120).map { number in
      (0..<(20 << (number % 7))).map { words[($0 + 31 * number) % words.count] }.joined(separator: " ")
    }
    let stream = try Program(["classify", bundle, "--threads", "2"])
    stream.send(reviews.map { $0 + "\n" }.joined())
    for _ in reviews { try #require(stream.readLine() != nil) }
    let streaming = try stream.peakResidentBytes()
    #expect(stream.finish().status == 0)
    #expect(try (23_000_000...budget("streaming resident bytes")).contains(streaming), "\(streaming) bytes")
  }

  // MARK: Allocations

  /// The allocations of the whole process before each record was written (csv's header is written with the first),
  /// counted in front of the C library's.
  private func allocations(_ arguments: [String], in workshop: Workshop) throws -> [Int] {
    let counter = workshop.path("allocations.so")
    try run(["cc", "-O1", "-shared", "-fPIC", "-Wall", "-Werror", fixture("../Footprint/allocations.c"), "-o", counter])
    let outcome = try martlet(["classify"] + arguments + ["--line-buffered"], environment: ["LD_PRELOAD": counter])
    try #require(outcome.status == 0, "\(outcome.errors)")
    let counts = outcome.errors.split(separator: "\n").drop { $0 != "allocations" }.dropFirst().compactMap { Int($0) }
    try #require(counts.first.map { $0 > 100 } == true, "\(outcome.errors)")
    return counts
  }

  /// A hundred texts of every length, over and over. A batch is determined by where it starts among them, so after at
  /// most a hundred batches all there are have been met.
  private func texts(_ count: Int) -> [String] {
    let texts = reviews(97, seed: 11) + ["", "unknown 你好 words", "gööd"]
    return (0..<count).map { texts[$0 % texts.count] }
  }

  /// Soon all batches that there are have been met.
  private let smallBatches = ["--batch-tokens", "2048"]

  @Test(arguments: [
    [], ["--output", "csv"], ["--output", "jsonl", "--all-scores", "--logits"], ["--output", "label"], ["--batch-tokens", "17"],
    ["--window", "mean"], ["--format", "csv"], ["--format", "tsv"], ["--format", "tsv", "--text-pair-field", "other"],
  ]) func noAllocationsForATextAfterWarmUp(options: [String]) throws {
    try withWorkshop { workshop in
      // Twice a hundred batches of 2048 tokens, which is some 120 texts.
      let count = 26_000
      let separator = options.contains("csv") ? "," : "\t"
      let isTable = options.contains("--format")
      let lines = texts(count).enumerated().map { index, text in
        isTable ? "\"\(text)\"\(separator)\(index % 5 == 0 ? "good" : "bad film")" : text
      }
      let path = try workshop.write("texts", (isTable ? "text\(separator)other\n" : "") + lines.map { $0 + "\n" }.joined())
      let batches = options.contains("--batch-tokens") ? [] : smallBatches
      let counts = try allocations([workshop.bundle, path, "--threads", "1"] + batches + options, in: workshop)
      try #require(counts.count == count)
      let perText = Double(counts[count - 1] - counts[count / 2]) / Double(count / 2)
      #expect(perText <= Double(try budget("allocations per text")), "\(perText) allocations for a text")
    }
  }

  /// Records that the output repeats are kept, in buffers that go from one to another and grow until each has held a long
  /// text: seldom, not for each text.
  @Test func hardlyAnyAllocationsForATextThatIsRepeated() throws {
    try withWorkshop { workshop in
      let path = try workshop.write("texts", texts(20_000).map { $0 + "\n" }.joined())
      let counts = try allocations([workshop.bundle, path, "--threads", "1", "--echo"] + smallBatches, in: workshop)
      #expect(counts[19_999] - counts[10_000] <= 200, "\(counts[19_999] - counts[10_000]) allocations for 10,000 texts")
    }
  }

  /// On several threads a batch costs a block of memory, in which the threads find what to do, and one of them may
  /// reserve its own late: nothing for each text.
  @Test func noAllocationsForATextOnSeveralThreads() throws {
    try withWorkshop { workshop in
      let path = try workshop.write("texts", texts(20_000).map { $0 + "\n" }.joined())
      let counts = try allocations([workshop.bundle, path, "--threads", "3"] + smallBatches, in: workshop)
      let (late, batches) = (counts[19_999] - counts[10_000], 10_000 / 100)
      #expect(late <= batches + 60, "\(late) allocations for 10,000 texts")
    }
  }

  /// What counts nothing would pass anything: a JSON record is parsed into a tree.
  @Test func theCounterCounts() throws {
    try withWorkshop { workshop in
      let path = try workshop.write("texts", texts(2000).map { "{\"text\": \"\($0)\"}\n" }.joined())
      let counts = try allocations([workshop.bundle, path, "--threads", "1", "--format", "jsonl"], in: workshop)
      #expect(counts[1999] - counts[1000] >= 900)
    }
  }

  // MARK: Idleness

  /// A program that waits for input uses no processor time: no thread of it spins or wakes up.
  @Test func idleThreadsSleep() throws {
    try withWorkshop { workshop in
      let program = try Program(["classify", workshop.bundle, "--threads", "4"])
      program.send(reviews(200).map { $0 + "\n" }.joined())
      for _ in 0..<200 { try #require(program.readLine() != nil) }
      // The last of them may still be on its way to sleep.
      usleep(300_000)
      let before = try program.processorTimes()
      usleep(500_000)
      let after = try program.processorTimes()
      #expect(before.count == 4 && before == after, "nanoseconds of each thread: \(before), half a second later \(after)")
      #expect(before.contains { $0 > 0 })
      #expect(program.finish().status == 0)
    }
  }
}
