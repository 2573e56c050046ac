import Records
import Storage
import Testing

@Suite struct DatasetTests {
  func dataset(_ labels: [String]) throws -> LabelledDataset {
    let rows = labels.map { "t\t" + $0 + "\n" }.joined()
    return try LabelledDataset(source: RecordSource(name: "d.tsv", bytes: Array(("text\tlabel\n" + rows).utf8)), format: .tsv)
  }

  @Test func filesByTheirEnding() throws {
    let folder = TemporaryFolder()
    for (name, content) in [
      ("a.csv", "text,label\nx,1\n\"y, z\",0\n"), ("a.tsv", "text\tlabel\nx\t1\ny, z\t0\n"),
      ("a.jsonl", "{\"text\": \"x\", \"label\": 1}\n{\"text\": \"y, z\", \"label\": 0}\n"),
    ] {
      let set = try LabelledDataset(path: try folder.write(name, content))
      #expect(set.count == 2)
      #expect(set.texts.string(1) == "y, z" && set.labels.string(0) == "1" && set.labels.string(1) == "0")
      #expect(set.place(of: 1) == "\(folder.path)/\(name), line \(name == "a.jsonl" ? 2 : 3)")
    }
    let other = try folder.write("a.xml", "")
    #expect(failure { _ = try LabelledDataset(path: other) }?.contains("a file that ends in .csv, .tsv or .jsonl") == true)
    #expect(failure { _ = try LabelledDataset(path: folder.path + "/no.csv") }?.hasSuffix("no such file or directory") == true)
  }

  @Test func foldersOfLabels() throws {
    let folder = TemporaryFolder()
    _ = try folder.write("set/pos/2.txt", "second")
    _ = try folder.write("set/pos/10.txt", [0xEF, 0xBB, 0xBF, 0x61, 0xFF])
    _ = try folder.write("set/neg/1.txt", "bad\nfilm\n")
    _ = try folder.write("set/.hidden/1.txt", "no")
    _ = try folder.write("set/readme.txt", "no")
    let set = try LabelledDataset(path: folder.path + "/set")
    #expect((0..<set.count).map { set.labels.string($0) } == ["neg", "pos", "pos"])
    #expect((0..<set.count).map { set.texts.string($0) } == ["bad\nfilm\n", "a\u{FFFD}", "second"])
    #expect(set.place(of: 1) == "\(folder.path)/set/pos/10.txt")
    #expect(set.statistics.replacements == 1)
    #expect(try set.discoverLabels(.singleLabel) == ["neg", "pos"])
    try makeDirectory(folder.path + "/empty")
    #expect(failure { _ = try LabelledDataset(path: folder.path + "/empty") }?.contains("found no folder with files") == true)
  }

  @Test func faultsAreErrorsThatNameTheLine() throws {
    func open(_ text: String, _ format: RecordFormat) -> String? {
      failure {
        try LabelledDataset(source: RecordSource(name: "d", bytes: Array(text.utf8)), format: format).requireSound(skippingBadRows: false)
      }
    }
    #expect(open("text,label\na,1\nb\n", .csv) == "d, line 3: expected 2 columns, found 1 (--skip-bad-rows leaves it out)")
    #expect(open("text,label\n", .csv) == "d: no records")
    #expect(open("", .jsonl) == "d: no records")
    #expect(open("a,b\n", .csv)?.hasPrefix("d: no text column") == true)
    #expect(open("{\"text\": \"a\"}\n", .jsonl)?.hasPrefix("d, line 1: no field `label`") == true)
    #expect(open("\n{\"text\": \"a\", \"label\": 1}", .jsonl)?.hasPrefix("d, line 1: ") == true)
  }

  @Test func pairsAndUnlabelledSets() throws {
    let source = RecordSource(name: "d", bytes: Array("a,b\n1,2\n".utf8))
    let set = try LabelledDataset(source: source, format: .csv, fields: FieldChoice(text: "a", pair: "b"), requiresLabels: false)
    #expect(set.pairs?.string(0) == "2" && set.labels.count == 0)
  }

