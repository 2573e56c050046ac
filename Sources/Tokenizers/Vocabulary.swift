import Storage

/// Tokens by id, and ids by bytes: one buffer of text, one of offsets, one open-addressing table.
///
/// Ids run from 0; an id without a token has the empty text and is never found.
package struct Vocabulary: Sendable, Equatable {
  /// Slots give 20 bits to the id.
  package static let maximumCount = 1 << 20 - 1
  private static let hashSeed: UInt64 = 0xCBF2_9CE4_8422_2325
  private static let hashPrime: UInt64 = 0x100_0000_01B3
  /// Far more than chance gives; text made to collide is refused instead of taking quadratic time.
  private static let maximumProbes = 4096

  let text: [UInt8]
  /// Token `id` lies between `offsets[id]` and `offsets[id + 1]`.
  let offsets: [UInt32]
  let longestToken: Int
  /// Zero for empty, otherwise id + 1 in the low 20 bits and 12 bits of the hash above.
  private let slots: [UInt32]
  private let shift: UInt64

  var count: Int { offsets.count - 1 }

  /// - Parameter lengths: bytes of each token in `text`; they sum to its count.
  /// - Returns: nil if there are too many tokens or they collide beyond chance.
  package init?(text: [UInt8], lengths: [UInt16]) {
    guard lengths.count <= Self.maximumCount else { return nil }
    var offsets = [UInt32](repeating: 0, count: lengths.count + 1)
    var end = 0
    for (id, length) in lengths.enumerated() {
      end += Int(length)
      offsets[id + 1] = UInt32(truncatingIfNeeded: end)
    }
    guard end == text.count, end <= Int(UInt32.max) else { return nil }
    self.text = text
    self.offsets = offsets
    longestToken = Int(lengths.max() ?? 0)
    var bits: UInt64 = 4
    while 1 << bits < 2 * lengths.count { bits += 1 }
    shift = 64 - bits
    guard let slots = Self.slots(text, offsets, bits: bits) else { return nil }
    self.slots = slots
  }

  private static func slots(_ text: [UInt8], _ offsets: [UInt32], bits: UInt64) -> [UInt32]? {
    var slots = [UInt32](repeating: 0, count: 1 << bits)
    let mask = slots.count - 1
    let text = text.span
    let offsets = offsets.span
    for id in 0..<offsets.count - 1 {
      let start = Int(offsets[id])
      let end = Int(offsets[id + 1])
      guard end > start else { continue }
      var hash = hashSeed
      for index in start..<end { hash = extend(hash, by: text[index]) }
      let mixed = mix(hash)
      var slot = Int(truncatingIfNeeded: mixed >> (64 - bits))
      var probes = 0
      while slots[slot] != 0 {
        slot = (slot + 1) & mask
        probes += 1
        guard probes < maximumProbes else { return nil }
      }
      slots[slot] = tag(mixed) | UInt32(id + 1)
    }
    return slots
  }

  /// The hash of the empty text, to be extended byte by byte (FNV-1a).
  @inline(__always) static var emptyHash: UInt64 { hashSeed }

  @inline(__always)
  static func extend(_ hash: UInt64, by byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* hashPrime }

  @inline(__always)
  private static func mix(_ hash: UInt64) -> UInt64 { (hash ^ hash >> 29) &* 0x9E37_79B9_7F4A_7C15 }

  @inline(__always)
  private static func tag(_ mixed: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: mixed >> 24) & 0xFFF << 20 }

  /// The id of `prefix` followed by `bytes`, or -1.
  ///
  /// - Parameter hash: of the two together.
  @inline(__always)
  func find(_ hash: UInt64, prefix: [UInt8], _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let mixed = Self.mix(hash)
    let wanted = Self.tag(mixed)
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: mixed >> shift)
    // At least half of the slots are empty, so the loop ends.
    while true {
      let entry = slots[slot]
      if entry == 0 { return -1 }
      if entry & 0xFFF << 20 == wanted {
        let id = Int(entry & 0xFFFFF) - 1
        if matches(id, prefix: prefix, bytes, count) { return id }
      }
      slot = (slot + 1) & mask
    }
  }

  @inline(__always)
  private func matches(_ id: Int, prefix: [UInt8], _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let start = Int(offsets[id])
    guard Int(offsets[id + 1]) - start == prefix.count + count else { return false }
    let text = text.span
    for index in 0..<prefix.count where text[start + index] != prefix[index] { return false }
    let rest = start + prefix.count
    for index in 0..<count where text[rest + index] != bytes[index] { return false }
    return true
  }

  package func id(of token: some Sequence<UInt8>) -> Int? {
    let token = Array(token)
    let hash = token.reduce(Self.emptyHash) { Self.extend($0, by: $1) }
    let id = token.withUnsafeBufferPointer { bytes in
      bytes.baseAddress.map { find(hash, prefix: [], $0, bytes.count) } ?? -1
    }
    return id < 0 ? nil : id
  }

  /// The bytes of a token; empty for an id without one.
  func bytes(of id: Int) -> ArraySlice<UInt8> { text[Int(offsets[id])..<Int(offsets[id + 1])] }
}
