import Storage

/// Precision and recall over the threshold of `classify --threshold`, in memory that does not grow with the records.
///
/// Single label: the model answers where its best label's score is at least the threshold; precision is the share of the answers that
/// are right, recall the share of all records that are answered rightly. Several labels: each label of each record is given where its
/// score is over the threshold; both are counted over all labels together (`micro`).
package struct ThresholdCurve: Sendable, Equatable {
  /// What a threshold comes to.
  package struct Point: Sendable, Equatable {
    package let threshold: Float
    package let answered: Int
    package let right: Int
    /// What there is to be answered: all records, or all labels that hold.
    package let wanted: Int
    package var precision: Double { ratio(right, answered) }
    package var recall: Double { ratio(right, wanted) }
  }

  /// Ten thousandths, and finer where a sure model has most of its scores: all are numbers that can be typed.
  private static let thresholds: [Float] =
    (0..<10_000).map { Float(Double($0) / 10_000) } + (1...9).map { Float(Double(99_990 + $0) / 100_000) }
    + (1...9).map { Float(Double(999_990 + $0) / 1_000_000) }

  private let isStrict: Bool
  /// By the number of thresholds that a score passes.
  private var answered: [Int]
  private var right: [Int]
  private var wanted = 0
  /// What is answered at every threshold, one that is never passed included.
  package private(set) var samples = 0

  /// - Parameter kind: not of a regression, which has no scores.
  package init(_ kind: ClassificationTask.Kind) {
    precondition(kind != .regression, "a regression has no threshold")
    isStrict = kind == .multiLabel
    answered = [Int](repeating: 0, count: Self.thresholds.count + 1)
    right = answered
  }

  /// An answer: its score, and whether it is right; or one that should have been given.
  package mutating func add(score: Float, isRight: Bool, isWanted: Bool) {
    let passed = passed(score)
    samples += 1
    answered[passed] += 1
    if isRight { right[passed] += 1 }
    if isWanted { wanted += 1 }
  }

  /// How many thresholds a score passes. One that is no number passes none.
  private func passed(_ score: Float) -> Int {
    var (low, high) = (0, Self.thresholds.count)
    while low < high {
      let middle = (low + high) / 2
      if isStrict ? score > Self.thresholds[middle] : score >= Self.thresholds[middle] { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Each threshold that changes anything, the lowest first.
  package var points: [Point] {
    var points: [Point] = []
    var (answers, rights) = (0, 0)
    for index in Self.thresholds.indices.reversed() {
      answers += answered[index + 1]
      rights += right[index + 1]
      // Of thresholds that answer the same, the lowest says it.
      if answered[index] > 0 || index == 0 {
        points.append(Point(threshold: Self.thresholds[index], answered: answers, right: rights, wanted: wanted))
      }
    }
    return points.filter { $0.answered > 0 }.reversed()
  }

  /// The lowest threshold whose precision is at least this; nil if none reaches it.
  package func point(reaching precision: Double) -> Point? { points.first { $0.precision >= precision } }

  /// The threshold of the highest precision, the lowest of equals; nil without records.
  package var mostPrecise: Point? {
    var best: Point?
    for point in points where point.precision > best?.precision ?? -1 { best = point }
    return best
  }
}
