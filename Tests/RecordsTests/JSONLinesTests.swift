import Records
import Testing

@Suite struct JSONLinesTests {
  let jsonl = RecordOptions(format: .jsonl, wantsLabel: true, keepsInput: true)

  @Test(arguments: [1, 7, Int.max]) func objectsOneALine(pieceBytes: Int) throws {
    let file = """
      \u{FEFF}{"text": "a \\"b\\"\\n\\u20ac", "label": "good"}
      {"label": 1, "id": 7, "sentence": "second"}\r
      {"text": "", "label": ["a", "b"]}
      {"text": "\\ud83d\\ude00", "label": 0.5}
      {"text": "last", "label": true}
      """
    let found = try records(file, jsonl, pieceBytes: pieceBytes)
    #expect(found.map { $0.problem?.description } == [nil, nil, nil, nil, nil])
    #expect(found.map(\.textString) == ["a \"b\"\n€", "second", "", "😀", "last"])
    #expect(found.map(\.labelString) == ["good", "1", #"["a", "b"]"#, "0.5", "true"])
    #expect(found[1].inputFields == [#"{"label": 1, "id": 7, "sentence": "second"}"#])
  }

  @Test func faultyLinesStandInTheirPlace() throws {
    let file = #"""
      {"text": "a", "label": 1}

      {"text": "b", "label": 1
      ["text"]
      {"texts": "c"}
      {"text": 5, "label": 1}
      {"text": "d", "label": null}
      {"text": "e", "label": {}}
      {"text": "f"}
      {}
      {"text": "g", "label": 1} {"text": "h", "label": 1}
      {"text": "i", "label": 1}
      """#
    let found = try records(file, jsonl)
    #expect(found.count == 12)
    #expect(found.map { $0.problem == nil } == [true] + Array(repeating: false, count: 10) + [true])
    let messages = found.compactMap { $0.problem?.message }
    #expect(messages[0] == "expected a JSON object, found an empty line")
    #expect(messages[1].hasPrefix("not JSON: "))
    #expect(messages[2] == "expected a JSON object")
    #expect(messages[3] == "no field `text`, `sentence`, `review`, `content`, found `texts`")
    #expect(messages[4] == "field `text` is not a string")
    #expect(messages[5] == "field `label` is null, expected a label")
    #expect(messages[6] == "field `label` is an object, expected a label")
    #expect(messages[7] == "no field `label`, `sentiment`, `class`, `labels`, found `text`")
    #expect(messages[8].hasSuffix("found none"))
    #expect(messages.allSatisfy { !$0.contains("\n") })
    #expect(found[2].problem?.line == 3)
    #expect(found.filter { $0.problem != nil }.allSatisfy { $0.text.isEmpty })
    #expect(found[2].input.form == .broken && found[3].input.form == .json)
  }

  @Test func chosenFieldsAndPairs() throws {
    var options = jsonl
    options.fields = FieldChoice(text: "premise", pair: "hypothesis", label: "gold")
    let found = try records(#"{"premise": "p", "hypothesis": "h", "gold": "x", "text": "no"}"#, options)
    #expect(found[0].textString == "p" && found[0].pairString == "h" && found[0].labelString == "x")
    let missing = try records(#"{"premise": "p", "gold": "x"}"#, options)
    #expect(missing[0].problem?.message == "no field `hypothesis`, found `premise`, `gold`")
  }

  @Test func invalidUTF8IsRepairedBeforeTheParse() throws {
    let reader = reader(Array(#"{"text": "a"#.utf8) + [0xFF] + Array(#"b", "label": 1}"#.utf8), jsonl)
    #expect(try all(reader).map(\.textString) == ["a\u{FFFD}b"])
    #expect(reader.statistics.replacements == 1)
  }

  @Test func longTextsAreCutAndLongLinesAreFaulty() throws {
    var options = jsonl
    options.wantsLabel = false
    options.maximumTextBytes = 5
    options.maximumRecordBytes = 30
    let reader = reader(Array("{\"text\": \"abc€€\"}\n{\"text\": \"\(String(repeating: "x", count: 40))\"}\n{\"text\": \"ok\"}\n".utf8), options)
    let found = try all(reader)
    #expect(found.map(\.textString) == ["abc", "", "ok"])
    #expect(found[1].problem?.message == "longer than 30 bytes")
    #expect(reader.statistics.cutRecords == 1 && reader.statistics.droppedBytes == 6)
  }

  @Test func deeplyNestedLinesAreFaultyAndHarmless() throws {
    let deep = String(repeating: "[", count: 100_000)
    let found = try records("{\"text\": \(deep)\n{\"text\": \"ok\", \"label\": 1}\n", jsonl)
    #expect(found.map { $0.problem == nil } == [false, true])
  }
}
