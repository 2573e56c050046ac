import Bundles
import Storage
import TestSupport
import Testing
import WeightFormats

@Suite struct DamageTests {
  @Test func everyTruncationIsDetected() throws {
    let whole = try smallBundle()
    #expect(fault(opening: whole) == nil)
    for count in 0..<whole.count {
      let fault = fault(opening: Array(whole.prefix(count)))
      if count < 64 {
        #expect(fault == .tooSmall(found: count))
      } else {
        #expect(fault == .fileSize(expected: UInt64(whole.count), found: count))
      }
    }
    #expect(fault(opening: whole + [0]) == .fileSize(expected: UInt64(whole.count), found: whole.count + 1))
  }

  @Test func everyChangedByteIsDetected() throws {
    let whole = try smallBundle()
    for position in whole.indices {
      for change: UInt8 in [1, 0x80, 0xFF] {
        var damaged = whole
        damaged[position] ^= change
        #expect(fault(opening: damaged) != nil, "byte \(position) changed by \(change)")
      }
    }
  }

  @Test func theFaultNamesThePlace() throws {
    let whole = try smallBundle()
    let entries = try Bundle(memory: whole).entries
    var damaged = whole
    damaged[entries[2].offset] ^= 1
    guard case .storedChecksum("section matrix 'layer.0'", _, _) = fault(opening: damaged) else {
      Issue.record("\(String(describing: fault(opening: damaged)))")
      return
    }
    damaged = whole
    damaged[entries[2].offset + entries[2].storedSize] = 1
    #expect(fault(opening: damaged) == .paddingNotZero(offset: entries[2].offset + entries[2].storedSize))
    damaged = whole
    damaged[0] = 0
    #expect(fault(opening: damaged) == .notABundle)
    damaged = whole
    damaged[70] ^= 1
    guard case .indexChecksum = fault(opening: damaged) else {
      Issue.record("\(String(describing: fault(opening: damaged)))")
      return
    }
  }

  /// Skipping the checksums skips sections and padding only; a compressed section is still checked when decoded.
  @Test func withoutVerifyingTheIndexIsStillChecked() throws {
    let whole = try smallBundle()
    let entries = try Bundle(memory: whole).entries
    let indexEnd = 64 + Int(Forgery(bytes: whole).word(at: 32))
    for position in 0..<indexEnd {
      var damaged = whole
      damaged[position] ^= 1
      #expect(fault(opening: damaged, verifyChecksums: false) != nil, "byte \(position)")
    }
    var damaged = whole
    damaged[entries[1].offset + 40] ^= 1
    damaged[entries[2].offset] ^= 1
    let bundle = try Bundle(memory: damaged, verifyChecksums: false)
    #expect(throws: BundleError.self) { try bundle.bytes(.tokenizer) }
    #expect(throws: BundleError.self) { try bundle.copy(.tokenizer) }
    #expect(try bundle.bytes(.matrix, "layer.0").count == 77)
  }

  @Test func filesAreCheckedAsMemoryIs() throws {
    try withTemporaryFolder { folder in
      func open(_ bytes: [UInt8]) throws -> Bundle {
        let path = folder + "/damaged"
        var file = try AtomicFile(path: path)
        try file.write(bytes)
        try file.commit()
        return try Bundle(path: path)
      }
      let whole = try smallBundle()
      #expect(try open(whole).entries.count == 5)
      #expect(throws: BundleError.self) { try open([]) }
      #expect(throws: BundleError.self) { try open(Array(whole.dropLast(64))) }
      var damaged = whole
      damaged[whole.count - 70] ^= 4
      #expect(throws: BundleError.self) { try open(damaged) }
      do {
        _ = try Bundle(path: folder + "/none")
        Issue.record("opened a file that is not there")
      } catch {
        #expect("\(error)" == "cannot open \(folder)/none: no such file or directory")
      }
      #expect(throws: BundleError.self) { try Bundle(path: folder) }
    }
  }

