import Bundles
import Storage
import TestSupport
import Testing

@Suite struct RoundTripTests {
  @Test(arguments: CodecPolicy.allCases) func whatGoesInComesOut(policy: CodecPolicy) throws {
    let sizes = [0, 1, 2, 63, 64, 65, 4095, 4096, 4097, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20]
    var sections: [(SectionKind, String, [UInt8])] = []
    for size in sizes {
      sections.append((.matrix, "noise \(size)", noise(size, seed: UInt64(size))))
      sections.append((.sourceFile, "text \(size)", Array(vocabulary(size / 8 + 1).utf8.prefix(size))))
      sections.append((.embedding, "zeros \(size)", [UInt8](repeating: 0, count: size)))
    }
    var writer = BundleWriter(policy: policy)
    for (kind, name, contents) in sections { try writer.add(kind, name, contents: SectionContents(contents)) }
    let (memory, report) = try writer.writeToMemory()
    #expect(report.fileSize == memory.byteCount)

    let bundle = try Bundle(memory: memory)
    #expect(bundle.entries == report.entries)
    for (kind, name, contents) in sections {
      let entry = try #require(bundle.entry(kind, name))
      #expect(entry.rawSize == contents.count)
      #expect(entry.offset % 64 == 0)
      let found = try bundle.bytes(kind, name)
      #expect(found.elementsEqual(contents), "\(entry)")
      #expect(UInt(bitPattern: found.baseAddress) % 64 == 0)
      #expect(try bundle.copy(kind, name) == contents, "\(entry)")
    }
    #expect(bundle.entries[0].offset % 4096 == 0)
  }

