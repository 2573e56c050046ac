import Records
import Testing

/// What tables and JSON are taken for, as spreadsheets, pandas, R, SQL clients and annotation tools write them.
@Suite struct RecognitionTests {
  private func set(
    _ text: String, _ name: String = "d.csv", fields: FieldChoice = FieldChoice(), delimiter: String? = nil, quoting: Quoting? = nil,
    format: RecordFormat? = nil
  ) throws -> LabelledDataset {
    let reading = DataReading(format: format, delimiter: delimiter.flatMap(Delimiter.init), quoting: quoting, fields: fields)
    return try LabelledDataset(source: RecordSource(name: name, bytes: Array(text.utf8)), reading: reading)
  }

  /// Without the file's name in front.
  private func notes(_ set: LabelledDataset) -> [String] { set.notes.map { String($0.dropFirst(set.name.count + 2)) } }

  private func rows(_ set: LabelledDataset) -> [String] { (0..<set.count).map { set.texts.string($0) + " > " + set.labels.string($0) } }

  @Test(arguments: [(";", "“;”"), ("\t", "a tab"), ("|", "“|”")]) func delimitersByTheHeader(delimiter: String, name: String) throws {
    let file = "text\(delimiter)label\r\nplain, yes\(delimiter)1\r\n\"quoted \(delimiter) \"\"and\"\" more\"\(delimiter)2\r\n"
    let found = try set(file)
    #expect(rows(found) == ["plain, yes > 1", "quoted \(delimiter) \"and\" more > 2"])
    #expect(notes(found).first == "fields are separated by \(name) (--delimiter)")
    // A comma is plain, whatever else is in the texts.
    #expect(try set("text,label\na\(delimiter)b,1\nc\(delimiter)d,2\n").notes == [])
  }

