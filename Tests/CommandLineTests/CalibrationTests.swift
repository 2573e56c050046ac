import JSON
import Martlet
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct CalibrationTests {
  private let texts = reviews(60, seed: 41)
  private var input: String { texts.map { $0 + "\n" }.joined() }

  /// The tiny classifier with a temperature fitted on sixty labelled reviews.
  private func withCalibrated(_ body: (Workshop, _ bundle: String, _ temperature: Double) throws -> Void) throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("validation.tsv", labelledReviews(60))
      let bundle = try workshop.pack(fixture("tiny-bert"), as: "calibrated.martlet", "--validation", data)
      let calibration = try martlet("inspect", bundle, "--json").json()["calibration"]
      try body(workshop, bundle, try #require(calibration?["temperature"]?.double))
      #expect(calibration?["samples"]?.int == 60)
    }
  }

  @Test func onlyWhenAskedFor() throws {
    try withCalibrated { workshop, bundle, temperature in
      #expect(abs(temperature - 1) > 0.01)
      #expect(try martlet("inspect", bundle).text.contains("calibration      temperature: \(temperature)"))
      let plain = try martlet("classify", bundle, "--logits", input: input)
      #expect(try martlet("classify", workshop.bundle, "--logits", input: input).output == plain.output)
      let calibrated = try martlet("classify", bundle, "--logits", "--calibrated", input: input)
      #expect(calibrated.status == 0, "\(calibrated.errors)")
      for (before, after) in zip(plain.lines, calibrated.lines) {
        let (before, after) = (before.split(separator: "\t"), after.split(separator: "\t"))
        #expect(before[0] == after[0] && before[2...] == after[2...])
        let logits = after[2...].map { Float($0)! }
        let weights = logits.map { exp(Double($0 - logits.max()!) / temperature) }
        #expect(abs(Double(after[1])! - 1 / weights.reduce(0, +)) < 1e-6)
        #expect(before[1] != after[1])
      }
      let library = try Classifier(contentsOf: bundle, calibrated: true).classify(texts)
      #expect(zip(library, calibrated.lines).allSatisfy { abs($0.score - Float($1.split(separator: "\t")[1])!) <= 1e-6 })
    }
  }

  @Test func refusedByNameWhereThereIsNone() throws {
    try withWorkshop { workshop in
      for model in [workshop.bundle, fixture("tiny-bert")] {
        expectFailure(try martlet("classify", model, "--calibrated", input: "good\n"), naming: [model, "no calibration", "--validation"])
      }
      do {
        _ = try Classifier(contentsOf: workshop.bundle, calibrated: true)
        Issue.record("a bundle without calibration")
      } catch let error as ClassifierError {
        #expect(error.kind == .noCalibration)
      }
    }
  }

  @Test(arguments: ["tsv", "csv", "jsonl", "label"]) func underTheThresholdNoLabel(output: String) throws {
    try withWorkshop { workshop in
      let predictions = try Classifier(contentsOf: workshop.bundle).classify(texts)
      let threshold = predictions.map(\.score).sorted()[30]
      let expected = predictions.map { $0.score < threshold ? "!abstain" : $0.label }
      func label(_ line: String) throws -> String {
        if output == "jsonl" { return try JSONValue(parsing: Array(line.utf8))["label"]!.string! }
        return String(line.prefix { $0 != "\t" && $0 != "," })
      }
      // Scores have six digits, so one that is met is given with the digits that read back to the same bits.
      let outcome = try martlet(
        "classify", workshop.bundle, "--output", output, "--threshold", "\(threshold)", "--summary", input: input)
      let lines = output == "csv" ? Array(outcome.lines.dropFirst()) : outcome.lines
      #expect(try lines.map(label) == expected, "\(outcome.errors)")
      #expect(outcome.errors.contains("30 under the threshold"), "\(outcome.errors)")
      if output == "tsv" {
        for (line, prediction) in zip(lines, predictions) { #expect(abs(Float(line.split(separator: "\t")[1])! - prediction.score) <= 1e-6) }
      }
      let named = try martlet(
        "classify", workshop.bundle, "--output", output, "--threshold", "1", "--abstain-label", "not sure", input: input)
      #expect(try (output == "csv" ? Array(named.lines.dropFirst()) : named.lines).map(label).contains("not sure"))
    }
  }

  @Test func severalLabelsAndValues() throws {
    try withWorkshop { workshop in
      let several = try workshop.copy("tiny-bert", as: "several", ["config.json": configuration("multi_label_classification")])
      let bundle = try workshop.pack(several, as: "several.martlet")
      let predictions = try Classifier(contentsOf: bundle).classify(texts)
      let outcome = try martlet("classify", bundle, "--output", "label", "--threshold", "0.3", input: input)
      let expected = predictions.map { prediction in
        zip(labels, prediction.scores).filter { $0.1 > 0.3 }.map(\.0).joined(separator: ",")
      }
      #expect(outcome.lines == expected, "\(outcome.errors)")
      #expect(try martlet("classify", bundle, "--threshold", "0.3", "--abstain-label", "x", input: input).status == 64)

      // One temperature for all labels; a value has none.
      let data = try workshop.write(
        "several.jsonl", labelledReviews(30).map { #"{"text": "\#($0.text)", "label": ["\#($0.label)"]}"# + "\n" }.joined())
      let calibrated = try workshop.pack(several, as: "calibrated.martlet", "--validation", data)
      let temperature = try #require(martlet("inspect", calibrated, "--json").json()["calibration"]?["temperature"]?.double)
      let scores = try Classifier(contentsOf: calibrated, calibrated: true).classify(texts)
      for prediction in scores {
        for (logit, score) in zip(prediction.logits, prediction.scores) {
          #expect(abs(Double(score) - 1 / (1 + exp(-Double(logit) / temperature))) < 1e-6)
        }
      }
    }
  }

  @Test func wrongUsage() throws {
    try withWorkshop { workshop in
      for options in [
        ["--threshold", "1.5"], ["--threshold", "-0.1"], ["--threshold", "nan"], ["--abstain-label", "x"],
        ["--threshold", "0.5", "--abstain-label", "negative"],
      ] {
        let outcome = try martlet(["classify", workshop.bundle] + options, input: "good\n")
        #expect(outcome.status == 64 && outcome.output.isEmpty, "\(options): \(outcome.errors)")
      }
    }
  }

  private func configuration(_ problemType: String) throws -> [UInt8] {
    var object = try JSONValue(parsing: readFile(fixture("tiny-bert/config.json"))).object!
    object["problem_type"] = .string(problemType)
    return Array(JSONValue.object(object).text().utf8)
  }
}
