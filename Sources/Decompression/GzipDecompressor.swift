import CZlib

/// gzip (RFC 1952) through zlib, checksums and lengths compared. Zeros after the last member are padding, as tapes have it.
final class GzipDecompressor: Decompressor {
  private var stream = z_stream()
  private let isReady: Bool
  private(set) var isBetweenMembers = true
  private(set) var hasMoreOutput = false
  private var hasMember = false
  /// Thrown in the next call, because bytes came out before it.
  private var failure: DecompressionError?

  var formatName: String { "gzip" }

  /// zlib's largest window, and a gzip header.
  private static let windowBits: Int32 = 15 + 16

  init() {
    isReady = inflateInit2_(&stream, Self.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  }

  deinit { if isReady { inflateEnd(&stream) } }

  func inflate(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (taken: Int, made: Int) {
    guard isReady else { throw .outOfMemory }
    if let failure { throw failure }
    if isBetweenMembers {
      if hasMember {
        let padding = input.firstIndex { $0 != 0 } ?? input.count
        if padding > 0 { return (padding, 0) }
        guard input.first == 0x1F else { throw .trailingBytes }
      }
      inflateReset(&stream)
      isBetweenMembers = false
      hasMember = true
    }
    stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.avail_in = UInt32(input.count)
    stream.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
    stream.avail_out = UInt32(output.count)
    let status = CZlib.inflate(&stream, Z_NO_FLUSH)
    let (taken, made) = (input.count - Int(stream.avail_in), output.count - Int(stream.avail_out))
    switch status {
    case Z_STREAM_END: isBetweenMembers = true
    // Nothing could be done with an empty input: there was no more output after all.
    case Z_OK, Z_BUF_ERROR: break
    case Z_NEED_DICT: failure = .needsDictionary
    case Z_MEM_ERROR: failure = .outOfMemory
    default: failure = .damaged(stream.msg.map { String(cString: $0) } ?? "zlib says \(status)")
    }
    if made == 0, let failure { throw failure }
    hasMoreOutput = failure != nil || stream.avail_out == 0 && status == Z_OK
    return (taken, made)
  }
}
