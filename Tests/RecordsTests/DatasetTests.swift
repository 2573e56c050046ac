import Records
import Storage
import Testing

@Suite struct DatasetTests {
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
}
