import Checkpoints
import Encoders
import JSON
import Martlet
import ModelBundles
import Packing
import Records
import Storage
import Tasks
import Testing
import TestSupport
import WeightFormats

#if canImport(Glibc)
  import Glibc
#endif

/// A target that is no label.
private struct NoLabel: Error {}

@Suite struct MeasurementTests {
  /// Texts of the tiny vocabulary, with labels that the model gets right about half of the time.
  private static let rows: [(text: String, label: String)] = {
    let words = ["the", "film", "is", "not", "good", "bad", "dull", "brilliant", "boring", "funny", "worst", "!", "and"]
    let labels = ["negative", "neutral", "positive"]
    var generator = SeededGenerator(seed: 3)
    return (0..<150).map { _ in
      let text = (0..<Int.random(in: 1...30, using: &generator)).map { _ in words.randomElement(using: &generator)! }
      return (text.joined(separator: " "), labels.randomElement(using: &generator)!)
    }
  }()

  /// Batches of many records against one record at a time and the definitions of the metrics.
  @Test func evaluationIsAPlainCount() throws {
    let classifier = try Classifier(bundle: packed("tiny-bert", .fp32), threads: 1)
    var visited: [[Float]] = []
    let evaluation = try evaluated(classifier, labelled(Self.rows)) { index, logits in
      #expect(index == visited.count)
      visited.append(Array(logits))
    }
    let matrix = try #require(evaluation.confusion)
    var confusion = [[Int]](repeating: [0, 0, 0], count: 3)
    var loss = 0.0
    for (number, row) in Self.rows.enumerated() {
      let prediction = try classifier.classify(row.text)
      #expect(prediction.logits == visited[number])
      let truth = classifier.labels.firstIndex(of: row.label)!
      confusion[truth][classifier.labels.firstIndex(of: prediction.label)!] += 1
      let sum = prediction.logits.reduce(0.0) { $0 + exp(Double($1)) }
      loss -= log(exp(Double(prediction.logits[truth])) / sum)
    }
    let right = (0..<3).reduce(0) { $0 + confusion[$1][$1] }
    #expect(evaluation.samples == 150)
    #expect(evaluation.accuracy == Double(right) / 150)
    #expect(abs(evaluation.loss - loss / 150) < 1e-9)
    for truth in 0..<3 {
      for prediction in 0..<3 { #expect(matrix[truth, prediction] == confusion[truth][prediction]) }
      let predicted = (0..<3).reduce(0) { $0 + confusion[$1][truth] }
      let recall = Double(confusion[truth][truth]) / Double(confusion[truth].reduce(0, +))
      let precision = predicted > 0 ? Double(confusion[truth][truth]) / Double(predicted) : 0
      #expect(abs(evaluation.perLabel[truth].recall - recall) < 1e-12)
      #expect(abs(evaluation.perLabel[truth].precision - precision) < 1e-12)
    }
    #expect(evaluation.figures.map(\.name) == ["loss", "accuracy", "f1", "precision", "recall", "macro_f1"])
  }

  @Test func unknownLabels() throws {
    let classifier = try Classifier(bundle: packed(), threads: 1)
    #expect(throws: RecordsError.self) { try evaluated(classifier, labelled([("good", "negative"), ("bad", "mixed")])) }
  }

  /// A shorter limit is a shorter text.
  @Test func maximumLength() throws {
    let classifier = try Classifier(bundle: packed("tiny-bert", .fp32), threads: 1)
    var cut: [Float] = []
    _ = try evaluated(classifier, labelled([("the film is not good", "neutral")]), maximumLength: 4) { cut = Array($1) }
    #expect(try classifier.classify("the film").logits == cut)
  }

  @Test func multiLabelAndRegression() throws {
    try withEdited { $0.set("problem_type", "multi_label_classification") } _: { path in
      let classifier = try Classifier(bundle: packedModel(path, .fp32).writeToMemory(), threads: 1)
      let evaluation = try evaluated(classifier, labelled([("good", "neutral|positive"), ("bad", "")]))
      let targets: [[Float]] = [[0, 1, 1], [0, 0, 0]]
      let rows = try ["good", "bad"].map { try classifier.classify($0).logits }
      let exact = zip(rows, targets).filter { row, target in zip(row, target).allSatisfy { ($0 >= 0) == ($1 == 1) } }
      #expect(evaluation.accuracy == Double(exact.count) / 2)
    }
    try withEdited {
      $0.set("id2label", ["0": "value"])
      for name in ["classifier.weight", "classifier.bias"] {
        let tensor = $0.tensors[name]!
        $0.tensors[name] = ([1] + tensor.shape.dropFirst(), Array(tensor.values.prefix(tensor.values.count / 3)))
      }
    } _: { path in
      let classifier = try Classifier(bundle: packedModel(path, .fp32).writeToMemory(), threads: 1)
      let evaluation = try evaluated(classifier, labelled([("good", "0.5"), ("bad", "-1")]))
      let errors = try [("good", 0.5), ("bad", -1)].map { Double(try classifier.classify($0).logits[0]) - $1 }
      #expect(abs(evaluation.loss - (errors[0] * errors[0] + errors[1] * errors[1]) / 2) < 1e-12)
    }
  }

  /// int8 against fp32 on the same records, each measured by `evaluate`.
  @Test func quality() throws {
    let folder = try CheckpointFolder(path: fixture("tiny-bert"))
    let dataset = try labelled(Self.rows)
    let quality = try measureQuality(folder, PackingOptions(), dataset, targets(of: dataset, folder), threads: 1)
    func best(_ weights: WeightFormat) throws -> (labels: [Int], accuracy: Double) {
      var labels: [Int] = []
      let evaluation = try evaluated(Classifier(bundle: packed("tiny-bert", weights), threads: 1), dataset) {
        labels.append(argmax($1))
      }
      return (labels, evaluation.accuracy)
    }
    let (fp32, int8) = (try best(.fp32), try best(.int8))
    #expect(quality.samples == 150)
    #expect(quality.fp32.accuracy == fp32.accuracy && quality.packed.accuracy == int8.accuracy)
    #expect(quality.sameLabel == Double(zip(fp32.labels, int8.labels).filter { $0 == $1 }.count) / 150)
    #expect(quality.sameLabel > 0.9)
    #expect(quality.json["validation_samples"]?.int == 150)
    #expect(quality.json["int8"]?["accuracy"]?.double == int8.accuracy)
    var exact = PackingOptions()
    exact.weights = .fp32
    #expect(try measureQuality(folder, exact, dataset, targets(of: dataset, folder), threads: 1).sameLabel == 1)
    // Beside an output the models lie in files, of which nothing is left.
    try withTemporaryFolder { path in
      var options = PackingOptions()
      options.output = path + "/tiny.martlet"
      let mapped = try measureQuality(folder, options, dataset, targets(of: dataset, folder), threads: 1)
      #expect(mapped.json == quality.json && mapped.calibration == quality.calibration)
      #expect(try listDirectory(path).isEmpty)
    }

    var model = try packedModel(fixture("tiny-bert"))
    try model.add(quality)
    let bundle = try model.writeToMemory()
    #expect(try JSONValue(parsing: Array(bundle.text(.qualityReport).utf8)) == quality.json)

    // Calibrated scores are those of the divided logits, and their loss on the same records is what the fit said.
    let fit = try #require(quality.calibration)
    #expect(try Calibration(bundle).temperature == fit.temperature)
    let (plain, calibrated) = (try Classifier(bundle: bundle), try Classifier(bundle: bundle, calibrated: true))
    var loss = 0.0
    for (index, target) in try targets(of: dataset, folder).enumerated() {
      guard case .label(let truth) = target else { throw NoLabel() }
      let text = dataset.texts.string(index)
      let (before, after) = (try plain.classify(text), try calibrated.classify(text))
      #expect(before.logits == after.logits && before.label == after.label)
      #expect(after.scores == softmax(before.logits, temperature: fit.temperature))
      loss -= log(Double(after.scores[truth]))
    }
    #expect(abs(loss / 150 - fit.lossAfter) < 1e-6 && fit.lossAfter <= fit.lossBefore)
  }
}

/// The targets of a data set for a folder's task.
func targets(of dataset: LabelledDataset, _ folder: CheckpointFolder) throws -> [TrainingTarget] {
  var dataset = dataset
  return try dataset.targets(LabelReading(Model(configuration: folder.configuration).task, of: [dataset]))
}

/// Evaluates with the labels that the data have.
func evaluated(
  _ classifier: Classifier, _ dataset: LabelledDataset, maximumLength: Int? = nil,
  visit: (Int, UnsafeBufferPointer<Float>) -> Void = { _, _ in }
) throws -> EvaluationReport {
  var dataset = dataset
  let targets = try dataset.targets(LabelReading(classifier.model.task, of: [dataset]))
  return try evaluate(classifier.makeSession(), dataset, targets, maximumLength: maximumLength, visit: visit)
}
