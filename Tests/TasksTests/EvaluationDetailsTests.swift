import Tasks
import Testing

private struct Generator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 11 ^ state << 31
  }
}

extension EvaluationDetails {
  fileprivate mutating func add(_ index: Int, _ logits: [Float], _ target: TrainingTarget, tokens: Int = 5, unknown: Int = 0, isUnknown: Bool = false) {
    logits.withUnsafeBufferPointer { add(index, $0, target, tokens: tokens, unknownTokens: unknown, isUnknown: isUnknown) }
  }
}

@Suite struct EvaluationDetailsTests {
  /// Every point against a plain count of the scores, as `classify --threshold` would answer.
  @Test(arguments: [ClassificationTask.Kind.singleLabel, .multiLabel]) func precisionAndRecallByThreshold(kind: ClassificationTask.Kind) {
    var generator = Generator(state: 5)
    var curve = ThresholdCurve(kind)
    var answers: [(score: Float, isRight: Bool, isWanted: Bool)] = []
    let exact: [Float] = [0, 0.5, 0.25, 1, 0.9999, 0.99995, 0.999995, 0.1]
    for index in 0..<600 {
      let score = index < 80 ? exact[index % exact.count] : Float.random(in: 0...1, using: &generator)
      let isRight = Float.random(in: 0...1, using: &generator) < score
      let isWanted = kind == .singleLabel || isRight || index % 9 == 0
      answers.append((score, isRight, isWanted))
      curve.add(score: score, isRight: isRight, isWanted: isWanted)
    }
    let options = AnswerOptions(ClassificationTask(kind, labels: ["a", "b"]))
    #expect(curve.points.count > 300)
    for point in curve.points {
      let given = answers.filter { answer in
        let own = AnswerOptions(options.task, threshold: point.threshold)
        return kind == .singleLabel ? !own.abstains(answer.score) : own.gives(answer.score)
      }
      #expect(point.answered == given.count && point.right == given.count { $0.isRight }, "\(point.threshold)")
      #expect(point.precision == Double(given.count { $0.isRight }) / Double(given.count))
      #expect(point.recall == Double(given.count { $0.isRight }) / Double(answers.count { $0.isWanted }))
    }
    let reached = curve.point(reaching: 0.9)!
    #expect(reached.precision >= 0.9)
    #expect(curve.points.filter { $0.threshold < reached.threshold }.allSatisfy { $0.precision < 0.9 })
    #expect(curve.point(reaching: curve.mostPrecise!.precision)?.precision == curve.mostPrecise!.precision)
    #expect(ThresholdCurve(kind).mostPrecise == nil && ThresholdCurve(kind).points.isEmpty)
  }

  @Test func theHighestAreKeptInTheirOrder() {
    var generator = Generator(state: 9)
    var all: [(value: Double, order: Int)] = []
    var highest = Highest<(value: Double, order: Int)>(7) { $0.value }
    for order in 0..<1000 {
      let element = (value: Double(Int.random(in: 0..<50, using: &generator)), order: order)
      all.append(element)
      highest.add(element)
      let expected = all.sorted { ($0.value, -$0.order) > ($1.value, -$1.order) }.prefix(7)
      #expect(highest.sorted.map(\.order) == expected.map(\.order))
    }
  }

  @Test func mistakesSlicesAndUnknownWords() {
    let task = ClassificationTask(.singleLabel, labels: ["a", "b"])
    var details = EvaluationDetails(task, kept: 2)
    details.add(0, [3, 0], .label(0), tokens: 10)
    details.add(1, [4, 0], .label(1), tokens: 20, unknown: 2)
    details.add(2, [0, 1], .label(0), tokens: 300, unknown: 298, isUnknown: true)
    details.add(3, [5, 0], .label(1), tokens: 16)
    #expect(details.mistakes.sorted.map(\.record) == [3, 1])
    #expect(details.mistakes.sorted.allSatisfy { $0.predicted == 0 && $0.truth == 1 })
    #expect(details.slices.map(\.count) == [2, 1, 0, 1] && details.slices.map(\.right) == [1, 0, 0, 0])
    #expect(details.withUnknown.count == 2 && details.withoutUnknown.accuracy == 0.5 && details.unknownTexts == 1)
    #expect(details.unknownRecords.sorted.map(\.record) == [2, 1])
    // Of label a the model gives 0.95 and 0.27 where the data have it: both of the kept mistakes are surer than that.
    #expect(details.doubtfulLabels.map(\.record) == [3, 1])
    #expect(details.calibration.total == 4 && details.curve?.points.last?.answered == 1)
  }

  @Test func otherTasks() {
    var labels = EvaluationDetails(ClassificationTask(.multiLabel, labels: ["a", "b"]))
    labels.add(0, [5, -5], .values([0, 0]))
    labels.add(1, [-3, 3], .values([1, 1]))
    labels.add(2, [3, 3], .values([1, 1]))
    #expect(labels.mistakes.sorted.map(\.record) == [0, 1] && labels.mistakes.sorted.map(\.isGiven) == [true, false])
    #expect(labels.slices[0].accuracy == 1.0 / 3 && labels.calibration.total == 6)
    #expect(labels.doubtfulLabels.count == 2)
    var values = EvaluationDetails(ClassificationTask(.regression, labels: ["x", "y"]))
    values.add(0, [1, 2], .values([1, 4]))
    values.add(1, [0, 0], .values([5, 0]))
    #expect(values.mistakes.sorted.prefix(2).map(\.record) == [1, 0] && values.mistakes.sorted[0].confidence == 5)
    #expect(values.slices[0].meanError == 1.75 && values.curve == nil && values.doubtfulLabels.isEmpty)
  }
}
