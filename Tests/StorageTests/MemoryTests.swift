import Storage
import Testing

@Suite struct RefusedMemoryTests {
  /// Sizes that no system has, that overflow on their way to bytes, or that went below zero.
  @Test(arguments: [-1, .min, 1 << 60, .max - 100, .max]) func sizesThatCannotBe(byteCount: Int) {
    #expect(throws: OutOfMemory(byteCount: byteCount < 0 ? nil : byteCount)) { try AlignedBuffer(byteCount: byteCount) }
  }

  @Test func countsThatOverflow() {
    #expect(throws: OutOfMemory(byteCount: nil)) { try AlignedBuffer(count: .max / 8 + 1, of: Double.self) }
    #expect(throws: OutOfMemory(byteCount: nil)) { try AlignedBuffer(count: -3, of: Double.self) }
    #expect("\(OutOfMemory(byteCount: 1 << 40))" == "out of memory: the system refused 1099511627776 bytes")
  }

  @Test func smallAndLargeBlocksAreZero() throws {
    for byteCount in [0, 1, 63, 64, 65, 1 << 18, (1 << 18) + 1] {
      let block = try AlignedBuffer(byteCount: byteCount)
      #expect(block.bytes.allSatisfy { $0 == 0 } && UInt(bitPattern: block.baseAddress) % 64 == 0)
    }
  }

  /// All indices run, the first refusal to come is thrown, and the pool serves the next region.
  @Test(arguments: [1, 2, 3]) func aRefusalInAParallelRegion(threads: Int) throws {
    let pool = ThreadPool(threads: threads)
    let hits = try AlignedBuffer(count: 100, of: UInt32.self)
    #expect(throws: OutOfMemory(byteCount: 42)) {
      try pool.parallelFor(100) { index, _ throws(OutOfMemory) in
        hits.bound(to: UInt32.self)[index] += 1
        if index == 42 { throw OutOfMemory(byteCount: index) }
      }
    }
    #expect((0..<100).allSatisfy { hits.bound(to: UInt32.self)[$0] == 1 })
    let expected = Set((0..<100).map { OutOfMemory(byteCount: $0).byteCount })
    do {
      try pool.parallelFor(100) { index, _ throws(OutOfMemory) in throw OutOfMemory(byteCount: index) }
    } catch {
      #expect(expected.contains(error.byteCount))
    }
    try pool.parallelFor(100) { index, _ throws(OutOfMemory) in hits.bound(to: UInt32.self)[index] += 1 }
    #expect((0..<100).allSatisfy { hits.bound(to: UInt32.self)[$0] == 2 })
  }
}
