import Decompression
import Records
import Storage

/// Compressed input: the first byte says in which pieces it comes and is asked for.
func readCompressed(_ bytes: [UInt8]) throws {
  guard let first = bytes.first else { return }
  let content = Array(bytes.dropFirst())
  let whole = try inflate(content, pieceBytes: .max, readBytes: 64 << 10, waits: false)
  let pieces = try inflate(content, pieceBytes: 1 + Int(first % 16), readBytes: 1 + Int(first / 16) * 400, waits: true)
  guard (whole.error == nil) == (pieces.error == nil) else {
    throw Finding("whole: \(whole.error as Any), in pieces: \(pieces.error as Any)")
  }
  // Of a block that is damaged itself more or less may be handed out.
  let isSame = whole.error == nil ? whole.content == pieces.content : pieces.content.starts(with: whole.content)
  guard isSame else { throw Finding("\(pieces.content.count) other bytes than the \(whole.content.count) when they come in pieces") }
  // What begins with no magic is handed on as it is.
  let isCompressed = content.starts(with: [0x1F, 0x8B]) || content.starts(with: [0x04, 0x22, 0x4D, 0x18])
  if !isCompressed, whole.error != nil || whole.content != Array(content.prefix(limit)) {
    throw Finding("plain bytes that were changed")
  }
}

/// More than what waits in the reader's buffers, little enough that a small input with a huge ratio is soon done.
private let limit = 160 << 10

/// The beginning of what the bytes inflate to, or what there is of it before an error.
private func inflate(
  _ bytes: [UInt8], pieceBytes: Int, readBytes: Int, waits: Bool
) throws -> (content: [UInt8], error: RecordsError?) {
  let source = try DecompressingSource(MemorySource(bytes, pieceBytes: pieceBytes), name: "input")
  let buffer = try AlignedBuffer(byteCount: readBytes)
  var content: [UInt8] = []
  do throws(RecordsError) {
    while content.count < limit {
      if waits { _ = source.waitForBytes(milliseconds: 0) }
      let count = try source.read(into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: readBytes))
      guard count > 0 else { break }
      content += buffer.bytes[..<count]
    }
  } catch {
    return (content, error)
  }
  return (Array(content.prefix(limit)), nil)
}
