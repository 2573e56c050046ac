import JSON
import Storage
import TestSupport
import Testing

/// Data as people have them, through the real program.
@Suite struct ReadingTests {
  /// The same twelve records in the forms that other programs write.
  private func forms() -> [(name: String, bytes: [UInt8], options: [String], note: String?)] {
    let records = labelledReviews(12)
    func table(_ delimiter: String) -> String {
      "text\(delimiter)label\r\n" + records.map { "\"\($0.text)\"\(delimiter)\($0.label)\r\n" }.joined()
    }
    let list = "[" + records.map { "{\"text\": \"\($0.text)\", \"label\": \"\($0.label)\"}" }.joined(separator: ",\n ") + "]"
    let units = ("\u{FEFF}" + table("\t")).utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    let windows = table(";").unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    return [
      ("semicolons.csv", Array(table(";").utf8), [], "fields are separated by “;” (--delimiter)"),
      ("list.json", Array(list.utf8), [], nil), ("list", Array(list.utf8), [], "read as json, by what it holds (--format)"),
      ("unicode.txt", units, [], "UTF-16LE, by its byte order mark (--encoding)"),
      ("windows.csv", windows, ["--encoding", "windows-1252"], "(--delimiter)"),
      ("numbers.csv", Array(table(";").split(separator: "\r\n").dropFirst().joined(separator: "\r\n").utf8), ["--text-field", "1", "--label-field", "2"], "(--delimiter)"),
    ]
  }

  @Test func manyFormsAreTheSameData() throws {
    try withWorkshop { workshop in
      let plain = try workshop.writeTSV("plain.tsv", labelledReviews(12))
      func figures(_ arguments: [String], input: [UInt8] = []) throws -> (figures: JSONValue?, outcome: Outcome) {
        let outcome = try martlet(["evaluate", workshop.bundle, "--json", "--data"] + arguments, inputBytes: input)
        var object = try? outcome.json().object
        for timing in ["runtime", "samples_per_second"] { object?[timing] = nil }
        return (object.map { .object($0) }, outcome)
      }
      let expected = try figures([plain])
      #expect(expected.outcome.status == 0 && !expected.outcome.errors.contains("note:"), "\(expected.outcome.errors)")
      for form in forms() {
        let path = try workshop.write(form.name, form.bytes)
        let (found, outcome) = try figures([path] + form.options)
        #expect(found == expected.figures, "\(form.name): \(outcome.errors)")
        #expect(form.note.map { outcome.errors.contains("martlet: note: \(path): ") && outcome.errors.contains($0) } ?? (outcome.errors == expected.outcome.errors), "\(outcome.errors)")
        let piped = try figures(["-"] + form.options, input: form.bytes)
        #expect(piped.figures == expected.figures, "\(form.name): \(piped.outcome.errors)")
      }
      let spoiled = try workshop.write("spoiled.csv", Array("text,label\nd".utf8) + [0xE9] + Array(",positive\n".utf8))
      expectFailure(
        try martlet("evaluate", workshop.bundle, "--data", spoiled), naming: [spoiled, "line 2", "0xE9", "--encoding windows-1252"])
      let unknown = try martlet("evaluate", workshop.bundle, "--data", plain, "--encoding", "klingon")
      #expect(unknown.status == 64 && unknown.errors.contains("--encoding: klingon is not built in"), "\(unknown.errors)")
    }
  }

  @Test func badRowsAreToldAtOnceOrLeftOut() throws {
    try withWorkshop { workshop in
      let good = labelledReviews(6).map { "\($0.text),\($0.label)\n" }
      let path = try workshop.write("data.csv", "text,label\n" + good[0] + "a,b,c\n" + good[1...].joined() + "d\n")
      let commands = [
        ["evaluate", workshop.bundle, "--data", path], ["pack", fixture("tiny-bert"), "-o", workshop.path("x.martlet"), "--validation", path],
        ["tune", fixture("tiny-bert"), "--output-dir", workshop.path("run"), "--max-steps", "1", "--no-forecast", "--train", path],
      ]
      for command in commands {
        expectFailure(
          try martlet(command),
          naming: ["\(path): 2 of 8 rows are bad: line 3: expected 2 columns, found 3; line 9: expected 2 columns, found 1", "--skip-bad-rows"])
        let outcome = try martlet(command + ["--skip-bad-rows", "--json"])
        #expect(outcome.status == 0 && outcome.errors.contains("left out: \(path): 2 of 8 rows are bad"), "\(outcome.errors)")
        #expect(try outcome.json()["bad_rows"]?.int == 2)
      }
    }
  }

