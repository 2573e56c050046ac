import JSON
import Martlet
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

let labels = ["negative", "neutral", "positive"]

/// Texts over the tiny vocabulary, of many lengths, some longer than its 64 positions.
func reviews(_ count: Int, seed: UInt64 = 1) -> [String] {
  let words = ["the", "film", "was", "good", "bad", "boring", "never", "dull", "moving", "stirring", "acting", "plot", "é", ".", "!"]
  var state = seed
  func next(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % bound
  }
  return (0..<count).map { _ in
    (0..<(next(12) == 0 ? 90 : 1 + next(14))).map { _ in words[next(words.count)] }.joined(separator: " ")
  }
}

/// A text for each label in turn, with the word that tells it.
func labelledReviews(_ count: Int) -> [(text: String, label: String)] {
  zip(reviews(count, seed: 7), (0..<count).map { $0 % 3 }).map { text, label in
    (text.split(separator: " ").prefix(8).joined(separator: " ") + [" awful", " little", " wonderful"][label], labels[label])
  }
}

/// A temporary folder, the tiny classifier packed in it, and what can be done with both.
struct Workshop {
  let folder: String
  var bundle: String { folder + "/tiny.martlet" }

  func path(_ name: String) -> String { folder + "/" + name }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = folder + "/" + name
    try makeDirectory(path.parentPath!)
    let file = try FileDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_TRUNC)
    try bytes.withUnsafeBytes { try file.write($0) }
    return path
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

  /// `text<TAB>label` under a header.
  func writeTSV(_ name: String, _ records: [(text: String, label: String)]) throws -> String {
    try write(name, "text\tlabel\n" + records.map { "\($0.text)\t\($0.label)\n" }.joined())
  }

  /// A copy of a fixture's folder, with files replaced or, for nil, left out.
  func copy(_ name: String, as copy: String, _ changes: [String: [UInt8]?] = [:]) throws -> String {
    for file in try listDirectory(fixture(name)) {
      let original = try readFile(fixture(name + "/" + file))
      if let bytes = changes[file, default: original] { try write(copy + "/" + file, bytes) }
    }
    return path(copy)
  }

  func pack(_ folder: String, as name: String, _ options: String...) throws -> String {
    let outcome = try martlet(["pack", folder, "-o", path(name)] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return path(name)
  }
}

/// Runs the body with a workshop whose bundle is made.
func withWorkshop(_ body: (Workshop) throws -> Void) throws {
  try withTemporaryFolder { folder in
    let workshop = Workshop(folder: folder)
    _ = try workshop.pack(fixture("tiny-bert"), as: "tiny.martlet")
    try body(workshop)
  }
}

/// Runs a script in bash with `$martlet`, `$model` (the workshop's bundle) and `$folder` set; it ends at the first failure.
func shell(_ script: String, _ workshop: Workshop, input: String = "") throws -> Outcome {
  let shell = try Program(
    ["-euo", "pipefail", "-c", script], environment: ["martlet": Program.path, "model": workshop.bundle, "folder": workshop.folder],
    path: "/bin/bash")
  shell.send(input)
  return shell.finish()
}

/// Status 1 and one line on stderr that begins with the program's name and holds the given texts.
func expectFailure(
  _ outcome: Outcome, naming texts: [String], sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(outcome.status == 1, "\(outcome.errors)", sourceLocation: sourceLocation)
  #expect(outcome.errors.hasPrefix("martlet: "), "\(outcome.errors)", sourceLocation: sourceLocation)
  #expect(outcome.errors.filter { $0 == "\n" }.count == 1 && outcome.errors.hasSuffix("\n"), "\(outcome.errors)", sourceLocation: sourceLocation)
  for text in texts { #expect(outcome.errors.contains(text), "\(outcome.errors)", sourceLocation: sourceLocation) }
}

extension Outcome {
  func json() throws -> JSONValue { try JSONValue(parsing: output) }
}

extension JSONValue {
  subscript(index: Int) -> JSONValue? { array.flatMap { $0.indices.contains(index) ? $0[index] : nil } }
}

/// Names below a folder, however deep, sorted.
func allNames(below folder: String) throws -> [String] {
  try listDirectory(folder).flatMap { name in
    isDirectory(folder + "/" + name) ? try allNames(below: folder + "/" + name).map { name + "/" + $0 } : [name]
  }
}
