import Tasks
import Testing

@Suite struct OtherTasksTests {
  private func multiLabel(_ count: Int, threshold: Double = 0.5) throws -> EvaluationAccumulator {
    try EvaluationAccumulator(ClassificationTask(.multiLabel, labels: (0..<count).map { "c\($0)" }), threshold: threshold)
  }

  private func regression(_ count: Int = 1) throws -> EvaluationAccumulator {
    try EvaluationAccumulator(ClassificationTask(.regression, labels: (0..<count).map { "v\($0)" }))
  }

  @Test func multiLabelScores() throws {
    var accumulator = try multiLabel(3)
    accumulator.add([2, -1, 0.5], .values([1, 0, 1]))  // all right
    accumulator.add([2, 1, -3], .values([1, 0, 0]))  // one false positive of label 1
    accumulator.add([-2, -1, -1], .values([0, 0, 1]))  // one false negative of label 2
    let report = accumulator.report()
    #expect(report.samples == 3)
    #expect(report.accuracy == 1.0 / 3)
    // true positives 3, predicted 4, support 4
    #expect(report.headline.precision == 0.75 && report.headline.recall == 0.75 && report.headline.f1 == 0.75)
    #expect(report.perLabel.map(\.f1) == [1, 0, 2.0 / 3])
    #expect(abs(report.macro.f1 - 5.0 / 9) < 1e-15)
    #expect(report.perLabel.map(\.support) == [2, 0, 2])
    #expect(report.predicted == [2, 1, 1])
  }

  @Test func aLogitOnTheThresholdIsNotPredicted() throws {
    var accumulator = try multiLabel(1)
    accumulator.add([0], .values([0]))
    #expect(accumulator.report().accuracy == 1)
    var high = try multiLabel(1, threshold: 0.9)
    high.add([2], .values([0]))  // probability 0.88
    #expect(high.report().accuracy == 1)
  }

  @Test func regressionErrorsAndCorrelation() throws {
    var accumulator = try regression()
    for (prediction, truth) in [(1, 2), (2, 2), (4, 3), (5, 7)] as [(Float, Float)] { accumulator.add([prediction], .values([truth])) }
    let report = accumulator.report()
    let errors = try #require(report.errors)
    #expect(report.loss == 1.5 && errors.meanSquared == 1.5)
    #expect(errors.meanAbsolute == 1)
    // deviations -2 -1 1 2 and -1.5 -1.5 -0.5 3.5: products 11, squares 10 and 17
    #expect(abs(errors.pearson - 11 / 170.0.squareRoot()) < 1e-12)
    #expect(report.figures.map(\.name) == ["loss", "mse", "mae", "pearson"])
  }

  /// The loss is the mean over all values, as PyTorch's; the correlation is the mean of the outputs'.
  @Test func severalValues() throws {
    var accumulator = try regression(2)
    for (prediction, truth) in [([1, 4], [2, 4]), ([2, 3], [2, 1]), ([4, 2], [3, 3])] as [([Float], [Float])] {
      accumulator.add(prediction, .values(truth))
    }
    let report = accumulator.report()
    let errors = try #require(report.errors)
    #expect(abs(report.loss - (1 + 0 + 0 + 4 + 1 + 1) / 6.0) < 1e-12)
    #expect(abs(errors.meanAbsolute - (1 + 0 + 0 + 2 + 1 + 1) / 6.0) < 1e-12)
    var single: [Double] = []
    for output in 0..<2 {
      var one = try regression()
      for (prediction, truth) in [([1, 4], [2, 4]), ([2, 3], [2, 1]), ([4, 2], [3, 3])] as [([Float], [Float])] {
        one.add([prediction[output]], .values([truth[output]]))
      }
      single.append(try #require(one.report().errors).pearson)
    }
    #expect(abs(errors.pearson - (single[0] + single[1]) / 2) < 1e-12)
  }

  @Test func correlationWithAConstantIsZero() throws {
    var accumulator = try regression()
    for value in [1, 2, 3] as [Float] { accumulator.add([value], .values([5])) }
    #expect(accumulator.report().errors?.pearson == 0)
    #expect(try regression().report().samples == 0)
  }

  @Test func pearsonDoesNotCancelFarFromZero() throws {
    var accumulator = try regression()
    for value in [1, 2, 3, 4] as [Float] { accumulator.add([16_000_000 + value], .values([-16_000_000 - value])) }
    #expect(abs(try #require(accumulator.report().errors).pearson + 1) < 1e-9)
  }
}
