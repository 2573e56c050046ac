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
    #expect(failure { _ = try LabelledDataset(path: other) }?.contains("expected a folder") == true)
    #expect(failure { _ = try LabelledDataset(path: folder.path + "/no.csv") }?.hasSuffix("no such file or directory") == true)
  }

  @Test func foldersOfLabels() throws {
    let folder = TemporaryFolder()
    _ = try folder.write("set/pos/2.txt", "second")
    _ = try folder.write("set/pos/10.txt", [0xEF, 0xBB, 0xBF, 0x61])
    _ = try folder.write("set/pos/3.txt", [0xFF, 0xFE, 0xE9, 0x00])
    _ = try folder.write("set/pos/4.txt", Array("t".utf8) + [0xE9] + Array("s bien".utf8))
    for name in ["Thumbs.db", "desktop.ini", ".DS_Store"] { _ = try folder.write("set/pos/" + name, [0xD0, 0xCF]) }
    _ = try folder.write("set/neg/1.txt", "bad\nfilm\n")
    _ = try folder.write("set/.hidden/1.txt", "no")
    _ = try folder.write("set/readme.txt", "no")
    let set = try LabelledDataset(path: folder.path + "/set")
    #expect((0..<set.count).map { set.labels.string($0) } == ["neg", "pos", "pos", "pos"])
    #expect((0..<set.count).map { set.texts.string($0) } == ["bad\nfilm\n", "a", "second", "é"])
    #expect(set.place(of: 1) == "\(folder.path)/set/pos/10.txt")
    #expect(set.notes == ["\(folder.path)/set: 2 files of the system (Thumbs.db, desktop.ini) are no texts"])
    #expect(
      failure { try set.requireSound(skippingBadRows: false) }
        == "\(folder.path)/set/pos/4.txt, line 1: byte 2 of the file (0xE9) is not UTF-8: the encoding is probably Windows-1252 "
        + "(--encoding windows-1252) (--skip-bad-rows leaves it out)")
    let windows = try LabelledDataset(path: folder.path + "/set", reading: DataReading(encoding: .windows1252))
    #expect(windows.texts.string(4) == "tés bien" && windows.badRows.count == 0)
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
    // A blank line is no record.
    #expect(open("\n{\"text\": \"a\", \"label\": 1}", .jsonl) == nil)
  }

  @Test func pairsAndUnlabelledSets() throws {
    let source = RecordSource(name: "d", bytes: Array("a,b\n1,2\n".utf8))
    let set = try LabelledDataset(source: source, format: .csv, fields: FieldChoice(text: "a", pair: "b"), requiresLabels: false)
    #expect(set.pairs?.string(0) == "2" && set.labels.count == 0)
  }
}
