import Records
import Storage
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// A pipe whose ends close with their owner.
private final class Pipe {
  let readEnd: Int32
  private(set) var writeEnd: Int32

  init() {
    var ends: [Int32] = [0, 0]
    precondition(pipe(&ends) == 0)
    // A program that another test starts meanwhile would keep the end of writing open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (readEnd, writeEnd) = (ends[0], ends[1])
  }
  deinit {
    close(readEnd)
    if writeEnd >= 0 { close(writeEnd) }
  }

  func write(_ text: String) {
    let bytes = Array(text.utf8)
    precondition(Glibc.write(writeEnd, bytes, bytes.count) == bytes.count)
  }
  func finish() {
    close(writeEnd)
    writeEnd = -1
  }
}

@Suite struct WaitingTests {
  private func pipeReader(_ options: RecordOptions) -> (Pipe, RecordReader) {
    let pipe = Pipe()
    let end = pipe.readEnd
    let source = RecordSource(name: "pipe") { () throws(RecordsError) in DescriptorSource(descriptor: end, name: "pipe") }
    return (pipe, RecordReader(sources: [source], options: options))
  }

  @Test func halfARecordIsNotOne() throws {
    let (pipe, reader) = pipeReader(RecordOptions(format: .lines))
    var record = Record()
    #expect(try !reader.waitForRecord(milliseconds: 0))
    pipe.write("one\ntwo\nthr")
    #expect(try reader.waitForRecord(milliseconds: 0))
    #expect(try reader.next(into: &record) && record.textString == "one")
    #expect(try reader.waitForRecord(milliseconds: 0))
    #expect(try reader.next(into: &record) && record.textString == "two")
    #expect(try !reader.waitForRecord(milliseconds: 0))
    let start = Machine.monotonicSeconds()
    #expect(try !reader.waitForRecord(milliseconds: 30))
    #expect(Machine.monotonicSeconds() - start >= 0.029)
    pipe.write("ee\n")
    #expect(try reader.waitForRecord(milliseconds: 0))
    #expect(try reader.waitForRecord(milliseconds: -1))
    #expect(try reader.next(into: &record) && record.textString == "three")
    pipe.write("last")
    #expect(try !reader.waitForRecord(milliseconds: 0))
    pipe.finish()
    #expect(try reader.waitForRecord(milliseconds: 0))
    #expect(try reader.next(into: &record) && record.textString == "last")
    #expect(try reader.waitForRecord(milliseconds: -1))
    #expect(try !reader.next(into: &record))
    #expect(record.textString == "last")
  }

  /// A source that may block as it is opened is opened for `next` alone.
  @Test func noPipeIsOpenedToAsk() throws {
    var opened = 0
    let sources = (1...3).map { number in
      RecordSource(name: "\(number)", opensAtOnce: number == 2) { () throws(RecordsError) in
        opened = number
        return MemorySource(Array("of \(number)\n".utf8))
      }
    }
    let reader = RecordReader(sources: sources, options: RecordOptions(format: .lines))
    var record = Record()
    #expect(try !reader.waitForRecord(milliseconds: 0) && opened == 0)
    #expect(try reader.next(into: &record) && record.textString == "of 1" && opened == 1)
    #expect(try reader.waitForRecord(milliseconds: 0) && opened == 2)
    #expect(try reader.next(into: &record) && record.textString == "of 2")
    #expect(try !reader.waitForRecord(milliseconds: 0) && opened == 2)
    #expect(try !reader.waitForRecord(milliseconds: 10) && opened == 2)
    #expect(try reader.next(into: &record) && record.textString == "of 3" && opened == 3)
    #expect(try reader.waitForRecord(milliseconds: 0))
    #expect(try !reader.next(into: &record))
  }

  @Test func rowsOfTablesTheSame() throws {
    let (pipe, reader) = pipeReader(RecordOptions(format: .csv))
    var record = Record()
    pipe.write("text\n")
    #expect(try !reader.waitForRecord(milliseconds: 0))
    pipe.write("\"a\n")
    #expect(try !reader.waitForRecord(milliseconds: 0))
    pipe.write("b\"\r")
    // A carriage return ends the row; nobody need wait for the line feed.
    #expect(try reader.waitForRecord(milliseconds: 0))
    #expect(try reader.next(into: &record) && record.textString == "a\nb")
    pipe.write("\nc\n")
    #expect(try reader.next(into: &record) && record.textString == "c")
    #expect(try !reader.waitForRecord(milliseconds: 0))
  }

  @Test func aNonBlockingDescriptorIsWaitedFor() throws {
    let (pipe, reader) = pipeReader(RecordOptions(format: .lines))
    _ = fcntl(pipe.readEnd, F_SETFL, O_NONBLOCK)
    pipe.write("a\n")
    var record = Record()
    #expect(try reader.next(into: &record) && record.textString == "a")
    #expect(try !reader.waitForRecord(milliseconds: 0))
  }

  @Test func filesAreNeverWaitedFor() throws {
    let folder = TemporaryFolder()
    let path = try folder.write("a.txt", "1\n2\n")
    let reader = try RecordReader(paths: [path, path], options: RecordOptions(format: .lines))
    var count = 0
    var record = Record()
    while true {
      #expect(try reader.waitForRecord(milliseconds: 0))
      guard try reader.next(into: &record) else { break }
      count += 1
    }
    #expect(count == 4)
  }

  @Test func pathsAreCheckedBeforeWorkBegins() throws {
    let folder = TemporaryFolder()
    let path = try folder.write("a.txt", "1\n")
    let options = RecordOptions(format: .lines)
    #expect(
      failure { _ = try RecordReader(paths: [path, folder.path + "/none"], options: options) }
        == "cannot open \(folder.path)/none: no such file or directory")
    #expect(failure { _ = try RecordReader(paths: [folder.path], options: options) } == "cannot read \(folder.path): is a directory")
  }
}
