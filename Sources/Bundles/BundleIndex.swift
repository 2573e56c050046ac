import Storage
import WeightFormats

/// Reads an index and checks everything that can be checked without touching a section.
///
/// Sections must follow one another in index order, each at the first multiple of 64 after the one before. So an
/// overlap, a hole or a size that overflows is the same thing: an offset or an end that is not the computed one.
struct BundleIndex {
  let entries: [SectionEntry]

  init(decoding bytes: UnsafeRawBufferPointer, header: BundleHeader) throws(BundleError.Fault) {
    var cursor = ByteCursor(bytes)
    var entries: [SectionEntry] = []
    entries.reserveCapacity(header.sectionCount)
    var seen: Set<SectionKey> = []
    var end = header.contentsOffset
    guard end <= header.fileSize else {
      throw .value(place: "file size", expected: "at least \(end)", found: "\(header.fileSize)")
    }
    for number in 0..<header.sectionCount {
      let entry = try BundleIndex.entry(number, from: &cursor, expectedOffset: end, fileSize: header.fileSize)
      guard seen.insert(entry.key).inserted else {
        throw .duplicateSection("\(entry)")
      }
      // Cannot overflow: the stored size was bounded by the file's.
      end = (entry.offset + entry.storedSize).roundedUp(toMultipleOf: BundleFormat.alignment)
      guard end <= header.fileSize else {
        throw .sectionBeyondFile("\(entry)", end: "\(end)", fileSize: header.fileSize)
      }
      entries.append(entry)
    }
    guard cursor.remaining == 0 else {
      throw .value(place: "index size", expected: "\(cursor.position)", found: "\(bytes.count)")
    }
    guard end == header.fileSize else {
      throw .value(place: "file size", expected: "\(end), the end of the last section", found: "\(header.fileSize)")
    }
    self.entries = entries
    try checkDecoded(header.fileSize)
  }

  /// Bounds what decoding allocates. What comes from a base has the size that it has there.
  private func checkDecoded(_ fileSize: Int) throws(BundleError.Fault) {
    let times = fileSize.multipliedReportingOverflow(by: BundleFormat.mostDecodedTimes)
    let most = max(BundleFormat.mostDecoded, times.overflow ? .max : times.partialValue)
    var size = 0
    for entry in entries where entry.codec == .lz4 || entry.codec == .planes {
      let sum = size.addingReportingOverflow(entry.rawSize)
      guard !sum.overflow, sum.partialValue <= most else {
        throw .value(
          place: "sizes after decoding", expected: "at most \(most) together (\(BundleFormat.mostDecodedTimes) times the file, or 16 MiB)",
          found: sum.overflow ? "more than \(Int.max)" : "\(sum.partialValue) up to \(entry)")
      }
      size = sum.partialValue
    }
  }

  private static func entry(
    _ number: Int, from cursor: inout ByteCursor, expectedOffset: Int, fileSize: Int
  ) throws(BundleError.Fault) -> SectionEntry {
    let place = "index entry \(number)"
    guard cursor.remaining >= BundleFormat.entrySize else {
      throw .value(place: place, expected: "\(BundleFormat.entrySize) bytes", found: "\(cursor.remaining)")
    }
    let kind = SectionKind(rawValue: cursor.next())
    let codec = SectionCodec(rawValue: cursor.next())
    let flags: UInt8 = cursor.next()
    let layout = LayoutNumber(rawValue: cursor.next())
    let rank: UInt8 = cursor.next()
    let reserved: UInt8 = cursor.next()
    let nameSize: UInt32 = cursor.next()
    let reservedWord: UInt32 = cursor.next()
    var dimensions: [UInt64] = []
    for _ in 0..<BundleFormat.maximumRank { dimensions.append(cursor.next()) }
    let offset: UInt64 = cursor.next()
    let storedSize: UInt64 = cursor.next()
    let rawSize: UInt64 = cursor.next()
    let storedChecksum: UInt64 = cursor.next()
    let rawChecksum: UInt64 = cursor.next()

    guard flags & ~BundleFormat.requiredFlag == 0 else {
      throw .value(place: place + ", flags", expected: "0 or 1", found: "\(flags)")
    }
    guard reserved == 0, reservedWord == 0 else {
      throw .value(place: place + ", reserved bytes", expected: "0", found: "\(reserved) and \(reservedWord)")
    }
    let shape = try shape(dimensions, rank: rank, place: place)
    let name = try name(size: nameSize, from: &cursor, number: number)
    let section = SectionKey(kind: kind, name: name).description

    guard offset == UInt64(expectedOffset) else {
      throw .misplacedSection(section, expected: expectedOffset, found: offset)
    }
    guard storedSize <= UInt64(fileSize - expectedOffset) else {
      let (end, overflow) = offset.addingReportingOverflow(storedSize)
      throw .sectionBeyondFile(section, end: overflow ? "\(offset) + \(storedSize)" : "\(end)", fileSize: fileSize)
    }
    guard let raw = Int(exactly: rawSize) else {
      throw .value(place: "\(section), raw size", expected: "at most \(Int.max)", found: "\(rawSize)")
    }
    let isRequired = flags == BundleFormat.requiredFlag
    if isRequired {
      if !kind.isKnown { throw .unknownRequiredSection(section, what: "\(kind)") }
      if !layout.isKnown { throw .unknownRequiredSection(section, what: "\(layout)") }
      if !codec.isKnown { throw .unknownRequiredSection(section, what: "\(codec)") }
    }
    let entry = SectionEntry(
      kind: kind, name: name, layout: layout, shape: shape, isRequired: isRequired, codec: codec,
      offset: expectedOffset, storedSize: Int(storedSize), rawSize: raw, storedChecksum: storedChecksum,
      rawChecksum: rawChecksum)
    try entry.checkSizes()
    return entry
  }