  /// Threads that share the checksums find the same fault as one alone, the first of several.
  @Test(arguments: [1, 2, 3, 8]) func threadsFindTheFirstFault(threads: Int) throws {
    let pool = ThreadPool(threads: threads)
    let whole = try smallBundle()
    let starts = try Bundle(memory: whole).entries.filter { $0.storedSize > 0 }.map(\.offset)
    try withTemporaryFolder { folder in
      let path = folder + "/damaged"
      func fault(_ places: [Int], isMapped: Bool, pool: ThreadPool?) throws -> BundleError.Fault? {
        var damaged = whole
        for place in places { damaged[place] ^= 1 }
        var file = try AtomicFile(path: path)
        try file.write(damaged)
        try file.commit()
        do {
          _ = try Bundle(path: path, isMapped: isMapped, pool: pool)
          return nil
        } catch { return error.fault }
      }
      #expect(try fault([], isMapped: true, pool: pool) == nil)
      // And the padding behind the last section.
      let places = starts + [whole.count - 1]
      for first in places.indices {
        let places = Array(places[first...])
        for isMapped in [true, false] {
          let found = try fault(places, isMapped: isMapped, pool: pool)
          #expect(try found != nil && found == fault(places, isMapped: isMapped, pool: nil))
          #expect(try found == fault([places[0]], isMapped: isMapped, pool: pool))
        }
      }
    }
  }
}

/// Bundles made on purpose: every checksum is true, one number lies.
@Suite struct HostileIndexTests {
  private func forged(_ edit: (inout Forgery) -> Void) throws -> BundleError.Fault? {
    var forgery = Forgery(bytes: try smallBundle())
    edit(&forgery)
    forgery.seal()
    return fault(opening: forgery.bytes, verifyChecksums: false)
  }

  @Test func forgingItselfIsSound() throws {
    #expect(try forged { _ in } == nil)
  }

  @Test func versions() throws {
    #expect(try forged { $0.set(UInt32(2), at: 8) } == .newerVersion(found: 2, supported: 1))
    #expect(try forged { $0.set(UInt32.max, at: 8) } == .newerVersion(found: .max, supported: 1))
    #expect(try forged { $0.set(UInt32(0), at: 8) } == .unknownVersion(found: 0))
  }

  @Test func headerNumbers() throws {
    let size = try smallBundle().count
    #expect(try forged { $0.set(UInt64.max, at: 16) } == .fileSize(expected: .max, found: size))
    #expect(try forged { $0.set(UInt32.max, at: 12) } != nil)
    #expect(try forged { $0.set(UInt32(4), at: 12) } != nil)
    #expect(try forged { $0.set(UInt32(6), at: 12) } != nil)
    #expect(try forged { $0.set(UInt32(0), at: 12) } != nil)
    #expect(try forged { $0.set(UInt64(1), at: 48) } != nil)
    #expect(try forged { $0.set(UInt64(128), at: 24) } != nil)
    #expect(try forged { $0.set(UInt64.max, at: 24) } != nil)
  }

  @Test(arguments: [0, 1, 87, 88, 439, 1 << 20, UInt64(Int.max), .max]) func indexSizes(size: UInt64) throws {
    // Sealed by hand: the index cannot be hashed at its forged size.
    var forgery = Forgery(bytes: try smallBundle())
    forgery.set(size, at: 32)
    let sum = forgery.bytes.withUnsafeBytes { XXH64.hash(UnsafeRawBufferPointer(rebasing: $0[0..<56])) }
    forgery.set(sum, at: 56)
    #expect(fault(opening: forgery.bytes, verifyChecksums: false) != nil)
  }

