import CZlib
import Decompression
import Records
import Testing

@Suite struct ZipTests {
  struct Entry {
    var name: String
    var bytes: [UInt8]
    var isDeflated = true
    /// Whether checksum and sizes stand behind the bytes, as in an archive that was written to a pipe, and how wide the sizes are.
    var descriptorSizeBytes: Int?
    var flags: UInt16 = 0
    var checksumError: UInt32 = 0
  }

  /// An archive as PKWARE's APPNOTE has it; its directory is one header short of being useful, which a reader of pipes does not mind.
  private func archive(_ entries: [Entry]) -> [UInt8] {
    func little(_ value: some FixedWidthInteger, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    var bytes: [UInt8] = []
    for entry in entries {
      let content = entry.isDeflated ? deflated(entry.bytes) : entry.bytes
      let checksum = UInt32(truncatingIfNeeded: entry.bytes.withUnsafeBufferPointer { $0.isEmpty ? 0 : crc32(0, $0.baseAddress, UInt32($0.count)) }) ^ entry.checksumError
      let isBehind = entry.descriptorSizeBytes != nil
      bytes += [0x50, 0x4B, 3, 4] + little(20, 2) + little(entry.flags | (isBehind ? 8 : 0), 2) + little(entry.isDeflated ? 8 : 0, 2) + little(0, 4)
      bytes += little(isBehind ? 0 : checksum, 4) + little(isBehind ? 0 : content.count, 4) + little(isBehind ? 0 : entry.bytes.count, 4)
      bytes += little(entry.name.utf8.count, 2) + little(3, 2) + Array(entry.name.utf8) + [1, 2, 3] + content
      if let wide = entry.descriptorSizeBytes {
        bytes += [0x50, 0x4B, 7, 8] + little(checksum, 4) + little(content.count, wide) + little(entry.bytes.count, wide)
      }
    }
    return bytes + [0x50, 0x4B, 1, 2] + [UInt8](repeating: 7, count: 80_000) + [0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18)
  }

  private func deflated(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var input = bytes + [0]
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))) + 16)
    input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        (stream.next_in, stream.avail_in) = (input.baseAddress, UInt32(bytes.count))
        (stream.next_out, stream.avail_out) = (output.baseAddress, UInt32(output.count))
        deflate(&stream, Z_FINISH)
      }
    }
    return Array(output[..<Int(stream.total_out)])
  }

  private let lines = someLines(20_000)

  @Test(arguments: [1, 7, 1000, Int.max]) func theOneFileInPiecesOfEverySize(pieceBytes: Int) {
    let folder = Entry(name: "data/", bytes: [], isDeflated: false)
    let hidden = Entry(name: "__MACOSX/data/._train.csv", bytes: Array("resources".utf8))
    let store = Entry(name: "data/.DS_Store", bytes: Array("x".utf8), isDeflated: false)
    for entries in [
      [Entry(name: "train.csv", bytes: lines)], [Entry(name: "train.csv", bytes: lines, isDeflated: false)],
      [folder, Entry(name: "data/train.csv", bytes: lines), hidden, store], [hidden, store, Entry(name: "train.csv", bytes: lines)],
      [Entry(name: "-", bytes: lines, descriptorSizeBytes: 4)], [Entry(name: "-", bytes: lines, descriptorSizeBytes: 8), hidden],
      [Entry(name: "-", bytes: lines, descriptorSizeBytes: 8), Entry(name: "a/", bytes: [], isDeflated: false)],
    ] {
      for waits in [false, true] {
        let (result, error) = inflate(archive(entries), pieceBytes: pieceBytes, waits: waits)
        #expect(result == lines && error == nil, "\(entries.map(\.name)): \(result.count) bytes, \(error as Any)")
      }
    }
  }

  private func refusal(_ entries: [Entry]) -> String { "\(inflate(archive(entries)).error as Any)" }

  @Test func whatIsRefused() {
    let text = Array("text,label\na,1\n".utf8)
    let first = Entry(name: "a.csv", bytes: text)
    #expect(refusal([first, Entry(name: "b.csv", bytes: text)]).contains("more than one file (a.csv, b.csv)"))
    #expect(refusal([Entry(name: "a/", bytes: [], isDeflated: false)]).contains("without a file in it"))
    #expect(refusal([Entry(name: "a", bytes: text, flags: 1)]).contains("encrypted"))
    #expect(refusal([Entry(name: "a", bytes: text, isDeflated: false, descriptorSizeBytes: 4)]).contains("without its size"))
    #expect(refusal([Entry(name: "[Content_Types].xml", bytes: text)]).contains("an Excel workbook"))
    #expect(refusal([Entry(name: "mimetype", bytes: text, isDeflated: false)]).contains("LibreOffice"))
    #expect(refusal([Entry(name: "a", bytes: text, checksumError: 1)]).contains("the checksum of a is another"))
    #expect(refusal([Entry(name: "a", bytes: text, descriptorSizeBytes: 4, checksumError: 1)]).contains("checksum"))
  }

  @Test func everyCutIsAnError() {
    let bytes = archive([Entry(name: "a", bytes: someLines(300), descriptorSizeBytes: 4)])
    let whole = bytes.count - 80_000 - 26
    for end in stride(from: 5, to: whole, by: 61) {
      let (_, error) = inflate(Array(bytes[..<end]))
      #expect(error != nil, "cut at \(end) of \(whole)")
    }
  }
}
