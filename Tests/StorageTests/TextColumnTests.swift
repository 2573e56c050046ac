import Storage
import Testing

@Suite struct TextColumnTests {
  @Test func textColumns() {
    var column = TextColumn(["", "a€"])
    column.append([0x62])
    #expect(column.count == 3 && column.byteCount(1) == 4 && column.string(0) == "" && Array(column[2]) == [0x62])
    #expect(column.withBytes(1) { $0.count } == 4)
  }
}