  @Test func shapesNamesAndFlagsSurvive() throws {
    var writer = BundleWriter()
    try writer.add(.normalization, "ß 字", layout: .float32, shape: [1, 2, 3, 4], contents: SectionContents(noise(96)))
    try writer.add(.card, contents: SectionContents(#"["a","b"]"#), isRequired: true)
    let bundle = try Bundle(memory: writer.writeToMemory().bundle)
    let entry = try #require(bundle.entry(.normalization, "ß 字"))
    #expect(entry.shape == [1, 2, 3, 4])
    #expect(entry.layout == .float32)
    #expect(!entry.isRequired)
    #expect(bundle.entries(.card).map(\.isRequired) == [true])
    #expect(try bundle.text(.card) == #"["a","b"]"#)
  }

  @Test func policyDecidesWhatIsCompressed() throws {
    func codecs(_ policy: CodecPolicy) throws -> [SectionCodec] {
      var writer = BundleWriter(policy: policy)
      let zeros = try SectionContents([UInt8](repeating: 0, count: 5000))
      try writer.add(.matrix, contents: zeros)
      try writer.add(.tokenizer, contents: zeros)
      try writer.add(.tokenizer, "in place", contents: zeros, usedInPlace: true)
      try writer.add(.card, contents: SectionContents(noise(5000)))
      return try writer.writeToMemory().report.entries.map(\.codec)
    }
    #expect(try codecs(.mapped) == [.stored, .lz4, .stored, .stored])
    #expect(try codecs(.compact) == [.lz4, .lz4, .lz4, .stored])
  }

  /// A saving of 3 % or less is not worth a copy in memory.
  @Test func compressionMustPay() throws {
    let size = 100_000
    for (zeros, expected) in [(1000, SectionCodec.stored), (6000, .lz4)] {
      var writer = BundleWriter()
      let contents = noise(size - zeros) + [UInt8](repeating: 0, count: zeros)
      try writer.add(.card, contents: SectionContents(contents))
      let entry = try writer.writeToMemory().report.entries[0]
      #expect(entry.codec == expected)
      #expect(entry.codec == .stored || entry.storedSize * 100 < entry.rawSize * 97)
    }
  }

  @Test func emptyBundle() throws {
    let memory = try BundleWriter().writeToMemory().bundle
    #expect(memory.byteCount == 4096)
    #expect(try Bundle(memory: memory).entries.isEmpty)
  }

  @Test func sameSectionsSameBytes() throws {
    for policy in CodecPolicy.allCases {
      #expect(try smallBundle(policy: policy) == smallBundle(policy: policy))
    }
  }

  @Test func fileAndMemoryAreTheSameBytes() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/small.martlet"
      var writer = BundleWriter()
      try writer.add(.configuration, contents: SectionContents(#"{"model_type":"bert"}"#))
      try writer.add(.matrix, "m", contents: SectionContents(noise(300_000)))
      let report = try writer.write(to: path)
      let file = try readFile(path)
      #expect(file.count == report.fileSize)
      let bundle = try Bundle(path: path)
      #expect(bundle.path == path && bundle.fileSize == report.fileSize)
      #expect(try bundle.text(.configuration) == #"{"model_type":"bert"}"#)
      #expect(try bundle.bytes(.matrix, "m").elementsEqual(noise(300_000)))

      var again = BundleWriter()
      try again.add(.configuration, contents: SectionContents(#"{"model_type":"bert"}"#))
      try again.add(.matrix, "m", contents: SectionContents(noise(300_000)))
      #expect(try bytes(of: again.writeToMemory().bundle) == file)
    }
  }

  @Test func manyThreadsDecodeOnce() async throws {
    var writer = BundleWriter()
    try writer.add(.tokenizer, contents: SectionContents(vocabulary(200_000)))
    let bundle = try Bundle(memory: writer.writeToMemory().bundle)
    let addresses = await withTaskGroup(of: UInt?.self) { group in
      for _ in 0..<16 { group.addTask { UInt(bitPattern: (try? bundle.bytes(.tokenizer))?.baseAddress) } }
      return await group.reduce(into: Set<UInt?>()) { $0.insert($1) }
    }
    #expect(addresses.count == 1 && !addresses.contains(nil) && !addresses.contains(0))
  }

  /// Kind 3, which had a meaning once, and one that never had: kept and not looked at.
  @Test(arguments: [3, 999]) func kindsWithoutMeaningAreKept(number: UInt16) throws {
    var writer = BundleWriter()
    try writer.add(SectionKind(rawValue: number), contents: SectionContents(#"["a","b"]"#))
    let bundle = try Bundle(memory: writer.writeToMemory().bundle)
    #expect(try bundle.text(SectionKind(rawValue: number)) == #"["a","b"]"#)
    #expect("\(SectionKind(rawValue: number))" == "kind \(number)")
  }

  @Test func missingSectionAndWrongText() throws {
    var writer = BundleWriter()
    try writer.add(.card, contents: SectionContents([0xFF, 0xFE]))
    let bundle = try Bundle(memory: writer.writeToMemory().bundle)
    #expect(throws: BundleError(path: "memory", fault: .missingSection("section calibration"))) {
      try bundle.bytes(.calibration)
    }
    #expect(throws: BundleError(path: "memory", fault: .notText("section card"))) { try bundle.text(.card) }
  }
}

@Suite struct WriterTests {
  @Test func refusesWhatTheFormatCannotHold() throws {
    var writer = BundleWriter()
    try writer.add(.card, "a", contents: SectionContents([]))
    func fault(_ body: () throws -> Void) -> BundleError.Fault? {
      do { try body() } catch { return (error as? BundleError)?.fault }
      return nil
    }
    #expect(
      fault { try writer.add(.card, "a", contents: SectionContents([])) } == .duplicateSection("section card 'a'"))
    #expect(
      fault { try writer.add(.card, "b", layout: .float32, shape: [3], contents: SectionContents([1])) }
        == .value(place: "section card 'b', raw size", expected: "12", found: "1"))
    #expect(fault { try writer.add(.card, "c", shape: [1, 1, 1, 1, 1], contents: SectionContents([])) } != nil)
    #expect(fault { try writer.add(.card, "d", shape: [Int.max, 2], contents: SectionContents([])) } != nil)
    #expect(fault { try writer.add(.card, "e", shape: [-1], contents: SectionContents([])) } != nil)
    let long = String(repeating: "n", count: 4097)
    #expect(fault { try writer.add(.card, long, contents: SectionContents([])) } != nil)
    // What was refused is not in the bundle.
    #expect(try writer.writeToMemory().report.entries.map(\.name) == ["a"])
  }

  @Test func aFolderThatIsNotThereLeavesNothing() throws {
    try withTemporaryFolder { folder in
      var writer = BundleWriter()
      try writer.add(.card, contents: SectionContents("{}"))
      do {
        _ = try writer.write(to: folder + "/absent/model.martlet")
        Issue.record("written into a folder that does not exist")
      } catch {
        #expect("\(error)".contains("absent/model.martlet") && "\(error)".contains("no such file"), "\(error)")
      }
      #expect(try listDirectory(folder).isEmpty)
    }
  }

  /// A name that cannot be taken (a folder has it): the old stays, the temporary file goes.
  @Test func aFailedRenameLeavesNothing() throws {
    try withTemporaryFolder { folder in
      try makeDirectory(folder + "/model.martlet/inside")
      var writer = BundleWriter()
      try writer.add(.card, contents: SectionContents("{}"))
      do {
        _ = try writer.write(to: folder + "/model.martlet")
        Issue.record("a folder was replaced by a file")
      } catch {
        #expect("\(error)".contains("model.martlet"))
      }
      #expect(try listDirectory(folder) == ["model.martlet"])
      #expect(isDirectory(folder + "/model.martlet/inside"))
    }
  }

  @Test func anExistingBundleIsReplacedWhileMapped() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/model.martlet"
      for text in ["first", "second"] {
        let before = text == "first" ? nil : try Bundle(path: path)
        var writer = BundleWriter()
        try writer.add(.card, contents: SectionContents(text), usedInPlace: true)
        _ = try writer.write(to: path)
        #expect(try Bundle(path: path).text(.card) == text)
        if let before { #expect(try before.text(.card) == "first") }
      }
      #expect(try listDirectory(folder) == ["model.martlet"])
    }
  }
}
