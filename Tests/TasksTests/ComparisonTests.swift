import Tasks
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct ComparisonTests {
  /// Against the sum of exact binomial coefficients, and `scipy.stats.binomtest(min(b, c), b + c).pvalue` of SciPy 1.17.1.
  @Test func mcNemarIsExactWhereFewDiffer() {
    for (first, second, expected) in [(0, 0, 1), (1, 0, 1), (3, 9, 0.14599609375), (0, 6, 0.03125), (11, 13, 0.8388197422027588), (12, 12, 1)] {
      let test = PairedTest.mcNemar(onlyFirst: first, onlySecond: second)
      #expect(test.method == .mcNemarExact && abs(test.pValue - expected) < 1e-12, "\(first) \(second): \(test.pValue)")
      #expect(PairedTest.mcNemar(onlyFirst: second, onlySecond: first) == test)
    }
    for total in 0..<25 {
      for first in 0...total {
        // Pascal's triangle in whole numbers.
        var row = [1]
        for _ in 0..<total { row = zip(row + [0], [0] + row).map(+) }
        let tail = row[...min(first, total - first)].reduce(0, +)
        let expected = min(1, 2 * Double(tail) / Double(1 << total))
        #expect(abs(PairedTest.mcNemar(onlyFirst: first, onlySecond: total - first).pValue - expected) < 1e-12)
      }
    }
  }

  /// `scipy.stats.chi2.sf((|b - c| - 1)² / (b + c), 1)` of SciPy 1.17.1.
  @Test func mcNemarIsApproximateWhereManyDo() {
    for (first, second, expected) in [
      (10, 15, 0.4237107971667936), (40, 20, 0.014171388254012323), (300, 251, 0.04086779957623104), (13, 12, 1), (1000, 1, 2.1834037788402784e-218),
    ] {
      let test = PairedTest.mcNemar(onlyFirst: first, onlySecond: second)
      #expect(test.method == .mcNemar && abs(test.pValue - expected) <= 1e-9 * expected, "\(first) \(second): \(test.pValue)")
    }
  }

  @Test func theBootstrapSeesADifferenceAndNoneWhereThereIsNone() {
    func mean(_ totals: [Double], _ count: Int) -> Double { totals[0] / Double(count) }
    let same = PairedTest.bootstrap((0..<200).flatMap { (record: Int) -> [Float] in [Float(record % 2), Float(record % 2)] }, width: 1, figure: mean)
    #expect(same.pValue == 1 && same.interval == 0...0)
    // 60 of 200 against 40: the standard error of the difference is sqrt(100 / 200 - 0.1²) / sqrt(200) ≈ 0.0495 about 0.1.
    let rows = (0..<200).flatMap { (record: Int) -> [Float] in
      if record < 40 { return [1, 0] }
      return record < 100 ? [0, 1] : [1, 1]
    }
    let test = PairedTest.bootstrap(rows, width: 1, figure: mean)
    let interval = test.interval!
    #expect(abs(interval.lowerBound - (0.1 - 1.96 * 0.0495)) < 0.01 && abs(interval.upperBound - (0.1 + 1.96 * 0.0495)) < 0.01)
    #expect(test.pValue > 0.02 && test.pValue < 0.08)
    // The same seed draws the same.
    #expect(PairedTest.bootstrap(rows, width: 1, figure: mean) == test)
    #expect(PairedTest.bootstrap(rows, width: 1, seed: 7, figure: mean) != test)
  }

  private func answers(
    _ task: ClassificationTask, as first: ClassificationTask, _ records: [(logits: [Float], target: TrainingTarget)]
  ) throws -> ComparedAnswers? {
    guard var answers = try ComparedAnswers(task, as: first, records: records.count) else { return nil }
    for (logits, target) in records { logits.withUnsafeBufferPointer { answers.add($0, target) } }
    return answers
  }

  @Test func labelsInAnotherOrderAreTheSameLabels() throws {
    let first = ClassificationTask(.singleLabel, labels: ["a", "b", "c"])
    let other = ClassificationTask(.singleLabel, labels: ["c", "a", "b"])
    let own = try #require(try answers(first, as: first, [([9, 0, 0], .label(0)), ([0, 9, 0], .label(1)), ([0, 0, 9], .label(0))]))
    // a; then c where b is right; then a, where the first said c.
    let others = try #require(try answers(other, as: first, [([0, 9, 0], .label(1)), ([9, 0, 0], .label(2)), ([0, 9, 0], .label(1))]))
    let comparison = try own.compared(with: others, isOnlyPair: true)
    #expect(comparison.onlyFirst == 1 && comparison.onlySecond == 1 && comparison.differing == 2)
    #expect(comparison.examples.map(\.record) == [1, 2] && comparison.examples.map(\.first) == ["b", "c"])
    #expect(comparison.examples.map(\.second) == ["c", "a"])
    #expect(comparison.test == .mcNemar(onlyFirst: 1, onlySecond: 1))
    #expect(try own.compared(with: others, isOnlyPair: false).test.method == .bootstrap)
    for wrong in [
      ClassificationTask(.singleLabel, labels: ["a", "b"]), ClassificationTask(.singleLabel, labels: ["a", "b", "C"]),
      ClassificationTask(.multiLabel, labels: ["a", "b", "c"]), ClassificationTask(.singleLabel, labels: ["a", "b", "c", "d"]),
    ] {
      #expect(try ComparedAnswers(wrong, as: first, records: 3) == nil)
    }
  }

  @Test func figuresAreThoseOfAnEvaluation() throws {
    for kind in [ClassificationTask.Kind.multiLabel, .regression] {
      let task = ClassificationTask(kind, labels: ["a", "b"])
      var records: [(logits: [Float], target: TrainingTarget)] = []
      for record in 0..<50 {
        let logits = [Float(record % 7) - 3, Float(record % 5) - 2]
        let truths = [Float(record % 2), record % 3 == 0 ? Float(1) : 0]
        records.append((logits, .values(truths)))
      }
      var accumulator = try EvaluationAccumulator(task)
      for (logits, target) in records { accumulator.add(logits, target) }
      let own = try #require(try answers(task, as: task, records))
      let report = accumulator.report()
      #expect(abs(own.figure - (kind == .multiLabel ? report.headline.f1 : report.errors!.meanSquared)) < 1e-6)
      let comparison = try own.compared(with: own, isOnlyPair: true)
      #expect(comparison.test.method == .bootstrap && comparison.test.pValue == 1 && comparison.differing == 0)
    }
  }
}
