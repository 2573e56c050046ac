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

@Suite struct RequiredMemoryTests {
  @Test func whatTheSystemHasNot() throws {
    for byteCount in [0, 1, 1 << 16, 1 << 28] { try requireMemory(byteCount) }
    #expect(throws: OutOfMemory(byteCount: nil)) { try requireMemory(-1) }
    #expect(throws: OutOfMemory(byteCount: 1 << 60)) { try requireMemory(1 << 60) }
    #expect(throws: OutOfMemory.self) { try requireMemory(Int.max.memory(times: 64)) }
    #expect(1000.memory(times: 12) == 12_000 + 131_072)
  }

  /// Nothing stays: what was asked for is given back.
  @Test func nothingIsKept() throws {
    for _ in 0..<1 << 16 { try requireMemory(1 << 30) }
  }
}

@Suite struct SaturatingTests {
  @Test func everyKindOfNumber() {
    for (value, expected) in [
      (0, 0), (2.9, 2), (-2.9, -2), (1e15, 1_000_000_000_000_000), (.nan, 0), (.infinity, .max), (-.infinity, .min), (1e300, .max),
      (-1e300, .min), (0x1p63, .max), (-0x1p63, .min), (.leastNonzeroMagnitude, 0),
    ] as [(Double, Int)] {
      #expect(Int(saturating: value) == expected, "\(value)")
    }
  }

  @Test func aPoolOfMoreThreadsThanThereMayBe() {
    #expect(ThreadPool(threads: .min).threadCount == 1)
    let pool = ThreadPool(threads: .max)
    #expect(pool.threadCount <= ThreadPool.mostThreads)
  }
}
