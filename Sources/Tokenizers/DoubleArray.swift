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
    var builder = DoubleArrayBuilder()
    guard builder.arrange(keys, 0..<keys.count, depth: 0, at: 0) else { return nil }
    units = builder.finish()
  }
}
