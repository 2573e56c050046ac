import Synchronization

/// Ids of words that were seen before, for models that search: one place for each hash, the newest word wins.
///
/// An entry is a cache line: up to 24 bytes of the word with its length and the tokenizer's number, and up to seven ids with
/// their count. Longer ones are not kept.
struct WordCache: Sendable {
  /// A number for each tokenizer that is made, so that a workspace may serve several.
  struct Identity: Sendable {
    private static let next = Atomic<UInt64>(1)
    fileprivate let number: UInt64

    init() { number = Self.next.add(1, ordering: .relaxed).oldValue }
  }

  private static let bits: UInt64 = 13
  private static let longestWord = 24
  private static let mostIDs = 7
  /// Four for each entry: the word, filled up with zeros, and its length with the tokenizer's number.
  private var keys: [UInt64] = []
  /// Eight for each entry; the last is the count of the others.
  private var values: [Int32] = []

  /// Appends the ids of `word`, found here or by `search`.
  @inline(__always)
  mutating func append(
    _ word: UnsafeBufferPointer<UInt8>, of identity: Identity, to ids: inout [Int32], search: (inout [Int32]) -> Void
  ) {
    guard word.count <= Self.longestWord else { return search(&ids) }
    if keys.isEmpty {
      keys = Array(repeating: 0, count: 4 << Int(Self.bits))
      values = Array(repeating: 0, count: 8 << Int(Self.bits))
    }
    let (first, second, third) = Self.load(word)
    let tag = identity.number << 8 | UInt64(word.count)
    var hash = first &* 0x9E37_79B9_7F4A_7C15 ^ second &* 0xC2B2_AE3D_27D4_EB4F ^ third &* 0x1656_67B1_9E37_79F9
    hash = (hash ^ hash >> 32 ^ tag) &* 0x9E37_79B9_7F4A_7C15
    let place = Int(truncatingIfNeeded: hash >> (64 - Self.bits))
    let key = 4 * place
    if keys[key] == first, keys[key + 1] == second, keys[key + 2] == third, keys[key + 3] == tag {
      for index in 8 * place..<8 * place + Int(values[8 * place + 7]) { ids.append(values[index]) }
      return
    }
    let before = ids.count
    search(&ids)
    let count = ids.count - before
    guard count <= Self.mostIDs else { return }
    (keys[key], keys[key + 1], keys[key + 2], keys[key + 3]) = (first, second, third, tag)
    for index in 0..<count { values[8 * place + index] = ids[before + index] }
    values[8 * place + 7] = Int32(truncatingIfNeeded: count)
  }

  /// At most 24 bytes, filled up with zeros.
  @inline(__always)
  private static func load(_ word: UnsafeBufferPointer<UInt8>) -> (UInt64, UInt64, UInt64) {
    let bytes = UnsafeRawPointer(word.baseAddress!)
    @inline(__always) func part(_ start: Int) -> UInt64 {
      let count = word.count - start
      guard count > 0 else { return 0 }
      if count >= 8 { return bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self) }
      // The bytes before belong to the word as well: they are shifted out.
      if start > 0 {
        return bytes.loadUnaligned(fromByteOffset: word.count - 8, as: UInt64.self) >> UInt64(8 * (8 - count))
      }
      var value: UInt64 = 0
      for index in 0..<count { value |= UInt64(bytes.load(fromByteOffset: index, as: UInt8.self)) << UInt64(8 * index) }
      return value
    }
    return (part(0), part(8), part(16))
  }
}
