/// Confidence against accuracy in bins of equal width over (0, 1], and the expected calibration error (Naeini et al. 2015;
/// Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2).
package struct CalibrationBins: Sendable, Equatable {
  package struct Bin: Sendable, Equatable {
    package fileprivate(set) var count = 0
    package fileprivate(set) var correct = 0
    fileprivate var confidenceSum = 0.0
    package var accuracy: Double { ratio(correct, count) }
    package var confidence: Double { count == 0 ? 0 : confidenceSum / Double(count) }
  }

  package private(set) var bins: [Bin]

  package init(count: Int = 15) {
    precondition(count > 0, "at least one bin")
    bins = [Bin](repeating: Bin(), count: count)
  }

  package var total: Int { bins.reduce(0) { $0 + $1.count } }

  /// One prediction: the probability of the predicted label, and whether it was right. A bin owns its upper edge.
  package mutating func add(confidence: Double, correct: Bool) {
    let place = confidence.isFinite ? (confidence * Double(bins.count)).rounded(.up) - 1 : 0
    let index = Int(exactly: min(max(place, 0), Double(bins.count - 1)).rounded(.down)) ?? 0
    bins[index].count += 1
    bins[index].confidenceSum += confidence
    if correct { bins[index].correct += 1 }
  }

  /// Mean gap between confidence and accuracy, weighted by the records in each bin.
  package var expectedError: Double {
    let total = Double(max(total, 1))
    return bins.reduce(0) { $0 + abs($1.accuracy - $1.confidence) * Double($1.count) / total }
  }

  /// The largest gap of a bin that has records.
  package var maximumError: Double {
    bins.filter { $0.count > 0 }.map { abs($0.accuracy - $0.confidence) }.max() ?? 0
  }
}
