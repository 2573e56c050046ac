import JSON
import Kernels
import Martlet
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct ClassifyTests {
  private let fullOutput = ["--all-scores", "--logits", "--echo"]

  private func lines(_ texts: [String]) -> String { texts.map { $0 + "\n" }.joined() }

  @Test func logitsReadBackToTheLibrarysBits() throws {
    try withWorkshop { workshop in
      let texts = reviews(40) + ["", "unknown 你好 words"]
      let outcome = try martlet("classify", workshop.bundle, "--logits", "--all-scores", input: lines(texts))
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
      let predictions = try Classifier(contentsOf: workshop.bundle).classify(texts)
      #expect(outcome.lines.count == texts.count)
      for (line, prediction) in zip(outcome.lines, predictions) {
        let fields = line.split(separator: "\t").map(String.init)
        #expect(fields.count == 8)
        #expect(fields[0] == prediction.label)
        #expect(abs(Float(fields[1])! - prediction.score) <= 1e-6)
        #expect(zip(fields[2..<5], prediction.scores).allSatisfy { abs(Float($0)! - $1) <= 1e-6 })
        #expect(fields[5...].map { Float($0)!.bitPattern } == prediction.logits.map(\.bitPattern), "\(line)")
      }
    }
  }

  /// The same records in every format give the same labels; each output format carries the same predictions.
  @Test func formats() throws {
    try withWorkshop { workshop in
      let texts = reviews(9, seed: 3)
      let inputs = [
        "lines": lines(texts), "jsonl": texts.map { "{\"id\": 1, \"text\": \"\($0)\"}\n" }.joined(),
        "csv": "id,text\r\n" + texts.map { "1,\"\($0)\"\r\n" }.joined(), "tsv": "id\ttext\n" + texts.map { "1\t\($0)\n" }.joined(),
      ]
      let expected = try Classifier(contentsOf: workshop.bundle).classify(texts).map(\.label)
      for (format, input) in inputs {
        let label = try martlet("classify", workshop.bundle, "--format", format, "--output", "label", input: input)
        #expect(label.status == 0 && label.lines == expected, "\(format): \(label.errors)")
        let tsv = try martlet("classify", workshop.bundle, "--format", format, input: input)
        #expect(tsv.lines.map { String($0.prefix { $0 != "\t" }) } == expected, "\(format)")
        let csv = try martlet(["classify", workshop.bundle, "--format", format, "--output", "csv"] + fullOutput, input: input)
        let columns = format == "lines" ? "text" : format == "jsonl" ? "record" : "id,text"
        #expect(
          csv.lines.first == "label,score,score_negative,score_neutral,score_positive,logit_negative,logit_neutral,logit_positive,\(columns),error")
        #expect(csv.lines.dropFirst().map { String($0.prefix { $0 != "," }) } == expected, "\(format)")
        let jsonl = try martlet(["classify", workshop.bundle, "--format", format, "--output", "jsonl"] + fullOutput, input: input)
        for (line, (label, text)) in zip(jsonl.lines, zip(expected, texts)) {
          let object = try JSONValue(parsing: Array(line.utf8))
          #expect(object["label"]?.string == label)
          #expect(object["scores"]?.object?.keys == labels)
          #expect(object["logits"]?.array?.count == 3)
          #expect((format == "lines" ? object["input"] : object["input"]?["text"])?.string == text, "\(line)")
        }
        #expect(jsonl.lines.count == texts.count)
      }
    }
  }

  @Test func pairs() throws {
    try withWorkshop { workshop in
      let texts = reviews(20, seed: 12)
      let input = "second\tfirst\n" + zip(texts, texts.reversed()).map { "\($1)\t\($0)\n" }.joined()
      let outcome = try martlet(
        "classify", workshop.bundle, "--format", "tsv", "--text-field", "first", "--text-pair-field", "second", "--logits", input: input)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let classifier = try Classifier(contentsOf: workshop.bundle)
      for (line, (first, second)) in zip(outcome.lines, zip(texts, texts.reversed())) {
        let logits = try classifier.classify(first, pair: second).logits
        #expect(line.split(separator: "\t").suffix(3).map { Float($0)! } == logits)
        #expect(try classifier.classify(first).logits != logits)
      }
      #expect(outcome.lines.count == 20)
    }
  }

  @Test(arguments: ["tsv", "jsonl", "csv", "label"]) func nothingInNothingOut(output: String) throws {
    try withWorkshop { workshop in
      let outcome = try martlet("classify", workshop.bundle, "--output", output, "--echo")
      #expect(outcome.status == 0 && outcome.errors.isEmpty)
      #expect(outcome.text == (output == "csv" ? "label,score,text,error\n" : ""))
    }
  }

  @Test func linesOfEveryKindAreRecords() throws {
    try withWorkshop { workshop in
      let bytes = Array("good\n\ngood\r\nbad \u{FEFF}\n".utf8) + [0x67, 0xFF, 0xC3, 0x0A] + Array("last".utf8)
      let outcome = try martlet(["classify", workshop.bundle, "--echo", "--summary"], inputBytes: bytes)
      #expect(outcome.status == 0)
      let echoed = outcome.lines.map { $0.split(separator: "\t", omittingEmptySubsequences: false).last! }
      #expect(echoed == ["good", "", "good", "bad \u{FEFF}", "g\u{FFFD}\u{FFFD}", "last"])
      #expect(outcome.lines[0] == outcome.lines[2])
      #expect(outcome.errors.hasPrefix("6 records, ") && outcome.errors.contains("1 with invalid UTF-8 replaced"), "\(outcome.errors)")
    }
  }

  @Test func badRecordsStayInTheirPlace() throws {
    try withWorkshop { workshop in
      let input = #"{"text": "good"}"# + "\n{\"text\": \n" + #"{"other": 1}"# + "\n" + #"{"text": "bad"}"# + "\n"
      let outcome = try martlet("classify", workshop.bundle, "--format", "jsonl", input: input)
      #expect(outcome.status == 0)
      #expect(outcome.lines.map { $0.hasPrefix("!error\t\tstandard input, line ") } == [false, true, true, false])
      #expect(outcome.errors == "martlet: 2 of 4 records could not be classified\n")
      let jsonl = try martlet("classify", workshop.bundle, "--format", "jsonl", "--output", "jsonl", input: input)
      #expect(try jsonl.lines.map { try JSONValue(parsing: Array($0.utf8))["error"]?.string != nil } == [false, true, true, false])
      let summary = try martlet("classify", workshop.bundle, "--format", "jsonl", "--summary", input: input)
      #expect(summary.errors.hasPrefix("4 records, ") && summary.errors.contains(", 2 errors: "))

      // With --strict the first bad one ends the run, after the answers that precede it.
      let strict = try martlet("classify", workshop.bundle, "--format", "jsonl", "--strict", input: input)
      expectFailure(strict, naming: ["standard input, line 2: "])
      #expect(strict.lines == Array(outcome.lines[..<1]))
    }
  }

  /// Bad records between batches, alone in one and at the edge of what is read ahead: in their places, each beside its own
  /// input; with --strict everything before the first of them is answered.
  @Test(arguments: ["1", "9", "40", "8192"]) func badRecordsAmongBatches(batchTokens: String) throws {
    try withWorkshop { workshop in
      let records = reviews(60, seed: 7).enumerated().map { index, text in
        (17...19).contains(index) || index == 40 ? "{\(index)" : #"{"text": "\#(text)"}"#
      }
      let options = ["--format", "jsonl", "--batch-tokens", batchTokens]
      let outcome = try martlet(["classify", workshop.bundle, "--echo", "--output", "jsonl"] + options, input: lines(records))
      #expect(outcome.status == 0 && outcome.lines.count == 60)
      for (index, line) in outcome.lines.enumerated() {
        let answer = try JSONValue(parsing: Array(line.utf8))
        #expect((answer["error"] != nil) == records[index].hasPrefix("{\(index)"), "\(line)")
        if answer["error"] == nil { #expect(try answer["input"] == JSONValue(parsing: Array(records[index].utf8)), "\(line)") }
      }
      let plain = try martlet(["classify", workshop.bundle] + options, input: lines(records))
      let strict = try martlet(["classify", workshop.bundle, "--strict"] + options, input: lines(records))
      expectFailure(strict, naming: ["standard input, line 18: "])
      #expect(strict.lines == Array(plain.lines[..<17]))
    }
  }

  @Test func severalFilesAndStandardInputAreOneStream() throws {
    try withWorkshop { workshop in
      let texts = reviews(9, seed: 4)
      let first = try workshop.write("first.txt", texts[..<4].joined(separator: "\n"))
      let last = try workshop.write("last.txt", lines(Array(texts[6...])))
      let whole = try martlet("classify", workshop.bundle, input: lines(texts))
      let parts = try martlet("classify", workshop.bundle, first, "-", last, input: lines(Array(texts[4..<6])))
      #expect(parts.status == 0 && parts.output == whole.output)

      let missing = try martlet("classify", workshop.bundle, first, workshop.path("none.txt"))
      expectFailure(missing, naming: [workshop.path("none.txt"), "no such file or directory"])
      #expect(missing.output.isEmpty)
    }
  }

  /// Byte for byte the same, however the work is cut up and whatever runs it.
  @Test func theSameBytesEveryWay() throws {
    try withWorkshop { workshop in
      let fp32 = try workshop.pack(fixture("tiny-bert"), as: "fp32.martlet", "--weights", "fp32")
      let compact = try workshop.pack(fixture("tiny-bert"), as: "compact.martlet", "--compact")
      let input = lines(reviews(300, seed: 5))
      func run(_ model: String, _ options: [String], _ environment: [String: String] = [:]) throws -> [UInt8] {
        let outcome = try martlet(["classify", model] + fullOutput + options, input: input, environment: environment)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.output
      }
      let fused = InstructionSet.supported.filter(\.hasFusedMultiplyAdd)
      for model in [workshop.bundle, fp32] {
        let expected = try run(model, [])
        #expect(expected.count { $0 == 0x0A } == 300)
        for threads in ["1", "2", "3"] { #expect(try run(model, ["--threads", threads]) == expected, "\(threads) threads") }
        for tokens in ["1", "17", "100000"] {
          #expect(try run(model, ["--batch-tokens", tokens, "--line-buffered"]) == expected, "batches of \(tokens)")
        }
        // Each instruction set in batches of its own.
        for (set, tokens) in zip(fused, ["300", "40", "2", "5000"]) {
          #expect(try run(model, ["--batch-tokens", tokens], ["MARTLET_ISA": set.rawValue]) == expected, "\(set)")
        }
      }
      #expect(try run(compact, ["--skip-checksums"]) == run(workshop.bundle, []))
      #expect(try run(fixture("tiny-bert"), []) == run(fp32, []), "a folder is its fp32 bundle")
    }
  }

  /// The logits' bits of texts drawn at random, in company drawn at random, as one stream or asked one by one, on every
  /// instruction set; without FMA they are near in fp32, and the same in any company.
  @Test(arguments: ["int8", "fp32"]) func theSameBitsInAnyCompany(weights: String) throws {
    try withWorkshop { workshop in
      let bundle = try workshop.pack(fixture("tiny-bert"), as: "model.martlet", "--weights", weights)
      let texts = reviews(60, seed: 21) + ["", "unknown 你好 words"]
      var generator = SeededGenerator(seed: 22)
      func logits(_ line: String) -> [Float] { line.split(separator: "\t").suffix(3).map { Float($0)! } }
      let alone = try texts.map { try logits(martlet(["classify", bundle, "--logits"], input: $0 + "\n").lines[0]) }
      for set in InstructionSet.supported {
        var expected = alone
        for trial in 0..<4 {
          let company = Array(texts.indices) + (0..<100).map { _ in Int.random(in: 0..<texts.count, using: &generator) }
          let options = ["--threads", "\(trial % 3 + 1)", "--batch-tokens", "\(1 << Int.random(in: 0...13, using: &generator))"]
          let program = try Program(["classify", bundle, "--logits"] + options, environment: ["MARTLET_ISA": set.rawValue])
          if trial == 0 {
            for text in company {
              program.send(texts[text] + "\n")
              try #require(program.readLine() != nil)
            }
          } else {
            program.send(company.map { texts[$0] + "\n" }.joined())
          }
          let outcome = program.finish()
          try #require(outcome.status == 0 && outcome.lines.count == company.count, "\(outcome.errors)")
          let found = outcome.lines.map(logits)
          if trial == 0 && !set.hasFusedMultiplyAdd {
            let error = zip(alone.joined(), found.joined()).map { abs($0 - $1) }.max()!
            #expect(error <= (weights == "fp32" ? 1e-5 : 0.1), "\(set): \(error)")
            expected = Array(found[..<texts.count])
          }
          #expect(found.map { $0.map(\.bitPattern) } == company.map { expected[$0].map(\.bitPattern) }, "\(set) \(options)")
        }
      }
    }
  }

  @Test func instructionSetsAreForcedByName() throws {
    try withWorkshop { workshop in
      for set in InstructionSet.supported {
        let outcome = try martlet(["inspect", workshop.bundle, "--json"], environment: ["MARTLET_ISA": set.rawValue])
        #expect(try outcome.json()["instruction_set"]?.string == set.rawValue)
      }
      let list = InstructionSet.supported.map(\.rawValue).joined(separator: ", ")
      for command in ["classify", "inspect"] {
        let outcome = try martlet([command, workshop.bundle], input: "good\n", environment: ["MARTLET_ISA": "sse9"])
        expectFailure(outcome, naming: ["MARTLET_ISA", "sse9", list])
        #expect(outcome.output.isEmpty)
      }
    }
  }

  // MARK: A stream

  /// Each answer comes before the next question is asked, so nothing waits for a full batch.
  @Test(arguments: [[], ["--max-delay", "5"], ["--line-buffered", "--output", "jsonl"]]) func answersAtOnce(options: [String]) throws {
    try withWorkshop { workshop in
      let texts = reviews(50, seed: 6)
      let whole = try martlet(["classify", workshop.bundle] + options, input: lines(texts))
      let program = try Program(["classify", workshop.bundle] + options)
      var answers: [String] = []
      for text in texts {
        program.send(text + "\n")
        answers.append(try #require(program.readLine()))
      }
      let outcome = program.finish()
      #expect(outcome.status == 0 && outcome.output == whole.output)
      #expect(answers == whole.lines)
    }
  }

  /// The first text fills a batch; the second, which comes with it, waits for others: the first's answer does not.
  @Test(arguments: ["1", "2"]) func answersDoNotWaitForOthers(threads: String) throws {
    try withWorkshop { workshop in
      let program = try Program(
        ["classify", workshop.bundle, "--batch-tokens", "8", "--max-delay", "1000000", "--threads", threads, "--echo"])
      program.send("a long and very very good film\ngood\n")
      #expect(program.readLine()?.hasSuffix("\ta long and very very good film") == true)
      let outcome = program.finish()
      #expect(outcome.status == 0 && outcome.lines.count == 2 && outcome.lines.last?.hasSuffix("\tgood") == true)
    }
  }

  /// Named pipes, the second of which nobody opens before the first one's answers are there.
  @Test func pipesInTurn() throws {
    try withWorkshop { workshop in
      let pipes = ["first", "second"].map(workshop.path)
      for pipe in pipes { try #require(mkfifo(pipe, 0o600) == 0) }
      let program = try Program(["classify", workshop.bundle, "--echo"] + pipes)
      for (pipe, texts) in zip(pipes, [["good", "very good", "bad"], ["very bad"]]) {
        let file = try FileDescriptor(opening: pipe, flags: O_WRONLY)
        let bytes = Array(lines(texts).utf8)
        #expect(write(file.rawValue, bytes, bytes.count) == bytes.count)
        _ = consume file
        for text in texts { #expect(program.readLine()?.hasSuffix("\t\(text)") == true) }
      }
      #expect(program.finish().status == 0)
    }
  }

  @Test func halfALineIsNotAnswered() throws {
    try withWorkshop { workshop in
      let program = try Program(["classify", workshop.bundle, "--echo"])
      program.send("good\nvery")
      #expect(program.readLine()?.hasSuffix("\tgood") == true)
      program.send(" bad\n")
      #expect(program.readLine()?.hasSuffix("\tvery bad") == true)
      #expect(program.finish().status == 0)
    }
  }

  @Test func aReaderThatGoesAwayIsSuccess() throws {
    try withWorkshop { workshop in
      let program = try Program(["classify", workshop.bundle])
      program.send("good\n")
      #expect(program.readLine() != nil)
      program.closeOutput()
      program.send(lines(reviews(5000)))
      let outcome = program.finish()
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    }
  }

  @Test(arguments: ["classify", "tokenize", "inspect", "evaluate"]) func aFullDiskIsAFailure(command: String) throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("data.tsv", labelledReviews(3))
      let program = try Program([command, workshop.bundle] + (command == "evaluate" ? ["--data", data] : []), outputPath: "/dev/full")
      program.send("good\n")
      expectFailure(program.finish(), naming: ["cannot write standard output: no space left on device"])
    }
  }

  @Test func memoryDoesNotGrowWithTheStream() throws {
    try withWorkshop { workshop in
      func peak(_ count: Int) throws -> Int {
        let program = try Program(["classify", workshop.bundle, "--output", "label"])
        let texts = lines(reviews(1000, seed: 8))
        for _ in 0..<count / 1000 {
          program.send(texts)
          for _ in 0..<1000 { try #require(program.readLine() != nil) }
        }
        let peak = try program.peakResidentBytes()
        #expect(program.finish().status == 0)
        return peak
      }
      let (short, long) = (try peak(2_000), try peak(20_000))
      #expect(long - short < 3 << 20, "\(short) bytes for 2,000 lines, \(long) for 20,000")
    }
  }

  // MARK: Long texts

  @Test func textsOverTheLimitAreCutAndCounted() throws {
    try withWorkshop { workshop in
      let long = Array(repeating: "good bad", count: 100).joined(separator: " ")
      let cut = Array(repeating: "good bad", count: 31).joined(separator: " ")
      let outcome = try martlet("classify", workshop.bundle, "--logits", "--summary", input: lines([long, cut, "good"]))
      #expect(outcome.lines[0] == outcome.lines[1])
      #expect(outcome.errors.hasPrefix("3 records, 131 tokens, 1 cut at the length limit"), "\(outcome.errors)")
      let short = try martlet("classify", workshop.bundle, "--logits", "--max-length", "4", input: lines(["good bad dull", "good bad"]))
      #expect(short.lines[0] == short.lines[1])
    }
  }

  /// The logits of a text in windows are those of its windows, classified one by one and pooled here.
  @Test(arguments: [("mean", 0), ("mean", 5), ("max", 3), ("max", 61)]) func windows(pooling: String, stride: Int) throws {
    try withWorkshop { workshop in
      let words = reviews(40, seed: 9).joined(separator: " ").split(separator: " ").map(String.init)
      // 62 words fit into one window of 64 tokens.
      for count in [1, 62, 63, 124, 200] {
        let text = words[..<count]
        var expected: [[String]] = []
        var start = 0
        while true {
          let isLast = start + 62 >= count
          expected.append(Array(text[(isLast ? max(0, count - 62) : start)..<min(start + 62, count)]))
          if isLast { break }
          start += 62 - stride
        }
        let rows = try Classifier(contentsOf: workshop.bundle).classify(expected.map { $0.joined(separator: " ") }).map(\.logits)
        let pooled = (0..<3).map { label in
          let column = rows.map { $0[label] }
          if pooling == "max" { return column.max()! }
          return column.count == 1 ? column[0] : column.dropFirst().reduce(column[0], +) / Float(column.count)
        }
        let options = ["--logits", "--summary", "--window", pooling, "--stride", "\(stride)"]
        // Alone, and between others in one batch of few tokens or many.
        let whole = text.joined(separator: " ")
        for batch in ["1", "300", "100000"] {
          let outcome = try martlet(
            ["classify", workshop.bundle, "--batch-tokens", batch] + options, input: lines(["good", whole, "bad", whole, "dull"]))
          #expect(outcome.status == 0, "\(outcome.errors)")
          let logits = outcome.lines.map { $0.split(separator: "\t").suffix(3).map { Float($0)!.bitPattern } }
          #expect(logits.count == 5 && logits[1] == pooled.map(\.bitPattern) && logits[3] == logits[1], "\(count) words")
          #expect(outcome.errors.contains("2 read in windows") == (count > 62), "\(outcome.errors)")
          #expect(!outcome.errors.contains("cut"))
        }
      }
    }
  }

  @Test func aVeryLongTextInWindowsTakesLittleMemory() throws {
    try withWorkshop { workshop in
      // 200,000 tokens, 3,226 windows; all at once their activations would take 100 MB and more.
      let text = Array(repeating: "a b c d", count: 50_000).joined(separator: " ")
      let program = try Program(["classify", workshop.bundle, "--window", "mean"])
      program.send(text + "\n")
      #expect(program.readLine() != nil)
      #expect(try program.peakResidentBytes() < 60 << 20)
      #expect(program.finish().status == 0)
    }
  }
}
