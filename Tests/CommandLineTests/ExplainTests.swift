import JSON
import Martlet
import Storage
import TestSupport
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

  /// Of several labels those that are given, of values each; a pair's second text stays whole; long texts go by sentence.
  @Test(arguments: ["multi_label_classification", "regression"]) func severalOutputs(kind: String) throws {
    try withWorkshop { workshop in
      let configuration = try JSONValue(parsing: readFile(fixture("tiny-bert/config.json")))
      var object = try #require(configuration.object)
      object["problem_type"] = .string(kind)
      let folder = try workshop.copy("tiny-bert", as: "model", ["config.json": Array(JSONValue.object(object).text().utf8)])
      let model = try workshop.pack(folder, as: "model.martlet")
      let classifier = try Classifier(contentsOf: model)
      // Some labels are given, others not.
      let threshold: Float = 0.45
      let options = ["classify", model, "--output", "jsonl", "--explain", "--format", "jsonl"] + (kind == "regression" ? [] : ["--threshold", "\(threshold)"])
      let long = String(repeating: "good film. ", count: 400)
      let lines = ["good film", "the film was not good !", "bad boring plot", long].map { "{\"text\": \"\($0)\", \"second\": \"never dull\"}\n" }
      var given: Set<String> = []
      for pair in [nil, "never dull"] {
        let outcome = try martlet(options + (pair == nil ? [] : ["--text-pair-field", "second"]), input: lines.joined())
        #expect(outcome.status == 0 && outcome.lines.count == 4, "\(outcome.errors)")
        for line in outcome.lines.dropLast() {
          let json = try JSONValue(parsing: Array(line.utf8))
          let parts = try #require(json["explanation"]?.array)
          let words = parts.compactMap { $0["text"]?.string }
          func scores(_ words: [String]) throws -> [Float] {
            let text = words.joined(separator: " ")
            return try pair.map { try classifier.classify(text, pair: $0).scores } ?? classifier.classify(text).scores
          }
          let whole = try scores(words)
          let named = classifier.labels.indices.filter { kind == "regression" || whole[$0] > threshold }
          given.formUnion(named.map { classifier.labels[$0] })
          for (index, part) in parts.enumerated() {
            let rest = try scores(words.indices.filter { $0 != index }.map { words[$0] })
            let shares = try #require(part["shares"]?.object)
            #expect(shares.keys == named.map { classifier.labels[$0] }, "\(line)")
            for label in named {
              let expected = Double(whole[label]) - Double(rest[label])
              #expect(abs((shares[classifier.labels[label]]?.double ?? .nan) - expected) < 2e-6, "\(words[index])")
            }
          }
        }
        let sentences = try #require(JSONValue(parsing: Array(outcome.lines[3].utf8))["explanation"]?.array)
        #expect(sentences.isEmpty || sentences.count == 400 && sentences.allSatisfy { $0["text"] == "good film." })
      }
      #expect(!given.isEmpty && (kind != "regression" || given.count == classifier.labels.count))
    }
  }

  /// The page of `evaluate` has the same shares for the words of mistakes.
  @Test func mistakesOfAPage() throws {
    try withWorkshop { workshop in
      let classifier = try Classifier(contentsOf: workshop.bundle)
      // One text, which is not what the data say.
      let wrong = try #require(classifier.labels.first { $0 != (try? classifier.classify("<b>dull film").label) })
      let data = try workshop.write("data.csv", "text,label\n<b>dull film,\(wrong)\n")
      let page = workshop.path("page.html")
      let outcome = try martlet("evaluate", workshop.bundle, "--data", data, "--report", page)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let html = String(decoding: try readFile(page), as: UTF8.self)
      let explained = try martlet("classify", workshop.bundle, "--output", "jsonl", "--explain", input: "<b>dull film\n")
      let parts = try #require(JSONValue(parsing: Array(explained.lines[0].utf8))["explanation"]?.array)
      #expect(parts.count == 2)
      for part in parts {
        let (word, share) = (try #require(part["text"]?.string), try #require(part["share"]?.double))
        guard abs(share) >= 0.0005 else { continue }
        let escaped = word == "film" ? "film" : "&lt;b&gt;dull"
        let digits = "\((abs(share) * 1000).rounded() / 1000)000".prefix(5)
        #expect(html.contains("\(escaped)&nbsp;\(share > 0 ? "+" : "−")\(digits)"), "\(word) \(share)")
      }
      #expect(html.contains("the answer gains: ") && html.contains("<mark class="))
    }
  }
}
