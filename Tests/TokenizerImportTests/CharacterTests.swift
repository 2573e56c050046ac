import JSON
import TestSupport
import Testing
import TokenizerImport
import TokenizerTestSupport
import Tokenizers

/// Every Unicode scalar, as the reference treats it.
@Suite struct CharacterTests {
  private static let scalars = (UInt32(0)...0x10FFFF).compactMap { Unicode.Scalar($0) }

  private func normalizing(clean: Bool, chinese: Bool, strip: JSONValue, lower: Bool) throws -> Tokenizer {
    try Tokenizer(
      tokenizerJSON: smallTokenizerJSON().setting(
        "normalizer",
        to: [
          "type": "BertNormalizer", "clean_text": .bool(clean), "handle_chinese_chars": .bool(chinese),
          "strip_accents": strip, "lowercase": .bool(lower),
        ]))
  }

  /// Whether each code point is in the ranges that `characters.json` gives for a class.
  private func members(_ name: String) throws -> [Bool] {
    var members = [Bool](repeating: false, count: 0x110000)
    for range in try #require(fixtureJSON("tokenizer/characters.json")[name]?.array) {
      for scalar in range.ids[0]...range.ids[1] { members[Int(scalar)] = true }
    }
    #expect(members.contains(true))
    return members
  }

  /// The first scalar where `holds` and the class of the reference differ.
  private func difference(_ name: String, _ holds: (Unicode.Scalar) -> Bool) throws -> String? {
    let members = try members(name)
    return Self.scalars.first { members[Int($0.value)] != holds($0) }.map { "\(name): U+\(String($0.value, radix: 16))" }
  }

  private func between(_ scalar: Unicode.Scalar) -> [UInt8] {
    Array("a".utf8) + Array(UTF8.encode(scalar)!) + Array("b".utf8)
  }

  @Test func normalizerClasses() throws {
    let clean = try normalizing(clean: true, chinese: true, strip: false, lower: false)
    let marks = try normalizing(clean: false, chinese: false, strip: true, lower: false)
    func form(_ tokenizer: Tokenizer, _ scalar: Unicode.Scalar) -> [UInt8] {
      between(scalar).withUnsafeBufferPointer { tokenizer.normalForm(of: $0) }
    }
    #expect(try difference("removed") { form(clean, $0) == Array("ab".utf8) } == nil)
    #expect(try difference("space") { form(clean, $0) == Array("a b".utf8) } == nil)
    #expect(try difference("chinese") { form(clean, $0) == Array("a \($0) b".utf8) } == nil)
    #expect(try difference("mark") { form(marks, $0) == Array("ab".utf8) } == nil)
  }

  /// Told by the ids: a separator leaves two words, punctuation three, anything else one that is unknown.
  @Test func preTokenizerClasses() throws {
    let tokenizer = try Tokenizer(
      tokenizerJSON: smallTokenizerJSON().setting("normalizer", to: nil).setting("post_processor", to: nil)
        .setting("model", "vocab", to: ["?": 0, "a": 1, "b": 2]).setting("model", "unk_token", to: "?"))
    var workspace = TokenizerWorkspace()
    func count(_ scalar: Unicode.Scalar) -> Int { tokenizer.encode(between(scalar), .max, &workspace).ids.count }
    #expect(try difference("separator") { count($0) == 2 } == nil)
    #expect(try difference("punctuation") { count($0) == 3 } == nil)
  }

  @Test func normalFormOfEveryScalar() throws {
    let tokenizer = try normalizing(clean: true, chinese: true, strip: nil, lower: true)
    let blocks = try #require(fixtureJSON("tokenizer/characters.json")["normalised_checksums"]?.array)
    #expect(blocks.count == 272)
    for block in blocks {
      let numbers = try #require(block.array).compactMap(\.int)
      var checksum = CRC32()
      for scalar in (numbers[0]..<numbers[0] + 4096).compactMap({ Unicode.Scalar(UInt32($0)) }) {
        checksum.add(tokenizer.normalForm(of: String(scalar)))
        checksum.add([UInt8(ascii: "\n")])
      }
      #expect(checksum.value == numbers[1], "block U+\(String(numbers[0], radix: 16))")
    }
  }

  /// Marks that are put in order, jamo, controls between marks: what scalars do to each other, under every option.
  @Test func normalFormOfSequences() throws {
    let golden = try fixtureJSON("tokenizer/parts.json")
    let sequences = try #require(golden["sequences"])
    let ranges = try #require(sequences["ranges"]?.array).map { UInt32($0.ids[0])...UInt32($0.ids[1]) }
    let blockSize = try #require(sequences["block"]?.int)
    let normalizers = try #require(golden["normalizers"]?.array)
    #expect(normalizers.count == 16)
    for options in normalizers {
      let tokenizer = try normalizing(
        clean: #require(options["clean_text"]?.bool as Bool?), chinese: #require(options["handle_chinese_chars"]?.bool as Bool?),
        strip: #require(options["strip_accents"]), lower: #require(options["lowercase"]?.bool as Bool?))
      var generator = Generator(seed: try #require(sequences["seed"]?.int))
      for (number, expected) in try #require(options["checksums"]?.array).enumerated() {
        var checksum = CRC32()
        for _ in 0..<blockSize {
          var text = ""
          for _ in 0...generator.below(12) {
            let range = ranges[generator.below(ranges.count)]
            text.unicodeScalars.append(Unicode.Scalar(range.lowerBound + UInt32(generator.below(range.count)))!)
          }
          checksum.add(tokenizer.normalForm(of: text))
          checksum.add([UInt8(ascii: "\n")])
        }
        #expect(checksum.value == expected.int, "block \(number) of \(options.setting("checksums", to: nil).text())")
      }
    }
  }

  /// In the stages each byte that is not UTF-8 counts as U+FFFD, and a scalar cut by the end of the text is not read past it.
  @Test(arguments: [
    [0x80], [0xFF], [0xC3], [0xC0, 0x80], [0xC1, 0xBF], [0xE4, 0xB8], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
    [0xF0, 0x9F, 0x98], [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE4, 0xE4, 0xE4],
  ] as [[UInt8]])
  func bytesThatAreNotUTF8(bytes: [UInt8]) throws {
    let tokenizer = try normalizing(clean: false, chinese: true, strip: true, lower: true)
    let replaced = Array(String(repeating: "\u{FFFD}", count: bytes.count).utf8)
    func form(_ text: [UInt8], count: Int) -> [UInt8] {
      text.withUnsafeBufferPointer { tokenizer.normalForm(of: UnsafeBufferPointer(rebasing: $0[..<count])) }
    }
    #expect(form(bytes + [0x80, 0x80, 0x80], count: bytes.count) == replaced)
    let inside = Array("É ".utf8) + bytes + Array(" É".utf8)
    #expect(form(inside, count: inside.count) == Array("e ".utf8) + replaced + Array(" e".utf8))
  }
}