  @Test func delimitersThatAreSaid() throws {
    #expect(rows(try set("sep=;\r\ntext;label\r\na,b;1\r\n")) == ["a,b > 1"])
    #expect(try set("\"sep=\t\"\ntext\tlabel\na\t1\n").place(of: 0) == "d.csv, line 3")
    #expect(rows(try set("text:label\na:1\n", delimiter: ":")) == ["a > 1"])
    #expect(rows(try set("text;label\na;1\n", "d.tsv", delimiter: ";")) == ["a > 1"])
    for bad in ["", ";;", "\"", "\n", "é"] { #expect(Delimiter(bad) == nil) }
    // Columns of other names are told as the likeliest delimiter makes them.
    #expect(failure { _ = try set("Titel;Text\na;b, c\nd;e\n") }?.contains("found `Titel`, `Text`") == true)
  }

  /// As Spark and MySQL write tables.
  @Test func quotesBehindBackslashes() throws {
    let file = #"text,label"# + "\n" + #""he said \"hi, you\"",1"# + "\n" + #""C:\dir, \\",2"# + "\n" + #"plain \n,3"# + "\n"
    let found = try set(file)
    #expect(rows(found) == [#"he said "hi, you" > 1"#, #"C:\dir, \ > 2"#, #"plain \n > 3"#])
    #expect(notes(found) == ["quotes inside of quotes stand behind backslashes (--quoting)"])
    #expect(try set(file, quoting: .double).badRows.count > 0)
    // With another delimiter, without a header, with tabs, over lines.
    let fields = FieldChoice(text: "1", label: "2")
    #expect(rows(try set("\"a \\\"b\\\"; c\";1\n\"d, e\";2\n", fields: fields)) == ["a \"b\"; c > 1", "d, e > 2"])
    #expect(rows(try set("text\tlabel\n\"a \\\"b\\\"\"\t1\n\"c\"\t2\n", "d.tsv")) == ["a \"b\" > 1", "c > 2"])
    #expect(rows(try set("text,label\n\"a\\\n\\\"b\",1\n", quoting: .backslash)) == ["a\n\"b > 1"])
    // A backslash at the end of a field is one where quotes are doubled.
    let doubled = try set("text,label\n\"C:\\\",1\n\"a \"\"b\"\"\",2\n")
    #expect(rows(doubled) == ["C:\\ > 1", "a \"b\" > 2"] && notes(doubled) == [])
    // Where no first row tells, the rows are bad, and say why.
    let late = "text,label\n" + String(repeating: "a,1\n", count: 1200) + "\"say \\\"hi\\\"\",2\n\"open,3\n\"x,4\n\"b\"c,5\n"
    let late2 = try set(late)
    #expect(late2.badRows.first.map(\.message).first?.contains("--quoting backslash") == true && late2.badRows.count == 2)
    #expect(late2.notes.last?.contains("in 1 rows a field goes on behind the quote that closes it") == true)
    // In pieces of any size the same.
    for size in 16..<40 {
      let options = RecordOptions(DataReading(format: .csv, delimiter: Delimiter(","), quoting: .backslash), wantsLabel: true, isSet: true, bufferBytes: size)
      #expect(try all(reader(Array(file.utf8), options)).map(\.textString) == [#"he said "hi, you""#, #"C:\dir, \"#, #"plain \n"#])
    }
  }

  @Test func withoutAHeaderAllRowsTell() throws {
    let fields = FieldChoice(text: "1", label: "2")
    #expect(rows(try set("good, really;1\nbad;0\n", fields: fields)) == ["good, really > 1", "bad > 0"])
    #expect(rows(try set("good;1,5\nbad;0\n", fields: fields)) == ["good > 1,5", "bad > 0"])
    #expect(rows(try set("a;b,1\nc,0\n", fields: fields)) == ["a;b > 1", "c > 0"])
    // Both readings are flawless.
    #expect(failure { _ = try set("a;b,1\n", fields: fields) } == "d.csv: fields may be separated by “,” or “;”: say which (--delimiter)")
    // A faulty row does not make the others faulty.
    #expect(try set("a;1\nb;2\nc;3;4\nd, e;5\n", fields: fields).badRows.count == 1)
  }

  @Test func joinedTexts() throws {
    let found = try set("title,body,label\nBad,It broke,1\n,Only,2\nOnly,,3\n", fields: FieldChoice(text: "title,body"))
    #expect(rows(found) == ["Bad It broke > 1", "Only > 2", "Only > 3"])
    #expect(notes(found) == ["the text is `title` and `body`, joined by a blank (--text-field)"])
    // A column may have a comma in its name.
    #expect(rows(try set("\"a,b\",label\nx,1\n", fields: FieldChoice(text: "a,b"))) == ["x > 1"])
    #expect(rows(try set("x,1,y\n", fields: FieldChoice(text: "3,1", label: "2"))) == ["y x > 1"])
    let json = #"{"title": "t", "body": "b", "label": 1}"#
    #expect(rows(try set(json, "d.jsonl", fields: FieldChoice(text: "title,body"))) == ["t b > 1"])
  }

  @Test func twoColumnsOfOneName() throws {
    #expect(
      failure { _ = try set("text,label,text\na,1,b\n") }
        == "d.csv, line 1: columns 1 and 3 are both named `text`: which is the text? Rename one")
    #expect(failure { _ = try set("Text,label,TEXT\na,1,b\n") }?.contains("columns 1 and 3") == true)
    #expect(rows(try set("text,label,Text,x,x\na,1,b,,\n")) == ["a > 1"])
    // A stream goes on as it always did, and says so.
    let reader = reader(Array("text,text\na,b\n".utf8), RecordOptions(format: .csv))
    var notes: [String] = []
    reader.onNote = { notes.append($0) }
    #expect(try all(reader).map(\.textString) == ["a"])
    #expect(notes == ["input: columns 1 and 2 are both named `text`: the first is the text"])
  }

  @Test func rowsOfNothingAreNoRecords() throws {
    let found = try set(";;\ntext;label;x\na;1;\n;;\n;;\nb;2;\n")
    #expect(rows(found) == ["a > 1", "b > 2"])
    #expect(notes(found).last == "2 rows of nothing but empty fields are no records")
    #expect(rows(try set("{\"text\": \"a\", \"label\": 1}\n\n  \n", "d.jsonl")) == ["a > 1"])
  }

