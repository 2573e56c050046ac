import Bundles
import Storage
import TestSupport
import Testing
import WeightFormats

@Suite struct PlanesTests {
  /// Bytes as int8 weights have them: small numbers of both signs, seldom large.
  static func weights(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    noise(count * 4, seed: seed).chunked(4).map { four in
      UInt8(bitPattern: Int8(four.reduce(0) { $0 + Int(Int8(bitPattern: $1)) } / 16))
    }
  }

  /// Each plane holds the bits that the specification says, computed here bit by bit.
  @Test(arguments: [1, 7, 8, 9, 64, 1000, 1 << 20, (1 << 20) + 3]) func planesAreTheBits(count: Int) throws {
    let bytes = noise(count, seed: UInt64(count))
    let split = try bytes.withUnsafeBytes { try BitPlanes.split($0) }
    let planes = withExtendedLifetime(split) { Array(split.bytes) }
    #expect(planes.count == BitPlanes.planesSize(rawSize: count))
    var start = 0
    for chunk in bytes.chunked(1 << 20) {
      let size = (chunk.count + 7) / 8
      for (index, byte) in chunk.enumerated() where index < 200 || index > chunk.count - 20 {
        let folded = byte & 0x80 == 0 ? byte : byte ^ 0x7F
        for bit in 0..<8 {
          let found = planes[start + bit * size + index / 8] >> (index % 8) & 1
          #expect(found == folded >> bit & 1, "byte \(index), bit \(bit)")
        }
      }
      start += size * 8
    }
  }

  @Test(arguments: [1, 8, 13, 4096, (1 << 20) - 1, 1 << 20, 2_500_001]) func sectionsComeBack(count: Int) throws {
    for contents in [Self.weights(count), noise(count), [UInt8](repeating: 0x80, count: count)] {
      var writer = BundleWriter(policy: .compact)
      try writer.add(.matrix, "m", layout: Int8Format.matrixLayout, shape: [count], contents: SectionContents(contents))
      let bundle = try Bundle(memory: writer.writeToMemory().bundle)
      #expect(try bundle.copy(.matrix, "m") == contents)
    }
  }

  /// Plain LZ4 finds nothing in such bytes; planes do. In `.mapped` they are used in place.
  @Test func weightsShrink() throws {
    func entry(_ policy: CodecPolicy) throws -> SectionEntry {
      var writer = BundleWriter(policy: policy)
      try writer.add(.matrix, "m", layout: Int8Format.matrixLayout, shape: [1 << 20], contents: SectionContents(Self.weights(1 << 20)))
      return try Bundle(memory: writer.writeToMemory().bundle).entries[0]
    }
    let compact = try entry(.compact)
    #expect(compact.codec == .planes)
    #expect(compact.storedSize < (1 << 20) * 96 / 100)
    #expect(try entry(.mapped).codec == .stored)
  }

  @Test func damageIsFound() throws {
    var writer = BundleWriter(policy: .compact)
    try writer.add(.matrix, "m", layout: Int8Format.matrixLayout, shape: [200_000], contents: SectionContents(Self.weights(200_000)))
    let whole = try bytes(of: writer.writeToMemory().bundle)
    let entry = try Bundle(memory: whole).entries[0]
    #expect(entry.codec == .planes)
    for place in stride(from: 0, to: entry.storedSize, by: 977) {
      var damaged = whole
      damaged[entry.offset + place] ^= 0x10
      #expect(fault(opening: damaged) != nil)
      let unverified = try Bundle(memory: damaged, verifyChecksums: false)
      #expect(throws: BundleError.self) { try unverified.copy(.matrix, "m") }
    }
    var forged = Forgery(bytes: whole)
    forged.set(UInt64(1) << 40, .rawSize, of: 0)
    forged.seal()
    #expect(fault(opening: forged.bytes) != nil, "a raw size that no such section can have")
  }
}

extension Array {
  func chunked(_ size: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
  }
}
