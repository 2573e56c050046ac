import Bundles
import Encoders
import JSON
import Kernels
import Martlet
import Sessions
import Testing
import TestSupport
import WeightFormats

@Suite struct ClassifierTests {
  /// The example of the library's description.
  @Test func threeLines() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/sentiment.martlet"
      try write(tinyBundle(), to: path)

      let classifier = try Classifier(contentsOf: path)
      let prediction = try classifier.classify("a stirring , funny and finally transporting film")
      #expect(classifier.labels == ["negative", "neutral", "positive"])
      #expect(classifier.maximumLength == 64)
      #expect(InstructionSet(rawValue: classifier.instructionSet) != nil)
      #expect(prediction.logits.count == 3 && prediction.scores.count == 3)
      let best = prediction.logits.indices.max { prediction.logits[$0] < prediction.logits[$1] }!
      #expect(prediction.label == classifier.labels[best])
      #expect(prediction.score == prediction.scores[best])
      #expect(abs(prediction.scores.reduce(0, +) - 1) < 1e-6)
      #expect(try Classifier(contentsOf: path, verifyChecksums: false).classify("good") == classifier.classify("good"))
    }
  }

  /// A text over the bound is refused, and not cut.
  @Test func maximumTextBytes() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/tiny.martlet"
      try write(tinyBundle(), to: path)
      let usual = try Classifier(contentsOf: path)
      #expect(usual.maximumTextBytes == 1 << 20)
      let bounded = try Classifier(contentsOf: path, maximumTextBytes: 5)
      #expect(try bounded.classify("gooé", pair: "bad") == usual.classify("gooé", pair: "bad"))
      let refusal = ClassifierError(.textTooLong, "a text of 6 bytes: expected at most 5 (maximumTextBytes)")
      #expect(throws: refusal) { try bounded.classify("goodé") }
      #expect(throws: refusal) { try bounded.classify("good", pair: "goodé") }
      #expect(throws: refusal) { try bounded.classify(["good", "goodé"]) }
    }
  }

  /// A bundle in which every matrix and table has a format of its own, and no two neighbours the same one.
  @Test(arguments: InstructionSet.supported) func mixedFormats(instructionSet: InstructionSet) throws {
    var changes = BundleChanges()
    let model = try tinyModel()
    for (number, name) in (model.linears.map(\.name) + model.tables.map(\.name)).enumerated() {
      changes.formats[name] = WeightFormat.allCases[number % 3]
    }
    let classifier = try tinyClassifier(changes, instructionSet: instructionSet.rawValue)
    for reference in try referenceTexts("tiny-bert").filter({ $0.text != nil }) {
      let prediction = try classifier.classify(reference.text!, pair: reference.pair)
      // `ReferenceTests` derives what rounding in int8 costs.
      #expect(zip(prediction.logits, reference.logits).allSatisfy { abs(Double($0) - Double($1)) <= 0.075 }, "\(reference.text!)")
    }
  }

  /// The reference's logits from text alone, pairs included, on every instruction set.
  @Test(arguments: InstructionSet.supported) func textsOfTheReference(instructionSet: InstructionSet) throws {
    var changes = BundleChanges()
    changes.format = .fp32
    let classifier = try tinyClassifier(changes, instructionSet: instructionSet.rawValue)
    #expect(classifier.instructionSet == instructionSet.rawValue)
    let references = try referenceTexts("tiny-bert").filter { $0.text != nil }
    #expect(references.contains { $0.pair != nil } && references.contains { $0.ids.count == 64 })
    for reference in references {
      let prediction = try classifier.classify(reference.text!, pair: reference.pair)
      #expect(reference.excess(prediction.logits) <= 1, "\(reference.text!): \(prediction.logits)")
      #expect(prediction.tokenCount == reference.ids.count)
    }
  }

  /// A pair after a single text and before one: each has its own token types.
  @Test func pairsAmongTexts() throws {
    let session = try tinyClassifier().makeSession()
    let reference = try tinyClassifier()
    let rows: [(text: String, pair: String?)] = [
      ("good", nil), ("the plot is dull", "but the cast is wonderful"), ("", ""), ("bad", nil), ("why?", "the film"),
    ]
    for row in rows {
      var (text, pair) = (row.text, row.pair)
      _ = try text.withUTF8 { text in
        try pair?.withUTF8 { try session.append(text, pair: $0) } ?? session.append(text) as TextLength
      }
    }
    try session.run()
    for (number, row) in rows.enumerated() {
      #expect(try Array(session.logits(of: number)) == reference.classify(row.text, pair: row.pair).logits)
    }
    let swapped = try reference.classify("but the cast is wonderful", pair: "the plot is dull")
    #expect(try reference.classify("the plot is dull", pair: "but the cast is wonderful").logits != swapped.logits)
  }

  @Test func truncationIsReported() throws {
    let classifier = try tinyClassifier()
    for (words, tokens, isCut) in [(0, 2, false), (61, 63, false), (62, 64, false), (63, 64, true), (5000, 64, true)] {
      let prediction = try classifier.classify([String](repeating: "film", count: words).joined(separator: " "))
      #expect(prediction.tokenCount == tokens && prediction.wasTruncated == isCut, "\(words) words")
    }
    let film = [String](repeating: "film", count: 62).joined(separator: " ")
    #expect(try classifier.classify(film) == classifier.classify([film, film + " "])[1])
    #expect(try classifier.classify("good", pair: film).wasTruncated)
    // The tokenizer's own limit counts too.
    var changes = BundleChanges()
    changes.tokenizerConfiguration = ["model_max_length": 10]
    let short = try tinyClassifier(changes)
    #expect(short.maximumLength == 10)
    #expect(try short.classify(film).tokenCount == 10)
  }

  /// Batches of any size give what each text gives alone, bit for bit.
  @Test(arguments: WeightFormat.allCases) func batchesAreTheTextsOneByOne(format: WeightFormat) throws {
    var changes = BundleChanges()
    changes.format = format
    let classifier = try tinyClassifier(changes, threads: 2)
    let texts = randomTexts(100, seed: 5)
    let alone = try texts.map { try classifier.classify($0) }
    for batchTokens in [-1, 0, 1, 2, 100, 4096, .max] {
      #expect(try classifier.classify(texts, batchTokens: batchTokens) == alone, "\(batchTokens) tokens")
    }
    #expect(try classifier.classify(texts.reversed()) == alone.reversed())
    #expect(try classifier.classify([String]()).isEmpty)
    #expect(try tinyClassifier(changes, threads: 1).classify(texts) == alone)
  }

  /// Eight tasks on one classifier, which has two threads for one of them at a time.
  @Test func manyThreadsAtOnce() async throws {
    let classifier = try tinyClassifier(threads: 2)
    let texts = randomTexts(40, seed: 6)
    let expected = try classifier.classify(texts)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          for round in 0..<5 {
            let isBatch = (task + round) % 2 == 0
            let found = try isBatch ? classifier.classify(texts) : texts.map { try classifier.classify($0) }
            guard found == expected else { return false }
          }
          return true
        }
      }
      for try await isSame in group { #expect(isSame) }
    }
  }

  /// Multi-label and regression heads: what label and score say.
  @Test func otherHeads() throws {
    var changes = BundleChanges()
    changes.configuration = [("problem_type", "multi_label_classification")]
    let multiLabel = try tinyClassifier(changes)
    for text in randomTexts(20, seed: 7) {
      let prediction = try multiLabel.classify(text)
      let over = multiLabel.labels.indices.filter { prediction.logits[$0] >= 0 }.map { multiLabel.labels[$0] }
      #expect(prediction.label == over.joined(separator: ","))
      #expect(prediction.score == prediction.scores.max())
    }
    changes.configuration = [("id2label", ["0": "rating"])]
    let prediction = try tinyClassifier(changes).classify("good")
    #expect(prediction.logits.count == 1)
    #expect(prediction.score == prediction.logits[0] && Float(prediction.label) == prediction.logits[0])
  }
}
