/// Everything `evaluate` says about a regression head.
package struct RegressionReport: Sendable, Equatable {
  package let samples: Int
  /// The loss of a regression head.
  package let meanSquaredError: Double
  package let meanAbsoluteError: Double
  /// Pearson's correlation; 0 where one side never varies.
  package let pearson: Double
}

/// Collects a `RegressionReport` in constant memory; the moments are updated by Welford's method, which does not cancel.
package struct RegressionAccumulator: Sendable {
  private var samples = 0
  private var squaredErrors = 0.0
  private var absoluteErrors = 0.0
  private var moments = Moments()

  package init() {}

  package mutating func add(prediction: Double, truth: Double) {
    samples += 1
    squaredErrors += (prediction - truth) * (prediction - truth)
    absoluteErrors += abs(prediction - truth)
    moments.add(prediction, truth)
  }

  package func report() -> RegressionReport {
    let count = Double(max(samples, 1))
    return RegressionReport(
      samples: samples, meanSquaredError: squaredErrors / count, meanAbsoluteError: absoluteErrors / count,
      pearson: moments.correlation)
  }
}

/// Spearman's rank correlation: Pearson's over ranks, equal values sharing the mean of their ranks. O(n log n) time, O(n) memory.
package func spearman(_ first: [Double], _ second: [Double]) -> Double {
  precondition(first.count == second.count, "two series of one length")
  var moments = Moments()
  for (a, b) in zip(ranks(first), ranks(second)) { moments.add(a, b) }
  return moments.correlation
}

private func ranks(_ values: [Double]) -> [Double] {
  let order = values.indices.sorted { values[$0] < values[$1] }
  var ranks = [Double](repeating: 0, count: values.count)
  var start = 0
  while start < order.count {
    var end = start + 1
    while end < order.count && values[order[end]] == values[order[start]] { end += 1 }
    // Places start+1 … end share their mean.
    for place in start..<end { ranks[order[place]] = Double(start + 1 + end) / 2 }
    start = end
  }
  return ranks
}

/// Centred second moments of pairs of values.
private struct Moments: Sendable {
  var count = 0.0
  var meanA = 0.0
  var meanB = 0.0
  var squaresA = 0.0
  var squaresB = 0.0
  var products = 0.0

  mutating func add(_ a: Double, _ b: Double) {
    count += 1
    let (deltaA, deltaB) = (a - meanA, b - meanB)
    meanA += deltaA / count
    meanB += deltaB / count
    squaresA += deltaA * (a - meanA)
    squaresB += deltaB * (b - meanB)
    products += deltaA * (b - meanB)
  }

  var correlation: Double {
    let scale = squaresA.squareRoot() * squaresB.squareRoot()
    return scale > 0 ? products / scale : 0
  }
}
