import Storage
import WeightFormats

/// What a bundle is packed for.
package enum CodecPolicy: String, CaseIterable, Sendable {
  /// What kernels read in place is stored; everything else is compressed when that pays. Instant start, shared pages.
  case mapped
  /// Everything is compressed when that pays. The smallest file, decoded once at load.
  case compact
}

/// The bundle that a delta is written against.
package struct DeltaBase: Sendable {
  package let bundle: Bundle
  /// Under which name it is looked for beside the delta.
  package let fileName: String

  package init(_ bundle: Bundle, fileName: String) {
    self.bundle = bundle
    self.fileName = fileName
  }
}

/// The raw bytes of a section, kept alive until they are written.
package struct SectionContents {
  let bytes: UnsafeRawBufferPointer
  private let owner: AnyObject

  /// Bytes that live as long as `owner`, for example a mapped file.
  package init(_ bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    self.bytes = bytes
    self.owner = owner
  }

  package init(_ buffer: AlignedBuffer) { self.init(buffer.bytes, owner: buffer) }

  package init(_ bytes: [UInt8]) throws(OutOfMemory) { self.init(try AlignedBuffer(copying: bytes)) }

  /// UTF-8 text.
  package init(_ text: String) throws(OutOfMemory) { try self.init(Array(text.utf8)) }
}

/// What was written: the index with each section's codec and sizes before and after, and the size of the file.
package struct BundleReport: Sendable {
  package let entries: [SectionEntry]
  package let fileSize: Int
}

