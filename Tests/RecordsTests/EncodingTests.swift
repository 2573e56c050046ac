import Records
import Testing

@Suite struct EncodingTests {
  static let text = "Le café, déçu – « jamais » €\n字 😀 \u{10FFFF}\n"

  private func bytes(_ encoding: TextEncoding, mark: Bool) -> [UInt8] {
    func units(_ count: Int, _ order: TextEncoding.ByteOrder?, _ values: [UInt32]) -> [UInt8] {
      values.flatMap { value -> [UInt8] in
        let little = (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
        return order == .big ? little.reversed() : little
      }
    }
    switch encoding {
    case .utf16(let order): return units(2, order, (mark ? [0xFEFF] : []) + Self.text.utf16.map(UInt32.init))
    case .utf32(let order): return units(4, order, (mark ? [0xFEFF] : []) + Self.text.unicodeScalars.map(\.value))
    default: return (mark ? [0xEF, 0xBB, 0xBF] : []) + Array(Self.text.utf8)
    }
  }

  /// What a reader makes of bytes that come in pieces.
  private func lines(_ bytes: [UInt8], _ encoding: TextEncoding?, pieceBytes: Int = .max, isSet: Bool = false) throws -> [String] {
    let options = RecordOptions(DataReading(format: .lines, encoding: encoding), isSet: isSet)
    return try all(reader(bytes, options, pieceBytes: pieceBytes)).map { $0.problem?.message ?? $0.textString }
  }

  @Test(arguments: [1, 2, 3, 7, Int.max]) func marksTell(pieceBytes: Int) throws {
    let expected = Self.text.split(separator: "\n").map(String.init)
    for encoding in [TextEncoding.utf8, .utf16(.little), .utf16(.big), .utf32(.little), .utf32(.big)] {
      #expect(try lines(bytes(encoding, mark: true), nil, pieceBytes: pieceBytes) == expected, "\(encoding.name)")
      #expect(try lines(bytes(encoding, mark: true), encoding, pieceBytes: pieceBytes) == expected, "\(encoding.name)")
      #expect(try lines(bytes(encoding, mark: false), encoding, pieceBytes: pieceBytes) == expected, "\(encoding.name)")
    }
  }

  @Test func theMarkIsSaid() throws {
    let reader = reader(bytes(.utf16(.big), mark: true), RecordOptions(format: .lines))
    var notes: [String] = []
    reader.onNote = { notes.append($0) }
    _ = try all(reader)
    #expect(notes == ["input: UTF-16BE, by its byte order mark (--encoding)"])
  }

  /// In a stream two bytes of damage are no mark unless a zero is near.
  @Test(arguments: [1, Int.max]) func aMarkWithoutAZeroIsDamage(pieceBytes: Int) throws {
    let damaged: [UInt8] = [0xFF, 0xFE] + Array("good film\n".utf8)
    #expect(try lines(damaged, nil, pieceBytes: pieceBytes) == ["\u{FFFD}\u{FFFD}good film"])
    let ideographs: [UInt8] = [0xFF, 0xFE] + (0..<3000).flatMap { _ in [0x57, 0x5B] as [UInt8] } + [0x0A, 0x00]
    // The zero is beyond what is looked at.
    #expect(try lines(ideographs, nil).first?.hasPrefix("\u{FFFD}\u{FFFD}W[W[") == true)
    #expect(try lines(ideographs, nil, isSet: true) == [String(repeating: "字", count: 3000)])
  }

  @Test(arguments: [1, 5, Int.max]) func oneByteACharacter(pieceBytes: Int) throws {
    let bytes: [UInt8] = [0x63, 0xE9, 0x20, 0x80, 0x20, 0x93, 0x94, 0x85, 0xFF, 0x0A]
    #expect(try lines(bytes, .windows1252, pieceBytes: pieceBytes) == ["cé € “”…ÿ"])
    #expect(try lines(bytes, .latin1, pieceBytes: pieceBytes) == ["cé \u{80} \u{93}\u{94}\u{85}ÿ"])
    // Five bytes stand for nothing in Windows-1252.
    #expect(try lines([0x61, 0x81, 0x0A], .windows1252, pieceBytes: pieceBytes) == ["a\u{FFFD}"])
    #expect(
      try lines([0x61, 0x81, 0x0A], .windows1252, pieceBytes: pieceBytes, isSet: true)
        == ["byte 2 of the line, after “a”, is a byte, not Windows-1252"])
  }

