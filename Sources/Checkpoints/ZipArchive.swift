/// The directory of a zip archive whose entries are stored as they are, as `torch.save` writes it (PKWARE's APPNOTE 6.3.9,
/// zip64 included). Reading checks that every entry lies inside the archive, where both its headers say, and overlaps no other.
struct ZipArchive {
  struct Entry: Equatable {
    let name: String
    /// Where the bytes start, from the start of the archive.
    let offset: Int
    let size: Int
    /// CRC-32 of the bytes.
    let checksum: UInt32
  }

  /// In the order of the directory.
  private(set) var entries: [Entry] = []
  private var positions: [String: Int] = [:]

  static let maximumEntryCount = 65_536

  subscript(name: String) -> Entry? { positions[name].map { entries[$0] } }

  init(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError.Fault) {
    let directory = try ZipDirectory(bytes)
    var position = directory.range.lowerBound
    var headers: [(start: Int, end: Int, name: String)] = []
    for number in 0..<directory.count {
      let header = try DirectoryHeader(bytes, at: position, before: directory.range.upperBound, number: number)
      position = header.end
      let name = header.name
      let start = try header.contentStart(bytes, before: directory.range.lowerBound)
      let (end, overflow) = start.addingReportingOverflow(header.size)
      guard !overflow, end <= directory.range.lowerBound else {
        throw .value(
          place: "zip entry \(name)", expected: "bytes before the directory at \(directory.range.lowerBound)",
          found: "\(header.size) from \(start)")
      }
      guard positions.updateValue(entries.count, forKey: name) == nil else {
        throw .value(place: "zip entry \(name)", expected: "one", found: "two")
      }
      entries.append(Entry(name: name, offset: start, size: header.size, checksum: header.checksum))
      headers.append((header.localOffset, end, name))
    }
    guard position == directory.range.upperBound else {
      throw .value(
        place: "zip directory", expected: "\(directory.count) entries up to \(directory.range.upperBound)", found: "the end at \(position)")
    }
    headers.sort { $0.start < $1.start }
    for (first, second) in zip(headers, headers.dropFirst()) where second.start < first.end {
      throw .value(place: "zip entry \(second.name)", expected: "a start from \(first.end)", found: "\(second.start)")
    }
  }
}

/// Where the directory lies, by the record at the end of the archive.
private struct ZipDirectory {
  let range: Range<Int>
  let count: Int

  init(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError.Fault) {
    let end = try Self.endRecord(bytes)
    var (count, size, offset) = (
      UInt64(try bytes.number(at: end + 10, UInt16.self)), UInt64(try bytes.number(at: end + 12, UInt32.self)),
      UInt64(try bytes.number(at: end + 16, UInt32.self))
    )
    var limit = end
    // The locator of the 64-bit record stands right before the end record.
    if end >= 20, try bytes.number(at: end - 20, UInt32.self) == 0x0706_4B50 {
      let record = try bytes.number(at: end - 12, UInt64.self)
      guard end >= 76, record <= UInt64(end - 76), try bytes.number(at: Int(record), UInt32.self) == 0x0606_4B50 else {
        throw .value(place: "zip64 end record", expected: "a record before its locator at \(end - 20)", found: "\(record)")
      }
      limit = Int(record)
      count = try bytes.number(at: limit + 32, UInt64.self)
      size = try bytes.number(at: limit + 40, UInt64.self)
      offset = try bytes.number(at: limit + 48, UInt64.self)
    }
    guard count <= UInt64(ZipArchive.maximumEntryCount) else {
      throw .value(place: "zip entry count", expected: "at most \(ZipArchive.maximumEntryCount)", found: "\(count)")
    }
    guard size <= UInt64(limit), offset == UInt64(limit) - size else {
      throw .value(place: "zip directory", expected: "an end at \(limit)", found: "\(size) bytes from \(offset)")
    }
    range = Int(offset)..<limit
    self.count = Int(count)
  }

  /// The end record is the last thing but for a comment of at most 65,535 bytes, whose size it says.
  private static func endRecord(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError.Fault) -> Int {
    guard bytes.count >= 22 else { throw .truncated(place: "zip archive", expected: 22, found: bytes.count) }
    for comment in 0...min(65_535, bytes.count - 22) {
      let position = bytes.count - 22 - comment
      if try bytes.number(at: position, UInt32.self) == 0x0605_4B50, Int(try bytes.number(at: position + 20, UInt16.self)) == comment {
        return position
      }
    }
    throw .value(place: "zip archive", expected: "a directory at its end", found: "none: the file is truncated")
  }
}

/// An entry's header in the directory.
private struct DirectoryHeader {
  let name: String
  let method: UInt16
  let checksum: UInt32
  let size: Int
  /// Where the header in front of the entry's bytes is.
  let localOffset: Int
  /// Where the next header is.
  let end: Int

