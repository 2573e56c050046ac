import CLZ4
import CZlib
import Decompression
import Records
import Storage

/// A gzip member as gzip(1) makes it.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
  var stream = z_stream()
  precondition(deflateInit2_(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK)
  defer { deflateEnd(&stream) }
  return deflated(&stream, bytes, Z_FINISH)
}

/// Pieces of one gzip member, each flushed so that all before it can be read.
func gzipPieces(_ pieces: [[UInt8]]) -> [[UInt8]] {
  var stream = z_stream()
  precondition(deflateInit2_(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK)
  defer { deflateEnd(&stream) }
  return pieces.map { deflated(&stream, $0, Z_SYNC_FLUSH) } + [deflated(&stream, [], Z_FINISH)]
}

private func deflated(_ stream: inout z_stream, _ bytes: [UInt8], _ flush: Int32) -> [UInt8] {
  var bytes = bytes
  var output = [UInt8](repeating: 0, count: bytes.count + bytes.count / 100 + 100)
  let capacity = output.count
  bytes.withUnsafeMutableBufferPointer { input in
    output.withUnsafeMutableBufferPointer { output in
      (stream.next_in, stream.avail_in) = (input.baseAddress, UInt32(input.count))
      (stream.next_out, stream.avail_out) = (output.baseAddress, UInt32(output.count))
      let status = deflate(&stream, flush)
      precondition(status == Z_OK || status == Z_STREAM_END)
    }
  }
  output.removeLast(Int(stream.avail_out))
  precondition(output.count < capacity)
  return output
}

/// An LZ4 frame as lz4(1) makes it: blocks of one size, linked or not, with the content's checksum and, if asked for, each block's.
func lz4Frame(
  _ bytes: [UInt8], blockSize: LZ4F_blockSizeID_t = LZ4F_max64KB, areBlocksLinked: Bool = true, hasBlockChecksums: Bool = false
) -> [UInt8] {
  var preferences = LZ4F_preferences_t()
  preferences.frameInfo.blockSizeID = blockSize
  preferences.frameInfo.blockMode = areBlocksLinked ? LZ4F_blockLinked : LZ4F_blockIndependent
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
  preferences.frameInfo.blockChecksumFlag = hasBlockChecksums ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum
  var output = [UInt8](repeating: 0, count: LZ4F_compressFrameBound(bytes.count, &preferences))
  let count = LZ4F_compressFrame(&output, output.count, bytes, bytes.count, &preferences)
  precondition(LZ4F_isError(count) == 0)
  return Array(output[..<count])
}

/// A frame between frames that a reader passes over.
func skippableFrame(_ content: [UInt8]) -> [UInt8] {
  [0x53, 0x2A, 0x4D, 0x18] + (0..<4).map { UInt8(content.count >> ($0 * 8) & 0xFF) } + content
}

/// Lines of many lengths that compress, but not to nothing.
func someLines(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed
  func next(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % bound
  }
  return (0..<count).flatMap { line in
    Array("\(line) ".utf8) + (0..<next(60)).map { _ in UInt8(97 + next(26)) } + [0x0A]
  }
}

/// What a source of these bytes, handed over in pieces, inflates to, and what it ends with.
func inflate(_ bytes: [UInt8], pieceBytes: Int = .max, readBytes: Int = 1 << 20, waits: Bool = false) -> (bytes: [UInt8], error: RecordsError?) {
  var result: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: readBytes)
  do throws(RecordsError) {
    let source = try DecompressingSource(MemorySource(bytes, pieceBytes: pieceBytes), name: "input")
    while true {
      if waits { precondition(source.waitForBytes(milliseconds: 0)) }
      var failure: RecordsError?
      let count = buffer.withUnsafeMutableBytes { target in
        do throws(RecordsError) { return try source.read(into: target) } catch {
          failure = error
          return 0
        }
      }
      if let failure { throw failure }
      if count == 0 { return (result, nil) }
      result += buffer[..<count]
    }
  } catch {
    return (result, error)
  }
}
