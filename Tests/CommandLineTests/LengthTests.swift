import JSON
import Storage
import TestSupport
import Testing

/// One limit of length for all commands: positions, `model_max_length`, and what `tune` recorded.
@Suite struct LengthTests {
  /// The tiny model's folder, with another `model_max_length`, and a record.
  private func copy(_ workshop: Workshop, _ name: String, maximum: JSONValue? = nil, record: Int? = nil, of source: String = "tiny-bert") throws -> String {
    var tokenizer = try JSONValue(parsing: readFile(fixture(source + "/tokenizer_config.json"))).object!
    tokenizer["model_max_length"] = maximum
    var configuration = try JSONValue(parsing: readFile(fixture(source + "/config.json"))).object!
    configuration["tuned_max_length"] = record.map { .integer(Int64($0)) }
    return try workshop.copy(
      source, as: name,
      [
        "tokenizer_config.json": Array(JSONValue.object(tokenizer).text().utf8), "config.json": Array(JSONValue.object(configuration).text().utf8),
      ])
  }

  private let long = Array(repeating: "good bad", count: 100).joined(separator: " ") + "\n"

  /// The tokens that each command reads of a long text.
  private func tokens(_ workshop: Workshop, _ model: String, _ options: String...) throws -> [Int] {
    let tokenized = try martlet(["tokenize", model] + options, input: long)
    let classified = try martlet(["classify", model, "--summary"] + options, input: long)
    try #require(tokenized.status == 0 && classified.status == 0, "\(tokenized.errors)\(classified.errors)")
    let summary = classified.errors.split(separator: " ").map(String.init)
    return [tokenized.lines[0].split(separator: " ").count, try #require(Int(summary[2]))]
  }

  @Test(arguments: [
    (nil, nil, 64), (30, nil, 30), (nil, 20, 20), (30, 20, 20), (12, 20, 12), (1e30, nil, 64), (-1, nil, 64), (0, nil, 64),
    (1000, 500, 64),
  ] as [(JSONValue?, Int?, Int)]) func theLeastOfAll(maximum: JSONValue?, record: Int?, expected: Int) throws {
    try withWorkshop { workshop in
      let folder = try copy(workshop, "folder", maximum: maximum, record: record)
      for model in [folder, try workshop.pack(folder, as: "packed.martlet")] {
        #expect(try tokens(workshop, model) == [expected, expected])
        #expect(try tokens(workshop, model, "--max-length", "5") == [5, 5])
        // What is asked for may go up to the positions, and no further.
        #expect(try tokens(workshop, model, "--max-length", "50") == [50, 50])
        #expect(try tokens(workshop, model, "--max-length", "900") == [64, 64])
        let inspected = try martlet("inspect", model, "--json").json()
        #expect(inspected["maximum_length"]?.int == expected && inspected["positions"] == 64)
        #expect(try martlet("inspect", model).lines.contains("length           \(expected) tokens at most, positions for 64"))
      }
    }
  }

  /// `tune` says of its model what `evaluate` says of the folder and of the bundle, also where labels are told by words that it cut.
  @Test func tuneAndEvaluateAgree() throws {
    try withWorkshop { workshop in
      // The word that tells the label comes first; behind the cut comes one that tells another.
      let records = labelledReviews(24).enumerated().map { index, record in
        (text: [" awful", " little", " wonderful"][index % 3] + Array(repeating: " film", count: 6).joined()
          + Array(repeating: [" wonderful", " awful", " little"][index % 3], count: 40).joined(), label: record.label)
      }
      let data = try workshop.writeTSV("train.tsv", records)
      let output = workshop.path("out")
      let tuned = try martlet(
        "tune", fixture("tiny-bert-encoder"), "--train", data, "--validation", data, "--output-dir", output, "--max-length", "8",
        "--num-train-epochs", "8", "--per-device-train-batch-size", "4", "--learning-rate", "2e-3", "--no-forecast", "--quiet", "--json")
      try #require(tuned.status == 0, "\(tuned.errors)")
      let expected = try tuned.json()
      #expect(try JSONValue(parsing: readFile(output + "/config.json"))["tuned_max_length"] == 8)
      let bundle = try workshop.pack(output, as: "tuned.martlet", "--weights", "fp32")
      let newest = try #require(listDirectory(output).first { $0.hasPrefix("checkpoint-") })
      for model in [output, bundle, output + "/" + newest] {
        let found = try martlet("evaluate", model, "--data", data, "--json").json()
        for name in ["accuracy", "loss", "f1"] {
          let (value, reference) = (try #require(found[name]?.double), try #require(expected["eval_" + name]?.double))
          #expect(abs(value - reference) < 1e-4, "\(model): \(name) \(value), tune said \(reference)")
        }
        // Longer texts would be read otherwise.
        let whole = try martlet("evaluate", model, "--data", data, "--max-length", "64", "--json").json()
        #expect(abs(whole["loss"]!.double! - expected["eval_loss"]!.double!) > 0.01)
        #expect(try tokens(workshop, model) == [8, 8])
      }
      // What starts from it has its limit, unless it is given another.
      for (options, length) in [([], 8), (["--max-length", "20"], 20), (["--max-length", "900"], 64)] as [([String], Int)] {
        let again = try martlet(
          ["tune", output, "--train", data, "--output-dir", workshop.path("again"), "--max-steps", "1", "--no-forecast"] + options)
        try #require(again.status == 0, "\(again.errors)")
        #expect(try JSONValue(parsing: readFile(workshop.path("again/config.json")))["tuned_max_length"]?.int == length)
      }
    }
  }

  /// The tokenizer's own limit counts for `tune` too; asked for, it may be passed.
  @Test func tuneHeedsTheTokenizer() throws {
    try withWorkshop { workshop in
      let base = try copy(workshop, "base", maximum: 10, of: "tiny-bert-encoder")
      let data = try workshop.writeTSV("train.tsv", labelledReviews(6).map { ($0.text + " " + long.dropLast(), $0.label) })
      for (options, length) in [([], 10), (["--max-length", "40"], 40), (["--max-length", "5"], 5)] as [([String], Int)] {
        let tuned = try martlet(
          ["tune", base, "--train", data, "--output-dir", workshop.path("out"), "--max-steps", "1", "--no-forecast"] + options)
        try #require(tuned.status == 0, "\(tuned.errors)")
        #expect(tuned.errors.contains("6 training texts, \(6 * length) tokens"), "\(tuned.errors)")
        #expect(try JSONValue(parsing: readFile(workshop.path("out/config.json")))["tuned_max_length"]?.int == length)
      }
    }
  }

  /// BigBird by blocks: a text that would be read by blocks is an error record, and is cut or read in windows only when asked.
  @Test func textsThatAreRefused() throws {
    try withWorkshop { workshop in
      let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "was", "good", "bad"]
      let folder = try workshop.copy("families/big-bird", as: "big-bird")
      try workshop.write("big-bird/vocab.txt", words.map { $0 + "\n" }.joined())
      try workshop.write("big-bird/tokenizer_config.json", #"{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}"#)
      let full = try workshop.copy("families/big-bird-full", as: "big-bird-full")
      for name in ["vocab.txt", "tokenizer_config.json"] { try workshop.write("big-bird-full/" + name, readFile(folder + "/" + name)) }
      func text(_ count: Int) -> String { (0..<count).map { ["good", "bad", "film"][$0 * $0 % 3] }.joined(separator: " ") }
      let input = [text(3), text(26), text(27), text(90), "bad"].map { $0 + "\n" }.joined()
      for model in [folder, try workshop.pack(folder, as: "big-bird.martlet")] {
        let outcome = try martlet("classify", model, input: input)
        #expect(outcome.status == 0 && outcome.lines.count == 5, "\(outcome.errors)")
        #expect(outcome.lines.map { $0.hasPrefix("!error\t") } == [false, false, true, true, false])
        #expect(outcome.lines[2].contains("line 3") && outcome.lines[2].contains("expected at most 28 tokens"), "\(outcome.lines[2])")
        #expect(outcome.errors.contains("2 of 5 records could not be classified"))
        #expect(try martlet("classify", model, "--strict", input: input).status == 1)
        let cut = try martlet("classify", model, "--max-length", "28", input: input)
        #expect(cut.lines.filter { $0.hasPrefix("!error") }.isEmpty && cut.lines[1] == cut.lines[3])
        let windows = try martlet("classify", model, "--window", "mean", input: input)
        #expect(windows.lines.filter { $0.hasPrefix("!error") }.isEmpty && windows.lines[3] != cut.lines[3])
        #expect(try martlet("inspect", model, "--json").json()["maximum_length"] == 28)
        let data = try workshop.writeTSV("data.tsv", [(text(3), "LABEL_0"), (text(40), "LABEL_1")])
        expectFailure(try martlet("evaluate", model, "--data", data), naming: ["expected at most 28 tokens"])
        #expect(try martlet("evaluate", model, "--data", data, "--max-length", "28").status == 0)
      }
      let data = try workshop.writeTSV("data.tsv", [(text(3), "LABEL_0"), (text(40), "LABEL_1")])
      let tune = ["tune", folder, "--train", data, "--output-dir", workshop.path("out"), "--max-steps", "1", "--no-forecast"]
      expectFailure(try martlet(tune), naming: ["record 2", "expected at most 28 tokens", "--max-length 28"])
      #expect(try martlet(tune + ["--max-length", "28"]).status == 0)
      #expect(try martlet("classify", full, input: text(30) + "\n").lines.allSatisfy { $0.hasPrefix("LABEL_") })
    }
  }
}
