import Evaluation
import Testing

@Suite struct ClassificationTests {
  func report(_ truths: [Int], _ predictions: [Int], classes: Int) -> ClassificationReport {
    var accumulator = ClassificationAccumulator(classes: classes)
    for (truth, prediction) in zip(truths, predictions) { accumulator.add(truth: truth, prediction: prediction) }
    return accumulator.report()
  }

  @Test func twoClassesReportTheScoresOfLabelOne() {
    // true positives 2, false positives 1, false negatives 2, true negatives 1
    let report = report([1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 1, 0], classes: 2)
    #expect(report.samples == 6)
    #expect(report.accuracy == 0.5)
    #expect(report.precision == 2.0 / 3)
    #expect(report.recall == 0.5)
    #expect(report.f1 == 4.0 / 7)
    #expect(report.confusion.counts == [1, 1, 2, 2])
    #expect(report.loss == nil)
  }

  @Test func nothingPredictedOrNothingTrueIsZero() {
    let neverPredicted = report([1, 1, 0], [0, 0, 0], classes: 2)
    #expect([neverPredicted.precision, neverPredicted.recall, neverPredicted.f1] == [0, 0, 0])
    let neverTrue = report([0, 0], [1, 0], classes: 2)
    #expect([neverTrue.precision, neverTrue.recall, neverTrue.f1] == [0, 0, 0])
    let empty = report([], [], classes: 2)
    #expect(empty.accuracy == 0 && empty.f1 == 0 && empty.samples == 0)
  }

  @Test func moreClassesReportTheMacroMean() {
    // The example of scikit-learn's documentation: macro precision 0.222, recall 1/3, F1 0.2667.
    let report = report([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], classes: 3)
    #expect(abs(report.precision - 2.0 / 9) < 1e-15)
    #expect(abs(report.recall - 1.0 / 3) < 1e-15)
    #expect(abs(report.f1 - 0.8 / 3) < 1e-15)
    #expect(report.perClass.map(\.support) == [2, 2, 2])
    #expect(abs(report.weighted.f1 - 0.8 / 3) < 1e-15)
  }

  @Test func macroLeavesOutClassesThatNeverOccur() {
    let report = report([0, 1, 0, 1], [0, 1, 1, 1], classes: 5)
    // class 0: precision 1, recall 1/2; class 1: precision 2/3, recall 1
    #expect(abs(report.precision - (1 + 2.0 / 3) / 2) < 1e-15)
    #expect(abs(report.recall - 0.75) < 1e-15)
    #expect(report.perClass.count == 5)
  }

  @Test func aClassThatIsOnlyPredictedCountsInTheMacroMean() {
    let report = report([0, 0], [0, 2], classes: 3)
    #expect(report.precision == 0.5)
    #expect(report.recall == 0.25)
  }

  @Test func weightedMeanFollowsTheSupport() {
    let report = report([0, 0, 0, 1], [0, 0, 0, 0], classes: 3)
    #expect(report.weighted.recall == 0.75)
    #expect(report.weighted.precision == 0.75 * 0.75)
    #expect(report.weighted.support == 4)
  }

  @Test func lossIsTheMeanOverRecordsWhateverTheBatches() {
    var whole = ClassificationAccumulator(classes: 2)
    var first = ClassificationAccumulator(classes: 2)
    var second = ClassificationAccumulator(classes: 2)
    let records: [([Float], Int)] = [([0, 1], 1), ([3, -1], 1), ([0.5, 0.5], 0), ([-2, 2], 1), ([1, 0], 0)]
    for (index, record) in records.enumerated() {
      whole.add(logits: record.0, truth: record.1)
      if index < 4 { first.add(logits: record.0, truth: record.1) } else { second.add(logits: record.0, truth: record.1) }
    }
    first.merge(second)
    let expected = records.map { crossEntropy(logits: $0.0, target: $0.1) }.reduce(0, +) / 5
    #expect(abs(whole.report().loss! - expected) < 1e-15)
    #expect(abs(first.report().loss! - expected) < 1e-15)
    #expect(first.report().confusion == whole.report().confusion)
    #expect(whole.report().accuracy == 0.8)
  }

  @Test(arguments: [2, 3, 7]) func scoresAgreeWithTheDefinitionOnRandomLabels(classes: Int) {
    var random = Seeded(seed: UInt64(classes))
    let truths = (0..<200).map { _ in Int.random(in: 0..<classes, using: &random) }
    let predictions = (0..<200).map { _ in Int.random(in: 0..<classes, using: &random) }
    let report = report(truths, predictions, classes: classes)
    for label in 0..<classes {
      let both = zip(truths, predictions).filter { $0 == label && $1 == label }.count
      let predicted = predictions.filter { $0 == label }.count
      let support = truths.filter { $0 == label }.count
      let precision = predicted == 0 ? 0 : Double(both) / Double(predicted)
      let recall = support == 0 ? 0 : Double(both) / Double(support)
      let f1 = precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall)
      let scores = report.perClass[label]
      #expect(scores.precision == precision && scores.recall == recall, "\(truths) \(predictions)")
      #expect(abs(scores.f1 - f1) < 1e-12, "\(truths) \(predictions)")
    }
  }
}

/// SplitMix64, so that a failure repeats.
private struct Seeded: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
