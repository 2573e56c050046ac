/// Joins the symbols of a word, pair by pair, in the order in which the merges were learned.
struct SymbolJoiner: Sendable {
  /// The symbols, and after joining what they became.
  var ids: [Int32] = []
  /// Of the pair that starts at each symbol.
  private var ranks: [Int32] = []
  private var links: [(previous: Int32, next: Int32)] = []
  private var queue = PairQueue()
  private var batch: [Int32] = []

  /// The pair that was learned first, and of those the one furthest left, until none is left.
  mutating func join(by merges: MergeTable) {
    // Scans all pairs for the first one, or keeps them in a queue when there are many.
    if ids.count <= 48 { joinShort(by: merges) } else { joinLong(by: merges, inPasses: false) }
  }

  /// All of the pair that was learned first, from the left, before the next pair is looked for.
  mutating func joinInPasses(by merges: MergeTable) { joinLong(by: merges, inPasses: true) }

  private mutating func joinShort(by merges: MergeTable) {
    let none = Int32.max
    var count = ids.count
    guard count > 1 else { return }
    if ranks.count < count { ranks = Array(repeating: none, count: max(64, count)) }
    ids.withUnsafeMutableBufferPointer { ids in
      ranks.withUnsafeMutableBufferPointer { ranks in
        for place in 0..<count - 1 { ranks[place] = merges.rank(ids[place], ids[place + 1]) }
        while count > 1 {
          var lowest = none
          var place = 0
          for index in 0..<count - 1 where ranks[index] < lowest {
            lowest = ranks[index]
            place = index
          }
          guard lowest != none else { break }
          ids[place] = merges.results[Int(lowest)]
          count -= 1
          for index in place + 1..<max(place + 1, count) {
            ids[index] = ids[index + 1]
            ranks[index - 1] = ranks[index]
          }
          // The pairs on both sides are new ones.
          if place > 0 { ranks[place - 1] = merges.rank(ids[place - 1], ids[place]) }
          if place < count - 1 { ranks[place] = merges.rank(ids[place], ids[place + 1]) }
        }
      }
    }
    ids.removeSubrange(count...)
  }

  /// From a queue; what has changed since it was put there is passed over.
  private mutating func joinLong(by merges: MergeTable, inPasses: Bool) {
    let count = ids.count
    links.removeAll(keepingCapacity: true)
    links.reserveCapacity(count)
    queue.removeAll(reserving: count)
    for place in 0..<count { links.append((Int32(place - 1), place + 1 < count ? Int32(place + 1) : -1)) }
    for place in 0..<max(0, count - 1) { offer(place, place + 1, merges) }
    while let top = queue.popLowest() {
      guard inPasses else {
        join(Int(top.place), top.rank, merges)
        continue
      }
      // What joining offers waits for the next pass, whatever its rank.
      batch.removeAll(keepingCapacity: true)
      batch.append(top.place)
      while queue.lowestRank == top.rank, let next = queue.popLowest() { batch.append(next.place) }
      for place in batch { join(Int(place), top.rank, merges) }
    }
    ids.removeAll { $0 < 0 }
    // Of a word of megabytes they are not kept beside its ids.
    if links.capacity > 1 << 18 { (links, queue) = ([], PairQueue()) }
  }

  /// Joins a pair of the queue, if it is still there.
  private mutating func join(_ place: Int, _ rank: Int32, _ merges: MergeTable) {
    let next = Int(links[place].next)
    // Joined symbols are marked by an id that no pair has.
    guard ids[place] >= 0, next >= 0, merges.rank(ids[place], ids[next]) == rank else { return }
    ids[place] = merges.results[Int(rank)]
    ids[next] = -1
    let after = links[next].next
    links[place].next = after
    if after >= 0 {
      links[Int(after)].previous = Int32(place)
      offer(place, Int(after), merges)
    }
    let previous = Int(links[place].previous)
    if previous >= 0 { offer(previous, place, merges) }
  }

  private mutating func offer(_ place: Int, _ next: Int, _ merges: MergeTable) {
    let rank = merges.rank(ids[place], ids[next])
    if rank != Int32.max { queue.push(rank, Int32(truncatingIfNeeded: place)) }
  }
}
