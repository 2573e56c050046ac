import JSON
import Testing

@Suite struct JSONTests {
  private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: text.utf8) }

  @Test func readsWhatTheGrammarAllows() throws {
    #expect(try parse(" { \"a\" : [ 1 , -2.5e3 , true, false, null, \"x\" ] , \"b\":{}}\n") == ["a": [1, .number(-2500), true, false, nil, "x"], "b": [:]])
    #expect(try parse("-0") == 0)
    #expect(try parse("9223372036854775807") == .integer(.max))
    #expect(try parse("9223372036854775808") == .number(9223372036854775808))
    #expect(try parse("[1e-400, 1e400]") == [.number(0), .number(.infinity)])
    #expect(try parse("-Infinity") == .number(-.infinity))
    #expect(try parse("NaN").double?.isNaN == true)
  }

  @Test func unescapes() throws {
    #expect(try parse(#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00""#) == .string("\"\\/\u{08}\u{0C}\n\r\tA\u{E9}\u{1F600}"))
    #expect(try parse(#""\ud800""#) == "\u{FFFD}")
    #expect(try parse(#""\ud800\u0041""#) == "\u{FFFD}A")
    #expect(try parse(#""\udc00x""#) == "\u{FFFD}x")
    #expect(try parse(#""\u0000""#) == "\u{00}")
  }

  @Test func theLastOfTwoKeysWins() throws {
    let value = try parse(#"{"a": 1, "b": 2, "a": 3}"#)
    #expect(value.object?.keys == ["a", "b"])
    #expect(value["a"] == 3)
  }

  @Test(arguments: [
    "", "{", "[", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "+1", "1e", "- 1", "tru", "nulll", "\"", "\"\\x\"",
    "\"\\u12g4\"", "\"\n\"", "[1 2]", "{\"a\" 1}", "[1]]", "'a'", "\u{FEFF}1", "--1", "Infinit", "[,1]", "{,}",
  ])
  func refuses(text: String) {
    #expect(throws: JSONError.self) { try parse(text) }
  }

  @Test func refusesInvalidUTF8AndDeepNesting() throws {
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22] as [UInt8]) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0x5C, 0x6E, 0xC3, 0x22] as [UInt8]) }
    #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
    _ = try parse(String(repeating: "[", count: 128) + String(repeating: "]", count: 128))
  }

  /// Shapes that would take twenty times their text are refused while they are read; what files hold is not.
  @Test(arguments: [("[],", false), ("{\"\":0},", false), ("[0],", false), ("[\"token\",-12.345678],", true)])
  func memoryIsBounded(part: String, isRead: Bool) {
    let text = "[" + String(repeating: part, count: 16_000_000 / part.utf8.count) + "0]"
    let found = Result { try parse(text) }
    switch found {
    case .success: #expect(isRead)
    case .failure(let error): #expect(!isRead && "\(error)".contains("expected a document that takes at most 144"), "\(error)")
    }
  }

  /// Beside a few members an object has a table of them.
  @Test func manyMembers() throws {
    var object = JSONObject()
    for number in 0..<1000 { object["\(number % 600)"] = .integer(Int64(number)) }
    #expect(object.count == 600 && object.keys == (0..<600).map(String.init))
    for number in stride(from: 0, to: 600, by: 2) { object["\(number)"] = nil }
    #expect(object.count == 300 && object["1"] == 601 && object["599"] == 599 && object["2"] == nil)
    for number in stride(from: 1, to: 596, by: 2) { object["\(number)"] = nil }
    #expect(object.keys == ["597", "599"] && object["599"] == 599)
  }

  @Test func saysWhere() {
    do {
      _ = try parse("[1,\n  ]")
      Issue.record("a trailing comma was accepted")
    } catch {
      #expect("\(error)" == "not JSON: line 2, byte 6: expected a value, found ']'")
    }
  }

  @Test func everyTruncationOfADocumentIsRefused() throws {
    let text = Array(#"{"a": [1.5e3, "x\u00e9\n", true, {"b": null}]}"#.utf8)
    for count in 0..<text.count {
      #expect(throws: JSONError.self, "first \(count) bytes") { try JSONValue(parsing: text[..<count]) }
    }
  }

  /// Expected texts were printed by Python 3.11: `json.dumps(value, indent=2, sort_keys=True)`.
  @Test func writesAsPythonDoes() {
    let value: JSONValue = ["b": [1, 2.0, 1e-05, 1e16, 0.0001, 123456789.125, []], "a": ["é": "\u{1F600}\u{7F}\n"], "c": [:]]
    #expect(
      value.text(indent: 2, sortedKeys: true) == """
        {
          "a": {
            "\\u00e9": "\\ud83d\\ude00\\u007f\\n"
          },
          "b": [
            1,
            2.0,
            1e-05,
            1e+16,
            0.0001,
            123456789.125,
            []
          ],
          "c": {}
        }
        """)
    #expect((["x": [1, nil]] as JSONValue).text() == #"{"x": [1, null]}"#)
  }

  /// JSON has no such numbers; a message says what was found.
  @Test func writesNullForWhatIsNotFinite() throws {
    let value = try parse("[NaN, Infinity, -Infinity, 1e999, 1]")
    #expect(value.text() == "[null, null, null, null, 1]")
    #expect("\(value)" == "[NaN, Infinity, -Infinity, Infinity, 1]")
  }

  @Test func numbersReadBackToTheSameBits() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<10_000 {
      let value = Double(bitPattern: generator.next())
      guard value.isFinite else { continue }
      let text = JSONValue.number(value).text()
      #expect(try parse(text).double == value, "\(text)")
    }
  }

  @Test func removingAMemberKeepsTheOthers() {
    var object = JSONObject([("a", 1), ("b", 2), ("c", 3)])
    object["a"] = nil
    object["d"] = 4
    #expect(object.keys == ["b", "c", "d"])
    #expect(object["b"] == 2 && object["c"] == 3 && object["d"] == 4 && object["a"] == nil)
  }

  /// A vocabulary may hold both the ohm sign and the Greek letter it is canonically equivalent to.
  @Test func canonicallyEquivalentTextsDiffer() throws {
    let value = try parse("{\"\u{2126}\": 1, \"\u{03A9}\": 2, \"e\u{301}\": 3, \"\u{E9}\": 4}")
    #expect(value.object?.count == 4)
    #expect(value["\u{2126}"] == 1 && value["\u{03A9}"] == 2 && value["e\u{301}"] == 3 && value["\u{E9}"] == 4)
    #expect(try parse("\"e\u{301}\"") != parse("\"\u{E9}\""))
    #expect(try parse("{\"e\u{301}\": 1}") != parse("{\"\u{E9}\": 1}"))
  }
}
