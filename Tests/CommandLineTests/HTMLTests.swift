import JSON
import Martlet
import Storage
import TestSupport
import Testing

/// `--unescape-html`: what a model was tuned on is what it reads, in every command and in the library.
@Suite struct HTMLTests {
  private let pairs = [("good<br />film", "good film"), ("a &amp; b", "a & b"), ("<p>bad</p>", " bad "), ("don&#39;t", "don't"), ("a < b", "a < b")]

  @Test func whatIsTunedSoReadsSo() throws {
    try withWorkshop { workshop in
      let records = labelledReviews(24).enumerated().map { ($0.offset % 2 == 0 ? $0.element.text + "<br>" : $0.element.text, $0.element.label) }
      let data = try workshop.writeTSV("train.tsv", records.map { (text: $0.0, label: $0.1) })
      func tune(_ output: String, _ options: [String]) throws -> Outcome {
        try martlet(
          ["tune", fixture("tiny-bert-encoder"), "--train", data, "--output-dir", workshop.path(output), "--no-forecast", "--max-steps", "3"] + options)
      }
      let plain = try tune("plain", [])
      #expect(plain.errors.contains("12 texts hold tags or entities of HTML: --unescape-html"), "\(plain.errors)")
      let tuned = try tune("out", ["--unescape-html"])
      #expect(tuned.status == 0 && !tuned.errors.contains("entities of HTML"), "\(tuned.errors)")
      #expect(try JSONValue(parsing: readFile(workshop.path("out/config.json")))["unescape_html"] == true)
      #expect(try JSONValue(parsing: readFile(workshop.path("plain/config.json")))["unescape_html"] == nil)
      // The same bits as of data without HTML.
      let clean = try workshop.writeTSV("clean.tsv", records.map { (text: $0.0.replacing("<br>", with: " "), label: $0.1) })
      let same = try martlet(
        "tune", fixture("tiny-bert-encoder"), "--train", clean, "--output-dir", workshop.path("clean"), "--no-forecast", "--max-steps", "3")
      #expect(same.status == 0)
      #expect(try readFile(workshop.path("out/model.safetensors")) == readFile(workshop.path("clean/model.safetensors")))

      let bundle = try workshop.pack(workshop.path("out"), as: "out.martlet")
      try expectPlainText(workshop, bundle)
      try expectPlainText(workshop, workshop.path("out"))
    }
  }

  @Test func packTurnsItOn() throws {
    try withWorkshop { workshop in
      let bundle = try workshop.pack(fixture("tiny-bert"), as: "html.martlet", "--unescape-html")
      try expectPlainText(workshop, bundle)
      // Without it a tag is text, as it was.
      let texts = pairs.map(\.0)
      let plain = try martlet("classify", workshop.bundle, "--logits", input: texts.map { $0 + "\n" }.joined())
      let read = try martlet("classify", bundle, "--logits", input: texts.map { $0 + "\n" }.joined())
      #expect(plain.lines[0] != read.lines[0] && plain.lines.last == read.lines.last)
    }
  }

  /// What is measured or answered as it is, though many texts hold HTML, is told once.
  @Test func manyTextsWithHTMLAreTold() throws {
    try withWorkshop { workshop in
      let read = try workshop.pack(fixture("tiny-bert"), as: "html.martlet", "--unescape-html")
      let records = labelledReviews(40).enumerated().map { (text: $0.offset % 10 == 0 ? $0.element.text + "<br>" : $0.element.text, label: $0.element.label) }
      let data = try workshop.writeTSV("data.tsv", records)
      let note = "martlet: note: 4 of the first 40 texts hold tags or entities of HTML"
      func errors(_ arguments: [String], _ records: [(text: String, label: String)]) throws -> String {
        try martlet(arguments, input: records.map { $0.text + "\n" }.joined()).errors
      }
      for command in [["evaluate", "MODEL", "--data", data], ["classify", "MODEL"], ["classify", "MODEL", "--batch-tokens", "1", "--window", "mean"]] {
        func told(_ model: String, _ more: String...) throws -> Int {
          try errors(command.map { $0 == "MODEL" ? model : $0 } + more, records).split(separator: "\n").count { $0.hasPrefix(note) }
        }
        #expect(try told(workshop.bundle) == 1 && told(read) == 0)
        if command[0] == "classify" { #expect(try told(workshop.bundle, "--quiet") == 0) }
      }
      // Few texts, and few of many, are nothing to tell of; a stream without end is told of when it is plain.
      #expect(try !errors(["classify", workshop.bundle], Array(records.prefix(10))).contains("HTML"))
      #expect(try !errors(["classify", workshop.bundle], records.prefix(1) + records.filter { !$0.text.hasSuffix("<br>") }).contains("HTML"))
      let program = try Program(["classify", workshop.bundle])
      program.send(String(repeating: "good<br>film\n", count: 25))
      #expect(program.waitForError("20 of the first 20 texts"))
      #expect(program.finish().lines.count == 25)
    }
  }

  private func expectPlainText(_ workshop: Workshop, _ model: String) throws {
    let (html, plain) = (pairs.map(\.0), pairs.map(\.1))
    func logits(_ texts: [String], _ options: String...) throws -> [String] {
      try martlet(["classify", model, "--logits"] + options, input: texts.map { $0 + "\n" }.joined()).lines
    }
    #expect(try logits(html) == logits(plain))
    #expect(try logits(html, "--window", "mean") == logits(plain, "--window", "mean"))
    #expect(try martlet("tokenize", model, input: html[0] + "\n").text == martlet("tokenize", model, input: plain[0] + "\n").text)
    func pairLogits(_ texts: [String]) throws -> [String] {
      try martlet(
        ["classify", model, "--logits", "--format", "tsv", "--text-pair-field", "pair"],
        input: "text\tpair\n" + texts.map { "\($0)\t\($0)\n" }.joined()).lines
    }
    #expect(try pairLogits(html) == pairLogits(plain))
    func figures(_ texts: [String]) throws -> JSONValue? {
      let data = try workshop.writeTSV("data.tsv", texts.map { ($0, "negative") })
      return try martlet("evaluate", model, "--data", data, "--json").json()["loss"]
    }
    #expect(try figures(html) == figures(plain))
    guard !isDirectory(model) else { return }
    let classifier = try Classifier(contentsOf: model)
    #expect(try classifier.classify(html).map(\.logits) == classifier.classify(plain).map(\.logits))
  }
}
