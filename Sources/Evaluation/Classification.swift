/// Everything `evaluate` says about a single-label classifier.
///
/// `precision`, `recall` and `f1` are the headline: of label 1 for two classes (scikit-learn's `average="binary"`, which the Hugging Face
/// example computes), the macro mean beyond. A macro mean leaves out classes that are neither the truth nor the prediction of any record,
/// as scikit-learn does when it is given no list of labels.
package struct ClassificationReport: Sendable, Equatable {
  package let samples: Int
  /// Mean cross entropy over the records, when losses were given.
  package let loss: Double?
  package let accuracy: Double
  package let precision: Double
  package let recall: Double
  package let f1: Double
  package let perClass: [ClassScores]
  package let macro: ClassScores
  package let weighted: ClassScores
  package let confusion: ConfusionMatrix

  package init(confusion: ConfusionMatrix, loss: Double? = nil) {
    self.confusion = confusion
    self.loss = loss
    samples = confusion.total
    accuracy = confusion.accuracy
    let scores = (0..<confusion.classes).map(confusion.scores(of:))
    let seen = scores.indices.filter { scores[$0].support > 0 || confusion.predicted($0) > 0 }.map { scores[$0] }
    let mean = ClassScores.mean(seen, weightedBySupport: false)
    perClass = scores
    macro = mean
    weighted = .mean(seen, weightedBySupport: true)
    let headline = confusion.classes == 2 ? scores[1] : mean
    (precision, recall, f1) = (headline.precision, headline.recall, headline.f1)
  }
}

/// Collects a `ClassificationReport` record by record, in memory of the size of the confusion matrix.
package struct ClassificationAccumulator: Sendable {
  package private(set) var confusion: ConfusionMatrix
  private var lossSum = 0.0
  private var lossCount = 0

  package init(classes: Int) { confusion = ConfusionMatrix(classes: classes) }

  /// One record: its logits (`classes` of them) and its truth.
  package mutating func add(logits: UnsafeBufferPointer<Float>, truth: Int) {
    precondition(logits.count == confusion.classes, "one logit for each class")
    add(loss: crossEntropy(logits: logits, target: truth), truth: truth, prediction: argmax(logits))
  }

  package mutating func add(logits: [Float], truth: Int) {
    logits.withUnsafeBufferPointer { add(logits: $0, truth: truth) }
  }

  package mutating func add(loss: Double, truth: Int, prediction: Int) {
    add(truth: truth, prediction: prediction)
    lossSum += loss
    lossCount += 1
  }

  /// A record of which no loss is known.
  package mutating func add(truth: Int, prediction: Int) { confusion.add(truth: truth, prediction: prediction) }

  package mutating func merge(_ other: ClassificationAccumulator) {
    confusion.merge(other.confusion)
    lossSum += other.lossSum
    lossCount += other.lossCount
  }

  package func report() -> ClassificationReport {
    ClassificationReport(confusion: confusion, loss: lossCount > 0 ? lossSum / Double(lossCount) : nil)
  }
}
