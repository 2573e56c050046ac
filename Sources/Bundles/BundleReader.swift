import Storage

/// Where the bytes of a bundle are read from while it is checked, by several threads at once.
protocol BundleReader {
  /// The size of the whole bundle.
  var size: Int { get }

  /// Fills the buffer from an offset on, or up to the end; returns how many bytes were read.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(BundleError.Fault) -> Int
}

/// Reads the file without mapping it.
final class BundleFileReader: BundleReader {
  let size: Int
  private let file: FileDescriptor

  init(path: String) throws(BundleError.Fault) {
    do throws(FileError) {
      file = try FileDescriptor(openingRegularFile: path)
      size = try file.regularFileSize()
    } catch {
      throw .file(error)
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(BundleError.Fault) -> Int {
    do throws(FileError) { return try file.read(into: buffer, at: offset) } catch { throw .file(error) }
  }
}

struct BundleMemoryReader: BundleReader {
  let memory: AlignedBuffer
  var size: Int { memory.byteCount }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
    let count = min(buffer.count, size - offset)
    buffer.copyMemory(from: UnsafeRawBufferPointer(start: memory.baseAddress + offset, count: count))
    return count
  }
}

extension BundleReader {
  /// `count` bytes from an offset on; a file that shrank meanwhile is an error.
  func bytes(at offset: Int, count: Int) throws(BundleError.Fault) -> AlignedBuffer {
    let buffer = try AlignedBuffer(fault: count)
    let found = try read(into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count), at: offset)
    guard found == count else { throw .fileSize(expected: UInt64(size), found: offset + found) }
    return buffer
  }

  /// Hands out a range of the bundle piece by piece, through `scratch`.
  func forEachPiece(
    of range: Range<Int>, scratch: AlignedBuffer, _ body: (UnsafeRawBufferPointer) throws(BundleError.Fault) -> Void
  ) throws(BundleError.Fault) {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = min(scratch.byteCount, range.upperBound - offset)
      let found = try read(
        into: UnsafeMutableRawBufferPointer(start: scratch.baseAddress, count: count), at: offset)
      guard found == count else { throw .fileSize(expected: UInt64(size), found: offset + found) }
      try scratch.withBytes { bytes throws(BundleError.Fault) in
        try body(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
      }
      offset += count
    }
  }
}

/// Header and index of a bundle that has passed every check.
struct CheckedBundle {
  let header: BundleHeader
  let entries: [SectionEntry]

  /// Large enough to make calls rare, small enough to stay in a cache.
  private static let scratchSize = 64 << 10

  /// - Parameters:
  ///   - verifyChecksums: also read the rest: section checksums, and zeros between sections.
  ///   - pool: the threads that read it; the caller's alone if nil.
  init(reading reader: some BundleReader, verifyChecksums: Bool, pool: ThreadPool? = nil) throws(BundleError.Fault) {
    let front = try reader.bytes(at: 0, count: min(BundleFormat.headerSize, reader.size))
    let header = try front.withBytes { bytes throws(BundleError.Fault) in
      try BundleHeader(decoding: bytes, fileSize: reader.size)
    }
    let index = try reader.bytes(at: BundleFormat.headerSize, count: header.indexSize)
    // Entries, their names and the table that finds them.
    try require(header.indexSize.memory(times: 8))
    entries = try index.withBytes { bytes throws(BundleError.Fault) in
      let checksum = XXH64.hash(bytes)
      guard checksum == header.indexChecksum else {
        throw .indexChecksum(expected: header.indexChecksum, found: checksum)
      }
      return try BundleIndex(decoding: bytes, header: header).entries
    }
    self.header = header
    if verifyChecksums { try verifyContents(reader, pool) }
  }

  /// Verifies the sections, the largest first so that the threads end together. Of several faults the first in the file
  /// is the one that is told.
  private func verifyContents(_ reader: some BundleReader, _ pool: ThreadPool?) throws(BundleError.Fault) {
    var scratch: [AlignedBuffer] = []
    for _ in 0..<(pool?.threadCount ?? 1) { scratch.append(try AlignedBuffer(fault: Self.scratchSize)) }
    let order = entries.indices.sorted { entries[$0].storedSize > entries[$1].storedSize }
    var faults = [BundleError.Fault?](repeating: nil, count: entries.count)
    faults.withUnsafeMutableBufferPointer { faults in
      func verify(_ place: Int, _ thread: Int) {
        let index = order[place]
        do throws(BundleError.Fault) { try verifySection(index, reader, scratch[thread]) } catch { faults[index] = error }
      }
      if let pool { pool.parallelFor(order.count, verify) } else { for place in order.indices { verify(place, 0) } }
    }
    if let fault = faults.lazy.compactMap({ $0 }).first { throw fault }
    try verifyZeros(in: end(before: entries.count)..<header.fileSize, reader, scratch[0])
  }

  /// Where the section before the one at an index ends, or the file's index.
  private func end(before index: Int) -> Int {
    guard index > 0 else { return BundleFormat.headerSize + header.indexSize }
    return entries[index - 1].offset + entries[index - 1].storedSize
  }

  /// A section and the padding before it.
  private func verifySection(
    _ index: Int, _ reader: some BundleReader, _ scratch: AlignedBuffer
  ) throws(BundleError.Fault) {
    let entry = entries[index]
    try verifyZeros(in: end(before: index)..<entry.offset, reader, scratch)
    var hash = XXH64()
    try reader.forEachPiece(of: entry.offset..<entry.offset + entry.storedSize, scratch: scratch) { hash.update($0) }
    let checksum = hash.digest()
    guard checksum == entry.storedChecksum else {
      throw .storedChecksum("\(entry)", expected: entry.storedChecksum, found: checksum)
    }
  }

  private func verifyZeros(
    in range: Range<Int>, _ reader: some BundleReader, _ scratch: AlignedBuffer
  ) throws(BundleError.Fault) {
    var offset = range.lowerBound
    try reader.forEachPiece(of: range, scratch: scratch) { piece throws(BundleError.Fault) in
      if let position = piece.firstIndex(where: { $0 != 0 }) { throw .paddingNotZero(offset: offset + position) }
      offset += piece.count
    }
  }
}
