/// Joins the symbols of a word, pair by pair, in the order in which the merges were learned.
struct SymbolJoiner: Sendable {
  /// The symbols, and after joining what they became.
  var ids: [Int32] = []
  /// Of the pair that starts at each symbol.
  private var ranks: [Int32] = []
  private var links: [(previous: Int32, next: Int32)] = []
  private var queue: [UInt64] = []
  private var batch: [UInt64] = []

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
    queue.removeAll(keepingCapacity: true)
    for place in 0..<count { links.append((Int32(place - 1), place + 1 < count ? Int32(place + 1) : -1)) }
    for place in 0..<max(0, count - 1) { offer(place, place + 1, merges) }
    while let top = queue.popLowest() {
      guard inPasses else {
        join(top, merges)
        continue
      }
      // What joining offers waits for the next pass, whatever its rank.
      batch.removeAll(keepingCapacity: true)
      batch.append(top)
      while let next = queue.first, next >> 32 == top >> 32 { batch.append(queue.popLowest() ?? next) }
      for pair in batch { join(pair, merges) }
    }
    ids.removeAll { $0 < 0 }
  }

  /// Joins a pair of the queue, if it is still there.
  private mutating func join(_ pair: UInt64, _ merges: MergeTable) {
    let place = Int(pair & 0xFFFF_FFFF)
    let rank = Int32(pair >> 32)
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
    if rank != Int32.max { queue.push(UInt64(rank) << 32 | UInt64(place)) }
  }
}

/// A binary heap, lowest first.
extension [UInt64] {
  fileprivate mutating func push(_ value: UInt64) {
    append(value)
    var child = count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard self[parent] > value else { break }
      self[child] = self[parent]
      child = parent
    }
    self[child] = value
  }

  fileprivate mutating func popLowest() -> UInt64? {
    guard let lowest = first else { return nil }
    let value = removeLast()
    guard !isEmpty else { return lowest }
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < count else { break }
      if child + 1 < count, self[child + 1] < self[child] { child += 1 }
      guard self[child] < value else { break }
      self[parent] = self[child]
      parent = child
    }
    self[parent] = value
    return lowest
  }
}
