import Storage

/// A bundle opened for reading: one file, checked as a whole, its sections used in place.
///
/// Opening reads the header and the index and checks them for everything that README.md asks for; with
/// `verifyChecksums` it then reads the file once through a small buffer, not through the map, so that verifying
/// leaves no page of the map resident. May be used from many threads at once.
package final class Bundle: Sendable {
  /// The file, or what it was made of in memory.
  package let path: String
  package let fileSize: Int
  /// The index, in file order.
  package let entries: [SectionEntry]
  package let formatVersion = BundleFormat.version
  /// The identity of the content: the index holds every section's checksums.
  package let indexChecksum: UInt64
  /// What this bundle is a delta of.
  package let base: Bundle?

  private let positions: [SectionKey: Int]
  private let contents: Contents
  /// Decoded sections by position in `entries`, made when first asked for.
  private let decoded = Mutex<[Int: AlignedBuffer]>([:])

  private enum Contents: Sendable {
    case file(MappedFile)
    case memory(AlignedBuffer)

    var bytes: UnsafeRawBufferPointer {
      switch self {
      case .file(let file): file.bytes
      case .memory(let buffer): buffer.bytes
      }
    }
  }

  /// Opens a bundle file.
  ///
  /// - Parameters:
  ///   - base: the file that a delta is a delta of; the one beside it, by the name that it holds, if nil.
  ///   - verifyChecksums: false leaves the sections and the padding unread; header and index are always checked in
  ///     full.
  ///   - isMapped: false reads the file, and its base's, into memory of the process's own: what becomes of the files
  ///     then is of no matter. The system ends a process (SIGBUS) that touches a page of a mapped file which has become
  ///     too short for it.
  ///   - pool: the threads that verify checksums; the caller's alone if nil.
  package convenience init(
    path: String, base: String? = nil, verifyChecksums: Bool = true, isMapped: Bool = true, pool: ThreadPool? = nil
  ) throws(BundleError) {
    let opening = Opening(verifyChecksums: verifyChecksums, isMapped: isMapped, pool: pool)
    try self.init(path: path, opening) { reference throws(BundleError.Fault) in
      try reference.open(base, beside: path, opening)
    }
  }

  /// Opens a bundle that must stand alone: a base that needs a base could need itself.
  convenience init(standingAlone path: String, _ opening: Opening) throws(BundleError) {
    try self.init(path: path, opening) { reference throws(BundleError.Fault) in
      guard !reference.isDelta else { throw .base(expected: "a bundle that stands alone", found: "another delta") }
      return nil
    }
  }

  /// How a bundle and its base are opened: the parameters of `init(path:)`.
  struct Opening {
    let verifyChecksums, isMapped: Bool
    let pool: ThreadPool?
  }

  private convenience init(
    path: String, _ opening: Opening, openBase: (BaseReference) throws(BundleError.Fault) -> Bundle?
  ) throws(BundleError) {
    do throws(BundleError.Fault) {
      let file = try BundleFileReader(path: path)
      guard opening.isMapped else {
        // No memory is asked for before header and index say that a bundle of that size can be.
        _ = try CheckedBundle(reading: file, verifyChecksums: false)
        let memory = try file.bytes(at: 0, count: file.size)
        let checked = try CheckedBundle(
          reading: BundleMemoryReader(memory: memory), verifyChecksums: opening.verifyChecksums, pool: opening.pool)
        let contents = Contents.memory(memory)
        let base = try openBase(BaseReference(checked.entries, contents.bytes))
        self.init(path: path, checked, contents: contents, base: base)
        return
      }
      let checked = try CheckedBundle(reading: file, verifyChecksums: opening.verifyChecksums, pool: opening.pool)
      let map: MappedFile
      do throws(FileError) { map = try MappedFile(path: path) } catch { throw .file(error) }
      // The map is a second opening: the same header, checksums included, says that it is the same bundle.
      guard map.bytes.count == checked.header.fileSize, map.bytes.starts(with: checked.header.encoded()) else {
        throw .replacedWhileOpening
      }
      let contents = Contents.file(map)
      let base = try openBase(BaseReference(checked.entries, contents.bytes))
      self.init(path: path, checked, contents: contents, base: base)
    } catch {
      throw BundleError(path: path, fault: error)
    }
  }

  /// Opens a bundle that is in memory, of exactly `memory.byteCount` bytes; a delta needs its base.
  ///
  /// - Parameter name: what messages call it, such as the folder that it was made of.
  package convenience init(
    memory: AlignedBuffer, named name: String = "memory", base: Bundle? = nil, verifyChecksums: Bool = true
  ) throws(BundleError) {
    do throws(BundleError.Fault) {
      let checked = try CheckedBundle(reading: BundleMemoryReader(memory: memory), verifyChecksums: verifyChecksums)
      let contents = Contents.memory(memory)
      try BaseReference(checked.entries, contents.bytes).check(base)
      self.init(path: name, checked, contents: contents, base: base)
    } catch {
      throw BundleError(path: name, fault: error)
    }
  }

  /// Opens a copy of a bundle that is in memory.
  package convenience init(memory: [UInt8], base: Bundle? = nil, verifyChecksums: Bool = true) throws(BundleError) {
    let buffer: AlignedBuffer
    do throws(OutOfMemory) { buffer = try AlignedBuffer(copying: memory) } catch {
      throw BundleError(path: "memory", fault: .outOfMemory(error))
    }
    try self.init(memory: buffer, base: base, verifyChecksums: verifyChecksums)
  }

  private init(path: String, _ checked: CheckedBundle, contents: Contents, base: Bundle?) {
    self.path = path
    self.contents = contents
    self.base = base
    entries = checked.entries
    indexChecksum = checked.header.indexChecksum
    fileSize = contents.bytes.count
    positions = Dictionary(
      uniqueKeysWithValues: entries.enumerated().map { ($1.key, $0) })
  }
}

