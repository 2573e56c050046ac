import Tasks
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Losses by the words of their definitions, in Double, and their gradients by finite differences.
@Suite struct LossTests {
  private func evaluate(_ loss: Loss, _ logits: [Float], _ targets: [TrainingTarget]) -> (value: Double, weight: Double, gradient: [Float]) {
    var gradient: [Float] = []
    let (value, weight) = logits.withUnsafeBufferPointer { loss.evaluate($0, targets, gradient: &gradient) }
    return (value, weight, gradient)
  }

  /// Compares a loss and its gradient with a definition.
  private func check(_ loss: Loss, _ logits: [Float], _ targets: [TrainingTarget], _ name: String, _ definition: ([Double]) -> Double) {
    let found = evaluate(loss, logits, targets)
    let exact = logits.map(Double.init)
    #expect(abs(found.value - definition(exact)) <= 1e-12 * max(1, found.value), "\(name)")
    for index in logits.indices {
      var (above, below) = (exact, exact)
      above[index] += 1e-5
      below[index] -= 1e-5
      let slope = (definition(above) - definition(below)) / 2e-5
      #expect(abs(Double(found.gradient[index]) - slope) <= 1e-7 * max(1, abs(slope)), "\(name), logit \(index)")
    }
  }

  private func logSoftmax(_ logits: some Collection<Double>) -> [Double] {
    let sum = logits.reduce(0) { $0 + exp($1) }
    return logits.map { $0 - log(sum) }
  }

  @Test func crossEntropy() {
    for (texts, labels) in [(1, 2), (3, 3), (7, 17)] {
      for smoothing in [0, 0.1] {
        for isWeighted in [false, true] {
          var random = Generator(seed: UInt64(labels))
          let logits = random.floats(texts * labels, -4...4)
          let truths = (0..<texts).map { _ in Int.random(in: 0..<labels, using: &random) }
          var loss = Loss(.singleLabel)
          loss.labelSmoothing = smoothing
          let weights = (0..<labels).map { _ in Double.random(in: 0.2...3, using: &random) }
          if isWeighted { loss.classWeights = weights }
          check(loss, logits, truths.map(TrainingTarget.label), "\(texts) x \(labels), ε \(smoothing), weighted \(isWeighted)") { logits in
            // PyTorch's CrossEntropyLoss(weight, label_smoothing).
            var (total, mass) = (0.0, 0.0)
            for (text, truth) in truths.enumerated() {
              let logProbabilities = logSoftmax(logits[text * labels..<(text + 1) * labels])
              func weight(_ label: Int) -> Double { isWeighted ? weights[label] : 1 }
              mass += weight(truth)
              total -= (1 - smoothing) * weight(truth) * logProbabilities[truth]
              for label in 0..<labels { total -= smoothing / Double(labels) * weight(label) * logProbabilities[label] }
            }
            return total / mass
          }
        }
      }
    }
  }

  @Test func binaryCrossEntropy() {
    for (texts, labels) in [(1, 1), (2, 3), (5, 17)] {
      var random = Generator(seed: UInt64(labels))
      let logits = random.floats(texts * labels, -4...4)
      let truths = (0..<texts).map { _ in random.floats(labels, 0...1).map { $0.rounded() } }
      check(Loss(.multiLabel), logits, truths.map(TrainingTarget.values), "\(texts) x \(labels)") { logits in
        zip(logits, truths.joined()).reduce(0) { sum, pair in
          let p = 1 / (1 + exp(-pair.0))
          return sum - Double(pair.1) * log(p) - (1 - Double(pair.1)) * log(1 - p)
        } / Double(logits.count)
      }
    }
  }

  @Test func meanSquaredError() {
    for texts in [1, 2, 9] {
      var random = Generator(seed: UInt64(texts))
      let logits = random.floats(texts, -4...4)
      let truths = random.floats(texts, -4...4)
      check(Loss(.regression), logits, truths.map { TrainingTarget.values([$0]) }, "\(texts)") { logits in
        zip(logits, truths).reduce(0) { $0 + ($1.0 - Double($1.1)) * ($1.0 - Double($1.1)) } / Double(texts)
      }
    }
  }

  /// Of several values the mean over all of them.
  @Test func meanSquaredErrorOfSeveralValues() {
    var random = Generator(seed: 4)
    let logits = random.floats(15, -4...4)
    let truths = (0..<5).map { _ in random.floats(3, -4...4) }
    let flat = truths.joined().map(Double.init)
    check(Loss(.regression), logits, truths.map(TrainingTarget.values), "5 x 3") { logits in
      var sum = 0.0
      for (logit, truth) in zip(logits, flat) { sum += (logit - truth) * (logit - truth) }
      return sum / 15
    }
  }

  /// Large logits neither overflow nor lose the loss.
  @Test func extremes() {
    let entropy = evaluate(Loss(.singleLabel), [1000, -1000, -1000, 1000], [.label(0), .label(0)])
    #expect(entropy.value == 1000 && entropy.gradient == [0, 0, -0.5, 0.5])
    let binary = evaluate(Loss(.multiLabel), [1000, -1000], [.values([0, 0])])
    #expect(binary.value == 500 && binary.gradient == [0.5, 0])
  }

  /// What a batch counts against the others of its step.
  @Test func weightOfABatch() {
    #expect(evaluate(Loss(.singleLabel), [0, 1, 2, 3], [.label(0), .label(1)]).weight == 2)
    var loss = Loss(.singleLabel)
    loss.classWeights = [0.25, 2]
    #expect(evaluate(loss, [0, 1, 2, 3], [.label(0), .label(1)]).weight == 2.25)
  }
}
