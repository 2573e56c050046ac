import Storage
import Testing

@Suite struct TextColumnTests {
  @Test func textColumns() {
    var column = TextColumn(["", "a€"])
    column.append([0x62])
    #expect(column.count == 3 && column.byteCount(1) == 4 && column.string(0) == "" && Array(column[2]) == [0x62])
    #expect(column.withBytes(1) { $0.count } == 4)
  }

  @Test func roomAtOnce() {
    var column = TextColumn(["a"])
    column.reserve(1000)
    column.append([0x62])
    #expect(column.count == 2 && column.string(0) == "a" && column.string(1) == "b")
    // More than there can be is not asked for.
    column.reserve(.max)
    #expect(Machine.physicalMemory > 1 << 20 && column.count == 2)
  }
}