  @Test func quotesInTablesWithTabs() throws {
    let quoted = [
      // pandas: quoted where it must be.
      "text\tlabel\n\"say \"\"yes\"\"\"\t1\nplain\t0\n\"two\nlines\"\t1\n\"a\ttab\"\t0\n": ["say \"yes\" > 1", "plain > 0", "two\nlines > 1", "a\ttab > 0"],
      // All quoted.
      "\"text\"\t\"label\"\n\"a\"\t\"1\"\n\"b\"\t\"0\"\n": ["a > 1", "b > 0"],
      // R: row names that the header does not name.
      "\"text\"\t\"label\"\n\"1\"\t\"a\"\t\"x\"\n\"3\"\t\"b\"\t\"y\"\n": ["a > x", "b > y"],
      // A spreadsheet: those with a comma.
      "text\tlabel\n\"a, b\"\t1\nc\t0\n\"d, e\"\t1\n\"f, g\"\t0\n": ["a, b > 1", "c > 0", "d, e > 1", "f, g > 0"],
    ]
    for (file, expected) in quoted {
      let found = try set(file, "d.tsv")
      #expect(rows(found) == expected)
      #expect(notes(found).contains("fields stand in quotes (--quoting)"))
    }
    // GLUE: quotes are part of the text.
    for file in [
      "text\tlabel\n\"hello\" he said\t1\nan \" odd one\t0\n", "text\tlabel\n\" begins only\t1\nplain\t0\n", "text\tlabel\nplain\t1\n\"\t0\n",
      "text\tlabel\n\"a\"\t1\n\"b\" c\t0\n\"d\t1\n",
    ] {
      let found = try set(file, "d.tsv")
      #expect(notes(found) == [] && found.badRows.count == 0)
      let lines = file.split(separator: "\n").dropFirst()
      #expect(rows(found) == lines.map { $0.split(separator: "\t").joined(separator: " > ") })
    }
    // Neither is certain: as it always was, and said.
    let unclear = try set("text\tlabel\n\"a\"\t1\nb\t0\nc\t1\n", "d.tsv")
    #expect(rows(unclear).first == "\"a\" > 1" && notes(unclear).first?.hasPrefix("quotes around fields are taken for a part of them") == true)
    #expect(rows(try set("text\tlabel\n\"a\"\t1\nb\t0\nc\t1\n", "d.tsv", quoting: .double)).first == "a > 1")
    #expect(rows(try set("text\tlabel\n\"a \"\"b\"\"\"\t1\n", "d.tsv", quoting: Quoting.none)) == ["\"a \"\"b\"\"\" > 1"])
  }