  private static func shape(
    _ dimensions: [UInt64], rank: UInt8, place: String
  ) throws(BundleError.Fault) -> [Int] {
    guard rank <= BundleFormat.maximumRank else {
      throw .value(place: place + ", dimensions", expected: "at most \(BundleFormat.maximumRank)", found: "\(rank)")
    }
    var shape: [Int] = []
    for (index, dimension) in dimensions.enumerated() {
      guard index < rank || dimension == 0 else {
        throw .value(place: place + ", dimension \(index) of \(rank)", expected: "0", found: "\(dimension)")
      }
      guard let dimension = Int(exactly: dimension) else {
        throw .value(place: place + ", dimension \(index)", expected: "at most \(Int.max)", found: "\(dimension)")
      }
      if index < rank { shape.append(dimension) }
    }
    return shape
  }

  private static func name(
    size: UInt32, from cursor: inout ByteCursor, number: Int
  ) throws(BundleError.Fault) -> String {
    let limit = min(BundleFormat.maximumNameSize, cursor.remaining)
    guard size <= limit else {
      throw .value(place: "index entry \(number), name size", expected: "at most \(limit)", found: "\(size)")
    }
    let bytes = cursor.bytes[cursor.position..<cursor.position + Int(size)]
    guard let name = String(validating: bytes, as: UTF8.self) else { throw .invalidName(entry: number) }
    cursor.position += Int(size)
    let padding = (8 - Int(size) % 8) % 8
    guard cursor.remaining >= padding else {
      throw .value(place: "index entry \(number)", expected: "\(padding) bytes", found: "\(cursor.remaining)")
    }
    for _ in 0..<padding where (cursor.next() as UInt8) != 0 {
      throw .paddingNotZero(offset: BundleFormat.headerSize + cursor.position - 1)
    }
    return name
  }
}

extension SectionEntry {
  /// Whether shape, layout, codec and sizes can be true together. Bounds what decoding will ever allocate.
  func checkSizes() throws(BundleError.Fault) {
    guard rawSize <= kind.maximumSize else {
      throw .value(place: "\(self), raw size", expected: "at most \(kind.maximumSize) for a section of this kind", found: "\(rawSize)")
    }
    var count = 1
    for dimension in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard !overflow, dimension >= 0 else {
        throw .value(place: "\(self), shape", expected: "at most \(Int.max) elements", found: "\(shape)")
      }
      count = product
    }
    if layout == .float32 {
      let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
      guard !overflow, size == rawSize else {
        throw .value(
          place: "\(self), raw size", expected: overflow ? "4 bytes for each of \(count) elements" : "\(size)",
          found: "\(rawSize)")
      }
    }
    if codec == .stored {
      guard storedSize == rawSize else {
        throw .value(place: "\(self), stored size", expected: "\(rawSize)", found: "\(storedSize)")
      }
      guard storedChecksum == rawChecksum else {
        throw .rawChecksum("\(self)", expected: rawChecksum, found: storedChecksum)
      }
    } else if codec == .lz4 || codec == .planes {
      let smallest = smallestStoredSize
      guard storedSize >= smallest else {
        throw .value(place: "\(self), stored size", expected: "at least \(smallest)", found: "\(storedSize)")
      }
    } else if codec == .base {
      guard storedSize == 0 else { throw .value(place: "\(self), stored size", expected: "0", found: "\(storedSize)") }
    }
  }
}

extension SectionEntry {
  /// What LZ4 can make of the raw size at best; the codecs that need the base take their raw size from there.
  private var smallestStoredSize: Int {
    // Eight planes are at most seven bytes larger than what they are made of.
    codec == .planes
      ? LZ4Blocks.smallestStoredSize(rawSize: rawSize, blockSize: BitPlanes.blockSize)
      : LZ4Blocks.smallestStoredSize(rawSize: rawSize)
  }
}

/// What a section is found by.
struct SectionKey: Hashable, CustomStringConvertible {
  let kind: SectionKind
  let name: String

  /// The section as error messages name it.
  var description: String { "section \(kind)" + (name.isEmpty ? "" : " '\(name)'") }
}
