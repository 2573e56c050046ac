import Martlet
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Compressed input through the real program; the bytes themselves are made by gzip, which every Debian has.
@Suite struct CompressedInputTests {
  /// What a filter makes of bytes.
  private func filtered(_ bytes: [UInt8], by command: [String]) throws -> [UInt8] {
    let program = try Program(Array(command.dropFirst()), path: command[0])
    program.send(bytes)
    let outcome = program.finish()
    try #require(outcome.status == 0, "\(outcome.errors)")
    return outcome.output
  }

  private func gzip(_ bytes: [UInt8]) throws -> [UInt8] { try filtered(bytes, by: ["/usr/bin/gzip", "-c"]) }

  @Test func classifyAndTokenizeFromFilesAndStandardInput() throws {
    try withWorkshop { workshop in
      let plain = Array(reviews(500, seed: 21).map { $0 + "\n" }.joined().utf8)
      let compressed = try gzip(plain)
      // By what it holds, not by its name.
      let file = try workshop.write("reviews.txt", compressed)
      for command in ["classify", "tokenize"] {
        let expected = try martlet([command, workshop.bundle], inputBytes: plain)
        #expect(expected.lines.count == 500)
        #expect(try martlet([command, workshop.bundle], inputBytes: compressed).output == expected.output)
        #expect(try martlet(command, workshop.bundle, file).output == expected.output)
      }
    }
  }

  @Test func damageComesAfterTheAnswers() throws {
    try withWorkshop { workshop in
      let texts = reviews(20_000, seed: 22)
      let compressed = try gzip(Array(texts.map { $0 + "\n" }.joined().utf8))
      let cut = Array(compressed[..<(compressed.count / 2)])
      let whole = try martlet("classify", workshop.bundle, "--output", "label", input: texts.map { $0 + "\n" }.joined())
      let outcome = try martlet(["classify", workshop.bundle, "--output", "label"], inputBytes: cut)
      expectFailure(outcome, naming: ["standard input: gzip, after \(cut.count) bytes: the data end too early"])
      #expect(outcome.lines.count > 9000 && whole.lines.starts(with: outcome.lines))
      let file = try workshop.write("cut.gz", cut)
      let ids = try martlet("tokenize", workshop.bundle, file)
      expectFailure(ids, naming: [file, "the data end too early"])
      #expect(ids.lines.count == outcome.lines.count)
    }
  }

  @Test func labelledDataToo() throws {
    try withWorkshop { workshop in
      let plain = try workshop.writeTSV("data.tsv", labelledReviews(60))
      let packed = try workshop.write("packed.tsv.gz", gzip(readFile(plain)))
      let expected = try martlet("evaluate", workshop.bundle, "--data", plain)
      #expect(expected.status == 0, "\(expected.errors)")
      let outcome = try martlet("evaluate", workshop.bundle, "--data", packed)
      // The last line has the time it took.
      #expect(outcome.lines.dropLast() == expected.lines.dropLast(), "\(outcome.errors)")
      let unknown = try martlet("evaluate", workshop.bundle, "--data", try workshop.write("data.gz", gzip([])))
      expectFailure(unknown, naming: ["data.gz", "expected a folder"])

      let tuned = try martlet(
        "tune", fixture("tiny-bert-encoder"), "--train", packed, "--output-dir", workshop.path("out"), "--max-steps", "2", "--no-forecast")
      #expect(tuned.status == 0, "\(tuned.errors)")
    }
  }

  /// A line typed into gzip is answered as soon as gzip lets go of it.
  @Test func aCompressedPipeIsAnswered() throws {
    try withWorkshop { workshop in
      let expected = try martlet("classify", workshop.bundle, input: "good film\n").lines[0]
      let program = try Program(["classify", workshop.bundle])
      for _ in 0..<3 {
        // A member for each line.
        program.send(try gzip(Array("good film\n".utf8)))
        #expect(program.readLine() == expected)
      }
      #expect(program.finish().status == 0)
    }
  }

  @Test func progressForRegularFilesOnly() throws {
    try withWorkshop { workshop in
      // Far longer than the five seconds after which the first plain line is due, each text by itself.
      let text = reviews(2000, seed: 23).map { $0 + "\n" }.joined()
      let file = try workshop.write("long.txt", Array(repeating: text, count: 800).joined())
      func firstSeconds(_ arguments: [String]) throws -> String {
        let program = try Program(["classify", workshop.bundle, file, "--threads", "1", "--batch-tokens", "1"] + arguments, outputPath: "/dev/null")
        _ = arguments.isEmpty ? program.waitForError(" left") : { usleep(6_000_000); return true }()
        program.kill()
        return program.finish().errors
      }
      let shown = try firstSeconds([])
      #expect(shown.contains("classify: ") && shown.contains(" MB (") && shown.contains(" left") && shown.contains(" texts/s"), "\(shown)")
      #expect(try firstSeconds(["--quiet"]).isEmpty)
    }
  }
}
