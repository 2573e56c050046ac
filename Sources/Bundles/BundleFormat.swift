import Storage

/// The numbers of the format and the bytes of header and index; README.md is the specification.
enum BundleFormat {
  static let magic: [UInt8] = [0x89, 0x4D, 0x52, 0x54, 0x4C, 0x0D, 0x0A, 0x1A]
  static let version: UInt32 = 1
  static let headerSize = 64
  static let entrySize = 88
  /// Sections start at multiples of this.
  static let alignment = 64
  /// The first section starts at a multiple of this.
  static let pageSize = 4096
  static let maximumSectionCount = 65_536
  static let maximumNameSize = 4096
  static let maximumRank = 4
  static let requiredFlag: UInt8 = 1
  /// What the compressed sections of a bundle come to together, whatever its size, and how many times its size they may besides.
  /// Vocabularies shrink to a third, pruned weights to a tenth.
  static let mostDecoded = 16 << 20
  static let mostDecodedTimes = 16
  /// Where a section of this size shrinks to less than a sixteenth it is written as it is.
  static let smallSection = 64 << 10
}

/// What the header says, after its checks.
struct BundleHeader: Equatable {
  var sectionCount: Int
  var fileSize: Int
  var indexSize: Int
  var indexChecksum: UInt64

  /// Where the first section starts.
  var contentsOffset: Int { Self.contentsOffset(indexSize: indexSize) }

  static func contentsOffset(indexSize: Int) -> Int {
    (BundleFormat.headerSize + indexSize).roundedUp(toMultipleOf: BundleFormat.pageSize)
  }

  /// The 64 bytes of the header.
  func encoded() -> [UInt8] {
    var bytes = BundleFormat.magic
    bytes.append(littleEndian: BundleFormat.version)
    bytes.append(littleEndian: UInt32(sectionCount))
    bytes.append(littleEndian: UInt64(fileSize))
    bytes.append(littleEndian: UInt64(BundleFormat.headerSize))
    bytes.append(littleEndian: UInt64(indexSize))
    bytes.append(littleEndian: indexChecksum)
    bytes.append(littleEndian: UInt64(0))
    bytes.append(littleEndian: bytes.withUnsafeBytes { XXH64.hash($0) })
    return bytes
  }

  /// Checks the header against the size of the file it was found in.
  init(decoding bytes: UnsafeRawBufferPointer, fileSize found: Int) throws(BundleError.Fault) {
    guard bytes.count >= BundleFormat.headerSize else { throw .tooSmall(found: found) }
    guard bytes.starts(with: BundleFormat.magic) else { throw .notABundle }
    var cursor = ByteCursor(bytes)
    cursor.position = BundleFormat.magic.count
    // The version comes before the checksum: a newer header may be laid out otherwise.
    let version: UInt32 = cursor.next()
    guard version <= BundleFormat.version else {
      throw .newerVersion(found: version, supported: BundleFormat.version)
    }
    guard version > 0 else { throw .unknownVersion(found: version) }
    let sectionCount: UInt32 = cursor.next()
    let fileSize: UInt64 = cursor.next()
    let indexOffset: UInt64 = cursor.next()
    let indexSize: UInt64 = cursor.next()
    indexChecksum = cursor.next()
    let reserved: UInt64 = cursor.next()
    let headerChecksum = XXH64.hash(UnsafeRawBufferPointer(rebasing: bytes[..<cursor.position]))
    let expectedChecksum: UInt64 = cursor.next()
    guard headerChecksum == expectedChecksum else {
      throw .headerChecksum(expected: expectedChecksum, found: headerChecksum)
    }
    guard fileSize == UInt64(found) else { throw .fileSize(expected: fileSize, found: found) }
    guard reserved == 0 else { throw .value(place: "header, reserved bytes", expected: "0", found: "\(reserved)") }
    guard sectionCount <= BundleFormat.maximumSectionCount else {
      throw .value(
        place: "section count", expected: "at most \(BundleFormat.maximumSectionCount)", found: "\(sectionCount)")
    }
    guard indexOffset == UInt64(BundleFormat.headerSize) else {
      throw .value(place: "index offset", expected: "\(BundleFormat.headerSize)", found: "\(indexOffset)")
    }
    // An entry's size is between its fixed part and that with the longest name, so the count bounds the index.
    let smallest = UInt64(sectionCount) * UInt64(BundleFormat.entrySize)
    let largest = min(
      smallest + UInt64(sectionCount) * UInt64(BundleFormat.maximumNameSize), UInt64(found - BundleFormat.headerSize))
    guard indexSize >= smallest, indexSize <= largest else {
      throw .value(
        place: "index size for \(sectionCount) sections", expected: "\(smallest) to \(largest)", found: "\(indexSize)")
    }
    self.sectionCount = Int(sectionCount)
    self.fileSize = found
    self.indexSize = Int(indexSize)
  }

  init(sectionCount: Int, fileSize: Int, indexSize: Int, indexChecksum: UInt64) {
    self.sectionCount = sectionCount
    self.fileSize = fileSize
    self.indexSize = indexSize
    self.indexChecksum = indexChecksum
  }
}

extension SectionEntry {
  /// Bytes of this entry in the index.
  var encodedSize: Int { BundleFormat.entrySize + (name.utf8.count + 7) & ~7 }

  /// Appends this entry to the index.
  func encode(to bytes: inout [UInt8]) {
    bytes.append(littleEndian: kind.rawValue)
    bytes.append(codec.rawValue)
    bytes.append(isRequired ? BundleFormat.requiredFlag : 0)
    bytes.append(littleEndian: layout.rawValue)
    bytes.append(UInt8(shape.count))
    bytes.append(0)
    bytes.append(littleEndian: UInt32(name.utf8.count))
    bytes.append(littleEndian: UInt32(0))
    for dimension in 0..<BundleFormat.maximumRank {
      bytes.append(littleEndian: dimension < shape.count ? UInt64(shape[dimension]) : 0)
    }
    bytes.append(littleEndian: UInt64(offset))
    bytes.append(littleEndian: UInt64(storedSize))
    bytes.append(littleEndian: UInt64(rawSize))
    bytes.append(littleEndian: storedChecksum)
    bytes.append(littleEndian: rawChecksum)
    bytes.append(contentsOf: name.utf8)
    while bytes.count % 8 != 0 { bytes.append(0) }
  }
}

/// Reads little-endian integers one after the other; the caller has checked that they are there.
struct ByteCursor {
  let bytes: UnsafeRawBufferPointer
  var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - position }

  mutating func next<T: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>() -> T {
    let value = bytes.loadUnaligned(fromByteOffset: position, as: T.self)
    position += MemoryLayout<T>.size
    return T(littleEndian: value)
  }
}

/// Up to eight bytes as a little-endian integer; those that are missing are zero.
@inline(__always)
func littleEndianWord(_ bytes: UnsafeRawPointer, count: Int) -> UInt64 {
  if count == 8 { return UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) }
  var word: UInt64 = 0
  for index in 0..<count { word |= UInt64((bytes + index).load(as: UInt8.self)) << (index * 8) }
  return word
}

extension [UInt8] {
  mutating func append<T: FixedWidthInteger & UnsignedInteger>(littleEndian value: T) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
