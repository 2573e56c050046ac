import JSON
import Storage
import TestSupport
import Testing

@Suite struct EvaluateTests {
  @Test func aPageAndAThreshold() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("data.tsv", labelledReviews(60))
      let page = workshop.path("page.html")
      let outcome = try martlet("evaluate", workshop.bundle, "--data", data, "--report", page, "--precision", "0.4", "--json")
      try #require(outcome.status == 0, "\(outcome.errors)")
      let html = String(decoding: try readFile(page), as: UTF8.self)
      for heading in ["Confusion", "Labels", "Confidence", "Length against error", "Surest mistakes"] { #expect(html.contains("<h2>\(heading)</h2>")) }
      let found = try #require(outcome.json()["threshold_for_precision"])
      let threshold = try #require(found["threshold"]?.double)
      // The figures are those of what `classify` writes under that threshold.
      let answers = try martlet(
        "classify", workshop.bundle, "--format", "tsv", "--output", "label", "--threshold", "\(threshold)",
        input: String(decoding: try readFile(data), as: UTF8.self))
      let truths = labelledReviews(60).map(\.label)
      let answered = zip(answers.lines, truths).filter { $0.0 != "!abstain" }
      let right = answered.count { $0.0 == $0.1 }
      #expect(found["answered"]?.int == answered.count && found["recall"]?.double == Double(right) / 60)
      #expect(found["precision"]?.double == Double(right) / Double(answered.count) && Double(right) / Double(answered.count) >= 0.4)
      let text = try martlet("evaluate", workshop.bundle, "--data", data, "--precision", "0.4").text
      #expect(text.contains("--threshold \(threshold): precision "), "\(text)")
      #expect(try martlet("evaluate", workshop.bundle, "--data", data, "--precision", "1").text.contains("threshold"))
      #expect(try martlet("evaluate", workshop.bundle, "--data", data, "--precision", "1.5").status == 64)
    }
  }

  @Test func twoModelsOnTheSameData() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("data.tsv", labelledReviews(60))
      let other = workshop.path("other")
      let tuned = try martlet(
        "tune", fixture("tiny-bert-encoder"), "--train", data, "--output-dir", other, "--no-forecast", "--num-train-epochs", "8", "--learning-rate", "3e-3")
      try #require(tuned.status == 0, "\(tuned.errors)")
      let page = workshop.path("page.html")
      let outcome = try martlet("evaluate", workshop.bundle, other, "--data", data, "--report", page, "--json")
      try #require(outcome.status == 0, "\(outcome.errors)")
      let json = try outcome.json()
      #expect(json["models"]?.array?.count == 2 && json["comparisons"]?.array?.count == 1)
      let comparison = try #require(json["comparisons"]?[0])
      // Counted by hand from what `classify` answers.
      func labels(_ model: String) throws -> [String] {
        try martlet(
          "classify", model, "--format", "tsv", "--output", "label", input: String(decoding: try readFile(data), as: UTF8.self)).lines
      }
      let (first, second, truths) = (try labels(workshop.bundle), try labels(other), labelledReviews(60).map(\.label))
      #expect(comparison["only_against_right"]?.int == truths.indices.count { first[$0] == truths[$0] && second[$0] != truths[$0] })
      #expect(comparison["only_model_right"]?.int == truths.indices.count { first[$0] != truths[$0] && second[$0] == truths[$0] })
      #expect(comparison["differing"]?.int == truths.indices.count { first[$0] != second[$0] })
      #expect(String(decoding: try readFile(page), as: UTF8.self).contains("against"))
      let text = try martlet("evaluate", workshop.bundle, other, "--data", data).text
      #expect(text.contains("against \(workshop.bundle): accuracy "), "\(text)")
      let three = try martlet("evaluate", workshop.bundle, other, workshop.bundle, "--data", data, "--json").json()
      #expect(three["comparisons"]?[1]?["test"] == "paired bootstrap" && three["comparisons"]?[1]?["p_value"]?.double == 1)

      // Other labels are refused.
      let twoLabels = try workshop.writeTSV("two.tsv", labelledReviews(60).filter { $0.label != "neutral" })
      let two = try martlet("tune", fixture("tiny-bert-encoder"), "--train", twoLabels, "--output-dir", workshop.path("two"), "--no-forecast", "--max-steps", "1")
      try #require(two.status == 0)
      expectFailure(
        try martlet("evaluate", workshop.bundle, workshop.path("two"), "--data", twoLabels), naming: ["two: expected the labels of", "negative, positive"])
    }
  }
}
