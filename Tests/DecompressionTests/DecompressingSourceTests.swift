import CLZ4
import Decompression
import Records
import Storage
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct DecompressingSourceTests {
  static let lines = someLines(20_000)
  /// Every way in which the same bytes may come.
  static let encodings: [(name: String, bytes: [UInt8])] = [
    ("plain", lines), ("gzip", gzip(lines)), ("LZ4", lz4Frame(lines)), ("LZ4 of independent blocks", lz4Frame(lines, areBlocksLinked: false)),
    ("members", gzip(Array(lines[..<100_000])) + gzip([]) + gzip(Array(lines[100_000...]))),
    ("frames", lz4Frame(Array(lines[..<100_000])) + skippableFrame([1, 2, 3]) + lz4Frame([]) + lz4Frame(Array(lines[100_000...]))),
    ("zeros after a member", gzip(lines) + [UInt8](repeating: 0, count: 70_000)),
  ]

  @Test(arguments: encodings.indices, [1, 7, 1000, Int.max]) func everyEncodingInPiecesOfEverySize(encoding: Int, pieceBytes: Int) {
    let (name, bytes) = Self.encodings[encoding]
    for waits in [false, true] {
      let (result, error) = inflate(bytes, pieceBytes: pieceBytes, waits: waits)
      #expect(result == Self.lines && error == nil, "\(name) in pieces of \(pieceBytes): \(result.count) bytes, \(error as Any)")
    }
    let small = inflate(bytes, readBytes: 13)
    #expect(small.bytes == Self.lines && small.error == nil, "\(name)")
  }

  @Test func hugeRatiosTakeNoMemory() throws {
    let zeros = [UInt8](repeating: 0x61, count: 64 << 20)
    for bytes in [gzip(zeros), lz4Frame(zeros)] {
      let source = try DecompressingSource(MemorySource(bytes), name: "input")
      let buffer = try AlignedBuffer(byteCount: 1 << 20)
      var total = 0
      while true {
        let count = try source.read(into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: buffer.byteCount))
        if count == 0 { break }
        total += count
        #expect(count <= 64 << 10)
      }
      #expect(total == zeros.count)
    }
  }

  @Test(arguments: [[], [0x1F], [0x04], [0x04, 0x22, 0x4D], [0x1F, 0x0A], [0x04, 0x22, 0x4D, 0x19, 0x0A], [0x0A]] as [[UInt8]])
  func beginningsOfAMagicAreText(bytes: [UInt8]) {
    for pieceBytes in [1, Int.max] {
      let (result, error) = inflate(bytes, pieceBytes: pieceBytes)
      #expect(result == bytes && error == nil)
    }
  }

  /// Cut anywhere: what can be inflated is handed out, then comes an error, never an end.
  @Test(arguments: ["gzip", "LZ4"]) func everyCutIsAnError(format: String) {
    let lines = someLines(3000)
    let bytes = format == "gzip" ? gzip(lines) : lz4Frame(lines)
    for end in Array(5..<40) + Array(stride(from: 41, to: bytes.count - 9, by: 997)) + Array(bytes.count - 9..<bytes.count) {
      let (result, error) = inflate(Array(bytes[..<end]))
      #expect(error == .compressed(source: "input", what: "\(format), after \(end) bytes: the data end too early"), "cut at \(end)")
      #expect(lines.starts(with: result), "cut at \(end)")
    }
    // Everything but the checksum: the whole content, then the error.
    #expect(inflate(Array(bytes.dropLast(1))).bytes == lines)
  }

  /// A flipped bit: an error or, where the bit means nothing (a time, a flag of the writer's system), the same bytes.
  @Test(arguments: ["gzip", "LZ4"]) func flippedBitsAreFound(format: String) {
    let lines = someLines(3000)
    let whole = format == "gzip" ? gzip(lines) : lz4Frame(lines)
    var found = 0
    for place in Array(2..<30) + Array(stride(from: 31, to: whole.count, by: 211)) + [whole.count - 1] {
      for bit in [0, 3, 7] {
        var bytes = whole
        bytes[place] ^= 1 << bit
        let (result, error) = inflate(bytes)
        if error != nil { found += 1 } else { #expect(result == lines || result == bytes, "\(place), bit \(bit)") }
      }
    }
    #expect(found > 100)
  }

  /// The records before a damaged place are there, block by block.
  @Test(arguments: ["gzip", "LZ4"]) func whatPrecedesDamageIsHandedOut(format: String) {
    let lines = someLines(20_000)
    var bytes = format == "gzip" ? gzip(lines) : lz4Frame(lines)
    for place in bytes.count / 2..<bytes.count / 2 + 40 { bytes[place] = 0xFF }
    let (result, error) = inflate(bytes)
    #expect(error != nil)
    #expect(result.count > lines.count / 3, "\(result.count) of \(lines.count)")
    #expect(lines.starts(with: result.prefix(lines.count / 3)))
  }

  /// A block that is whole is handed out though the header of the next one is damaged.
  @Test(arguments: [(LZ4F_max64KB, 64 << 10), (LZ4F_max256KB, 256 << 10), (LZ4F_max4MB, 4 << 20)])
  func aDamagedBlockHeaderTakesNoBlockAlong(blockSize: LZ4F_blockSizeID_t, block: Int) {
    var lines = Self.lines
    while lines.count <= block { lines += Self.lines }
    for hasBlockChecksums in [false, true] {
      var frame = lz4Frame(lines, blockSize: blockSize, hasBlockChecksums: hasBlockChecksums)
      // The highest bit says that the block is not compressed.
      let size = (7..<11).reversed().reduce(0) { $0 << 8 | Int(frame[$1]) } & 0x7FFF_FFFF
      let header = 11 + size + (hasBlockChecksums ? 4 : 0)
      for place in header..<header + 4 { frame[place] = 0xFF }
      for pieceBytes in [1, 6, Int.max] {
        let (result, error) = inflate(frame, pieceBytes: pieceBytes)
        #expect(error != nil)
        #expect(result == Array(lines[..<block]), "\(result.count) bytes of \(block), in pieces of \(pieceBytes)")
      }
    }
  }

  @Test func otherBytesAfterTheEndAreAnError() {
    for (format, bytes) in [("gzip", gzip([0x61])), ("LZ4", lz4Frame([0x61]))] {
      let (result, error) = inflate(bytes + Array("tail of something".utf8))
      #expect(result == [0x61])
      #expect(error?.description == "input: \(format), after \(bytes.count) bytes: expected the end or more compressed data, found other bytes")
    }
  }

  /// A pipe whose writer waits for answers: what has come compressed is read without waiting for more.
  @Test(arguments: ["gzip", "LZ4"]) func aCompressedPipeIsAnsweredAtOnce(format: String) throws {
    let texts = ["one\n", "two\nthree\n", "four\n"].map { Array($0.utf8) }
    let pieces = format == "gzip" ? gzipPieces(texts) : texts.map { lz4Frame($0) }
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { close(ends[0]) }
    let end = ends[0]
    let source = RecordSource(name: "pipe") { () throws(RecordsError) in
      try DecompressingSource(DescriptorSource(descriptor: end, name: "pipe"), name: "pipe")
    }
    let reader = RecordReader(sources: [source], options: RecordOptions(format: .lines))
    var record = Record()
    var found: [String] = []
    #expect(try !reader.waitForRecord(milliseconds: 0))
    for piece in pieces {
      #expect(write(ends[1], piece, piece.count) == piece.count)
      while try reader.waitForRecord(milliseconds: 0) {
        try #require(try reader.next(into: &record))
        found.append(String(decoding: record.text, as: UTF8.self))
      }
      let start = Machine.monotonicSeconds()
      #expect(try !reader.waitForRecord(milliseconds: 20))
      #expect(Machine.monotonicSeconds() - start >= 0.019)
      if found.count == 3 { #expect(found == ["one", "two", "three"]) }
    }
    #expect(found == ["one", "two", "three", "four"])
    close(ends[1])
    #expect(try !reader.next(into: &record))
    #expect(reader.bytesRead == pieces.reduce(0) { $0 + $1.count })
  }
}
