import Records
import Testing

@Suite struct BadRowsTests {
  private func dataset(_ text: String, name: String = "d.csv") throws -> LabelledDataset {
    try LabelledDataset(source: RecordSource(name: name, bytes: Array(text.utf8)), format: .csv)
  }

  @Test func allAreFoundInOnePass() throws {
    let set = try dataset("text,label\na,1\nb,,1\nc,2\n\"d,3\n")
    #expect(set.count == 2 && (0..<2).map { set.texts.string($0) } == ["a", "c"])
    #expect(set.place(of: 1) == "d.csv, line 4")
    #expect(
      failure { try set.requireSound(skippingBadRows: false) } == """
        d.csv: 2 of 4 rows are bad: line 3: expected 2 columns, found 3; line 5: the quote opened on line 5 is never closed \
        (--skip-bad-rows leaves them out)
        """)
    #expect(failure { try set.requireSound(skippingBadRows: true) } == nil)
    // Nothing is left: there is nothing to go on with.
    #expect(failure { try dataset("text,label\na\n").requireSound(skippingBadRows: true) } != nil)
  }

  @Test func theFirstTenAreTold() throws {
    let rows = (1...25).map { $0 % 2 == 0 ? "good,1\n" : "bad\n" }.joined()
    let set = try dataset("text,label\n" + rows)
    #expect(set.badRows.count == 13 && set.badRows.first.map(\.line) == (0..<10).map { 2 * $0 + 2 })
    #expect(set.badRows.description.hasSuffix("13 of 25 rows are bad: lines 2, 4, 6, 8, 10, 12, 14, 16, 18, 20: expected 2 columns, found 1; and 3 more"))
  }

  @Test func rowsAreLeftOutLater() throws {
    var set = try dataset("text,label\na,1\nb\nc,2\nd,3\ne,4\n")
    set.leaveOut([(row: 0, message: "no label"), (row: 2, message: "no such label")])
    #expect((0..<set.count).map { set.texts.string($0) + set.labels.string($0) + set.place(of: $0) } == ["c2d.csv, line 4", "e4d.csv, line 6"])
    #expect(
      set.badRows.description
        == "d.csv: 3 of 5 rows are bad: line 2: no label; line 3: expected 2 columns, found 1; line 5: no such label")
  }
}
