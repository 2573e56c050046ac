import Bundles
import Checkpoints
import Encoders
import Evaluation
import JSON
import Martlet
import Records
import Storage

/// What a classifier does on labelled data.
package enum ModelEvaluation: Sendable {
  case singleLabel(ClassificationReport)
  case multiLabel(MultiLabelReport)
  case regression(RegressionReport)

  /// The headline figures, by the names of the reference library's evaluation.
  package var metrics: [(name: String, value: Double)] {
    switch self {
    case .singleLabel(let report):
      [
        ("accuracy", report.accuracy), ("precision", report.precision), ("recall", report.recall), ("f1", report.f1),
        ("loss", report.loss ?? .nan),
      ]
    case .multiLabel(let report):
      [
        ("accuracy", report.subsetAccuracy), ("precision", report.micro.precision), ("recall", report.micro.recall),
        ("f1", report.micro.f1), ("macro_f1", report.macro.f1), ("loss", report.loss),
      ]
    case .regression(let report):
      [("mse", report.meanSquaredError), ("mae", report.meanAbsoluteError), ("pearson", report.pearson)]
    }
  }
}

/// Runs a classifier over labelled data, in batches, in constant memory besides the data.
///
/// - Parameter visit: called for each record in order with its logits.
/// - Throws: `RecordsError` when a label is not one of the model's, `ClassifierError` of kind `notFinite` where a figure would be none.
package func evaluate(
  _ classifier: Classifier, _ dataset: LabelledDataset, maximumLength: Int? = nil,
  visit: (Int, UnsafeBufferPointer<Float>) -> Void = { _, _ in }
) throws -> ModelEvaluation {
  let labels = classifier.labels
  switch classifier.model.labels.problemType {
  case .singleLabel:
    let truths = try dataset.classes(labels: labels)
    // The confusion matrix, and what is made of it.
    try requireMemory((labels.count * labels.count).memory(times: 3 * MemoryLayout<Int>.stride))
    var accumulator = ClassificationAccumulator(classes: labels.count)
    try forEachLogits(classifier, dataset, maximumLength) { index, logits in
      accumulator.add(logits: logits, truth: truths[index])
      visit(index, logits)
    }
    return .singleLabel(accumulator.report())
  case .multiLabel:
    let targets = try dataset.labelSets(labels: labels)
    var accumulator = MultiLabelAccumulator(labels: labels.count)
    try forEachLogits(classifier, dataset, maximumLength) { index, logits in
      let row = index * labels.count..<(index + 1) * labels.count
      targets.withUnsafeBufferPointer {
        accumulator.add(logits: logits, targets: UnsafeBufferPointer(rebasing: $0[row]))
      }
      visit(index, logits)
    }
    return .multiLabel(accumulator.report())
  case .regression:
    let values = try dataset.values()
    var accumulator = RegressionAccumulator()
    try forEachLogits(classifier, dataset, maximumLength) { index, logits in
      accumulator.add(prediction: Double(logits[0]), truth: Double(values[index]))
      visit(index, logits)
    }
    return .regression(accumulator.report())
  }
}

private func forEachLogits(
  _ classifier: Classifier, _ dataset: LabelledDataset, _ maximumLength: Int?,
  _ body: (Int, UnsafeBufferPointer<Float>) -> Void
) throws {
  let session = try classifier.makeSession()
  var next = 0
  var read = 0
  try session.runBatches(of: 2048) {
    guard next < dataset.count else { return false }
    try dataset.texts.withBytes(next) { text in
      if let pairs = dataset.pairs {
        _ = try pairs.withBytes(next) { try session.append(text, pair: $0, maximumLength: maximumLength) }
      } else {
        _ = try session.append(text, maximumLength: maximumLength)
      }
    }
    next += 1
    return true
  } read: {
    for text in 0..<session.answered.count {
      guard session.isFinite(text) else {
        throw ClassifierError(.notFinite, "\(dataset.place(of: read + text)): \(Session.notFinite)")
      }
      body(read + text, session.logits(of: text))
    }
    read += session.answered.count
  }
}

/// What quantising costs on validation data: the same records through the fp32 weights and through the packed ones.
package struct PackingQuality: Sendable {
  package let samples: Int
  package let weights: WeightPrecision
  package let fp32: [(name: String, value: Double)]
  package let packed: [(name: String, value: Double)]
  /// The share of records with the same best label.
  package let sameLabel: Double
  /// The temperature for the packed weights' logits; none for regression.
  package let calibration: TemperatureFit?

  package var json: JSONValue {
    .object(
      JSONObject([
        ("validation_samples", .integer(Int64(samples))),
        ("fp32", .object(JSONObject(fp32.map { ($0.name, .number($0.value)) }))),
        (weights.rawValue, .object(JSONObject(packed.map { ($0.name, .number($0.value)) }))),
        ("same_label", .number(sameLabel)),
      ]))
  }
}

extension PackingQuality {
  /// The bundle's calibration section.
  package var calibrationJSON: JSONValue? {
    calibration.map {
      [
        "temperature": .number($0.temperature), "samples": .integer(Int64(samples)), "mistakes": .integer(Int64($0.mistakes)),
        "loss_before": .number($0.lossBefore), "loss_after": .number($0.lossAfter),
      ]
    }
  }
}

/// Measures a checkpoint folder in fp32 and packed as `weights` (as a delta of `base`), and fits a temperature to the logits of the latter.
package func measureQuality(
  _ folder: CheckpointFolder, _ weights: WeightPrecision, base: DeltaBase? = nil, _ dataset: LabelledDataset, threads: Int?
) throws -> PackingQuality {
  var bestLabels: [Int] = []
  func run(
    _ weights: WeightPrecision, base: DeltaBase? = nil, _ visit: (Int, UnsafeBufferPointer<Float>) -> Void
  ) throws -> (evaluation: ModelEvaluation, labels: LabelConfiguration) {
    var options = PackingOptions()
    options.weights = weights
    options.base = base
    let classifier = try Classifier(bundle: pack(folder, options: options).writeToMemory(), threads: threads)
    return (try evaluate(classifier, dataset, visit: visit), classifier.model.labels)
  }
  let fp32 = try run(.fp32) { _, logits in bestLabels.append(argmax(logits)) }.evaluation
  var same = 0
  var packedLogits: [Float] = []
  let (packed, labels) = try run(weights, base: base) { index, logits in
    same += argmax(logits) == bestLabels[index] ? 1 : 0
    packedLogits += logits
  }
  let calibration: TemperatureFit? =
    switch labels.problemType {
    case .singleLabel:
      fitTemperature(logits: packedLogits, classes: labels.names.count, truths: try dataset.classes(labels: labels.names))
    case .multiLabel: fitTemperature(logits: packedLogits, targets: try dataset.labelSets(labels: labels.names))
    case .regression: nil
    }
  return PackingQuality(
    samples: dataset.count, weights: weights, fp32: fp32.metrics, packed: packed.metrics,
    sameLabel: Double(same) / Double(max(1, dataset.count)), calibration: calibration)
}