  init(_ bytes: UnsafeRawBufferPointer, at position: Int, before limit: Int, number: Int) throws(CheckpointError.Fault) {
    let place = "zip directory, entry \(number)"
    guard limit - position >= 46, try bytes.number(at: position, UInt32.self) == 0x0201_4B50 else {
      throw .value(place: place, expected: "a header at \(position)", found: "none")
    }
    let nameSize = Int(try bytes.number(at: position + 28, UInt16.self))
    let extraSize = Int(try bytes.number(at: position + 30, UInt16.self))
    let commentSize = Int(try bytes.number(at: position + 32, UInt16.self))
    end = position + 46 + nameSize + extraSize + commentSize
    guard end <= limit else { throw .value(place: place, expected: "an end before \(limit)", found: "\(end)") }
    guard let name = String(validating: bytes[position + 46..<position + 46 + nameSize], as: UTF8.self) else {
      throw .value(place: place, expected: "a name in UTF-8", found: "other bytes")
    }
    self.name = name
    let flags = try bytes.number(at: position + 8, UInt16.self)
    guard flags & 1 == 0 else { throw .value(place: "zip entry \(name)", expected: "plain bytes", found: "encrypted ones") }
    method = try bytes.number(at: position + 10, UInt16.self)
    guard method == 0 else { throw .value(place: "zip entry \(name)", expected: "stored bytes", found: "compression method \(method)") }
    checksum = try bytes.number(at: position + 16, UInt32.self)

    // A field of all ones has its value in the zip64 field, in this order.
    let extra = UnsafeRawBufferPointer(rebasing: bytes[position + 46 + nameSize..<position + 46 + nameSize + extraSize])
    var wide = try Self.zip64Field(extra, entry: name)
    func value(_ narrow: UInt32) throws(CheckpointError.Fault) -> UInt64 {
      guard narrow == .max else { return UInt64(narrow) }
      let value = try UnsafeRawBufferPointer(rebasing: wide).number(at: 0, UInt64.self)
      wide = wide.dropFirst(8)
      return value
    }
    let raw = try value(try bytes.number(at: position + 24, UInt32.self))
    let stored = try value(try bytes.number(at: position + 20, UInt32.self))
    let local = try value(try bytes.number(at: position + 42, UInt32.self))
    guard raw == stored, let size = Int(exactly: raw), let localOffset = Int(exactly: local) else {
      throw .value(place: "zip entry \(name)", expected: "\(raw) stored bytes", found: "\(stored)")
    }
    (self.size, self.localOffset) = (size, localOffset)
  }

  /// The zip64 extra field, empty if there is none.
  private static func zip64Field(
    _ extra: UnsafeRawBufferPointer, entry: String
  ) throws(CheckpointError.Fault) -> Slice<UnsafeRawBufferPointer> {
    var position = 0
    while extra.count - position >= 4 {
      let size = Int(try extra.number(at: position + 2, UInt16.self))
      guard size <= extra.count - position - 4 else { break }
      if try extra.number(at: position, UInt16.self) == 1 { return extra[position + 4..<position + 4 + size] }
      position += 4 + size
    }
    return extra[..<0]
  }

  /// Where the entry's bytes start: after its local header, which must say the same.
  func contentStart(_ bytes: UnsafeRawBufferPointer, before limit: Int) throws(CheckpointError.Fault) -> Int {
    guard localOffset <= limit - 30, try bytes.number(at: localOffset, UInt32.self) == 0x0403_4B50 else {
      throw .value(place: "zip entry \(name)", expected: "a header at \(localOffset)", found: "none")
    }
    let nameSize = Int(try bytes.number(at: localOffset + 26, UInt16.self))
    let extraSize = Int(try bytes.number(at: localOffset + 28, UInt16.self))
    let nameStart = localOffset + 30
    guard nameSize + extraSize <= limit - nameStart else {
      throw .value(place: "zip entry \(name)", expected: "a header that ends before \(limit)", found: "another")
    }
    guard try bytes.number(at: localOffset + 8, UInt16.self) == method,
      bytes[nameStart..<nameStart + nameSize].elementsEqual(name.utf8)
    else {
      throw .value(place: "zip entry \(name)", expected: "the same name and method in both headers", found: "others")
    }
    return nameStart + nameSize + extraSize
  }
}

extension UnsafeRawBufferPointer {
  /// The little-endian number at that offset, which may lie outside.
  func number<Number: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, _ type: Number.Type
  ) throws(CheckpointError.Fault) -> Number {
    let size = MemoryLayout<Number>.size
    guard offset >= 0, offset <= count - size else { throw .truncated(place: "zip archive", expected: offset &+ size, found: count) }
    return Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
  }
}