// MARK: Sections

extension Bundle {
  /// The section's line of the index, or nil when the bundle has none.
  package func entry(_ kind: SectionKind, _ name: String = "") -> SectionEntry? {
    positions[SectionKey(kind: kind, name: name)].map { entries[$0] }
  }

  /// All sections of a kind, in file order.
  package func entries(_ kind: SectionKind) -> [SectionEntry] { entries.filter { $0.kind == kind } }

  /// A section's raw bytes, 64-byte aligned, valid as long as the bundle lives: in place if stored, the base's if it is
  /// the base's, else decoded when first asked for, checked, and kept.
  package func bytes(_ kind: SectionKind, _ name: String = "") throws(BundleError) -> UnsafeRawBufferPointer {
    let position = try position(kind, name)
    if entries[position].codec == .stored { return storedBytes(position) }
    if entries[position].codec == .base { return try base!.bytes(kind, name) }
    let decoding = decoded.withLock { decoded -> Result<AlignedBuffer, BundleError> in
      if let buffer = decoded[position] { return .success(buffer) }
      let result = Result { () throws(BundleError) in try decode(position) }
      if case .success(let buffer) = result { decoded[position] = buffer }
      return result
    }
    return try decoding.get().bytes
  }

  /// A copy of a section's raw bytes, for sections that are read once: nothing is kept.
  package func copy(_ kind: SectionKind, _ name: String = "") throws(BundleError) -> [UInt8] {
    let position = try position(kind, name)
    do throws(BundleError.Fault) { try require(entries[position].rawSize) } catch { throw BundleError(path: path, fault: error) }
    if entries[position].codec == .stored {
      return withExtendedLifetime(self) { Array(storedBytes(position)) }
    }
    if entries[position].codec == .base { return try base!.copy(kind, name) }
    return try decode(position).withBytes { Array($0) }
  }

  /// Hands out a section's raw bytes, for sections that are read once: nothing is kept.
  package func withBytes<Result>(_ kind: SectionKind, _ name: String = "", _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    let position = try position(kind, name)
    switch entries[position].codec {
    case .stored: return try withExtendedLifetime(self) { try body(storedBytes(position)) }
    case .base: return try base!.withBytes(kind, name, body)
    default: return try decode(position).withBytes(body)
    }
  }

  /// Of a table that changes rows of the base's, those rows; nil if the section is kept in any other way.
  ///
  /// - Parameters:
  ///   - rowBytes: the size of a row; rows come first in the section. What follows them must be the base's.
  package func changedRows(_ kind: SectionKind, _ name: String, rowBytes: Int, rowCount: Int) throws(BundleError)
    -> ChangedRows?
  {
    let position = try position(kind, name)
    guard entries[position].codec == .delta else { return nil }
    let original = try base!.bytes(kind, name)
    do throws(BundleError.Fault) {
      return try DeltaCodec.decodeRows(
        storedBytes(position), base: original, rowBytes: rowBytes, rowCount: rowCount, section: "\(entries[position])")
    } catch {
      throw BundleError(path: path, fault: error)
    }
  }

  /// A section as text; nothing is kept.
  package func text(_ kind: SectionKind, _ name: String = "") throws(BundleError) -> String {
    let position = try position(kind, name)
    // The copy, the text, and what it is parsed to.
    do throws(BundleError.Fault) { try require(entries[position].rawSize.memory(times: 16)) } catch {
      throw BundleError(path: path, fault: error)
    }
    guard let text = String(validating: try copy(kind, name), as: UTF8.self) else {
      throw BundleError(path: path, fault: .notText("\(entries[position])"))
    }
    return text
  }

  private func position(_ kind: SectionKind, _ name: String) throws(BundleError) -> Int {
    guard let position = positions[SectionKey(kind: kind, name: name)] else {
      throw BundleError(path: path, fault: .missingSection(SectionKey(kind: kind, name: name).description))
    }
    return position
  }

  private func storedBytes(_ position: Int) -> UnsafeRawBufferPointer {
    let entry = entries[position]
    return UnsafeRawBufferPointer(rebasing: contents.bytes[entry.offset..<entry.offset + entry.storedSize])
  }

  private func decode(_ position: Int) throws(BundleError) -> AlignedBuffer {
    let entry = entries[position]
    let original =
      entry.codec == .delta ? try base!.bytes(entry.kind, entry.name) : UnsafeRawBufferPointer(start: nil, count: 0)
    do throws(BundleError.Fault) {
      guard entry.codec.isKnown else { throw .unknownCodec("\(entry)", found: entry.codec.rawValue) }
      let buffer = try AlignedBuffer(fault: entry.rawSize)
      let raw = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: entry.rawSize)
      switch entry.codec {
      case .planes:
        let planes = try AlignedBuffer(fault: BitPlanes.planesSize(rawSize: entry.rawSize))
        try LZ4Blocks.decode(
          storedBytes(position),
          into: UnsafeMutableRawBufferPointer(start: planes.baseAddress, count: planes.byteCount),
          section: "\(entry)", blockSize: BitPlanes.blockSize)
        BitPlanes.join(planes, into: raw)
      case .delta: try DeltaCodec.decode(storedBytes(position), base: original, into: raw, section: "\(entry)")
      default: try LZ4Blocks.decode(storedBytes(position), into: raw, section: "\(entry)")
      }
      let checksum = buffer.withBytes { XXH64.hash($0) }
      guard checksum == entry.rawChecksum else {
        throw .rawChecksum("\(entry)", expected: entry.rawChecksum, found: checksum)
      }
      return buffer
    } catch {
      throw BundleError(path: path, fault: error)
    }
  }
}
