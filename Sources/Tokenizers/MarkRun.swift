/// Combining marks behind a starter, and canonical ordering: by class, those of one class as they came.
struct MarkRun: Sendable {
  private(set) var scalars: [UInt32] = []
  private var ranks: [UInt16] = []
  private var isSorted = true
  private var sorted: [UInt32] = []

  var isEmpty: Bool { scalars.isEmpty }

  /// - Parameter rank: of the mark's class, not 0.
  mutating func append(_ scalar: UInt32, _ rank: UInt16) {
    isSorted = isSorted && ranks.last ?? 0 <= rank
    scalars.append(scalar)
    ranks.append(rank)
  }

  mutating func removeAll() {
    scalars.removeAll(keepingCapacity: true)
    ranks.removeAll(keepingCapacity: true)
    isSorted = true
  }

  /// Counts the classes, of which there are few, so that time is as the length of the run.
  mutating func sort() {
    guard !isSorted else { return }
    isSorted = true
    var starts = [Int](repeating: 0, count: Int(ranks.max() ?? 0) + 2)
    for rank in ranks { starts[Int(rank) + 1] += 1 }
    for rank in 1..<starts.count { starts[rank] += starts[rank - 1] }
    sorted.removeAll(keepingCapacity: true)
    sorted.append(contentsOf: scalars)
    var place = starts
    for (scalar, rank) in zip(scalars, ranks) {
      sorted[place[Int(rank)]] = scalar
      place[Int(rank)] += 1
    }
    swap(&scalars, &sorted)
    for rank in 0..<starts.count - 1 {
      for index in starts[rank]..<starts[rank + 1] { ranks[index] = UInt16(truncatingIfNeeded: rank) }
    }
  }

  /// Keeps the marks that `isKept` says, in their order.
  mutating func filter(_ isKept: (_ scalar: UInt32, _ rank: UInt16) -> Bool) {
    var end = 0
    for index in scalars.indices where isKept(scalars[index], ranks[index]) {
      scalars[end] = scalars[index]
      ranks[end] = ranks[index]
      end += 1
    }
    scalars.removeSubrange(end...)
    ranks.removeSubrange(end...)
  }
}