  @Test func overlapHoleAndOrder() throws {
    let second = Int(Forgery(bytes: try smallBundle()).word(at: Forgery(bytes: try smallBundle()).entry(1, .offset)))
    #expect(
      try forged { $0.set(UInt64(4096), .offset, of: 1) }
        == .misplacedSection("section tokenizer", expected: second, found: 4096))
    for offset in [0, 64, UInt64(second) + 1, UInt64(second) + 64, UInt64(Int.max), .max] {
      #expect(
        try forged { $0.set(offset, .offset, of: 1) }
          == .misplacedSection("section tokenizer", expected: second, found: offset))
    }
  }

  @Test func sizesThatLie() throws {
    for size in [UInt64(1 << 20), UInt64(Int.max), UInt64(Int.max) + 1, .max, .max - 4096] {
      #expect(try forged { $0.set(size, .storedSize, of: 0) } != nil)
      #expect(
        try forged {
          $0.set(size, .storedSize, of: 0)
          $0.set(size, .rawSize, of: 0)
        } != nil)
      #expect(
        try forged {
          $0.set(size, .storedSize, of: 2)
          $0.set(size, .rawSize, of: 2)
        } != nil)
      #expect(try forged { $0.set(size, .rawSize, of: 0) } != nil)
    }
    // Within the padding that follows: the stored and the raw size of a stored section must agree.
    #expect(try forged { $0.set(UInt64(22), .storedSize, of: 0) } != nil)
    #expect(try forged { $0.set(UInt64(0), .storedSize, of: 2) } != nil)
  }

  @Test func shapesThatLie() throws {
    #expect(try forged { $0.set(UInt8(5), .rank, of: 3) } != nil)
    #expect(try forged { $0.set(UInt8(255), .rank, of: 3) } != nil)
    #expect(try forged { $0.set(UInt8(1), .rank, of: 3) } != nil)
    #expect(try forged { $0.set(UInt64(3), .shape, of: 3) } != nil)
    #expect(try forged { $0.set(UInt64.max, .shape, of: 3) } != nil)
    #expect(try forged { $0.set(UInt64(Int.max), .shape, of: 3) } != nil)
    // A shape whose product overflows to the true size.
    #expect(
      try forged {
        $0.set(UInt64(1) << 62, at: $0.entry(3, .shape))
        $0.set(UInt64(8), at: $0.entry(3, .shape) + 8)
      } != nil)
    #expect(try forged { $0.set(UInt64(7), at: $0.entry(0, .shape)) } != nil)
  }

  @Test func namesThatLie() throws {
    #expect(try forged { $0.set(UInt32.max, .nameSize, of: 2) } != nil)
    #expect(try forged { $0.set(UInt32(4097), .nameSize, of: 4) } != nil)
    #expect(try forged { $0.set(UInt32(8), .nameSize, of: 4) } != nil)
    #expect(try forged { $0.set(UInt32(6), .nameSize, of: 2) } == .paddingNotZero(offset: 64 + 88 + 88 + 88 + 6))
    #expect(try forged { $0.bytes[$0.entry(2, .name)] = 0xFF } == .invalidName(entry: 2))
    // The second section takes the first one's kind: both are nameless.
    #expect(try forged { $0.set(UInt16(1), .kind, of: 1) } == .duplicateSection("section configuration"))
  }

  @Test func reservedBits() throws {
    #expect(try forged { $0.set(UInt8(2), .flags, of: 0) } != nil)
    #expect(try forged { $0.set(UInt8(1), .reserved, of: 0) } != nil)
    #expect(try forged { $0.set(UInt32(1), .reservedWord, of: 0) } != nil)
  }

  @Test func whatIsUnknownIsKeptUnlessRequired() throws {
    #expect(try forged { $0.set(UInt16(999), .kind, of: 2) } == nil)
    #expect(try forged { $0.set(UInt16(999), .layout, of: 2) } == nil)
    #expect(try forged { $0.set(UInt8(99), .codec, of: 2) } == nil)
    for (field, value) in [(Forgery.Entry.kind, UInt16(999)), (.layout, 999)] {
      let fault = try forged {
        $0.set(value, field, of: 2)
        $0.set(UInt8(1), .flags, of: 2)
      }
      guard case .unknownRequiredSection = fault else {
        Issue.record("\(String(describing: fault))")
        continue
      }
    }
    #expect(
      try forged {
        $0.set(UInt8(99), .codec, of: 2)
        $0.set(UInt8(1), .flags, of: 2)
      } == .unknownRequiredSection("section matrix 'layer.0'", what: "codec 99"))

    var forgery = Forgery(bytes: try smallBundle())
    forgery.set(UInt16(999), .kind, of: 2)
    forgery.set(UInt8(99), .codec, of: 2)
    forgery.seal()
    let bundle = try Bundle(memory: forgery.bytes)
    #expect(bundle.entries.count == 5)
    #expect(
      throws: BundleError(path: "memory", fault: .unknownCodec("section kind 999 'layer.0'", found: 99))
    ) { try bundle.bytes(SectionKind(rawValue: 999), "layer.0") }
  }
}

