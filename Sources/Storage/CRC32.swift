/// A cyclic redundancy check of 32 bits with reflected bits, eight bytes a step.
package struct CRC32: Sendable {
  /// Of zip and gzip (RFC 1952, section 8).
  package static let zip = CRC32(reflectedPolynomial: 0xEDB8_8320)
  /// CRC-32C (RFC 3720, appendix B.4).
  package static let castagnoli = CRC32(reflectedPolynomial: 0x82F6_3B78)

  /// Eight tables of 256, end to end: table k is what a byte adds with k bytes after it.
  private let tables: [UInt32]

  private init(reflectedPolynomial polynomial: UInt32) {
    var tables = (0..<256).map { byte in
      (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ polynomial : value >> 1 }
    }
    for index in 256..<2048 {
      let before = tables[index - 256]
      tables.append(before >> 8 ^ tables[Int(before & 0xFF)])
    }
    self.tables = tables
  }

  package func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    tables.withUnsafeBufferPointer { tables in
      var state = UInt32.max
      var position = 0
      while bytes.count - position >= 8 {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ UInt64(state)
        state = 0
        for byte in 0..<8 { state ^= tables[(7 - byte) << 8 | Int(truncatingIfNeeded: word >> (8 * byte) & 0xFF)] }
        position += 8
      }
      for byte in bytes[position...] { state = state >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: state) ^ byte)] }
      return ~state
    }
  }

  package func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { checksum($0) } }
}
