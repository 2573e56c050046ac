import Bundles
import Storage
import Testing

@Suite struct SpecificationTests {
  /// The example of the specification: a card and one vector, written by the writer.
  private func example() throws -> [UInt8] {
    var writer = BundleWriter()
    try writer.add(.card, contents: SectionContents(#"{"license":"apache-2"}"#))
    let values = [Float(1), -0.5].withUnsafeBytes { Array($0) }
    try writer.add(.normalization, "scale", layout: .float32, shape: [2], contents: SectionContents(values))
    return try bytes(of: writer.writeToMemory().bundle)
  }

  @Test func theWorkedExampleIsWhatIsWritten() throws {
    let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    let readme = String(decoding: try readFile(folder + "/Sources/Bundles/README.md"), as: UTF8.self)
    let dump = hexadecimalDump(try example())
    #expect(readme.contains("```\n\(dump)```"), "the README's example should read:\n\(dump)")
  }

  /// Offsets, 16 bytes a line, their ASCII; lines like the one before are a star.
  private func hexadecimalDump(_ bytes: [UInt8]) -> String {
    func digits(_ value: Int, _ count: Int) -> String {
      let text = String(value, radix: 16)
      return String(repeating: "0", count: count - text.utf8.count) + text
    }
    var text = ""
    var previous: ArraySlice<UInt8> = []
    var starred = false
    for offset in stride(from: 0, to: bytes.count, by: 16) {
      let line = bytes[offset..<offset + 16]
      if line.elementsEqual(previous) {
        text += starred ? "" : "*\n"
        starred = true
        continue
      }
      previous = line
      starred = false
      let ascii = line.map { (32..<127).contains($0) ? String(UnicodeScalar($0)) : "." }.joined()
      text += "\(digits(offset, 4))  \(line.map { digits(Int($0), 2) }.joined(separator: " "))  \(ascii)\n"
    }
    return text + "\(digits(bytes.count, 4))\n"
  }
}
