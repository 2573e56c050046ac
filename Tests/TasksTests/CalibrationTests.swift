import Tasks
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct CalibrationTests {
  @Test func expectedErrorByHand() {
    var bins = CalibrationBins(count: 10)
    bins.add(confidence: 0.95, correct: true)
    bins.add(confidence: 0.91, correct: false)
    bins.add(confidence: 0.55, correct: true)
    bins.add(confidence: 0.55, correct: true)
    // bin 9: accuracy 0.5, confidence 0.93, two of four; bin 5: accuracy 1, confidence 0.55
    #expect(abs(bins.expectedError - (0.43 * 0.5 + 0.45 * 0.5)) < 1e-12)
    #expect(abs(bins.maximumError - 0.45) < 1e-12)
    #expect(bins.total == 4)
  }

  @Test func edgesBelongToTheBinBelow() {
    var bins = CalibrationBins(count: 2)
    bins.add(confidence: 0, correct: false)
    bins.add(confidence: 0.5, correct: true)
    bins.add(confidence: 1, correct: true)
    bins.add(confidence: .nan, correct: true)
    #expect(bins.bins.map(\.count) == [3, 1])
    #expect(CalibrationBins().expectedError == 0)
  }

  /// Logits made from known probabilities and then multiplied by three: the fit finds three again.
  @Test func fitFindsTheTemperatureThatWasApplied() {
    var logits: [Float] = []
    var truths: [Int] = []
    for (right, of, logit) in [(80, 100, 1.3862943611198906), (60, 100, 0.4054651081081644), (95, 100, 2.9444389791664403)] {
      for record in 0..<of {
        logits += [0, Float(3 * logit)]
        truths.append(record < right ? 1 : 0)
      }
    }
    let fit = fitTemperature(logits: logits, classes: 2, truths: truths)
    // But for Platt's targets, which 300 records outweigh, and many records more so.
    #expect(abs(fit.temperature - 3) < 0.1)
    #expect(fit.lossAfter < fit.lossBefore)
    #expect(fit.mistakes == 65)
    let manyLogits: [Float] = (0..<100).flatMap { _ in logits }
    let manyTruths: [Int] = (0..<100).flatMap { _ in truths }
    let many = fitTemperature(logits: manyLogits, classes: 2, truths: manyTruths)
    #expect(abs(many.temperature - 3) < 0.001 && abs(many.temperature - 3) < abs(fit.temperature - 3) / 50)
  }

  @Test func theFitIsAMinimum() {
    let logits: [Float] = [2, -1, 0.5, 0.1, 0.2, 0.3, 1, 2, 1, 0, 0, 3, 1, 1, 1]
    let truths = [0, 2, 0, 2, 1]
    let fit = fitTemperature(logits: logits, classes: 3, truths: truths)
    func loss(_ temperature: Double) -> Double {
      var sum = 0.0
      for (index, truth) in truths.enumerated() {
        let row = logits[(index * 3)..<(index * 3 + 3)].map { Float(Double($0) / temperature) }
        sum += crossEntropy(logits: row, target: truth)
      }
      return sum / Double(truths.count)
    }
    #expect(fit.temperature > 0.06 && fit.temperature < 19)
    #expect(abs(loss(1) - fit.lossBefore) < 1e-6)
    #expect(abs(loss(fit.temperature) - fit.lossAfter) < 1e-6)
    // What is minimised is the loss of Platt's targets: (N + 1) / (N + K) of a class with N of the records, 1 / (N + K) of the others.
    func smoothed(_ temperature: Double) -> Double {
      truths.indices.reduce(0) { sum, index in
        let row = logits[(index * 3)..<(index * 3 + 3)].map { Float(Double($0) / temperature) }
        let support = truths.count { $0 == truths[index] }
        return sum + (0..<3).reduce(0) {
          $0 + Double(($1 == truths[index] ? support : 0) + 1) / Double(support + 3) * crossEntropy(logits: row, target: $1)
        }
      }
    }
    #expect(smoothed(fit.temperature) <= smoothed(fit.temperature * 1.01) && smoothed(fit.temperature) <= smoothed(fit.temperature * 0.99))
  }

  /// Data without a mistake have no minimum of their own: they do not sharpen, and where the scores are surer than so few records can make
  /// them they are softened.
  @Test func dataWithoutAMistakeDoNotSharpen() {
    #expect(fitTemperature(logits: [0.5, 0, 0, 0.5], classes: 2, truths: [0, 1]).temperature == 1)
    let sure = fitTemperature(logits: [20, 0, 0, 20], classes: 2, truths: [0, 1])
    // The edge: by Platt's targets two thirds are right, and the logits' distance would be log 2.
    #expect(abs(sure.temperature - 20) < 1e-2)
    #expect(sure.mistakes == 0)
    for count in [1, 5, 50, 500, 5000] {
      let logits: [Float] = (0..<count).flatMap { _ in [9, 0, 0, 0, 9, 0, 0, 0, 9] as [Float] }
      let truths: [Int] = (0..<count).flatMap { _ in [0, 1, 2] }
      let fit = fitTemperature(logits: logits, classes: 3, truths: truths)
      // softmax([9, 0, 0] / T) = [(N + 1) / (N + 3), …], so that 9 / T = log(N + 1).
      let expected: Double = max(1, 9 / log(Double(count + 1)))
      #expect(abs(fit.temperature - expected) < 1e-6, "\(count): \(fit.temperature), \(expected)")
    }
    let allWrong = fitTemperature(logits: [1, 0, 0, 1], classes: 2, truths: [1, 0])
    #expect(abs(allWrong.temperature - 20) < 1e-2 && allWrong.mistakes == 2)
    #expect(fitTemperature(logits: [], classes: 2, truths: []).temperature == 1)
  }

  /// Several labels: logits made from known probabilities and then halved, and the loss that the accumulator measures.
  @Test func severalLabels() {
    var logits: [Float] = []
    var targets: [Float] = []
    for (right, of, logit) in [(80, 100, 1.3862943611198906), (60, 100, 0.4054651081081644), (5, 100, -2.9444389791664403)] {
      for record in 0..<of {
        logits.append(Float(logit / 2))
        targets.append(record < right ? 1 : 0)
      }
    }
    let fit = fitTemperature(logits: logits, targets: targets)
    #expect(abs(fit.temperature - 0.5) < 0.02)
    #expect(fit.mistakes == 65)
    #expect(abs(fit.lossBefore - binaryCrossEntropy(logits, targets)) < 1e-12)
    #expect(abs(fit.lossAfter - binaryCrossEntropy(logits.map { Float(Double($0) / fit.temperature) }, targets)) < 1e-6)
    #expect(fitTemperature(logits: [], targets: []).temperature == 1)
    #expect(fitTemperature(logits: [1, -1], targets: [1, 0]).temperature >= 1)
    // sigmoid(8 / T) = (N + 1) / (N + 2)
    let sureLogits: [Float] = (0..<9).flatMap { _ in [8, -8] as [Float] }
    let sureTargets: [Float] = (0..<9).flatMap { _ in [1, 0] as [Float] }
    let sure = fitTemperature(logits: sureLogits, targets: sureTargets)
    #expect(abs(sure.temperature - 8 / log(10)) < 1e-6 && sure.mistakes == 0)
  }

  private func binaryCrossEntropy(_ logits: [Float], _ targets: [Float]) -> Double {
    logits.withUnsafeBufferPointer { logits in targets.withUnsafeBufferPointer { Tasks.binaryCrossEntropy(logits: logits, targets: $0) } }
  }
}
