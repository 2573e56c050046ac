/// Pairs to be joined, the one of the lowest rank first, and of those the one furthest left.
///
/// Pairs of one rank mostly come from left to right. They wait in a list of that rank, of which only the first is in the heap: a
/// heap of all pairs of ten million bytes would be slow with every step. A pair that comes out of order is in the heap itself.
struct PairQueue: Sendable {
  /// The lists' elements, and through `next` those that are free.
  private var nodes: [(place: Int32, next: Int32)] = []
  private var free: Int32 = -1
  /// First and last element of each list, -1 for an empty one; and which is whose.
  private var lists: [(head: Int32, tail: Int32)] = []
  private var listOfRank: [Int32: Int32] = [:]
  /// The list that was asked for last, which mostly is asked for again.
  private var last: (rank: Int32, list: Int32) = (-1, -1)
  /// A binary heap of ranks with places below them, lowest first.
  private var heap: [UInt64] = []

  mutating func removeAll(reserving count: Int) {
    nodes.removeAll(keepingCapacity: true)
    nodes.reserveCapacity(count)
    free = -1
    lists.removeAll(keepingCapacity: true)
    // Not kept: emptying it takes as long as it is large.
    listOfRank = [:]
    last = (-1, -1)
    heap.removeAll(keepingCapacity: true)
  }

  var lowestRank: Int32? { heap.first.map { Int32(truncatingIfNeeded: $0 >> 32) } }

  mutating func push(_ rank: Int32, _ place: Int32) {
    let key = UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(bitPattern: place))
    let list = Int(self.list(of: rank))
    let tail = lists[list].tail
    if tail >= 0, nodes[Int(tail)].place >= place { return sift(up: key) }
    let node: Int32
    if free >= 0 {
      node = free
      free = nodes[Int(node)].next
      nodes[Int(node)] = (place, -1)
    } else {
      node = Int32(truncatingIfNeeded: nodes.count)
      nodes.append((place, -1))
    }
    lists[list].tail = node
    if tail >= 0 {
      nodes[Int(tail)].next = node
    } else {
      lists[list].head = node
      sift(up: key)
    }
  }

  mutating func popLowest() -> (rank: Int32, place: Int32)? {
    guard let lowest = heap.first else { return nil }
    let rank = Int32(truncatingIfNeeded: lowest >> 32)
    let place = Int32(truncatingIfNeeded: lowest & 0xFFFF_FFFF)
    let list = Int(self.list(of: rank))
    let head = lists[list].head
    if head >= 0, nodes[Int(head)].place == place {
      let next = nodes[Int(head)].next
      nodes[Int(head)].next = free
      free = head
      lists[list].head = next
      if next >= 0 {
        sift(down: UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(bitPattern: nodes[Int(next)].place)))
        return (rank, place)
      }
      lists[list].tail = -1
    }
    let end = heap.removeLast()
    if !heap.isEmpty { sift(down: end) }
    return (rank, place)
  }

  private mutating func list(of rank: Int32) -> Int32 {
    if rank == last.rank { return last.list }
    let list = listOfRank[rank] ?? Int32(truncatingIfNeeded: lists.count)
    if list == lists.count {
      listOfRank[rank] = list
      lists.append((-1, -1))
    }
    last = (rank, list)
    return list
  }

  // MARK: Heap

  private mutating func sift(up value: UInt64) {
    heap.append(value)
    heap.withUnsafeMutableBufferPointer { heap in
      var child = heap.count - 1
      while child > 0 {
        let parent = (child - 1) / 2
        guard heap[parent] > value else { break }
        heap[child] = heap[parent]
        child = parent
      }
      heap[child] = value
    }
  }

  /// Puts a value in the place of the lowest.
  private mutating func sift(down value: UInt64) {
    heap.withUnsafeMutableBufferPointer { heap in
      var parent = 0
      while true {
        var child = 2 * parent + 1
        guard child < heap.count else { break }
        if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
        guard heap[child] < value else { break }
        heap[parent] = heap[child]
        parent = child
      }
      heap[parent] = value
    }
  }
}