  @Test func discoveredLabels() throws {
    #expect(try dataset(["1", "0", "1"]).discoverLabels(.singleLabel) == ["LABEL_0", "LABEL_1"])
    #expect(try dataset(["10", "9", "2"]).discoverLabels(.singleLabel) == ["2", "9", "10"])
    #expect(try dataset(["1", "-1"]).discoverLabels(.singleLabel) == ["-1", "1"])
    #expect(try dataset(["pos", "neg", "Pos"]).discoverLabels(.singleLabel) == ["Pos", "neg", "pos"])
    #expect(try dataset(["LABEL_2", "LABEL_10", "LABEL_0"]).discoverLabels(.singleLabel).count == 11)
    // Numbers beyond any head are names.
    for last in ["65536", "9223372036854775807", "99999999999999999999"] {
      #expect(try dataset(["LABEL_\(last)", "LABEL_0"]).discoverLabels(.singleLabel) == ["LABEL_0", "LABEL_\(last)"])
    }
    #expect(try dataset(["b|a", "c", ""]).discoverLabels(.multiLabel) == ["a", "b", "c"])
    #expect(try dataset(["[\"b\", \"a\"]", "[]"]).discoverLabels(.multiLabel) == ["a", "b"])
    #expect(try dataset(["[0.0, 1.0, 1.0]"]).discoverLabels(.multiLabel) == ["LABEL_0", "LABEL_1", "LABEL_2"])
    #expect(failure { _ = try dataset(["a", ""]).discoverLabels(.singleLabel) } == "d.tsv, line 3: label ``: expected a name or a number")
  }

  @Test func classesByNameNumberAndCase() throws {
    #expect(try dataset(["neg", "POS", "1", "LABEL_0"]).classes(labels: ["neg", "pos"]) == [0, 1, 1, 0])
    #expect(try dataset(["0", "LABEL_1", "1"]).classes(labels: ["LABEL_0", "LABEL_1"]) == [0, 1, 1])
    #expect(try dataset(["1", "5"]).classes(labels: ["1", "2", "3", "4", "5"]) == [0, 4])
    #expect(try dataset(["pos", "Pos"]).classes(labels: ["Pos", "pos"]) == [1, 0])
    // numbers that are names are not positions
    #expect(
      failure { _ = try dataset(["1", "0"]).classes(labels: ["1", "2"]) }
        == "d.tsv, line 3: label `0` is not one of the model's: `1`, `2`")
    #expect(failure { _ = try dataset(["2"]).classes(labels: ["a", "b"]) }?.contains("label `2`") == true)
    #expect(failure { _ = try dataset(["A"]).classes(labels: ["a", "á"]) } == nil)
    // A name that two labels have is neither's; their numbers are.
    for name in ["a", "A"] {
      #expect(failure { _ = try dataset([name]).classes(labels: ["a", "a", "b"]) }?.hasPrefix("d.tsv, line 2: label `\(name)`") == true)
    }
    #expect(
      failure { _ = try dataset(["a"]).classes(labels: ["a", "a", "b"]) }
        == "d.tsv, line 2: label `a`: expected the number of a label from 0, for 2 of the model's have this name")
    #expect(try dataset(["b", "0", "1", "LABEL_1"]).classes(labels: ["a", "a", "b"]) == [2, 0, 1, 1])
  }

  @Test func setsOfLabels() throws {
    let set = try dataset(["a|c", "[\"b\"]", "", "[0.0, 1.0, 1.0]", " b | a ", "[2, 0]"])
    #expect(set.suggestedTarget == .multiLabel)
    #expect(
      try set.labelSets(labels: ["a", "b", "c"]) == [1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1])
    #expect(failure { _ = try dataset(["a|d"]).labelSets(labels: ["a"]) }?.contains("label `d` is not one") == true)
    #expect(failure { _ = try dataset(["[0.5, 1.0]"]).labelSets(labels: ["a", "b"]) }?.contains("2 numbers that are 0.0 or 1.0") == true)
    #expect(failure { _ = try dataset(["[{}]"]).labelSets(labels: ["a", "b"]) }?.hasPrefix("d.tsv, line 2: label `[{}]`") == true)
  }

  @Test func valuesForRegression() throws {
    let set = try dataset(["1.5", "-2", "1e-3"])
    #expect(set.suggestedTarget == .regression)
    #expect(try set.values() == [1.5, -2, 1e-3])
    #expect(failure { _ = try dataset(["1", "x"]).values() } == "d.tsv, line 3: label `x`: expected a number")
    #expect(failure { _ = try dataset(["nan"]).values() } != nil)
  }

  @Test func suggestedTargets() throws {
    #expect(try dataset(["0", "1"]).suggestedTarget == .singleLabel)
    #expect(try dataset(["good", "1.5"]).suggestedTarget == .singleLabel)
    #expect(try dataset(["[a"]).suggestedTarget == .singleLabel)
  }

  @Test func textColumns() {
    var column = TextColumn(["", "a€"])
    column.append([0x62])
    #expect(column.count == 3 && column.byteCount(1) == 4 && column.string(0) == "" && Array(column[2]) == [0x62])
    #expect(column.withBytes(1) { $0.count } == 4)
  }
}