/// Compressed sections whose sizes or blocks lie.
@Suite struct HostileBlockTests {
  /// The fault of decoding the tokenizer of a bundle edited by `edit`, which gets the section's offset.
  private func forged(_ edit: (inout Forgery, Int) -> Void) throws -> BundleError.Fault? {
    var forgery = Forgery(bytes: try smallBundle())
    edit(&forgery, Int(forgery.word(at: forgery.entry(1, .offset))))
    forgery.sealSection(1)
    forgery.seal()
    do throws(BundleError) {
      let text = try Bundle(memory: forgery.bytes).text(.tokenizer)
      #expect(text == vocabulary(100))
      return nil
    } catch {
      return error.fault
    }
  }

  @Test func forgingItselfIsSound() throws { #expect(try forged { _, _ in } == nil) }

  /// A raw size that no LZ4 data of that length can have is refused before anything is allocated.
  @Test func bombs() throws {
    for size in [UInt64(1) << 32, 1 << 40, 1 << 62, UInt64(Int.max)] {
      guard case .value = try forged({ forgery, _ in forgery.set(size, .rawSize, of: 1) }) else {
        Issue.record("raw size \(size) was accepted")
        continue
      }
    }
  }

  /// What decodes to 255 times its size is not made, and not read.
  @Test func whatIsDecodedIsBounded() throws {
    var writer = BundleWriter(policy: .compact)
    let zeros = [UInt8](repeating: 0, count: 20 << 20)
    try writer.add(.matrix, layout: Int8Format.matrixLayout, shape: [4480, 4480], contents: SectionContents(zeros))
    let whole = try Bundle(memory: writer.writeToMemory().bundle)
    #expect(whole.entries[0].codec == .stored)
    var small = BundleWriter(policy: .compact)
    for number in 0..<40 { try small.add(.matrix, "\(number)", layout: Int8Format.matrixLayout, shape: [4, 4], contents: SectionContents([UInt8](repeating: 0, count: 60 << 10))) }
    var forgery = Forgery(bytes: bytes(of: try small.writeToMemory().bundle))
    #expect(fault(opening: forgery.bytes) == nil)
    for number in 0..<40 { forgery.set(UInt64(500 << 10), .rawSize, of: number) }
    // A size that the stored bytes may be decoded to, for each by itself.
    forgery.seal()
    guard case .value(let place, _, _) = fault(opening: forgery.bytes) else {
      Issue.record("\(String(describing: fault(opening: forgery.bytes)))")
      return
    }
    #expect(place == "sizes after decoding" || place.hasSuffix("stored size"))
  }

  @Test func textsAreBounded() throws {
    var writer = BundleWriter(policy: .mapped)
    let long = try SectionContents([UInt8](repeating: 0x20, count: (4 << 20) + 1))
    #expect(throws: BundleError.self) { try writer.add(.configuration, contents: long) }
  }

  @Test func rawSizesThatLieALittle() throws {
    let size = vocabulary(100).utf8.count
    for lie in [0, 1, size - 1, size + 1, size * 2] {
      #expect(try forged { forgery, _ in forgery.set(UInt64(lie), .rawSize, of: 1) } != nil, "\(lie)")
    }
  }

  @Test func blockTablesThatLie() throws {
    for size in [UInt32(0), 1, 1 << 20, .max] {
      #expect(try forged { forgery, offset in forgery.set(size, at: offset) } != nil, "\(size)")
    }
  }

  /// A changed block may still decode to the same text (another match for the same bytes), but never to another one.
  @Test func everyChangedByteOfABlock() throws {
    let size = Int(Forgery(bytes: try smallBundle()).word(at: Forgery(bytes: try smallBundle()).entry(1, .storedSize)))
    var refused = 0
    for position in 0..<size {
      for change: UInt8 in [1, 0x80, 0xFF] {
        let fault = try forged { forgery, offset in forgery.bytes[offset + position] ^= change }
        refused += fault == nil ? 0 : 1
      }
    }
    #expect(refused > size * 2)
  }
}
