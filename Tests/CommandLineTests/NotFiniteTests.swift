import JSON
import Martlet
import Sessions
import Storage
import Testing
import TestSupport

/// Models whose products overflow, for every text or for those with one word.
@Suite struct NotFiniteTests {
  private static let message = "not finite numbers"

  /// The bytes of the fixture's weights with some rows of a tensor overwritten.
  private func weights(_ tensor: String, rows: Range<Int>, value: Float) throws -> [UInt8] {
    var bytes = try readFile(fixture("tiny-bert/model.safetensors"))
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONValue(parsing: bytes[8..<8 + length])
    let entry = try #require(header[tensor])
    let shape = try #require(entry["shape"]?.array).map { $0.int! }
    let begin = try #require(entry["data_offsets"]?.array?[0].int) + 8 + length
    let width = shape.dropFirst().reduce(1, *)
    for element in rows.lowerBound * width..<rows.upperBound * width {
      let bits = value.bitPattern
      for byte in 0..<4 { bytes[begin + 4 * element + byte] = UInt8(truncatingIfNeeded: bits >> (8 * UInt32(byte))) }
    }
    return bytes
  }

  /// A folder in which the word `awful` is a row of the largest numbers.
  private func folderWithAWord(_ workshop: Workshop, _ name: String = "word", problem: String? = nil) throws -> String {
    let ids = try martlet("tokenize", workshop.bundle, input: "awful\n").text.split { !$0.isNumber }.map { Int($0)! }
    let id = try #require(ids.count == 3 ? ids[1] : nil, "\(ids)")
    var changes: [String: [UInt8]?] = [
      "model.safetensors": try weights("bert.embeddings.word_embeddings.weight", rows: id..<id + 1, value: 3e38)
    ]
    if let problem {
      var object = try JSONValue(parsing: readFile(fixture("tiny-bert/config.json"))).object!
      object["problem_type"] = .string(problem)
      changes["config.json"] = Array(JSONValue.object(object).text().utf8)
    }
    return try workshop.copy("tiny-bert", as: name, changes)
  }

  private let texts = ["the film was good", "an awful film", "dull", "good and awful", "moving"]
  private var input: String { texts.map { $0 + "\n" }.joined() }

  @Test(arguments: ["int8", "fp32"]) func textsWithAWord(weights: String) throws {
    try withWorkshop { workshop in
      let folder = try folderWithAWord(workshop)
      let outcome = try martlet("pack", folder, "-o", workshop.path("word.martlet"), "--weights", weights)
      #expect(outcome.status == 0)
      #expect(outcome.errors.contains("bert.embeddings.word_embeddings.weight: holds values up to 3e+38"), "\(outcome.errors)")
      let bundle = workshop.path("word.martlet")
      let sound = try workshop.pack(fixture("tiny-bert"), as: "sound.martlet", "--weights", weights)
      let expected = try martlet("classify", sound, "--logits", input: input).lines
      for options in [[], ["--batch-tokens", "1"]] {
        let found = try martlet(["classify", bundle, "--logits"] + options, input: input)
        #expect(found.status == 0)
        #expect(found.errors == "martlet: 2 of 5 records could not be classified\n")
        for (index, line) in found.lines.enumerated() {
          if texts[index].contains("awful") {
            #expect(line.hasPrefix("!error\t\t\t\t\tstandard input, line \(index + 1): ") && line.contains(Self.message), "\(line)")
          } else {
            #expect(line == expected[index])
          }
        }
        #expect(found.lines.count == 5)
      }
      let lines = try martlet("classify", bundle, "--output", "jsonl", "--echo", input: input).lines
      #expect(try lines.map { try JSONValue(parsing: $0.utf8)["error"] != nil } == [false, true, false, true, false])
      #expect(try JSONValue(parsing: lines[1].utf8)["input"]?.string == texts[1])
      let strict = try martlet("classify", bundle, "--strict", input: input)
      expectFailure(strict, naming: ["standard input, line 2: ", Self.message])
      #expect(strict.lines.count == 1)

      let classifier = try Classifier(contentsOf: bundle)
      #expect(throws: ClassifierError(.notFinite, "text 1: " + Session.notFinite)) { try classifier.classify(texts) }
      #expect(throws: ClassifierError(.notFinite, "text 1: " + Session.notFinite)) { try classifier.classify(texts, batchTokens: 1) }
      #expect(throws: ClassifierError(.notFinite, Session.notFinite)) { try classifier.classify(texts[3]) }
      #expect(try classifier.classify(texts[0]) == Classifier(contentsOf: sound).classify(texts[0]))

      let data = try workshop.writeTSV("data.tsv", texts.map { ($0, "negative") })
      expectFailure(try martlet("evaluate", bundle, "--data", data), naming: ["data.tsv, line 3: ", Self.message])
      let packed = try martlet("pack", folder, "-o", workshop.path("again.martlet"), "--validation", data, "--weights", weights)
      #expect(packed.status == 1 && packed.errors.contains("data.tsv, line 3: "), "\(packed.errors)")
    }
  }

