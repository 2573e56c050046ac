import Records
import Storage
import TestSupport
import Testing

@Suite struct LinesTests {
  let lines = RecordOptions(format: .lines)

  @Test(arguments: [1, 2, 3, 7, Int.max]) func everyLineIsARecord(pieceBytes: Int) throws {
    #expect(try texts("a\nb\n", lines, pieceBytes: pieceBytes) == ["a", "b"])
    #expect(try texts("a\nb", lines, pieceBytes: pieceBytes) == ["a", "b"])
    #expect(try texts("", lines, pieceBytes: pieceBytes) == [])
    #expect(try texts("\n", lines, pieceBytes: pieceBytes) == [""])
    #expect(try texts("\n\na\n\n", lines, pieceBytes: pieceBytes) == ["", "", "a", ""])
    #expect(try texts("a\r\nb\r\r\n\r\nc\rd\r", lines, pieceBytes: pieceBytes) == ["a", "b\r", "", "c\rd"])
    #expect(try texts("a\0b\n\0", lines, pieceBytes: pieceBytes) == ["a\0b", "\0"])
    #expect(try texts("\u{FEFF}a\n\u{FEFF}b", lines, pieceBytes: pieceBytes) == ["a", "\u{FEFF}b"])
    #expect(try texts("\u{FEFF}", lines, pieceBytes: pieceBytes) == [])
    #expect(try texts("\u{FEFF}\n", lines, pieceBytes: pieceBytes) == [""])
  }

  @Test func numbersAndLinesCountFromOne() throws {
    let found = try records("a\n\nb", lines)
    #expect(found.map(\.number) == [1, 2, 3])
    #expect(found.map(\.line) == [1, 2, 3])
  }

  @Test func aBeginningOfAByteOrderMarkIsNoMark() throws {
    let reader = reader([0xEF, 0xBB], lines, pieceBytes: 1)
    #expect(try all(reader).map(\.textString) == ["\u{FFFD}"])
    let other = reader_([0xEF, 0x41, 0x0A])
    #expect(try all(other).map(\.textString) == ["\u{FFFD}A"])
  }
  func reader_(_ bytes: [UInt8]) -> RecordReader { reader(bytes, lines, pieceBytes: 1) }

  /// The cases of Python's `bytes.decode("utf-8", errors="replace")`, table 3-8 of the Unicode Standard among them.
  @Test(arguments: [
    ([0x61, 0xF1, 0x80, 0x80, 0xE1, 0x80, 0xC2, 0x62, 0x80, 0x63, 0x80, 0xBF, 0x64], "a???b?c??d", 6),
    ([0xC0, 0xAF, 0xE0, 0x80, 0xBF, 0xF0, 0x81, 0x82, 0x41], "????????A", 8),
    ([0xED, 0xA0, 0x80, 0xED, 0xBF, 0xBF, 0xED, 0xAF, 0x41], "????????A", 8),
    ([0xF4, 0x91, 0x92, 0x93, 0xFF, 0x41, 0x80, 0xBF, 0x42], "?????A??B", 7),
    ([0xE1, 0x80, 0xE2, 0xF0, 0x91, 0x92, 0xF1, 0xBF, 0x41], "????A", 4),
    ([0xF0, 0x9F, 0x98], "?", 1),
    ([0xFE], "?", 1),
    ([0xE2, 0x82, 0xAC, 0xE2, 0x82], "€?", 1),
  ] as [([UInt8], String, Int)])
  func invalidBytesAreReplacedAsPythonDoes(bytes: [UInt8], expected: String, replacements: Int) throws {
    for pieceBytes in [1, 2, .max] {
      let reader = reader(bytes, lines, pieceBytes: pieceBytes)
      let text = try all(reader).map(\.textString)
      #expect(text == [expected.split(separator: "?", omittingEmptySubsequences: false).joined(separator: "\u{FFFD}")])
      #expect(reader.statistics.replacements == replacements)
      #expect(reader.statistics.replacedRecords == 1)
    }
  }

  @Test(arguments: [1, 5, Int.max]) func longLinesAreCutAtAWholeScalar(pieceBytes: Int) throws {
    var options = lines
    options.maximumTextBytes = 5
    let text = "abcdefgh\nabcd€\nabcde\r\nabc€x\n€\n"
    let reader = reader(Array(text.utf8), options, pieceBytes: pieceBytes)
    #expect(try all(reader).map(\.textString) == ["abcde", "abcd", "abcde", "abc", "€"])
    #expect(reader.statistics.cutRecords == 3)
    #expect(reader.statistics.droppedBytes == 3 + 3 + 4)
    #expect(reader.statistics.replacements == 0)
  }

  @Test func aLineOfManyMegabytesKeepsItsBeginning() throws {
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: 40 << 20) + Array("\nnext\n".utf8)
    let reader = reader(long, lines, pieceBytes: 1 << 16)
    let found = try all(reader)
    #expect(found.map(\.text.count) == [1 << 20, 4])
    #expect(reader.statistics.droppedBytes == 39 << 20)
  }

  @Test func severalSourcesAreOneStreamAndLinesDoNotJoin() throws {
    let reader = RecordReader(
      sources: [
        RecordSource(name: "a", bytes: Array("1\n2".utf8)), RecordSource(name: "b", bytes: []),
        RecordSource(name: "c", bytes: Array("\u{FEFF}3\n".utf8)),
      ], options: lines)
    let found = try all(reader)
    #expect(found.map(\.textString) == ["1", "2", "3"])
    #expect(found.map(\.line) == [1, 2, 1])
    #expect(found.map(\.number) == [1, 2, 3])
  }

  /// As many records as lines, whatever the bytes and however they arrive.
  @Test(arguments: 0..<40) func recordsInAreRecordsOutOnRandomBytes(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let alphabet: [UInt8] = [0x0A, 0x0D, 0x22, 0x2C, 0x09, 0x00, 0x61, 0x7A, 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0xFF]
    let bytes = (0..<Int.random(in: 1..<3000, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
    let expected = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
      String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
    }
    let count = bytes.last == 0x0A ? expected.count - 1 : expected.count
    for _ in 0..<3 {
      var options = lines
      options.bufferBytes = Int.random(in: 16..<200, using: &random)
      let found = try all(reader(bytes, options, pieceBytes: Int.random(in: 1..<100, using: &random)))
      // Swift's own decoder also replaces maximal subparts.
      #expect(found.map(\.textString) == Array(expected.prefix(count)), "seed \(seed)")
    }
  }
}
