import Glibc
import Storage
import Testing

/// A fresh folder for one test, removed by the caller.
private func makeTemporaryFolder() -> String {
  var template = Array("/tmp/martlet-storage-XXXXXX".utf8CString)
  return String(cString: mkdtemp(&template)!)
}

@Suite struct XXH64Tests {
  /// Values printed by the reference implementation (xxhsum 0.8.1 -H1) for the same bytes.
  @Test(arguments: [
    ("", 0xEF46_DB37_51D8_E999), ("a", 0xD24E_C4F1_A98C_6E5B), ("abc", 0x44BC_2CF5_AD77_0999),
    ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
  ] as [(String, UInt64)])
  func matchesTheReference(text: String, expected: UInt64) {
    Array(text.utf8).withUnsafeBytes { #expect(XXH64.hash($0) == expected) }
  }

  @Test func isTheSameHoweverTheBytesAreCut() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
    bytes.withUnsafeBytes { whole in
      let expected = XXH64.hash(whole)
      for step in [1, 3, 7, 31, 32, 33, 64, 999] {
        var state = XXH64()
        for start in stride(from: 0, to: whole.count, by: step) {
          state.update(UnsafeRawBufferPointer(rebasing: whole[start..<min(start + step, whole.count)]))
        }
        #expect(state.digest() == expected, "cut every \(step) bytes")
      }
    }
  }
}

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 8]) func runsEveryIndexOnce(threads: Int) throws {
    let pool = ThreadPool(threads: threads)
    for count in [0, 1, 2, 7, 1000] {
      let hits = try AlignedBuffer(count: max(count, 1), of: UInt32.self)
      pool.parallelFor(count) { index, worker in
        precondition(worker < threads)
        hits.bound(to: UInt32.self)[index] += 1
      }
      for index in 0..<count { #expect(hits.bound(to: UInt32.self)[index] == 1, "index \(index) of \(count), \(threads) threads") }
    }
  }

  @Test func servesManyRegionsAndPauses() throws {
    let pool = ThreadPool(threads: 2)
    let sums = try AlignedBuffer(count: 64, of: Int.self)
    for region in 0..<2000 {
      if region % 500 == 0 { usleep(2000) }  // Long enough for the workers to fall asleep.
      pool.parallelFor(64) { index, _ in sums.bound(to: Int.self)[index] += 1 }
    }
    for index in 0..<64 { #expect(sums.bound(to: Int.self)[index] == 2000) }
  }
}

@Suite struct AtomicWritingTests {
  @Test func aFileAppearsWholeOrNotAtAll() throws {
    let folder = makeTemporaryFolder()
    defer { try? removeTree(folder) }
    let path = folder + "/model.bin"
    do {
      var dropped = try AtomicFile(path: path)
      try dropped.write("half")
    }
    #expect(try listDirectory(folder).isEmpty)
    var file = try AtomicFile(path: path)
    try file.write("whole")
    #expect(!fileExists(path))
    try file.commit()
    #expect(try readFile(path) == Array("whole".utf8))
    #expect(try listDirectory(folder) == ["model.bin"])
  }

  @Test func aFolderReplacesTheOneBefore() throws {
    let folder = makeTemporaryFolder()
    defer { try? removeTree(folder) }
    let path = folder + "/checkpoint-1"
    for text in ["first", "second"] {
      let next = try AtomicFolder(path: path)
      var file = try AtomicFile(path: next.temporaryPath + "/" + text)
      try file.write(text)
      try file.commit()
      try next.commit()
    }
    #expect(try listDirectory(folder) == ["checkpoint-1"])
    #expect(try listDirectory(path) == ["second"])
    do { _ = try AtomicFolder(path: path) }
    #expect(try listDirectory(folder) == ["checkpoint-1"])
  }

  /// What a killed process leaves goes; what only looks like it stays.
  @Test func unfinishedFilesAreRemoved() throws {
    let folder = makeTemporaryFolder()
    defer { try? removeTree(folder) }
    let kept = ["a.partial-1-x", "b.partial-", "c.partial", "d.partial-1", "e.partial-1-2-3", "model.bin"]
    for name in kept + ["model.bin.partial-7-4294967295"] {
      var file = try AtomicFile(path: folder + "/" + name)
      try file.write(name)
      try file.commit()
    }
    try makeDirectory(folder + "/checkpoint-5.partial-123-456/below")
    try removeUnfinishedFiles(in: folder)
    #expect(try listDirectory(folder) == kept)
    try makeDirectory(folder + "/checkpoint-6/below")
    try removeFolder(folder + "/checkpoint-6")
    #expect(try listDirectory(folder) == kept)
    #expect(throws: FileError.self) { try removeFolder(folder + "/checkpoint-6") }
  }

  /// Large zeroed blocks come from the system: zero, and resident only where they were touched.
  @Test func zerosTakeNoMemoryUntilTouched() throws {
    let before = try #require(Machine.residentBytes())
    let block = try AlignedBuffer(byteCount: 256 << 20)
    #expect(try #require(Machine.residentBytes()) - before < 32 << 20)
    let bytes = block.bound(to: UInt8.self)
    #expect(stride(from: 0, to: 256 << 20, by: 1 << 20).allSatisfy { bytes[$0] == 0 })
    #expect(UInt(bitPattern: block.baseAddress) % 64 == 0)
  }

  /// The whole pages of a range go, and nothing around them does.
  @Test func discardedPagesTakeNoMemory() throws {
    let byteCount = 64 << 20
    let block = try AlignedBuffer(byteCount: byteCount)
    let bytes = block.bound(to: UInt8.self)
    bytes.update(repeating: 7, count: byteCount)
    let before = try #require(Machine.residentBytes())
    block.discard(100..<byteCount - 100)
    #expect(before - (try #require(Machine.residentBytes())) > 48 << 20)
    #expect((0..<100).allSatisfy { bytes[$0] == 7 && bytes[byteCount - 1 - $0] == 7 })
    #expect(bytes[byteCount / 2] == 0)
    bytes[byteCount / 2] = 5
    block.discard(byteCount / 2..<byteCount / 2 + 1)
    #expect(bytes[byteCount / 2] == 5, "no whole page")
  }

  /// What is no regular file is neither waited for nor replaced.
  @Test func pipesAreRefused() throws {
    let folder = makeTemporaryFolder()
    defer { try? removeTree(folder) }
    let pipe = folder + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(throws: FileError(path: pipe, operation: "read", code: EINVAL)) { try readFile(pipe) }
    #expect(throws: FileError(path: pipe, operation: "read", code: EINVAL)) { _ = try MappedFile(path: pipe) }
    #expect(throws: FileError(path: pipe, operation: "write", code: EINVAL)) { _ = try AtomicFile(path: pipe) }
    #expect(throws: FileError(path: folder, operation: "write", code: EISDIR)) { _ = try AtomicFile(path: folder) }
    #expect(try listDirectory(folder) == ["pipe"])
  }

  @Test func refusalsSayWhatAndWhere() {
    #expect(throws: FileError(path: "/nowhere/at/all", operation: "write", code: ENOENT)) {
      _ = try AtomicFile(path: "/nowhere/at/all")
    }
    #expect(throws: FileError(path: "/nowhere", operation: "open", code: ENOENT)) { _ = try MappedFile(path: "/nowhere") }
    #expect(FileError(path: "/x", operation: "open", code: ENOENT).description == "cannot open /x: no such file or directory")
    #expect(throws: FileError(path: "/", operation: "read", code: EISDIR)) { _ = try readFile("/") }
  }
}

@Suite struct PathTests {
  @Test(arguments: [
    ("a/b", "a", "b"), ("/a", "/", "a"), ("a", ".", "a"), ("a/b/", "a", "b"), ("/a/b//", "/a", "b"),
  ]) func splits(path: String, parent: String, name: String) {
    #expect(path.parentPath == parent)
    #expect(path.lastPathComponent == name)
  }
}

@Suite struct CRC32Tests {
  /// The check values of the catalogue of parametrised CRC algorithms, and every length against a bit at a time.
  @Test func checksums() {
    #expect(CRC32.zip.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
    #expect(CRC32.castagnoli.checksum(Array("123456789".utf8)) == 0xE306_9283)
    for count in 0..<40 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
      var state = UInt32.max
      for byte in bytes {
        state ^= UInt32(byte)
        for _ in 0..<8 { state = state & 1 == 1 ? state >> 1 ^ 0xEDB8_8320 : state >> 1 }
      }
      #expect(CRC32.zip.checksum(bytes) == ~state, "\(count) bytes")
    }
  }
}
