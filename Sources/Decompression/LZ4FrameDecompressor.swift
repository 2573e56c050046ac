import CLZ4

/// LZ4 frames through liblz4, the frames' checksums compared; skippable frames between them are passed over.
final class LZ4FrameDecompressor: Decompressor {
  private var context: OpaquePointer?
  private(set) var isBetweenMembers = true
  private(set) var hasMoreOutput = false
  private var hasFrame = false
  /// The bytes to give the library next: the rest of a frame's header, of a block, or of the header of a block. It gets no more at once,
  /// and nothing while it has output left, because with an error it keeps back what the blocks before have given.
  private var wanted = LZ4FrameDecompressor.headerBytes
  private static let headerBytes = Int(LZ4F_HEADER_SIZE_MIN)
  private static let blockHeaderBytes = Int(LZ4F_BLOCK_HEADER_SIZE)
  private static let blockChecksumBytes = Int(LZ4F_BLOCK_CHECKSUM_SIZE)

  var formatName: String { "LZ4" }

  init() {
    if LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) != 0 { context = nil }
  }

  deinit { LZ4F_freeDecompressionContext(context) }

  func inflate(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (taken: Int, made: Int) {
    guard let context else { throw .outOfMemory }
    var (taken, made) = (hasMoreOutput ? 0 : min(input.count, wanted), output.count)
    let isAtFrameStart = isBetweenMembers
    let hint = LZ4F_decompress(context, output.baseAddress, &made, input.baseAddress, &taken, nil)
    guard LZ4F_isError(hint) == 0 else {
      let what = String(cString: LZ4F_getErrorName(hint))
      if isAtFrameStart && hasFrame && what == "ERROR_frameType_unknown" { throw .trailingBytes }
      throw .damaged(what)
    }
    // The hint is 0 at the end of a frame only.
    isBetweenMembers = hint == 0
    hasFrame = true
    // With the rest of a block it asks for the header of the next one, and for a checksum that it may have counted already.
    let rest = hint - Self.blockHeaderBytes
    wanted = hint == 0 ? Self.headerBytes : rest > 0 ? max(1, rest - Self.blockChecksumBytes) : hint
    hasMoreOutput = made == output.count && hint != 0
    return (taken, made)
  }
}