  @Test(arguments: [1, 3, Int.max]) func theLibraryConverts(pieceBytes: Int) throws {
    let japanese: [UInt8] = [0x82, 0xB1, 0x82, 0xEA, 0x0A, 0x88, 0xAB, 0x82, 0xA2, 0x0A]
    try #require(TextEncoding(name: "shift_jis").refusal == nil)
    #expect(try lines(japanese, TextEncoding(name: "shift_jis"), pieceBytes: pieceBytes) == ["これ", "悪い"])
    // Half a character at the end.
    #expect(try lines(Array(japanese.dropLast(2)), TextEncoding(name: "shift_jis"), pieceBytes: pieceBytes) == ["これ", "悪\u{FFFD}"])
    #expect(TextEncoding(name: "no-such").refusal?.contains("no-such is not built in") == true)
    #expect(failure { _ = try lines(japanese, TextEncoding(name: "no-such")) }?.contains("`iconv -l`") == true)
  }

  @Test func surrogatesWithoutPartnersAreInvalid() throws {
    #expect(try lines([0x3D, 0xD8, 0x61, 0x00, 0x00, 0xDE, 0x0A, 0x00], .utf16(.little)) == ["\u{FFFD}a\u{FFFD}"])
    #expect(try lines([0x61, 0x00, 0x62], .utf16(.little)) == ["a\u{FFFD}"])
    #expect(try lines([0x00, 0x00, 0x11, 0x00], .utf32(.little)) == ["\u{FFFD}"])
  }

  @Test func theUsualNames() {
    for (name, encoding) in [
      ("utf8", TextEncoding.utf8), ("UTF-8", .utf8), ("utf-8-sig", .utf8), ("latin-1", .latin1), ("ISO_8859-1", .latin1), ("cp1252", .windows1252),
      ("Windows-1252", .windows1252), ("utf-16", .utf16(nil)), ("UTF-16LE", .utf16(.little)), ("utf_32_be", .utf32(.big)),
      ("gb18030", .converted("gb18030")),
    ] {
      #expect(TextEncoding(name: name) == encoding)
    }
  }

  private func refusal(_ bytes: [UInt8]) -> String? {
    failure { try LabelledDataset(source: RecordSource(name: "d", bytes: bytes), format: .csv).requireSound(skippingBadRows: false) }
  }

  @Test func setsRefuseWhatIsNoText() throws {
    let rows: [[UInt8]] = [Array("text,label\nfine,a\nd".utf8), [0xE9, 0xE7], Array("u,b\nc'est l".utf8), [0xE0], Array(",a\n".utf8)]
    #expect(
      refusal(Array(rows.joined())) == """
        d: 2 of 3 rows are bad, all of them not UTF-8: the encoding is probably Windows-1252 (--encoding windows-1252): line 3: byte 2 of \
        column 1, after “d”, is 0xE9, not UTF-8; line 4: byte 8 of column 1, after “c'est l”, is 0xE0, not UTF-8 (--skip-bad-rows leaves them out)
        """)
    let cyrillic = Array("text,label\n".utf8) + [0xCE, 0xF7, 0xE5, 0xED, 0xFC] + Array(",a\n".utf8)
    #expect(refusal(cyrillic)?.contains("windows-1251") == true)
    // DOS and the old Macintosh have letters where Windows has signs.
    #expect(refusal(Array("text,label\ncaf".utf8) + [0x82] + Array(",a\n".utf8))?.contains("Windows-1252") == true)
    #expect(refusal(Array("text,label\ncaf".utf8) + [0x8E, 0x8F, 0x88] + Array(" noir,a\n".utf8))?.contains("macintosh") == true)
    let unmarked = "text,label\ngood,a\nbad,b\n".utf16.flatMap { [UInt8($0 & 0xFF), 0] }
    #expect(refusal(unmarked) == "d: holds zero bytes as UTF-16 without a byte order mark does (--encoding utf-16le)")
  }
}
