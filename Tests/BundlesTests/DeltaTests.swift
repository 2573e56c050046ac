import Bundles
import Storage
import TestSupport
import Testing
import WeightFormats

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct DeltaTests {
  private static let rows = 300
  private static let width = 40

  /// A base with a table, a layer and a text.
  private static func baseWriter(seed: UInt64 = 1) throws -> BundleWriter {
    var writer = BundleWriter()
    try writer.add(.configuration, contents: SectionContents("{}"))
    try writer.add(.embedding, "table", layout: Int8Format.tableLayout, shape: [rows, width], contents: SectionContents(noise(rows * width + 1200, seed: seed)))
    try writer.add(.matrix, "layer", layout: Int8Format.matrixLayout, shape: [64, 100], contents: SectionContents(noise(7000, seed: seed + 1)))
    return writer
  }

  private static func base(seed: UInt64 = 1) throws -> Bundle {
    try Bundle(memory: baseWriter(seed: seed).writeToMemory().bundle)
  }

  /// The base's bytes with changes in some rows, of every size, at both ends and around the wrap.
  private static func changed(_ bytes: [UInt8], in places: some Sequence<Int>) -> [UInt8] {
    let steps: [UInt8] = [1, 255, 2, 254, 3, 253, 4, 252, 127, 128, 129, 77]
    var bytes = bytes
    for (number, place) in places.enumerated() { bytes[place] &+= steps[number % steps.count] }
    return bytes
  }

  private static func delta(of base: Bundle, table: [UInt8], layer: [UInt8]) throws -> [UInt8] {
    var writer = try BundleWriter(base: DeltaBase(base, fileName: "base.martlet"))
    try writer.add(.configuration, contents: SectionContents("{}"))
    try writer.add(.embedding, "table", layout: Int8Format.tableLayout, shape: [rows, width], contents: SectionContents(table))
    try writer.add(.matrix, "layer", layout: Int8Format.matrixLayout, shape: [64, 100], contents: SectionContents(layer))
    try writer.add(.matrix, "head", layout: Float32Format.matrixLayout, contents: SectionContents(noise(500, seed: 9)))
    return try bytes(of: writer.writeToMemory().bundle)
  }

  private static let changedRows = [0, 1, 17, 18, 150, 299]

  /// What most tests open: six rows of the table and a fifth of the layer are other than the base's.
  private static func sample() throws -> (base: Bundle, table: [UInt8], layer: [UInt8], delta: [UInt8]) {
    let base = try base()
    let table = changed(try base.copy(.embedding, "table"), in: changedRows.flatMap { [$0 * width, $0 * width + 13, $0 * width + width - 1] })
    let layer = changed(try base.copy(.matrix, "layer"), in: stride(from: 3, to: 7000, by: 5))
    return (base, table, layer, try delta(of: base, table: table, layer: layer))
  }

  private func fault(_ bytes: [UInt8], base: Bundle?) -> BundleError.Fault? {
    do throws(BundleError) {
      let bundle = try Bundle(memory: bytes, base: base)
      for entry in bundle.entries { _ = try bundle.copy(entry.kind, entry.name) }
      _ = try bundle.changedRows(.embedding, "table", rowBytes: Self.width, rowCount: Self.rows)
      return nil
    } catch {
      return error.fault
    }
  }

  @Test func sectionsComeBack() throws {
    let (base, table, layer, bytes) = try Self.sample()
    let bundle = try Bundle(memory: bytes, base: base)
    #expect(bundle.entries.map(\.codec) == [.stored, .base, .delta, .delta, .stored])
    #expect(bundle.entries.map(\.isRequired) == [true, true, true, true, false])
    #expect(try bundle.copy(.configuration) == Array("{}".utf8))
    #expect(try bundle.copy(.embedding, "table") == table && Array(bundle.bytes(.embedding, "table")) == table)
    #expect(try bundle.copy(.matrix, "layer") == layer)
    #expect(try bundle.copy(.matrix, "head") == noise(500, seed: 9))
    // What is the base's lies where the base has it.
    #expect(try bundle.bytes(.configuration).baseAddress == base.bytes(.configuration).baseAddress)
    #expect(bytes.count < 4096 + 3500, "\(bytes.count) bytes for changes of \(1400 + 18) of 20,200")
  }

  /// Deltas of every density, with changes of every size.
  @Test(arguments: [1, 2, 3, 7, 64, 1000, 6999, 7000]) func everyDensity(step: Int) throws {
    let base = try Self.base()
    let original = try base.copy(.matrix, "layer")
    for layer in [Self.changed(original, in: stride(from: 0, to: 7000, by: step)), noise(7000, seed: 5)] {
      let raw = layer.withUnsafeBytes { new in original.withUnsafeBytes { DeltaCodec.encoded(new, base: $0, limit: .max)! } }
      var decoded = [UInt8](repeating: 0, count: 7000)
      try decoded.withUnsafeMutableBytes { target in
        try raw.withUnsafeBytes { stored in
          try original.withUnsafeBytes { try DeltaCodec.decode(stored, base: $0, into: target, section: "s") }
        }
      }
      #expect(decoded == layer)
    }
  }

  /// The example of the specification: the size of the streams, a table of one block that LZ4 does not shrink, the streams.
  @Test func theWorkedExampleIsWhatIsWritten() throws {
    let (old, new): ([UInt8], [UInt8]) = ([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 4, 0, 6, 7, 0xFF, 9])
    let stored = new.withUnsafeBytes { new in old.withUnsafeBytes { DeltaCodec.encoded(new, base: $0, limit: 100) } }
    let streams: [UInt8] = [0x92, 0x00, 0x06, 0x06, 0x03, 0x03, 0x00, 0xFF]
    #expect(stored == [8, 0, 0, 0, 0, 0, 0, 0] + [8, 0, 0, 0] + streams)
    let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    let readme = String(decoding: try readFile(folder + "/Sources/Bundles/README.md"), as: UTF8.self)
    #expect(readme.contains("`92 00 | 06 | 06 | 03 | 03 | 00 ff`"))
  }

  @Test func onlyTheChangedRowsAreKept() throws {
    let (base, table, _, bytes) = try Self.sample()
    let bundle = try Bundle(memory: bytes, base: base)
    let changes = try #require(try bundle.changedRows(.embedding, "table", rowBytes: Self.width, rowCount: Self.rows))
    #expect(changes.count == Self.changedRows.count)
    let places = UnsafeBufferPointer(start: changes.places.bound(to: Int32.self), count: Self.rows)
    for row in 0..<Self.rows {
      let place = Self.changedRows.firstIndex(of: row).map { Int32($0) } ?? -1
      #expect(places[row] == place)
      guard place >= 0 else { continue }
      let found = changes.rows.bytes[Int(place) * Self.width..<(Int(place) + 1) * Self.width]
      #expect(found.elementsEqual(table[row * Self.width..<(row + 1) * Self.width]))
    }
    // A layer that is no delta has none, and rows that the section cannot have are refused.
    #expect(try bundle.changedRows(.matrix, "head", rowBytes: 4, rowCount: 4) == nil)
    for (rowBytes, rowCount) in [(Self.width, 10_000), (Int.max, 2), (Self.width, 100)] {
      #expect(throws: BundleError.self) { try bundle.changedRows(.embedding, "table", rowBytes: rowBytes, rowCount: rowCount) }
    }
  }

  @Test func itIsTheRightBaseOrNone() throws {
    let (base, _, _, bytes) = try Self.sample()
    #expect(fault(bytes, base: base) == nil)
    #expect(fault(bytes, base: nil) == .baseNotGiven(name: "base.martlet"))
    let other = try Self.base(seed: 4)
    #expect(fault(bytes, base: other) == .otherBase(path: "memory", expected: base.indexChecksum, found: other.indexChecksum))
    let standing = bytesOfBase()
    #expect(fault(standing, base: base) == .base(expected: "none: this bundle is not a delta", found: "memory"))
    let delta = try Bundle(memory: bytes, base: base)
    #expect(throws: BundleError.self) { _ = try BundleWriter(base: DeltaBase(delta, fileName: "d.martlet")) }
    for name in ["", ".", "..", "a/b", "/etc/passwd", "a\0b"] {
      #expect(throws: BundleError.self) { _ = try BundleWriter(base: DeltaBase(base, fileName: name)) }
    }
  }

  private func bytesOfBase() -> [UInt8] { bytes(of: try! Self.baseWriter().writeToMemory().bundle) }

  @Test func filesFindTheirBaseBesideThem() throws {
    let (_, table, _, delta) = try Self.sample()
    try withTemporaryFolder { folder in
      func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = folder + "/" + name
        var file = try AtomicFile(path: path)
        try bytes.withUnsafeBytes { try file.write($0) }
        try file.commit()
        return path
      }
      func fault(_ path: String, base: String? = nil) -> BundleError.Fault? {
        do throws(BundleError) {
          _ = try Bundle(path: path, base: base)
          return nil
        } catch {
          return error.fault
        }
      }
      let path = try write("delta.martlet", delta)
      guard case .noBase(let refusal) = fault(path) else {
        Issue.record("\(String(describing: fault(path)))")
        return
      }
      #expect(refusal.path == folder + "/base.martlet" && refusal.code == ENOENT)
      let elsewhere = try write("other name.martlet", bytesOfBase())
      #expect(try Bundle(path: path, base: elsewhere).copy(.embedding, "table") == table)
      _ = try write("base.martlet", bytesOfBase())
      #expect(try Bundle(path: path).copy(.embedding, "table") == table)
      #expect(fault(elsewhere, base: path) == .base(expected: "none: this bundle is not a delta", found: path))

      // A delta under its base's name, which would be looked for there again and again.
      _ = try write("base.martlet", delta)
      guard case .base("a sound bundle", _) = fault(path) else {
        Issue.record("\(String(describing: fault(path)))")
        return
      }
      var damaged = bytesOfBase()
      damaged[damaged.count - 100] ^= 1
      _ = try write("base.martlet", damaged)
      #expect(fault(path) != nil)
    }
  }

  @Test func everyChangedByteIsDetected() throws {
    let (base, _, _, whole) = try Self.sample()
    for position in Array(whole.indices.prefix(700)) + Array(stride(from: 700, to: whole.count, by: 13)) {
      var damaged = whole
      damaged[position] ^= 0x21
      #expect(fault(damaged, base: base) != nil, "byte \(position)")
    }
  }

  /// Streams that contradict one another, under checksums that are true: refused or decoded, never a crash.
  @Test func forgedStreamsAreRefused() throws {
    let (base, _, _, whole) = try Self.sample()
    let entries = try Bundle(memory: whole, base: base).entries
    var refused = 0
    for number in [2, 3] {
      for place in 0..<entries[number].storedSize {
        for change: UInt8 in [1, 0x80, 0xFF] {
          var forged = Forgery(bytes: whole)
          forged.bytes[entries[number].offset + place] ^= change
          forged.sealSection(number)
          forged.seal()
          if fault(forged.bytes, base: base) != nil { refused += 1 }
        }
      }
    }
    #expect(refused > 1000)
    // The sizes at its beginning, and sections that say of the base what is not so.
    for size: UInt64 in [0, 1, 1 << 20, .max] {
      var forged = Forgery(bytes: whole)
      forged.set(size, at: entries[3].offset)
      forged.sealSection(3)
      forged.seal()
      guard case .delta = fault(forged.bytes, base: base) else {
        Issue.record("size \(size): \(String(describing: fault(forged.bytes, base: base)))")
        continue
      }
    }
    for (field, value) in [(Forgery.Entry.rawSize, UInt64(6999)), (.rawSize, 1 << 50), (.shape, 63), (.rawChecksum, 1)] {
      var forged = Forgery(bytes: whole)
      forged.set(value, field, of: 3)
      forged.seal()
      #expect(fault(forged.bytes, base: base) != nil, "\(field)")
    }
    for codec: UInt8 in [0, 1, 2, 3] {
      var forged = Forgery(bytes: whole)
      forged.set(codec, .codec, of: 3)
      forged.seal()
      #expect(fault(forged.bytes, base: base) != nil, "codec \(codec)")
    }
    var unnamed = Forgery(bytes: whole)
    unnamed.set(UInt16(8), .kind, of: 0)
    unnamed.seal()
    guard case .base = fault(unnamed.bytes, base: base) else {
      Issue.record("\(String(describing: fault(unnamed.bytes, base: base)))")
      return
    }
    for name in ["../../etc/passwd", "..", "\u{0}"] {
      var forged = Forgery(bytes: whole)
      for (index, byte) in (Array(name.utf8) + [UInt8](repeating: 0x2F, count: 12 - min(12, name.utf8.count))).prefix(12).enumerated() {
        forged.bytes[entries[0].offset + 8 + index] = byte
      }
      forged.sealSection(0)
      let checksum = forged.word(at: forged.entry(0, .storedChecksum))
      forged.set(checksum, .rawChecksum, of: 0)
      forged.seal()
      guard case .invalidBaseSection = fault(forged.bytes, base: base) else {
        Issue.record("\(name): \(String(describing: fault(forged.bytes, base: base)))")
        continue
      }
    }
  }

  @Test func theSameInputGivesTheSameBytes() throws { #expect(try Self.sample().delta == Self.sample().delta) }
}
