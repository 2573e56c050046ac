import Tokenizers

/// Lays a trie out in a `DoubleArray`.
///
/// Places that are free are looked at in the last blocks only, and only so many for each node: what is not found there starts a new
/// block, so that time is as the number of nodes, whatever the keys. Holes that stay are a few in a hundred places.
struct DoubleArrayBuilder {
  private static let blockSize = 256
  private static let openBlocks = 64
  private static let mostTries = 256

  private var units: [UInt32] = []
  private var isUsed: [Bool] = []
  /// A base serves one node only: two nodes on one base would take each other's children for their own.
  private var isBase: [Bool] = []
  /// The free places of the last blocks in a ring from the lowest on, by place modulo the size of those blocks.
  private var links = [(previous: Int32, next: Int32)](repeating: (-1, -1), count: openBlocks * blockSize)
  private var firstFree = -1
  private var lastFree = -1

  init() {
    grow()
    use(0)
    isBase[0] = true
  }

  consuming func finish() -> [UInt32] {
    // An unused unit has a label that no byte equals.
    for place in units.indices where !isUsed[place] { units[place] = 1 << 31 }
    return units
  }

  /// Places the children of the node at `place`, whose keys lie in `range` and share their first `depth` bytes.
  ///
  /// - Returns: false if an offset has no room in a unit.
  mutating func arrange(_ keys: [(key: [UInt8], value: Int)], _ range: Range<Int>, depth: Int, at place: Int) -> Bool {
    var labels: [UInt8] = []
    var starts: [Int] = []
    var value: Int?
    for index in range {
      let key = keys[index].key
      if key.count == depth {
        value = keys[index].value
      } else if labels.last != key[depth] {
        labels.append(key[depth])
        starts.append(index)
      }
    }
    if value != nil { labels.insert(0, at: 0) }
    let base = base(for: labels, of: place)
    isBase[base] = true
    let offset = UInt32(truncatingIfNeeded: place ^ base)
    guard Self.hasRoom(place ^ base) else { return false }
    units[place] |= offset < 1 << 21 ? offset << 10 : (offset >> 8) << 10 | 1 << 9
    for label in labels { use(base ^ Int(label)) }
    if let value {
      units[place] |= 1 << 8
      units[base] = UInt32(value) | 1 << 31
      labels.removeFirst()
    }
    for label in labels { units[base ^ Int(label)] |= UInt32(label) }
    starts.append(range.upperBound)
    for (index, label) in labels.enumerated() {
      guard arrange(keys, starts[index]..<starts[index + 1], depth: depth + 1, at: base ^ Int(label)) else { return false }
    }
    return true
  }

  /// Large offsets are written without their lowest byte.
  private static func hasRoom(_ offset: Int) -> Bool { offset < 1 << 21 || offset < 1 << 29 && offset & 0xFF == 0 }

  private mutating func base(for labels: [UInt8], of node: Int) -> Int {
    let first = Int(labels[0])
    var place = firstFree
    var tries = 0
    while place >= 0, tries < Self.mostTries {
      let base = place ^ first
      if !isBase[base], Self.hasRoom(node ^ base), labels.allSatisfy({ !isUsed[base ^ Int($0)] }) { return base }
      place = Int(links[place % links.count].next)
      tries += 1
    }
    // Nothing in a new block is in the way, and the offset has its lowest byte zero.
    let block = units.count
    grow()
    return block | node & 0xFF
  }

  // MARK: Free places

  private mutating func grow() {
    let block = units.count
    let closed = block - Self.openBlocks * Self.blockSize
    if closed >= 0 { for place in closed..<closed + Self.blockSize where !isUsed[place] { unlink(place) } }
    units += repeatElement(0, count: Self.blockSize)
    isUsed += repeatElement(false, count: Self.blockSize)
    isBase += repeatElement(false, count: Self.blockSize)
    for place in block..<block + Self.blockSize {
      links[place % links.count] = (Int32(truncatingIfNeeded: lastFree), -1)
      if lastFree >= 0 { links[lastFree % links.count].next = Int32(truncatingIfNeeded: place) } else { firstFree = place }
      lastFree = place
    }
  }

  private mutating func use(_ place: Int) {
    isUsed[place] = true
    // Of a closed block no place is used any more.
    unlink(place)
  }

  private mutating func unlink(_ place: Int) {
    let (previous, next) = links[place % links.count]
    if previous >= 0 { links[Int(previous) % links.count].next = next } else { firstFree = Int(next) }
    if next >= 0 { links[Int(next) % links.count].previous = previous } else { lastFree = Int(previous) }
  }
}

extension DoubleArray {
  /// No vocabulary in use has a third of it.
  static let maximumNodes = 1 << 22

  /// The nodes of the trie of some keys, which rise by bytes.
  static func nodeCount(_ keys: some Sequence<[UInt8]>) -> Int {
    var count = 1
    var before: [UInt8] = []
    for key in keys {
      count += key.count - zip(before, key).prefix { $0 == $1 }.count
      before = key
    }
    return count
  }

  /// - Parameter keys: not empty, rising by bytes, without a zero byte, each once; values are below 2^31.
  /// - Returns: nil if the array would need offsets that units have no room for.
  init?(_ keys: [(key: [UInt8], value: Int)]) {
    var builder = DoubleArrayBuilder()
    guard builder.arrange(keys, 0..<keys.count, depth: 0, at: 0) else { return nil }
    self.init(units: builder.finish())
  }
}
