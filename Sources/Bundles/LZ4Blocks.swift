import CLZ4

/// The lz4 codec: a table of stored block sizes (UInt32 each), then the blocks, each an independent LZ4 block of 1 MiB
/// of raw bytes (the last one shorter; other codecs have other block sizes). A block whose stored size is its raw size
/// is verbatim.
enum LZ4Blocks {
  static let blockSize = 1 << 20
  /// One byte of an LZ4 block stands for at most 255 raw bytes.
  static let maximumRatio = 255

  private static func blockCount(_ rawSize: Int, _ blockSize: Int) -> Int {
    rawSize / blockSize + (rawSize % blockSize == 0 ? 0 : 1)
  }

  /// No section of that raw size can be smaller than this: what keeps a lying raw size from allocating much.
  static func smallestStoredSize(rawSize: Int, blockSize: Int = blockSize) -> Int {
    blockCount(rawSize, blockSize) * 4 + rawSize / maximumRatio
  }

  /// The encoded bytes, or nil when they would take more than `limit` bytes.
  static func encoded(_ raw: UnsafeRawBufferPointer, limit: Int, blockSize: Int = blockSize) -> [UInt8]? {
    let count = blockCount(raw.count, blockSize)
    var sizes: [UInt8] = []
    var blocks: [UInt8] = []
    var scratch = [UInt8](repeating: 0, count: min(blockSize, raw.count))
    for block in 0..<count {
      let size = min(blockSize, raw.count - block * blockSize)
      let source = UnsafeRawBufferPointer(rebasing: raw[block * blockSize..<block * blockSize + size])
      // One byte less than raw as capacity: a block that does not shrink is kept verbatim.
      let written = scratch.withUnsafeMutableBytes { scratch in
        LZ4_compress_HC(
          source.baseAddress!.assumingMemoryBound(to: CChar.self),
          scratch.baseAddress!.assumingMemoryBound(to: CChar.self), CInt(size), CInt(size - 1), LZ4HC_CLEVEL_MAX)
      }
      if written > 0 {
        blocks.append(contentsOf: scratch[..<Int(written)])
        sizes.append(littleEndian: UInt32(written))
      } else {
        blocks.append(contentsOf: source)
        sizes.append(littleEndian: UInt32(size))
      }
      if count * 4 + blocks.count > limit { return nil }
    }
    return sizes + blocks
  }

  /// Decodes into exactly `raw.count` bytes; never reads or writes outside either buffer.
  static func decode(
    _ stored: UnsafeRawBufferPointer, into raw: UnsafeMutableRawBufferPointer, section: String, blockSize: Int = blockSize
  ) throws(BundleError.Fault) {
    let count = blockCount(raw.count, blockSize)
    var table = ByteCursor(stored)
    var position = count * 4
    guard stored.count >= position else {
      throw .lz4(section, block: 0, expected: "a table of \(position) bytes", found: "\(stored.count)")
    }
    for block in 0..<count {
      let rawSize = min(blockSize, raw.count - block * blockSize)
      let size = Int(table.next() as UInt32)
      let limit = min(rawSize, stored.count - position)
      guard size > 0, size <= limit else {
        throw .lz4(section, block: block, expected: "1 to \(limit) stored bytes", found: "\(size)")
      }
      let source = stored.baseAddress! + position
      let target = raw.baseAddress! + block * blockSize
      if size == rawSize {
        target.copyMemory(from: source, byteCount: size)
      } else {
        let written = LZ4_decompress_safe(
          source.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self), CInt(size),
          CInt(rawSize))
        guard written == CInt(rawSize) else {
          let found = written < 0 ? "a malformed block" : "\(written)"
          throw .lz4(section, block: block, expected: "\(rawSize) raw bytes", found: found)
        }
      }
      position += size
    }
    guard position == stored.count else {
      throw .lz4(section, block: count, expected: "the end at \(position)", found: "\(stored.count) stored bytes")
    }
  }
}
