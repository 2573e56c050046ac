import Records
import Storage
import TestSupport
import Testing

@Suite struct TableTests {
  let csv = RecordOptions(format: .csv, fields: FieldChoice(), wantsLabel: true, keepsInput: true)
  let tsv = RecordOptions(format: .tsv, fields: FieldChoice(), wantsLabel: true, keepsInput: true)

  func rows(_ text: String, _ options: RecordOptions, pieceBytes: Int = .max) throws -> [[String]] {
    try records(text, options, pieceBytes: pieceBytes).map { [$0.textString, $0.labelString] }
  }

  @Test(arguments: [1, 2, 5, Int.max]) func quotesLineEndsAndBlankLines(pieceBytes: Int) throws {
    let file = "\u{FEFF}text,label\r\nplain,1\r\n\"a, \"\"b\"\"\",0\r\n\"two\r\nlines\",1\r\n\r\n\n,x\n\"\",\"y\"\nlast,2"
    #expect(
      try rows(file, csv, pieceBytes: pieceBytes) == [
        ["plain", "1"], ["a, \"b\"", "0"], ["two\r\nlines", "1"], ["", "x"], ["", "y"], ["last", "2"],
      ])
  }

  @Test(arguments: [1, 3, Int.max]) func quirksAreThoseOfPython(pieceBytes: Int) throws {
    let file = "text,label\na\"b\"c,1\n\"a\"bc\"d\",2\n \"a b\",3\ncr,4\rlf,5\n\"\"\"\",6\n"
    #expect(
      try rows(file, csv, pieceBytes: pieceBytes) == [
        ["a\"b\"c", "1"], ["abc\"d\"", "2"], [" \"a b\"", "3"], ["cr", "4"], ["lf", "5"], ["\"", "6"],
      ])
  }

  @Test func linesAreThoseOfTheFile() throws {
    let found = try records("text,label\n\"a\nb\nc\",1\n\nd,2\r\ne,3\n", csv)
    #expect(found.map(\.line) == [2, 6, 7])
  }

  @Test(arguments: [1, Int.max]) func faultyRowsStandInTheirPlace(pieceBytes: Int) throws {
    let found = try records("text,label\na,1\nb\nc,2,3\nd,4\n\"open,5\nmore", csv, pieceBytes: pieceBytes)
    #expect(found.map(\.textString) == ["a", "", "", "d", ""])
    #expect(
      found.map { $0.problem?.description } == [
        nil, "input, line 3: expected 2 columns, found 1", "input, line 4: expected 2 columns, found 3", nil,
        "input, line 6: the quote opened on line 6 is never closed",
      ])
  }

  @Test func aRecordAfterAFaultyOneIsClean() throws {
    let reader = reader(Array("text,label\nb\na,1\n".utf8), csv)
    var record = Record()
    #expect(try reader.next(into: &record) && record.problem != nil)
    #expect(try reader.next(into: &record) && record.problem == nil && record.textString == "a")
    #expect(try !reader.next(into: &record))
    #expect(reader.statistics.problems == 1 && reader.statistics.records == 2)
  }

  @Test func columnsByNameAndUsualNames() throws {
    #expect(try rows("id,Sentiment, Review \n7,good,fine film\n", csv) == [["fine film", "good"]])
    var options = csv
    options.fields = FieldChoice(text: "b", pair: "c", label: "a")
    let found = try records("a,b,c\n1,2,3\n", options)
    #expect(found[0].textString == "2" && found[0].pairString == "3" && found[0].labelString == "1" && found[0].hasPair)
    // of two usual names the earlier in the list
    #expect(try rows("content,text,label\nno,yes,1\n", csv) == [["yes", "1"]])
  }

  @Test func columnsByNumberMeanNoHeader() throws {
    var options = csv
    options.fields = FieldChoice(text: "2", label: "1")
    #expect(try rows("1,text\n0,other\n", options) == [["text", "1"], ["other", "0"]])
    let input = reader(Array("1,text\n".utf8), options)
    _ = try all(input)
    #expect(input.columns == ["column_1", "column_2"])
    options.fields.text = "3"
    #expect(failure { _ = try rows("1,text\n", options) } == "input, line 1: no column 3: the row has 2")
    // The number of a column that is counted and not kept.
    options.fields = FieldChoice(text: "70000", label: "1")
    #expect(failure { _ = try rows(String(repeating: "x,", count: 80_000) + "x\n", options) }?.contains("80001 columns") == true)
    options.fields = FieldChoice(text: "text", label: "1")
    #expect(failure { _ = try rows("1,text\n", options) }?.contains("either all by number or all by name") == true)
  }

  @Test func missingColumnsNameWhatWasFound() throws {
    #expect(
      failure { _ = try rows("id,comment\n1,a\n", csv) }
        == "input: no text column: expected `text`, `sentence`, `review`, `content`, and no label column: expected `label`, `sentiment`, `class`, "
        + "`labels`, found `id`, `comment` (--text-field, --label-field, with numbers if there is no header)")
    #expect(
      failure { _ = try rows("text,stars\n1,a\n", csv) }
        == "input: no label column: expected `label`, `sentiment`, `class`, `labels`, found `text`, `stars` (--label-field, with a number if there is no header)")
    var options = csv
    options.fields.pair = "other"
    #expect(failure { _ = try rows("text,label\n", options) } == "input: no text pair column: expected `other`, found `text`, `label` (--text-pair-field, with a number if there is no header)")
    options = csv
    options.wantsLabel = false
    #expect(try texts("text\na\n", options) == ["a"])
  }

  @Test func afterAnErrorThereIsNoMore() throws {
    let reader = reader(Array("a,b\n1,2\n".utf8), csv)
    var record = Record()
    #expect(failure { _ = try reader.next(into: &record) } != nil)
    #expect(try !reader.next(into: &record))
  }

  @Test func emptyFilesHaveNoRecords() throws {
    #expect(try rows("", csv) == [])
    #expect(try rows("text,label\n", csv) == [])
    #expect(try rows("\n\n", tsv) == [])
  }

  @Test(arguments: [1, 4, Int.max]) func tabsSplitAndNothingElseDoes(pieceBytes: Int) throws {
    let file = "text\tlabel\nit 's \"quoted , text\t1\r\nback\\tslash\t0\n\n\"open\t1\n\t\n"
    #expect(
      try rows(file, tsv, pieceBytes: pieceBytes) == [
        ["it 's \"quoted , text", "1"], ["back\\tslash", "0"], ["\"open", "1"], ["", ""],
      ])
    let found = try records("text\tlabel\na\tb\tc\n", tsv)
    #expect(found[0].problem?.message == "expected 2 columns, found 3")
  }

  @Test func invalidUTF8IsRepairedFieldByField() throws {
    // the end of one field and the beginning of the next would be a euro sign
    let bytes: [UInt8] = Array("text,label\n".utf8) + [0xE2, 0x82, 0x2C, 0xAC, 0x0A]
    let reader = reader(bytes, csv)
    let found = try all(reader)
    #expect(found[0].textString == "\u{FFFD}" && found[0].labelString == "\u{FFFD}")
    #expect(reader.statistics.replacedRecords == 1 && reader.statistics.replacements == 2)
  }

  @Test func longFieldsAreCutAndLongRowsAreFaulty() throws {
    var options = csv
    options.maximumTextBytes = 6
    options.maximumRecordBytes = 20
    for pieceBytes in [1, .max] {
      let long = String(repeating: "y", count: 30)
      let wide = String(repeating: "xxxxx,", count: 6)
      let file = "text,label\nabcdefgh,1\nabcd€€,2\nok,3\n\(wide)\n\"\(long)\",1\n"
      let reader = reader(Array(file.utf8), options, pieceBytes: pieceBytes)
      let found = try all(reader)
      #expect(found.map(\.textString) == ["abcdef", "abcd", "ok", "", "yyyyyy"])
      #expect(found[3].problem?.message == "longer than 20 bytes")
      #expect(reader.statistics.cutRecords == 3)
    }
    options.reading.format = .tsv
    let found = try records("text\tlabel\nabcdefgh\t1\n\(String(repeating: "z", count: 30))\t1\n", options)
    #expect(found[0].textString == "abcdef")
    #expect(found[1].problem?.message == "longer than 20 bytes")
  }

  @Test func inputIsKeptFieldByField() throws {
    let found = try records("id,text,label\n7,\"a,b\",1\n8,x\n", csv)
    #expect(found[0].inputFields == ["7", "a,b", "1"])
    #expect(found[1].inputFields == ["8", "x"])
  }

  @Test func tablesWithOtherColumnsDoNotEchoTogether() throws {
    let sources = [
      RecordSource(name: "a.csv", bytes: Array("text,label\na,1\n".utf8)),
      RecordSource(name: "b.csv", bytes: Array("label,text\n2,b\n".utf8)),
    ]
    #expect(
      failure { _ = try all(RecordReader(sources: sources, options: csv)) }
        == "b.csv: other columns than the first input: expected `text`, `label`, found `label`, `text`")
    var options = csv
    options.keepsInput = false
    #expect(try all(RecordReader(sources: sources, options: options)).map(\.textString) == ["a", "b"])
  }

  /// Random tables written by an own writer come back, however they arrive.
  @Test(arguments: 0..<60) func randomTablesComeBack(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed) &+ 1000)
    let pieces = ["a", "€", ",", "\"", "\n", "\r\n", "\t", " ", "\0", "😀", "\"\"", "bc"]
    func field() -> String { (0..<Int.random(in: 0..<6, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined() }
    let table = (0..<Int.random(in: 0..<30, using: &random)).map { _ in [field(), field(), field()] }
    let lineEnd = ["\n", "\r\n"].randomElement(using: &random)!
    var file = "id,text,label" + lineEnd
    for row in table {
      let fields = row.map { field in
        let mustQuote = field.unicodeScalars.contains { "\",\r\n".unicodeScalars.contains($0) }
        guard mustQuote || Bool.random(using: &random) else { return field }
        var quoted = "\""
        for scalar in field.unicodeScalars {
          if scalar == "\"" { quoted += "\"\"" } else { quoted.unicodeScalars.append(scalar) }
        }
        return quoted + "\""
      }
      file += fields.joined(separator: ",") + lineEnd
    }
    var options = csv
    options.bufferBytes = Int.random(in: 16..<100, using: &random)
    let found = try records(file, options, pieceBytes: Int.random(in: 1..<40, using: &random))
    #expect(found.map(\.inputFields) == table, "seed \(seed)")
    #expect(found.map(\.textString) == table.map { $0[1] }, "seed \(seed)")
  }
}
