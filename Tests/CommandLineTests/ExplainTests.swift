import JSON
import Martlet
import Testing

@Suite struct ExplainTests {
  /// Against the definition: the best label's score, less its score for the text without the word.
  @Test func aShareIsADifferenceOfScores() throws {
    try withWorkshop { workshop in
      let texts = ["good film", "the film was not good !", "", "dull"]
      let classifier = try Classifier(contentsOf: workshop.bundle)
      for options in [[], ["--batch-tokens", "1"], ["--threads", "1", "--echo"]] {
        let outcome = try martlet(
          ["classify", workshop.bundle, "--output", "jsonl", "--explain"] + options, input: texts.map { $0 + "\n" }.joined())
        #expect(outcome.status == 0 && outcome.lines.count == texts.count, "\(outcome.errors)")
        for (line, text) in zip(outcome.lines, texts) {
          let json = try JSONValue(parsing: Array(line.utf8))
          let words = text.split(separator: " ").map(String.init)
          let parts = try #require(json["explanation"]?.array)
          #expect(parts.map { $0["text"]?.string } == words)
          let whole = try classifier.classify(text)
          let best = try #require(classifier.labels.firstIndex(of: whole.label))
          for (index, part) in parts.enumerated() {
            let rest = words.indices.filter { $0 != index }.map { words[$0] }.joined(separator: " ")
            let expected = Double(whole.scores[best]) - Double(try classifier.classify(rest).scores[best])
            #expect(abs((part["share"]?.double ?? .nan) - expected) < 2e-6, "\(text): \(words[index])")
          }
        }
      }
      // Nothing else of the record changes.
      let plain = try martlet("classify", workshop.bundle, "--output", "jsonl", input: "good film\n")
      let explained = try martlet("classify", workshop.bundle, "--output", "jsonl", "--explain", input: "good film\n")
      #expect(explained.lines[0].hasPrefix(String(plain.lines[0].dropLast())))
      #expect(try martlet("classify", workshop.bundle, "--explain", input: "good\n").status == 64)
      #expect(try martlet("classify", workshop.bundle, "--explain", "--output", "jsonl", "--window", "mean", input: "good\n").status == 64)
    }
  }

  @Test func longTextsAndBadRecords() throws {
    try withWorkshop { workshop in
      let long = String(repeating: "good film. ", count: 400)
      let outcome = try martlet(
        "classify", workshop.bundle, "--output", "jsonl", "--explain", "--format", "jsonl",
        input: "{\"text\": \"\(long)\"}\n{\"no\": 1}\n{\"text\": \"bad film\"}\n")
      #expect(outcome.lines.count == 3, "\(outcome.errors)")
      let parts = try #require(JSONValue(parsing: Array(outcome.lines[0].utf8))["explanation"]?.array)
      #expect(parts.count == 400 && parts.allSatisfy { $0["text"] == "good film." })
      #expect(try JSONValue(parsing: Array(outcome.lines[1].utf8))["error"] != nil)
      #expect(try JSONValue(parsing: Array(outcome.lines[2].utf8))["explanation"]?.array?.count == 2)
    }
  }
}
