import Reporting
import Storage
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct TensorBoardTests {
  func temporaryFolder() -> String {
    var template = Array("/tmp/martlet-events-XXXXXX".utf8CString)
    return String(cString: mkdtemp(&template))
  }

  /// The bytes that TensorBoard 2.21's own `RecordWriter` and `Event` class (protobuf 7.36) write for the same three events.
  @Test func theFileIsTheOneThatTensorBoardWrites() throws {
    let folder = temporaryFolder()
    defer { try? removeTree(folder) }
    let writer = try TensorBoardWriter(folder: folder + "/runs/a", time: 1_700_000_000.25, host: "box")
    #expect(writer.path == "\(folder)/runs/a/events.out.tfevents.1700000000.box.\(getpid()).0")
    writer.scalar("train/loss", 0.5, step: 100, time: 1_700_000_001.5)
    writer.scalar("eval/accuracy", 0.8635, step: 1299, time: 1_700_000_001.5)
    try writer.flush()
    let hex = try readFile(writer.path).map { byte in
      let digits = String(byte, radix: 16)
      return digits.utf8.count == 1 ? "0" + digits : digits
    }.joined()
    #expect(
      hex == "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9"
        + "200000000000000029eda9500900006040fc54d94110642a130a110a0a747261696e2f6c6f7373150000003fa743abfb"
        + "2400000000000000422b804d0900006040fc54d94110930a2a160a140a0d6576616c2f616363757261637915560e5d3f7e1eecad")
  }

  @Test func pointsAreOnDiskAfterEachFlush() throws {
    let folder = temporaryFolder()
    defer { try? removeTree(folder) }
    let writer = try TensorBoardWriter(folder: folder)
    let size = try readFile(writer.path).count
    #expect(size > 0)
    writer.scalar("a", 1, step: 0)
    #expect(try readFile(writer.path).count == size)
    try writer.flush()
    #expect(try readFile(writer.path).count > size)
  }

  @Test func twoWritersOfOneSecondHaveTwoFiles() throws {
    let folder = temporaryFolder()
    defer { try? removeTree(folder) }
    let first = try TensorBoardWriter(folder: folder, time: 5, host: "h")
    let second = try TensorBoardWriter(folder: folder, time: 5, host: "h")
    #expect(first.path != second.path && second.path.hasSuffix(".1"))
  }

  @Test func aFolderThatCannotBeMadeIsAnError() {
    #expect(throws: FileError.self) { _ = try TensorBoardWriter(folder: "/dev/null/runs") }
  }

  @Test func runNamesAreThoseOfHuggingFace() {
    setenv("TZ", "UTC", 1)
    tzset()
    // 2023-11-14 22:13:20 UTC
    #expect(TensorBoardWriter.defaultRunName(time: 1_700_000_000, host: "box") == "Nov14_22-13-20_box")
    #expect(!Machine.hostName.isEmpty)
  }
}
