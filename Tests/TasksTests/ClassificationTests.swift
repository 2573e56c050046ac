import Tasks
import TestSupport
import Testing

@Suite struct ClassificationTests {
  func task(_ classes: Int) -> ClassificationTask { ClassificationTask(.singleLabel, labels: (0..<classes).map { "c\($0)" }) }

  func report(_ truths: [Int], _ predictions: [Int], classes: Int) throws -> EvaluationReport {
    var accumulator = try EvaluationAccumulator(task(classes))
    for (truth, prediction) in zip(truths, predictions) {
      accumulator.add((0..<classes).map { $0 == prediction ? 1 : 0 }, .label(truth))
    }
    return accumulator.report()
  }

  @Test func twoClassesReportTheScoresOfLabelOne() throws {
    // true positives 2, false positives 1, false negatives 2, true negatives 1
    let report = try report([1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 1, 0], classes: 2)
    #expect(report.samples == 6)
    #expect(report.accuracy == 0.5)
    #expect(report.headline.precision == 2.0 / 3)
    #expect(report.headline.recall == 0.5)
    #expect(report.headline.f1 == 4.0 / 7)
    #expect(report.confusion?.counts == [1, 1, 2, 2])
    #expect(report.headlineLabel == 1 && report["f1:c1"] == 4.0 / 7 && report["recall:c0"] == 0.5 && report["f1:c2"] == nil)
    #expect(report["f2"] == nil && report["accuracy"] == 0.5 && report["macro_f1"] == report.macro.f1)
  }

  @Test func nothingPredictedOrNothingTrueIsZero() throws {
    let neverPredicted = try report([1, 1, 0], [0, 0, 0], classes: 2)
    #expect([neverPredicted.headline.precision, neverPredicted.headline.recall, neverPredicted.headline.f1] == [0, 0, 0])
    let neverTrue = try report([0, 0], [1, 0], classes: 2)
    #expect([neverTrue.headline.precision, neverTrue.headline.recall, neverTrue.headline.f1] == [0, 0, 0])
    let empty = try report([], [], classes: 2)
    #expect(empty.accuracy == 0 && empty.headline.f1 == 0 && empty.samples == 0)
  }

  @Test func moreClassesReportTheMacroMean() throws {
    // The example of scikit-learn's documentation: macro precision 0.222, recall 1/3, F1 0.2667.
    let report = try report([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], classes: 3)
    #expect(abs(report.headline.precision - 2.0 / 9) < 1e-15)
    #expect(abs(report.headline.recall - 1.0 / 3) < 1e-15)
    #expect(abs(report.headline.f1 - 0.8 / 3) < 1e-15)
    #expect(report.perLabel.map(\.support) == [2, 2, 2])
    #expect(report.headline == report.macro && report.headlineLabel == nil)
  }

  @Test func macroLeavesOutClassesThatNeverOccur() throws {
    let report = try report([0, 1, 0, 1], [0, 1, 1, 1], classes: 5)
    // class 0: precision 1, recall 1/2; class 1: precision 2/3, recall 1
    #expect(abs(report.headline.precision - (1 + 2.0 / 3) / 2) < 1e-15)
    #expect(abs(report.headline.recall - 0.75) < 1e-15)
    #expect(report.perLabel.count == 5)
  }

  @Test func aClassThatIsOnlyPredictedCountsInTheMacroMean() throws {
    let report = try report([0, 0], [0, 2], classes: 3)
    #expect(report.headline.precision == 0.5)
    #expect(report.headline.recall == 0.25)
  }

  @Test func theHeadlineMayBeOfTheOtherLabel() throws {
    var accumulator = try EvaluationAccumulator(task(2), positiveLabel: 0)
    for (truth, prediction) in [(1, 1), (1, 0), (0, 0)] { accumulator.add([prediction == 0 ? 1 : 0, prediction == 1 ? 1 : 0], .label(truth)) }
    let report = accumulator.report()
    #expect(report.headlineLabel == 0 && report.headline.precision == 0.5 && report.headline.recall == 1)
    #expect(report.predicted == [2, 1])
  }

  @Test func lossIsTheMeanOverRecords() throws {
    var accumulator = try EvaluationAccumulator(task(2))
    let records: [([Float], Int)] = [([0, 1], 1), ([3, -1], 1), ([0.5, 0.5], 0), ([-2, 2], 1), ([1, 0], 0)]
    for (logits, truth) in records { accumulator.add(logits, .label(truth)) }
    let expected = records.map { crossEntropy(logits: $0.0, target: $0.1) }.reduce(0, +) / 5
    #expect(abs(accumulator.report().loss - expected) < 1e-15)
    #expect(accumulator.report().accuracy == 0.8)
  }

  @Test(arguments: [2, 3, 7]) func scoresAgreeWithTheDefinitionOnRandomLabels(classes: Int) throws {
    var random = SeededGenerator(seed: UInt64(classes))
    let truths = (0..<200).map { _ in Int.random(in: 0..<classes, using: &random) }
    let predictions = (0..<200).map { _ in Int.random(in: 0..<classes, using: &random) }
    let report = try report(truths, predictions, classes: classes)
    for label in 0..<classes {
      let both = zip(truths, predictions).filter { $0 == label && $1 == label }.count
      let predicted = predictions.filter { $0 == label }.count
      let support = truths.filter { $0 == label }.count
      let precision = predicted == 0 ? 0 : Double(both) / Double(predicted)
      let recall = support == 0 ? 0 : Double(both) / Double(support)
      let f1 = precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall)
      let scores = report.perLabel[label]
      #expect(scores.precision == precision && scores.recall == recall, "\(truths) \(predictions)")
      #expect(abs(scores.f1 - f1) < 1e-12, "\(truths) \(predictions)")
    }
  }
}