  @Test(arguments: ["multi_label_classification", "regression"]) func otherHeads(problem: String) throws {
    try withWorkshop { workshop in
      let folder = try folderWithAWord(workshop, problem: problem)
      let found = try martlet("classify", folder, "--output", "label", input: input)
      #expect(found.status == 0)
      #expect(found.lines.map { $0 == "!error" } == [false, true, false, true, false], "\(found.text)")
    }
  }

  /// One window of which the logits are not finite makes the text one.
  @Test(arguments: ["mean", "max"]) func inWindows(pooling: String) throws {
    try withWorkshop { workshop in
      let folder = try folderWithAWord(workshop)
      let long = Array(repeating: "good", count: 100)
      for place in [0, 50, 99] {
        var words = long
        words[place] = "awful"
        let text = [long, words].map { $0.joined(separator: " ") + "\n" }.joined()
        let found = try martlet("classify", folder, "--window", pooling, "--output", "label", input: text)
        #expect(found.lines.map { $0 == "!error" } == [false, true], "\(found.text)")
      }
    }
  }

  @Test(arguments: ["int8", "fp32"]) func everyText(weights: String) throws {
    try withWorkshop { workshop in
      for (tensor, count) in [
        ("classifier.weight", 3), ("bert.encoder.layer.0.attention.self.query.weight", 45), ("bert.encoder.layer.1.output.dense.weight", 45),
      ] {
        let folder = try workshop.copy("tiny-bert", as: tensor, ["model.safetensors": self.weights(tensor, rows: 0..<count, value: 3e38)])
        let outcome = try martlet("pack", folder, "-o", workshop.path("no.martlet"), "--weights", weights)
        expectFailure(outcome, naming: [folder, "tensor \(tensor)", "3e+38", "of 3 texts", Self.message])
        #expect(try !listDirectory(workshop.folder).contains("no.martlet"))
        let found = try martlet("classify", folder, "--output", "label", input: input)
        #expect(found.status == 0 && found.lines == Array(repeating: "!error", count: 5), "\(tensor): \(found.text)")
      }
    }
  }

  /// From an asynchronous sequence the predictions before such a text come first.
  @Test func predictionsBeforeIt() async throws {
    var opened: Classifier?
    try withWorkshop { workshop in
      opened = try Classifier(contentsOf: workshop.pack(folderWithAWord(workshop), as: "word.martlet"))
    }
    let classifier = try #require(opened)
    let (stream, source) = AsyncStream.makeStream(of: String.self)
    for text in texts { source.yield(text) }
    source.finish()
    var labels: [String] = []
    var message = ""
    do { for try await prediction in classifier.predictions(of: stream) { labels.append(prediction.label) } } catch { message = "\(error)" }
    #expect(labels.count == 1 && message.contains("text 1: ") && message.contains(Self.message), "\(labels) \(message)")
  }
}
