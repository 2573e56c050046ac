import JSON
import TestSupport
import Testing

/// Texts that the vocabulary knows nothing of.
@Suite struct UnknownTextTests {
  private let texts = ["😡😡", "good", "你好 😡", "", "bad 😡"]

  @Test func theyAreCountedAndAbstainUnderAThreshold() throws {
    try withWorkshop { workshop in
      let input = texts.map { $0 + "\n" }.joined()
      let plain = try martlet("classify", workshop.bundle, "--summary", input: input)
      #expect(plain.errors.contains("2 of unknown tokens only"), "\(plain.errors)")
      let outcome = try martlet("classify", workshop.bundle, "--threshold", "0", "--summary", "--abstain-label", "none", input: input)
      #expect(outcome.lines.map { $0.hasPrefix("none\t") } == [true, false, true, false, false])
      #expect(outcome.errors.contains("2 of unknown tokens only, 2 under the threshold"), "\(outcome.errors)")
      // The scores stay, and so does everything that is said of other texts.
      func scores(_ outcome: Outcome) -> [Substring?] { outcome.lines.map { $0.split(separator: "\t").last } }
      #expect(scores(outcome) == scores(plain))
      let known = try martlet("classify", workshop.bundle, "--summary", input: "good\n")
      #expect(!known.errors.contains("unknown"), "\(known.errors)")
      let windows = try martlet("classify", workshop.bundle, "--window", "mean", "--threshold", "0", input: String(repeating: "😡 ", count: 200) + "\n")
      #expect(windows.lines.first?.hasPrefix("!abstain\t") == true, "\(windows.errors)")
    }
  }

  @Test func evaluateAndTuneCountThem() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("data.tsv", texts.map { ($0.isEmpty ? "dull" : $0, "negative") } + [("fine", "positive"), ("so", "neutral")])
      let json = try martlet("evaluate", workshop.bundle, "--data", data, "--json").json()
      #expect(json["unknown_texts"] == 2)
      let table = try martlet("evaluate", workshop.bundle, "--data", data)
      #expect(table.text.contains("of 2 texts the vocabulary knows nothing"), "\(table.text)")
      let tuned = try martlet(
        "tune", fixture("tiny-bert-encoder"), "--train", data, "--validation", data, "--output-dir", workshop.path("out"), "--no-forecast",
        "--max-steps", "1")
      #expect(tuned.status == 0 && tuned.errors.contains("of 4 texts the vocabulary knows nothing"), "\(tuned.errors)")
    }
  }
}
