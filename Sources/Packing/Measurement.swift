import Bundles
import Checkpoints
import JSON
import ModelBundles
import Records
import Sessions
import Storage
import Tasks
import Tokenizers
import WeightFormats

/// What a classifier made of a text before it ran it.
package struct TextFacts: Sendable, Equatable {
  package let tokens: Int
  /// How many of them are the unknown token.
  package let unknownTokens: Int
  /// Whether the vocabulary knows nothing of the text.
  package let isUnknown: Bool

  /// Of no text.
  package static let none = TextFacts(tokens: 0, unknownTokens: 0, isUnknown: false)
}

/// Runs a session over labelled data, in batches, in constant memory besides the data.
///
/// - Parameters:
///   - targets: of the records, one each.
///   - positiveLabel: the one that the headline figures are of where there are two.
///   - visit: called for each record in order with its logits.
///   - describe: called for each record in order, before `visit`, with what its text is made of.
/// - Throws: `ModelError` of kind `notFinite` where a figure would be none.
package func evaluate(
  _ session: Session, _ dataset: LabelledDataset, _ targets: [TrainingTarget], maximumLength: Int? = nil,
  positiveLabel: Int = 1, visit: (Int, UnsafeBufferPointer<Float>) -> Void = { _, _ in },
  describe: (Int, TextFacts) -> Void = { _, _ in }
) throws -> EvaluationReport {
  try withoutActuallyEscaping(describe) { describe in
    try evaluate(
      session.task, positiveLabel: positiveLabel,
      on: ClassifiedRecords(session: session, dataset: dataset, maximumLength: maximumLength, describe: describe),
      target: { targets[$0] }, visit: visit)
  }
}

/// The records of a data set as a session sees them.
private struct ClassifiedRecords: LogitsSource {
  let session: Session
  let dataset: LabelledDataset
  let maximumLength: Int?
  let describe: (Int, TextFacts) -> Void

  func forEachLogits(_ visit: (Int, UnsafeBufferPointer<Float>) -> Void) throws {
    let unknownTokens = session.unknownTokens
    var facts: [TextFacts] = []
    var next = 0
    var read = 0
    try session.runBatches(of: 2048) {
      guard next < dataset.count else { return false }
      let length = try dataset.texts.withBytes(next) { text in
        guard let pairs = dataset.pairs else { return try session.append(text, maximumLength: maximumLength) }
        return try pairs.withBytes(next) { try session.append(text, pair: $0, maximumLength: maximumLength) }
      }
      facts.append(
        TextFacts(
          tokens: length.tokens, unknownTokens: unknownTokens?.count(in: session.lastTextIDs) ?? 0,
          isUnknown: unknownTokens?.areAll(of: session.lastTextIDs) ?? false))
      next += 1
      return true
    } read: {
      for text in 0..<session.answered.count {
        guard session.isFinite(text) else {
          throw ModelError(.notFinite, "\(dataset.place(of: read + text)): \(Session.notFinite)")
        }
        describe(read + text, facts[text])
        visit(read + text, session.logits(of: text))
      }
      // What is left is of the texts that were encoded meanwhile.
      facts.removeFirst(session.answered.count)
      read += session.answered.count
    }
  }
}

/// What quantising costs on validation data: the same records through the fp32 weights and through the packed ones.
package struct PackingQuality: Sendable {
  package let samples: Int
  package let weights: WeightFormat
  package let fp32: EvaluationReport
  package let packed: EvaluationReport
  /// The share of records with the same best label.
  package let sameLabel: Double
  /// The temperature for the packed weights' logits; none for regression.
  package let calibration: TemperatureFit?

  package var json: JSONValue {
    .object(
      JSONObject([
        ("validation_samples", .integer(Int64(samples))),
        ("fp32", .object(JSONObject(fp32.figures.map { ($0.name, .number($0.value)) }))),
        (weights.rawValue, .object(JSONObject(packed.figures.map { ($0.name, .number($0.value)) }))),
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

/// Measures a checkpoint folder in fp32 and packed as `options` say (as a delta of their base), and fits a temperature to the logits of the
/// latter. With an output both are mapped from files beside it, so that no model is in memory.
package func measureQuality(
  _ folder: CheckpointFolder, _ options: PackingOptions, _ dataset: LabelledDataset, _ targets: [TrainingTarget],
  positiveLabel: Int = 1, threads: Int?
) throws -> PackingQuality {
  var bestLabels: [Int] = []
  func run(_ weights: WeightFormat, base: DeltaBase?, _ visit: (Int, UnsafeBufferPointer<Float>) -> Void) throws -> EvaluationReport {
    var options = options
    options.weights = weights
    options.base = base
    options.codec = .mapped
    let model = try LoadedModel(pack(folder, options: options).open(), threads: threads)
    return try evaluate(model.makeSession(), dataset, targets, positiveLabel: positiveLabel, visit: visit)
  }
  let fp32 = try run(.fp32, base: nil) { _, logits in bestLabels.append(argmax(logits)) }
  var same = 0
  var packedLogits: [Float] = []
  let packed = try run(options.weights, base: options.base) { index, logits in
    same += argmax(logits) == bestLabels[index] ? 1 : 0
    packedLogits += logits
  }
  return PackingQuality(
    samples: dataset.count, weights: options.weights, fp32: fp32, packed: packed,
    sameLabel: Double(same) / Double(max(1, dataset.count)),
    calibration: packed.task.fittedTemperature(logits: packedLogits, targets: targets))
}