/// Collects sections and writes them as one bundle. The same sections in the same order give the same bytes.
package struct BundleWriter: ~Copyable {
  private let policy: CodecPolicy
  private let base: Bundle?
  private let spool: SpoolFile?
  private var sections: [(entry: SectionEntry, contents: SectionContents?)] = []
  private var seen: Set<SectionKey> = []
  /// What errors that precede a path call the bundle.
  private let subject = "bundle being written"

  /// A codec must save more than this share of a section.
  private static let savingInPercent = 3

  /// - Parameter spool: where sections wait until the bundle is written; in memory if nil.
  package init(policy: CodecPolicy = .mapped, spool: SpoolFile? = nil) {
    self.policy = policy
    self.spool = spool
    base = nil
  }

  /// A writer of a delta: what the base has is left out, what differs from it is kept as changes where that is
  /// smallest.
  package init(base: DeltaBase, spool: SpoolFile? = nil) throws(BundleError) {
    policy = .compact
    self.spool = spool
    self.base = base.bundle
    guard base.bundle.base == nil else {
      throw BundleError(
        path: base.bundle.path, fault: .base(expected: "a bundle that stands alone", found: "another delta"))
    }
    guard BaseReference.isFileName(base.fileName) else {
      throw BundleError(path: base.bundle.path, fault: .invalidBaseSection(found: "the name '\(base.fileName)'"))
    }
    let reference = BaseReference.encoded(indexChecksum: base.bundle.indexChecksum, fileName: base.fileName)
    try append(.base, contents: contents(reference), isRequired: true, codecs: [])
  }

  /// Adds a section and encodes it at once if the policy says so and it pays.
  ///
  /// - Parameters:
  ///   - shape: at most four dimensions, outermost first.
  ///   - isRequired: readers that do not know the kind, layout or codec must refuse the bundle.
  ///   - usedInPlace: whether `.mapped` stores it uncompressed; by default the kind decides.
  /// - Throws: when the kind and name were added before, or name, shape or size is not what the format can hold.
  package mutating func add(
    _ kind: SectionKind, _ name: String = "", layout: LayoutNumber = .bytes, shape: [Int] = [],
    contents: SectionContents, isRequired: Bool = false, usedInPlace: Bool? = nil
  ) throws(BundleError) {
    var codecs: [SectionCodec] = []
    if policy == .compact || !(usedInPlace ?? kind.isUsedInPlace) {
      codecs = layout.holdsSmallIntegers ? [.planes, .lz4] : [.lz4]
    }
    if base != nil { codecs.append(.delta) }
    try append(kind, name, layout: layout, shape: shape, contents: contents, isRequired: isRequired, codecs: codecs)
  }

  private mutating func append(
    _ kind: SectionKind, _ name: String = "", layout: LayoutNumber = .bytes, shape: [Int] = [],
    contents: SectionContents,
    isRequired: Bool, codecs: [SectionCodec]
  ) throws(BundleError) {
    let raw = contents.bytes
    let checksum = XXH64.hash(raw)
    var entry = SectionEntry(
      kind: kind, name: name, layout: layout, shape: shape, isRequired: isRequired, codec: .stored, offset: 0,
      storedSize: raw.count, rawSize: raw.count, storedChecksum: checksum, rawChecksum: checksum)
    do throws(BundleError.Fault) {
      try check(entry)
      // What the codecs make, which grows, and what they made before.
      if !codecs.isEmpty { try require(raw.count.memory(times: 5)) }
    } catch {
      throw BundleError(path: subject, fault: error)
    }
    seen.insert(SectionKey(kind: kind, name: name))

    var kept = contents
    func keep(_ encoded: [UInt8], as codec: SectionCodec) throws(BundleError) {
      kept = try self.contents(encoded)
      entry.codec = codec
      entry.storedSize = encoded.count
      entry.storedChecksum = XXH64.hash(kept.bytes)
    }
    let original = try originalBytes(of: entry)
    if let original, base!.entry(kind, name)!.rawChecksum == checksum, raw.elementsEqual(original) {
      try keep([], as: .base)
    } else {
      for codec in codecs {
        let limit = min(raw.count - raw.count * Self.savingInPercent / 100, entry.storedSize) - 1
        guard limit > 0 else { break }
        let encoded: [UInt8]? =
          switch codec {
          case .planes:
            try planes(raw).withBytes { LZ4Blocks.encoded($0, limit: limit, blockSize: BitPlanes.blockSize) }
          case .delta: original.flatMap { DeltaCodec.encoded(raw, base: $0, limit: limit) }
          default: LZ4Blocks.encoded(raw, limit: limit)
          }
        guard let encoded else { continue }
        // So that no sum of sections is too much to be decoded.
        if !codec.needsBase, raw.count >= BundleFormat.smallSection, raw.count / BundleFormat.mostDecodedTimes > encoded.count { continue }
        try keep(encoded, as: codec)
      }
    }
    // Without its base such a section is nothing.
    if entry.codec.needsBase { entry.isRequired = true }
    sections.append((entry, try putAside(kept)))
  }

  /// Small sections are not worth a mapping.
  private func putAside(_ contents: SectionContents) throws(BundleError) -> SectionContents {
    guard let spool, contents.bytes.count >= BundleFormat.smallSection else { return contents }
    do throws(FileError) {
      let spooled = try spool.append(contents.bytes)
      return SectionContents(spooled.bytes, owner: spooled)
    } catch {
      throw BundleError(path: subject, fault: .file(error))
    }
  }

  private func contents(_ bytes: [UInt8]) throws(BundleError) -> SectionContents {
    do throws(OutOfMemory) { return try SectionContents(bytes) } catch {
      throw BundleError(path: subject, fault: .outOfMemory(error))
    }
  }

  private func planes(_ raw: UnsafeRawBufferPointer) throws(BundleError) -> AlignedBuffer {
    do throws(OutOfMemory) { return try BitPlanes.split(raw) } catch {
      throw BundleError(path: subject, fault: .outOfMemory(error))
    }
  }

  /// The base's bytes of a section, if it has one of the same form that is not empty.
  private func originalBytes(of entry: SectionEntry) throws(BundleError) -> UnsafeRawBufferPointer? {
    guard let base, let original = base.entry(entry.kind, entry.name), original.layout == entry.layout,
      original.shape == entry.shape,
      original.rawSize == entry.rawSize, entry.rawSize > 0
    else { return nil }
    return try base.bytes(entry.kind, entry.name)
  }

  private func check(_ entry: SectionEntry) throws(BundleError.Fault) {
    guard !seen.contains(entry.key) else { throw .duplicateSection("\(entry)") }
    guard sections.count < BundleFormat.maximumSectionCount else {
      throw .value(
        place: "section count", expected: "at most \(BundleFormat.maximumSectionCount)", found: "\(sections.count + 1)")
    }
    guard entry.name.utf8.count <= BundleFormat.maximumNameSize else {
      throw .value(
        place: "name size of \(entry)", expected: "at most \(BundleFormat.maximumNameSize)",
        found: "\(entry.name.utf8.count)")
    }
    guard entry.shape.count <= BundleFormat.maximumRank else {
      throw .value(
        place: "dimensions of \(entry)", expected: "at most \(BundleFormat.maximumRank)", found: "\(entry.shape.count)")
    }
    try entry.checkSizes()
  }

  /// Writes the bundle under a name, whole or not at all.
  package consuming func write(to path: String) throws(BundleError) -> BundleReport {
    do throws(FileError) {
      let report = placed()
      var file = try AtomicFile(path: path)
      try emit(report) { bytes throws(FileError) in try file.write(bytes) }
      try file.commit()
      return report
    } catch {
      throw BundleError(path: path, fault: .file(error))
    }
  }

  /// The same bytes in memory. Each section's contents are released as soon as they are copied.
  package consuming func writeToMemory() throws(OutOfMemory) -> (bundle: AlignedBuffer, report: BundleReport) {
    let report = placed()
    let bundle = try AlignedBuffer(byteCount: report.fileSize, zeroed: false)
    var position = 0
    emit(report) { bytes in
      UnsafeMutableRawBufferPointer(start: bundle.baseAddress + position, count: bytes.count).copyMemory(from: bytes)
      position += bytes.count
    }
    return (bundle, report)
  }

  /// The index with every offset, and where it all ends.
  private func placed() -> BundleReport {
    let indexSize = sections.reduce(0) { $0 + $1.entry.encodedSize }
    var end = BundleHeader.contentsOffset(indexSize: indexSize)
    let entries = sections.map { section in
      var entry = section.entry
      entry.offset = end
      end = (end + entry.storedSize).roundedUp(toMultipleOf: BundleFormat.alignment)
      return entry
    }
    return BundleReport(entries: entries, fileSize: end)
  }

  /// Hands out the bundle's bytes from the first to the last.
  private consuming func emit<Failure: Error>(
    _ report: BundleReport, to write: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    var index: [UInt8] = []
    for entry in report.entries { entry.encode(to: &index) }
    let header = BundleHeader(
      sectionCount: report.entries.count, fileSize: report.fileSize, indexSize: index.count,
      indexChecksum: index.withUnsafeBytes { XXH64.hash($0) })
    let front = header.encoded() + index
    let zeros = [UInt8](repeating: 0, count: BundleFormat.pageSize)
    func pad(_ count: Int) throws(Failure) {
      try zeros.span.withUnsafeBytes { bytes throws(Failure) in try write(UnsafeRawBufferPointer(rebasing: bytes[..<count])) }
    }
    try front.span.withUnsafeBytes { bytes throws(Failure) in try write(bytes) }
    var position = front.count
    for (number, entry) in report.entries.enumerated() {
      try pad(entry.offset - position)
      try write(sections[number].contents!.bytes)
      sections[number].contents = nil
      position = entry.offset + entry.storedSize
    }
    try pad(report.fileSize - position)
  }
}

/// `requireMemory`, as the fault of a bundle.
func require(_ byteCount: Int) throws(BundleError.Fault) {
  do throws(OutOfMemory) { try requireMemory(byteCount) } catch { throw .outOfMemory(error) }
}

extension AlignedBuffer {
  convenience init(copying bytes: [UInt8]) throws(OutOfMemory) {
    try self.init(byteCount: bytes.count, zeroed: false)
    bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: baseAddress, count: byteCount).copyMemory(from: $0) }
  }

  /// Memory to be filled, or the fault of a bundle.
  convenience init(fault byteCount: Int) throws(BundleError.Fault) {
    do throws(OutOfMemory) { try self.init(byteCount: byteCount, zeroed: false) } catch { throw .outOfMemory(error) }
  }

  /// The bytes, with the buffer kept alive while they are used.
  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withExtendedLifetime(self) { () throws(Failure) in try body(bytes) }
  }
}
