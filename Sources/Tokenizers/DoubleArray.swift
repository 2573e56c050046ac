/// A trie in an array of 32-bit units, laid out as darts-clone does, which SentencePiece's normalisation rules come in.
///
/// A unit holds the label it is reached by, whether a key ends here, and the offset to its children: the child for a byte lies
/// at `place ^ offset ^ byte`, the value of a key at `place ^ offset`.
struct DoubleArray: Sendable, Equatable {
  let units: [UInt32]

  @inline(__always)
  static func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 1 << 9) >> 6)) }
  @inline(__always)
  static func hasValue(_ unit: UInt32) -> Bool { unit >> 8 & 1 == 1 }
  @inline(__always)
  static func label(_ unit: UInt32) -> UInt32 { unit & (1 << 31 | 0xFF) }

  /// Calls `body` with the length and the value of each key that `bytes` starts with, shortest first, until it returns false.
  ///
  /// No place outside of the array is read, whatever the units say.
  @inline(__always)
  func forEachPrefix(of bytes: UnsafePointer<UInt8>, count: Int, _ body: (_ length: Int, _ value: Int) -> Bool) {
    let units = units.span
    guard units.count > 0 else { return }
    var place = Self.offset(units[0])
    var length = 0
    while length < count {
      let byte = bytes[length]
      place ^= Int(byte)
      guard place < units.count else { return }
      let unit = units[place]
      guard Self.label(unit) == UInt32(byte) else { return }
      place ^= Self.offset(unit)
      length += 1
      if Self.hasValue(unit) {
        guard place < units.count, body(length, Int(units[place] & 0x7FFF_FFFF)) else { return }
      }
    }
  }
}

extension DoubleArray {
  /// In bytes. Each byte is a call inside the last one's when the array is made.
  static let longestKey = 512
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
    var builder = Builder()
    builder.reserveRoot()
    guard builder.arrange(keys, 0..<keys.count, depth: 0, at: 0) else { return nil }
    units = builder.finish()
  }

  private struct Builder {
    private var units: [UInt32] = []
    private var isUsed: [Bool] = []
    /// A base serves one node only: two nodes on one base would take each other's children for their own.
    private var isBase: [Bool] = []
    /// Where searches start: what lies before is nearly full.
    private var firstOpen = 0

    mutating func reserveRoot() {
      grow()
      isUsed[0] = true
      isBase[0] = true
    }

    private mutating func grow() {
      units += repeatElement(0, count: 256)
      isUsed += repeatElement(false, count: 256)
      isBase += repeatElement(false, count: 256)
    }

    mutating func finish() -> [UInt32] {
      // An unused unit has a label that no byte equals.
      for place in units.indices where !isUsed[place] { units[place] = 1 << 31 }
      return units
    }

    /// Places the children of the node at `place`, whose keys lie in `range` and share their first `depth` bytes.
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
      let base = base(for: labels)
      isBase[base] = true
      let offset = UInt32(place ^ base)
      guard offset < 1 << 29, offset < 1 << 21 || offset & 0xFF == 0 else { return false }
      units[place] |= offset < 1 << 21 ? offset << 10 : (offset >> 8) << 10 | 1 << 9
      for label in labels { isUsed[base ^ Int(label)] = true }
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

    private mutating func base(for labels: [UInt8]) -> Int {
      let first = Int(labels[0])
      var place = firstOpen
      var failures = 0
      while true {
        if place >= units.count { grow() }
        if !isUsed[place] {
          let base = place ^ first
          if !isBase[base], labels.allSatisfy({ !isUsed[base ^ Int($0)] }) {
            // Holes that many searches have passed in vain are left alone.
            if failures > 512 { firstOpen = max(firstOpen, place - 4096) }
            return base
          }
          failures += 1
        } else if place == firstOpen {
          firstOpen += 1
        }
        place += 1
      }
    }
  }
}