  /// What cannot be read and what has a bad label, of all data, in one message or one note each.
  @Test func badLabelsAreToldWithBadRows() throws {
    try withWorkshop { workshop in
      let good = labelledReviews(6).map { "\($0.text),\($0.label)\n" }
      let train = try workshop.write("train.csv", "text,label\n" + good[0] + "a,b,c\n" + good[1...].joined() + "d,\n")
      let validation = try workshop.write("validation.csv", "text,label\n" + good.joined() + "e,strange\nf\n")
      let told = "\(train): 2 of 8 rows are bad: line 3: expected 2 columns, found 3; line 9: the label is empty: expected a name or a number"
      let other = "\(validation): 2 of 8 rows are bad: line 8: label `strange` is not one of the model's"
      let tune = [
        "tune", fixture("tiny-bert-encoder"), "--output-dir", workshop.path("run"), "--max-steps", "1", "--no-forecast", "--train", train, "--validation", validation,
      ]
      expectFailure(try martlet(tune), naming: [told, other, "line 9: expected 2 columns, found 1 (--skip-bad-rows leaves them out)"])
      #expect(!isDirectory(workshop.path("run")))
      for quiet in [[], ["--quiet"]] {
        let outcome = try martlet(tune + ["--skip-bad-rows", "--json", "--overwrite-output-dir"] + quiet)
        #expect(outcome.status == 0 && outcome.errors.contains("note: left out: \(told)\n") && outcome.errors.contains("note: left out: \(other)"), "\(outcome.errors)")
        #expect(try outcome.json()["bad_rows"]?.int == 4)
      }
      for command in [
        ["evaluate", workshop.bundle, "--data", train], ["pack", fixture("tiny-bert"), "-o", workshop.path("x.martlet"), "--validation", train],
      ] {
        expectFailure(try martlet(command), naming: [told])
        let outcome = try martlet(command + ["--skip-bad-rows"])
        #expect(outcome.status == 0 && outcome.errors.contains("note: left out: \(told)\n"), "\(outcome.errors)")
      }
      // Labels that cannot be read at all do not hide the rows, and bad rows alone do not speak of heads.
      expectFailure(
        try martlet("evaluate", workshop.bundle, "--data", train, "--label-map", "7=negative"),
        naming: ["--label-map: expected labels of the data", "; \(train), line 3: expected 2 columns, found 3"])
      let ragged = try workshop.write("ragged.csv", "text,label\n" + good.joined() + "g\n")
      let refused = try martlet("tune", fixture("tiny-bert"), "--output-dir", workshop.path("run"), "--train", ragged)
      #expect(refused.status == 1 && !refused.errors.contains("--new-head"), "\(refused.errors)")
    }
  }

  @Test func trainingFromSeveralFilesAndAPipe() throws {
    try withWorkshop { workshop in
      let records = labelledReviews(12)
      let first = try workshop.writeTSV("a.tsv", Array(records[..<5]))
      let rest = "text,label\n" + records[5...].map { "\($0.text),\($0.label)\n" }.joined()
      let whole = try workshop.writeTSV("whole.tsv", records)
      let options = ["--max-steps", "2", "--no-forecast", "--quiet", "--threads", "1", "--output-dir"]
      let expected = try martlet(["tune", fixture("tiny-bert"), "--train", whole] + options + [workshop.path("one")])
      let outcome = try martlet(
        ["tune", fixture("tiny-bert"), "--train", first, "--train", "-"] + options + [workshop.path("two")], inputBytes: Array(rest.utf8))
      #expect(expected.status == 0 && outcome.status == 0, "\(expected.errors)\(outcome.errors)")
      #expect(
        try readFile(workshop.path("one/model.safetensors")) == readFile(workshop.path("two/model.safetensors")), "other weights from two files")
    }
  }

  @Test func classifyGoesByTheEnding() throws {
    try withWorkshop { workshop in
      let path = try workshop.write("reviews.csv", "id;text\n1;\"good\n film\"\n2;bad, boring\n")
      let lines = try martlet("classify", workshop.bundle, "--logits", input: "good film\nbad, boring\n")
      let outcome = try martlet("classify", workshop.bundle, "--logits", path)
      #expect(outcome.output == lines.output)
      #expect(
        outcome.errors == """
          martlet: note: \(path): read as csv, by the ending (--format)
          martlet: note: \(path): fields are separated by “;” (--delimiter)

          """)
      #expect(try martlet("classify", workshop.bundle, "--quiet", path).errors == "")
      // What is said counts.
      #expect(try martlet("classify", workshop.bundle, "--format", "lines", path).lines.count == 4)
      let mixed = try martlet("classify", workshop.bundle, path, try workshop.write("b.txt", "good\n"))
      #expect(mixed.status == 64 && mixed.errors.contains("--format"), "\(mixed.errors)")
      let marked = try martlet("classify", workshop.bundle, "--quiet", "--output", "csv", "--bom", path)
      #expect(marked.output.starts(with: [0xEF, 0xBB, 0xBF] + Array("label,score,error\n".utf8)))
      #expect(try martlet("classify", workshop.bundle, "--bom", input: "").status == 64)
    }
  }
}
