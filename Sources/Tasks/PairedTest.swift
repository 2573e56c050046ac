import Storage

/// Whether two models that answered the same records differ by more than chance.
package struct PairedTest: Sendable, Equatable {
  package enum Method: String, Sendable {
    case mcNemarExact = "McNemar, exact"
    case mcNemar = "McNemar, chi-squared with continuity correction"
    case bootstrap = "paired bootstrap"
  }
  package let method: Method
  /// The chance of a difference as large or larger between models that are equally good, of either sign.
  package let pValue: Double
  /// Of the bootstrap: the second model's figure less the first's, where 95 % of the resamples lie.
  package let interval: ClosedRange<Double>?

  /// McNemar's test (1947) on the records that one of two models alone answers rightly; the binomial's exact sum below 25 of them, where
  /// the approximation by chi-squared is poor.
  package static func mcNemar(onlyFirst: Int, onlySecond: Int) -> PairedTest {
    let total = onlyFirst + onlySecond
    guard total >= 25 else {
      // Σ C(n, i) / 2ⁿ up to the smaller count, twice.
      var (term, sum) = (1.0, 0.0)
      for index in 0...min(onlyFirst, onlySecond) {
        sum += term
        term *= Double(total - index) / Double(index + 1)
      }
      return PairedTest(method: .mcNemarExact, pValue: min(1, 2 * sum / Double.pow(2, Double(total))), interval: nil)
    }
    let difference = max(0, abs(Double(onlyFirst - onlySecond)) - 1)
    let statistic = difference * difference / Double(total)
    return PairedTest(method: .mcNemar, pValue: Double.erfc((statistic / 2).squareRoot()), interval: nil)
  }

  /// The paired bootstrap (Efron and Tibshirani 1993): records are drawn with replacement, the same for both models, and the difference
  /// of the figure is taken anew each time.
  ///
  /// - Parameters:
  ///   - sums: for each record what adds up to the figure, of the first model and of the second, in one row of equal halves.
  ///   - width: how many sums a model has.
  ///   - figure: of a model's sums over as many records as there are.
  ///   - seed: what is drawn depends on it alone.
  package static func bootstrap(
    _ sums: [Float], width: Int, seed: UInt64 = 42, figure: ([Double], Int) -> Double
  ) -> PairedTest {
    let count = sums.count / (2 * width)
    guard count > 0 else { return PairedTest(method: .bootstrap, pValue: 1, interval: 0...0) }
    // Of many records a thousand draws are enough, and take seconds.
    let resamples = max(1000, min(10_000, 100_000_000 / count))
    var generator = SplitMix64(state: seed)
    var differences: [Double] = []
    differences.reserveCapacity(resamples)
    var totals = [Double](repeating: 0, count: 2 * width)
    for _ in 0..<resamples {
      for index in totals.indices { totals[index] = 0 }
      for _ in 0..<count {
        let row = Int(truncatingIfNeeded: generator.next().multipliedFullWidth(by: UInt64(count)).high) * 2 * width
        for index in 0..<2 * width { totals[index] += Double(sums[row + index]) }
      }
      differences.append(figure(Array(totals[width...]), count) - figure(Array(totals[..<width]), count))
    }
    differences.sort()
    let (below, above) = (differences.count { $0 <= 0 }, differences.count { $0 >= 0 })
    // One more of each: no number of draws shows that something never happens.
    let pValue = min(1, 2 * Double(min(below, above) + 1) / Double(resamples + 1))
    let (low, high) = (differences[resamples / 40], differences[resamples - 1 - resamples / 40])
    return PairedTest(method: .bootstrap, pValue: pValue, interval: low...high)
  }
}

/// Steele, Lea and Flood 2014: 64 bits a step, the same everywhere.
private struct SplitMix64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
