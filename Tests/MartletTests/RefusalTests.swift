import Bundles
import JSON
import Kernels
import Martlet
import TestSupport
import Testing

/// What cannot be opened or asked for: an error of the right kind, in one line that names the file.
@Suite struct RefusalTests {
  /// The error of opening these bytes as a file.
  private func error(opening bytes: [UInt8]) throws -> (ClassifierError?, path: String) {
    try withTemporaryFolder { folder in
      let path = folder + "/model.martlet"
      try write(bytes, to: path)
      return (error(opening: path), path)
    }
  }

  private func error(opening path: String) -> ClassifierError? {
    do {
      _ = try Classifier(contentsOf: path, threads: 1)
      return nil
    } catch {
      #expect(error is ClassifierError, "\(type(of: error)): \(error)")
      return error as? ClassifierError
    }
  }

  private func check(
    _ found: (error: ClassifierError?, path: String), _ kind: ClassifierError.Kind, _ words: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(found.error?.kind == kind, sourceLocation: sourceLocation)
    let text = found.error?.description ?? ""
    #expect(text.contains(words) && text.contains(found.path) && !text.contains("\n"), "\(text)", sourceLocation: sourceLocation)
  }

  @Test func soundBundleOpens() throws { #expect(try error(opening: tinyBundle()).0 == nil) }

  @Test func missingFile() throws {
    try withTemporaryFolder { folder in
      check((error(opening: folder + "/none"), folder + "/none"), .file, "no such file")
      check((error(opening: folder), folder), .file, "directory")
    }
  }

  @Test func damagedFiles() throws {
    let whole = try tinyBundle()
    check(try error(opening: []), .file, "not a bundle")
    check(try error(opening: Array("{\"model_type\": \"bert\"}".utf8) + [UInt8](repeating: 10, count: 100)), .file, "not a bundle")
    check(try error(opening: Array(whole.dropLast(64))), .file, "truncated")
    check(try error(opening: whole + whole), .file, "followed by other bytes")
    var newer = whole
    newer[8] = 2
    check(try error(opening: newer), .file, "needs a newer martlet")
    // One bit, in the header, in the index, and in sections at the front and the end.
    let sections = try Bundle(memory: whole).entries.map { $0.offset }
    for place in [20, 100, sections[0], sections[5] + 7, sections[sections.count - 1]] {
      var flipped = whole
      flipped[place] ^= 0x10
      check(try error(opening: flipped), .file, "expected")
    }
  }

  @Test func baseWithoutHead() throws {
    var changes = BundleChanges()
    changes.hasHead = false
    check(try error(opening: tinyBundle(changes)), .noHead, "no classification head")
  }

  /// Bundles that are whole and say what cannot be.
  @Test func contentsThatDoNotFit() throws {
    func bundle(_ change: (inout BundleChanges) -> Void) throws -> [UInt8] {
      var changes = BundleChanges()
      change(&changes)
      return try tinyBundle(changes)
    }
    check(try error(opening: bundle { $0.missingSection = "bert.encoder.layer.0.output.dense" }), .file, "is missing")
    check(try error(opening: bundle { $0.missingSection = "bert.embeddings.LayerNorm" }), .file, "is missing")
    check(try error(opening: bundle { $0.misshapenSection = "bert.encoder.layer.0.output.dense" }), .file, "expected shape [45, 99]")
    check(try error(opening: bundle { $0.missingRows = 3 }), .file, "ids up to 180, the model's vocabulary has 178 rows")
    check(try error(opening: bundle { $0.separatorID = 500 }), .file, "ids up to 500, the model's vocabulary has 181 rows")

    var writer = BundleWriter()
    try writer.add(.card, contents: SectionContents("{}"))
    check(try error(opening: bytes(of: writer.writeToMemory().bundle)), .file, "configuration")
    for (configuration, kind, words) in [
      ("{", ClassifierError.Kind.file, "configuration"), ("[]", .model, "config.json"),
      (#"{"model_type":"xlnet"}"#, .model, "found xlnet"),
      (#"{"model_type":"bert","is_decoder":true}"#, .model, "is_decoder true is not supported"),
    ] {
      var writer = BundleWriter()
      try writer.add(.configuration, contents: SectionContents(configuration))
      try writer.add(.tokenizer, contents: SectionContents("nothing"))
      check(try error(opening: bytes(of: writer.writeToMemory().bundle)), kind, words)
    }
    // A configuration that is fine, a tokenizer that is none.
    var noTokenizer = BundleWriter()
    try noTokenizer.add(.configuration, contents: SectionContents(Array(Bundle(memory: tinyBundle()).text(.configuration).utf8)))
    try noTokenizer.add(.tokenizer, contents: SectionContents("nothing"))
    check(try error(opening: bytes(of: noTokenizer.writeToMemory().bundle)), .file, "tokenizer")
  }

  /// `MARTLET_ISA` itself is the environment's; the name goes the same way.
  @Test(arguments: ["sse9", "AVX2", "neon "]) func unknownInstructionSet(name: String) throws {
    let error = try #require(throws: ClassifierError.self) { try tinyClassifier(instructionSet: name) }
    #expect(error.kind == .instructionSet)
    #expect(error.description.contains(name) && !error.description.contains("\n"))
    for supported in InstructionSet.supported { #expect(error.description.contains(supported.rawValue)) }
  }

  /// A pair needs the token types that the tokenizer gives it.
  @Test(arguments: [(rows: 1, secondType: 1), (1, 0), (2, 2), (2, 1)]) func pairs(rows: Int, secondType: Int) throws {
    var changes = BundleChanges()
    changes.configuration = [("type_vocab_size", .integer(Int64(rows)))]
    changes.secondType = secondType
    let classifier = try tinyClassifier(changes)
    let alone = try classifier.classify("good")
    if secondType < rows {
      #expect(throws: Never.self) { try classifier.classify("good", pair: "bad") }
    } else {
      let error = try #require(throws: ClassifierError.self) { try classifier.classify("good", pair: "bad") }
      #expect(error.kind == .argument)
      #expect(error.description.contains("they need \(secondType + 1) token types, it has \(rows)"))
    }
    // The classifier is none the worse.
    #expect(try classifier.classify("good") == alone)
  }
}