  @Test(arguments: ["d.json", "d.jsonl", "d.txt", "d", "d.csv"]) func jsonByWhatItHolds(name: String) throws {
    let list = #"[{"text": "a \" ] }", "label": "x"}, {"text": "b", "label": ["y"]}]"#
    let pretty = "[\n  {\n    \"text\": \"a \\\" ] }\",\n    \"label\": \"x\"\n  },\n  {\n    \"text\": \"b\",\n    \"label\": [\"y\"]\n  }\n]\n"
    let lines = "{\"text\": \"a \\\" ] }\", \"label\": \"x\"}\n{\"text\": \"b\", \"label\": [\"y\"]}\n"
    let objects = "{\n\"text\": \"a \\\" ] }\",\n\"label\": \"x\"\n}\n{\n\"text\": \"b\",\n\"label\": [\"y\"]\n}"
    for file in [list, pretty, lines, objects] { #expect(rows(try set(file, name)) == ["a \" ] } > x", "b > [\"y\"]"], "\(file)") }
  }

  @Test(arguments: [1, 3, Int.max]) func valuesInPieces(pieceBytes: Int) throws {
    let file = "[\n{\"text\": \"a [{\\\\\", \"x\": {\"y\": [1]}}\n, 5, {\"text\": 7}, [{\"text\": \"b\"}\n, {\"text\": \"c\nd\"}]"
    let found = try all(reader(Array(file.utf8), RecordOptions(format: .json, keepsInput: true), pieceBytes: pieceBytes))
    #expect(found.map(\.textString) == ["a [{\\", "", "", "b", ""])
    #expect(found.map { $0.problem?.line } == [nil, 3, 3, nil, 4])
    #expect(found[0].inputFields == [#"{"text": "a [{\\", "x": {"y": [1]}}"#])
    #expect(try all(reader(Array("[{\"text\": \"a\"".utf8), RecordOptions(format: .json))).first?.problem?.message.contains("not JSON") == true)
  }

  @Test func annotationTools() throws {
    func labelStudio(_ annotations: String) -> String {
      #"[{"id": 1, "annotations": [\#(annotations)], "data": {"text": "t"}, "meta": {}}]"#
    }
    func annotation(_ choices: String, cancelled: Bool = false, field: String = "sentiment") -> String {
      #"{"result": [{"value": {"choices": \#(choices)}, "from_name": "\#(field)", "type": "choices"}], "was_cancelled": \#(cancelled)}"#
    }
    #expect(rows(try set(labelStudio(annotation(#"["a"]"#)), "d.json")) == [#"t > ["a"]"#])
    #expect(rows(try set(labelStudio(annotation(#"["a"]"#) + "," + annotation(#"["b"]"#, cancelled: true)), "d.json")) == [#"t > ["a"]"#])
    func problem(_ file: String, _ fields: FieldChoice = FieldChoice()) throws -> String? {
      try set(file, "d.json", fields: fields).badRows.first.first?.message
    }
    #expect(try problem(labelStudio("")) == "record 1: no annotation, expected a label")
    #expect(try problem(labelStudio(annotation(#"["a"]"#) + "," + annotation(#"["b"]"#)))?.contains("differ") == true)
    let two = #"{"result": [{"value": {"choices": ["a"]}, "from_name": "x"}, {"value": {"rating": 3}, "from_name": "y"}]}"#
    #expect(try problem(labelStudio(two))?.contains("`x` and `y`") == true)
    #expect(rows(try set(labelStudio(two), "d.json", fields: FieldChoice(label: "y"))) == ["t > 3"])
    // JSON-MIN and CSV.
    let small = #"[{"text": "t", "sentiment": "a"}, {"text": "u", "sentiment": {"choices": ["a", "b"]}}]"#
    #expect(rows(try set(small, "d.json")) == ["t > a", #"u > ["a", "b"]"#])
    #expect(rows(try set("id,sentiment,text\n1,\"{\"\"choices\"\": [\"\"a\"\", \"\"b\"\"]}\",t\n")) == [#"t > ["a", "b"]"#])
    // doccano.
    #expect(rows(try set(#"{"id": 1, "data": "t", "label": ["a"]}"#, "d.jsonl")) == [#"t > ["a"]"#])
    #expect(rows(try set(#"{"id": 1, "text": "t", "labels": ["a"]}"#, "d.jsonl")) == [#"t > ["a"]"#])
    #expect(rows(try set(#"{"id": 1, "text": "t", "annotations": [{"label": 3, "user": 1}]}"#, "d.jsonl")) == ["t > [3]"])
    #expect(try set(#"{"text": "t", "label": [[0, 1, "X"]]}"#, "d.jsonl").badRows.description.contains("spans") == true)
  }

  @Test func labelsThatMayBeMissing() throws {
    let found = try set("text,label\na,good\nb,NaN\nc,bad\nd,good\ne,NULL\n")
    #expect(rows(found).count == 5)
    #expect(found.notes == ["d.csv, line 3: `NULL`, `NaN` may stand for a missing label, 2 times in all; it is taken for a label"])
    // Here they are the labels.
    #expect(try set("text,label\na,NA\nb,null\nc,NA\nd,good\n").notes == [])
  }

  @Test func whatIsNoText() throws {
    for (file, what) in [
      ("PAR1" + String(repeating: "\0", count: 20), "Parquet"), ("SQLite format 3\0", "SQLite"), ("%PDF-1.7", "PDF"),
      ("  <!DOCTYPE html><html>", "a web page"), ("<?xml version=\"1.0\"?>", "XML"),
    ] {
      #expect(failure { _ = try set(file) }?.contains(what) == true, "\(what)")
    }
  }

  @Test func filesOneAfterTheOther() throws {
    let folder = TemporaryFolder()
    let paths = [try folder.write("a.csv", "text,label\na,1\n"), try folder.write("b.jsonl", "{\"label\": 2, \"text\": \"b\"}\n{}\n")]
    let set = try LabelledDataset(paths: paths)
    #expect(rows(set) == ["a > 1", "b > 2"] && set.name == "\(paths[0]) and 1 more")
    #expect(set.place(of: 1) == "\(paths[1]), line 1" && set.badRows.first.first?.source == paths[1])
    #expect(failure { _ = try LabelledDataset(paths: paths + [try folder.write("c.csv", "text,label\n")]) }?.hasSuffix("c.csv: no records") == true)
  }

  /// What is wrong with a header is told at once.
  @Test func allMissingColumnsAndTheEncoding() throws {
    #expect(
      failure { _ = try set("Kommentar;Sterne\na;1\n") }
        == "d.csv: no text column: expected `text`, `sentence`, `review`, `content`, and no label column: expected `label`, `sentiment`, `class`, "
        + "`labels`, found `Kommentar`, `Sterne` (--text-field, --label-field, with numbers if there is no header)")
    let bytes = Array("Kommentar;Sterne\nsch".utf8) + [0xF6] + Array("n;1\n".utf8)
    let doubt = failure { _ = try LabelledDataset(source: RecordSource(name: "d.csv", bytes: bytes), reading: DataReading()) }
    #expect(doubt?.contains("; some bytes are not UTF-8: the encoding is probably Windows-1252 (--encoding windows-1252)") == true)
    #expect(notes(try set("review,text,sentiment,label\na,b,c,d\n")) == [
      "column `text` is taken, not `review` (--text-field)", "column `label` is taken, not `sentiment` (--label-field)",
    ])
    #expect(rows(try set("\u{FEFF}\u{FEFF}text,label\na,1\n")) == ["a > 1"])
  }

  /// A header where columns are said by number is no record.
  @Test func aHeaderThatWasNotExpected() throws {
    let fields = FieldChoice(text: "1", label: "2")
    for header in ["text,x", "Words,Label", "Kommentar,Sterne"] {
      #expect(failure { _ = try set("\(header)\na,1\nb,2\n", fields: fields) }?.contains("look like names of columns") == true, "\(header)")
    }
    let names = (0..<12).map { "t\($0),\(["good", "bad"][$0 % 2])\n" }.joined()
    #expect(try set("Kommentar,Sterne\n" + names, fields: fields).notes == ["d.csv, line 1: no other row has the label `Sterne`: is it a header? (columns by name)"])
    #expect(notes(try set(names, fields: fields)) == [])
  }

  @Test func blanksBeforeQuotes() throws {
    let found = try set("text, label\n\"a, b\", \"x\"\nplain, \"y\"\n")
    #expect(rows(found) == ["a, b > x", "plain > y"])
    #expect(notes(found) == ["blanks between “,” and a quote are left out (--quoting)"])
    #expect(rows(try set("text,label\na \"b\",1\nc,2\nd,3\n")) == ["a \"b\" > 1", "c > 2", "d > 3"])
  }

  /// Forms that are refused say what they are.
  @Test(arguments: [
    ("d.json", "[[\"a\", \"x\"], [\"b\", \"y\"]]", "a list of lists"), ("d.json", "{\"reviews\": [{\"text\": \"a\", \"label\": 1}]}", "the records are in `reviews`"),
    ("d.json", "{\"text\": {\"0\": \"a\"}, \"label\": {\"0\": 1}}", "to_json(orient=\"records\")"), ("d.txt", "__label__x a b\n__label__y c\n", "lines of fastText"),
    ("d.tsv", "text\tlabel\ra\tx\rb\ty\r", "a carriage return alone"),
  ]) func refusals(name: String, text: String, expected: String) throws {
    #expect(failure { try set(text, name).requireSound(skippingBadRows: false) }?.contains(expected) == true)
    #expect(rows(try set("{\"text\": \"a\", \"label\": 1}\r{\"text\": \"b\", \"label\": 2}\r", "d.jsonl")) == ["a > 1", "b > 2"])
  }

  @Test func wideCharactersWithoutAMark() throws {
    let text = "text;label\n" + String(repeating: "good;1\n", count: 20)
    func bytes(_ width: Int, isBig: Bool) -> [UInt8] {
      Array(text.utf8).flatMap { (byte: UInt8) -> [UInt8] in
        let zeros = [UInt8](repeating: 0, count: width - 1)
        return isBig ? zeros + [byte] : [byte] + zeros
      }
    }
    for (width, isBig, name) in [(2, false, "utf-16le"), (2, true, "utf-16be"), (4, false, "utf-32le"), (4, true, "utf-32be")] {
      let source = RecordSource(name: "d.csv", bytes: bytes(width, isBig: isBig))
      #expect(failure { _ = try LabelledDataset(source: source, reading: DataReading()) }?.contains("(--encoding \(name))") == true, "\(name)")
    }
  }
}
