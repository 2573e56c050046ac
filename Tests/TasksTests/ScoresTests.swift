import Tasks
import Testing

@Suite struct ScoresTests {
  @Test func equalValuesGoToTheLowestIndex() {
    #expect(argmax([1, 3, 3, 2]) == 1)
    #expect(argmax([0, 0, 0]) == 0)
    #expect(argmax([-0.0, 0.0]) == 0)
    #expect(argmax([7]) == 0)
    #expect(argmax([-.infinity, -5]) == 1)
  }

  @Test func softmaxOfKnownLogits() {
    #expect(softmax([0, 0]) == [0.5, 0.5])
    let three = softmax([1, 2, 3])
    for (value, expected) in zip(three, [0.09003057, 0.24472848, 0.66524094] as [Float]) {
      #expect(abs(value - expected) < 1e-7)
    }
    #expect(softmax([]) == [])
  }

  @Test func softmaxDoesNotOverflow() {
    #expect(softmax([1000, -1000]) == [1, 0])
    #expect(softmax([-3e38, -3e38]) == [0.5, 0.5])
  }

  @Test func temperatureFlattens() {
    let hot = softmax([2, 0], temperature: 2)
    let plain = softmax([1, 0])
    #expect(hot == plain)
  }

  @Test func crossEntropyIsMinusLogSoftmax() {
    #expect(abs(crossEntropy(logits: [0, 0], target: 1) - 0.6931471805599453) < 1e-15)
    #expect(abs(crossEntropy(logits: [1, 2, 3], target: 0) - 2.4076059644443806) < 1e-14)
    #expect(crossEntropy(logits: [1000, 0], target: 1) == 1000)
    #expect(crossEntropy(logits: [1000, 0], target: 0) == 0)
  }

  @Test func binaryCrossEntropyNeitherOverflowsNorCancels() {
    func loss(_ logits: [Float], _ targets: [Float]) -> Double {
      logits.withUnsafeBufferPointer { l in targets.withUnsafeBufferPointer { binaryCrossEntropy(logits: l, targets: $0) } }
    }
    #expect(abs(loss([0, 0], [1, 0]) - 0.6931471805599453) < 1e-15)
    #expect(loss([1000], [0]) == 1000)
    #expect(loss([-1000], [0]) == 0)
    // mean of log(1 + e^-1), 2 + log(1 + e^-2)
    #expect(abs(loss([1, 2], [1, 0]) - (0.31326168751822286 + 2.1269280110429727) / 2) < 1e-14)
  }

  @Test func sigmoidAtItsEnds() {
    #expect(sigmoid(0) == 0.5)
    #expect(sigmoid(200) == 1)
    #expect(sigmoid(-200) == 0)
  }
}
