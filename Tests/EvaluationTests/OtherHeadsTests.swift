import Evaluation
import Testing

@Suite struct OtherHeadsTests {
  @Test func multiLabelScores() {
    var accumulator = MultiLabelAccumulator(labels: 3)
    accumulator.add(logits: [2, -1, 0.5], targets: [1, 0, 1])  // all right
    accumulator.add(logits: [2, 1, -3], targets: [1, 0, 0])  // one false positive of label 1
    accumulator.add(logits: [-2, -1, -1], targets: [0, 0, 1])  // one false negative of label 2
    let report = accumulator.report()
    #expect(report.samples == 3)
    #expect(report.subsetAccuracy == 1.0 / 3)
    // true positives 3, predicted 4, support 4
    #expect(report.micro.precision == 0.75 && report.micro.recall == 0.75 && report.micro.f1 == 0.75)
    #expect(report.perLabel.map(\.f1) == [1, 0, 2.0 / 3])
    #expect(abs(report.macro.f1 - 5.0 / 9) < 1e-15)
    #expect(report.perLabel.map(\.support) == [2, 0, 2])
  }

  @Test func aLogitOnTheThresholdIsNotPredicted() {
    var accumulator = MultiLabelAccumulator(labels: 1)
    accumulator.add(logits: [0], targets: [0])
    #expect(accumulator.report().subsetAccuracy == 1)
    var high = MultiLabelAccumulator(labels: 1, threshold: 0.9)
    high.add(logits: [2], targets: [0])  // probability 0.88
    #expect(high.report().subsetAccuracy == 1)
  }

  @Test func regressionErrorsAndCorrelation() {
    var accumulator = RegressionAccumulator()
    for (prediction, truth) in [(1.0, 2.0), (2, 2), (4, 3), (5, 7)] { accumulator.add(prediction: prediction, truth: truth) }
    let report = accumulator.report()
    #expect(report.meanSquaredError == 1.5)
    #expect(report.meanAbsoluteError == 1)
    // deviations -2 -1 1 2 and -1.5 -1.5 -0.5 3.5: products 11, squares 10 and 17
    #expect(abs(report.pearson - 11 / 170.0.squareRoot()) < 1e-12)
  }

  @Test func correlationWithAConstantIsZero() {
    var accumulator = RegressionAccumulator()
    for value in [1.0, 2, 3] { accumulator.add(prediction: value, truth: 5) }
    #expect(accumulator.report().pearson == 0)
    #expect(RegressionAccumulator().report().samples == 0)
  }

  @Test func pearsonDoesNotCancelFarFromZero() {
    var accumulator = RegressionAccumulator()
    for value in [1.0, 2, 3, 4] { accumulator.add(prediction: 1e9 + value, truth: -1e9 - value) }
    #expect(abs(accumulator.report().pearson + 1) < 1e-9)
  }

  @Test func spearmanSharesRanksOfEqualValues() {
    #expect(abs(spearman([1, 2, 3, 4], [10, 20, 30, 40]) - 1) < 1e-15)
    #expect(abs(spearman([1, 2, 3], [3, 2, 1]) + 1) < 1e-15)
    // ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4: products 4.5, squares 4.5 and 5
    #expect(abs(spearman([1, 2, 2, 4], [1, 3, 2, 4]) - 4.5 / 22.5.squareRoot()) < 1e-12)
  }
}
