/// A trie in an array of 32-bit units, laid out as darts-clone does, which SentencePiece's normalisation rules come in.
///
/// A unit holds the label it is reached by, whether a key ends here, and the offset to its children: the child for a byte lies
/// at `place ^ offset ^ byte`, the value of a key at `place ^ offset`.
package struct DoubleArray: Sendable, Equatable {
  /// In bytes: of tokens and other keys. Each byte is a call inside the last one's when the array is made.
  package static let longestKey = 512

  let units: [UInt32]

  package init(units: [UInt32]) { self.units = units }

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
