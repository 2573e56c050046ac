import Storage

/// The planes codec's first half: bytes as the bits of small signed numbers, the same bit of all of them together.
///
/// Of int8 weights the highest bits of the magnitude are mostly zero, which LZ4 sees in a plane of them and never
/// between other bits. A byte is folded first, so that both signs of a small magnitude have the same high bits: `b ^
/// 0x7F` where the sign bit is set. Chunks of 1 MiB (the last shorter) become eight planes each, bit 0 first, of a bit
/// for each byte, lowest bit first, filled up with zeros to a whole byte.
package enum BitPlanes {
  static let chunkSize = 1 << 20
  /// A plane of a whole chunk is one block of LZ4.
  static let blockSize = chunkSize / 8

  package static func planesSize(rawSize: Int) -> Int {
    rawSize / chunkSize * chunkSize + planeSize(rawSize % chunkSize) * 8
  }

  private static func planeSize(_ count: Int) -> Int { (count + 7) / 8 }

  package static func split(_ raw: UnsafeRawBufferPointer) throws(OutOfMemory) -> AlignedBuffer {
    let planes = try AlignedBuffer(byteCount: planesSize(rawSize: raw.count), zeroed: false)
    forEachChunk(raw.count) { start, count in
      transpose(count) { group in
        fold(littleEndianWord(raw.baseAddress! + start + group * 8, count: min(8, count - group * 8)))
      } store: { group, bits in
        for plane in 0..<8 {
          (planes.baseAddress + start + plane * planeSize(count) + group).storeBytes(
            of: UInt8(truncatingIfNeeded: bits >> (plane * 8)), as: UInt8.self)
        }
      }
    }
    return planes
  }

  static func join(_ planes: AlignedBuffer, into raw: UnsafeMutableRawBufferPointer) {
    forEachChunk(raw.count) { start, count in
      let size = planeSize(count)
      let source = UnsafeRawPointer(planes.baseAddress + start)
      transpose(count) { group in
        var bits: UInt64 = 0
        for plane in 0..<8 { bits |= UInt64((source + plane * size + group).load(as: UInt8.self)) << (plane * 8) }
        return bits
      } store: { group, bytes in
        let target = raw.baseAddress! + start + group * 8
        withUnsafeBytes(of: fold(bytes).littleEndian) {
          target.copyMemory(from: $0.baseAddress!, byteCount: min(8, count - group * 8))
        }
      }
    }
  }

  @inline(__always)
  private static func forEachChunk(_ rawSize: Int, _ body: (_ start: Int, _ count: Int) -> Void) {
    for start in stride(from: 0, to: rawSize, by: chunkSize) { body(start, min(chunkSize, rawSize - start)) }
  }

  /// Eight bytes at a time as a matrix of 8 x 8 bits: the way back is the same.
  @inline(__always)
  private static func transpose(
    _ count: Int, load: (_ group: Int) -> UInt64, store: (_ group: Int, UInt64) -> Void
  ) {
    for group in 0..<planeSize(count) { store(group, transposed(load(group))) }
  }

  /// Eight bytes folded, or unfolded.
  @inline(__always)
  private static func fold(_ bytes: UInt64) -> UInt64 {
    bytes ^ ((bytes & 0x8080_8080_8080_8080) >> 7) &* 0x7F
  }

  /// Bit j of byte i becomes bit i of byte j (Hacker's Delight, section 7-3).
  @inline(__always)
  private static func transposed(_ matrix: UInt64) -> UInt64 {
    var x = matrix
    var t = (x ^ (x >> 7)) & 0x00AA_00AA_00AA_00AA
    x ^= t ^ (t << 7)
    t = (x ^ (x >> 14)) & 0x0000_CCCC_0000_CCCC
    x ^= t ^ (t << 14)
    t = (x ^ (x >> 28)) & 0x0000_0000_F0F0_F0F0
    return x ^ t ^ (t << 28)
  }
}
