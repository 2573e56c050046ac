/// The 64-bit xxHash of a stream of bytes: a checksum at memory speed, not a cryptographic hash.
///
/// Source: Yann Collet, xxHash, specification 0.1.1 (XXH64).
package struct XXH64: Sendable {
  private var lanes: (UInt64, UInt64, UInt64, UInt64)
  private let seed: UInt64
  private var total: UInt64 = 0
  private var pending: [UInt8] = []

  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

  package init(seed: UInt64 = 0) {
    self.seed = seed
    lanes = (seed &+ Self.prime1 &+ Self.prime2, seed &+ Self.prime2, seed, seed &- Self.prime1)
    pending.reserveCapacity(32)
  }

  package static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    var state = XXH64(seed: seed)
    state.update(bytes)
    return state.digest()
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    total &+= UInt64(bytes.count)
    var rest = bytes[...]
    if !pending.isEmpty {
      let missing = min(32 - pending.count, rest.count)
      pending.append(contentsOf: rest.prefix(missing))
      rest = rest.dropFirst(missing)
      guard pending.count == 32 else { return }
      pending.withUnsafeBytes { stripes(UnsafeRawBufferPointer($0)[...]) }
      pending.removeAll(keepingCapacity: true)
    }
    let whole = rest.count / 32 * 32
    stripes(rest.prefix(whole))
    pending.append(contentsOf: rest.dropFirst(whole))
  }

  package func digest() -> UInt64 {
    var hash: UInt64
    if total >= 32 {
      hash = lanes.0.rotated(1) &+ lanes.1.rotated(7) &+ lanes.2.rotated(12) &+ lanes.3.rotated(18)
      for lane in [lanes.0, lanes.1, lanes.2, lanes.3] {
        hash = (hash ^ Self.round(0, lane)) &* Self.prime1 &+ Self.prime4
      }
    } else {
      hash = seed &+ Self.prime5
    }
    hash &+= total
    pending.withUnsafeBytes { bytes in
      var offset = 0
      while offset + 8 <= bytes.count {
        hash = (hash ^ Self.round(0, bytes.word(at: offset))).rotated(27) &* Self.prime1 &+ Self.prime4
        offset += 8
      }
      if offset + 4 <= bytes.count {
        let word = UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        hash = (hash ^ (word &* Self.prime1)).rotated(23) &* Self.prime2 &+ Self.prime3
        offset += 4
      }
      for byte in bytes[offset...] { hash = (hash ^ (UInt64(byte) &* Self.prime5)).rotated(11) &* Self.prime1 }
    }
    hash = (hash ^ (hash >> 33)) &* Self.prime2
    hash = (hash ^ (hash >> 29)) &* Self.prime3
    return hash ^ (hash >> 32)
  }

  private mutating func stripes(_ bytes: Slice<UnsafeRawBufferPointer>) {
    let buffer = UnsafeRawBufferPointer(rebasing: bytes)
    var (a, b, c, d) = lanes
    var offset = 0
    while offset < buffer.count {
      a = Self.round(a, buffer.word(at: offset))
      b = Self.round(b, buffer.word(at: offset &+ 8))
      c = Self.round(c, buffer.word(at: offset &+ 16))
      d = Self.round(d, buffer.word(at: offset &+ 24))
      offset &+= 32
    }
    lanes = (a, b, c, d)
  }

  @inline(__always)
  private static func round(_ accumulator: UInt64, _ word: UInt64) -> UInt64 {
    (accumulator &+ word &* prime2).rotated(31) &* prime1
  }
}

extension UInt64 {
  @inline(__always)
  fileprivate func rotated(_ count: UInt64) -> UInt64 { (self << count) | (self >> (64 &- count)) }
}

extension UnsafeRawBufferPointer {
  @inline(__always)
  fileprivate func word(at offset: Int) -> UInt64 {
    UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}
