import Bundles
import Checkpoints
import Encoders
import JSON
import Packing
import Records
import Storage
import Tasks
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// What a program left behind.
struct Finished: CustomStringConvertible {
  let command: String
  /// The exit status; 128 and the signal's number after a signal, as shells have it.
  let status: Int
  /// Standard output and error together.
  let output: String

  var description: String { "\(command)\nstatus \(status)\n\(output)" }
}

/// Runs a program found along `PATH` and waits for it. `environment` is added to this process's own.
@discardableResult
func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Finished {
  // A file, which the child opens: the end of a pipe could be inherited by a child of another test.
  var template = Array("\(temporaryParent)/martlet-output-XXXXXX".utf8CString)
  let file = mkstemp(&template)
  try #require(file >= 0)
  close(file)
  let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  defer { unlink(path) }
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  posix_spawn_file_actions_addopen(&actions, 1, path, O_WRONLY | O_APPEND, 0)
  posix_spawn_file_actions_adddup2(&actions, 1, 2)
  var variables: [String] = []
  var next = environ
  while let variable = next.pointee {
    let text = String(cString: variable)
    if environment[String(text.prefix { $0 != "=" })] == nil { variables.append(text) }
    next += 1
  }
  variables += environment.map { "\($0)=\($1)" }
  var process = pid_t()
  let failure = withCStrings(arguments) { arguments in
    withCStrings(variables) { posix_spawnp(&process, arguments[0]!, &actions, nil, arguments, $0) }
  }
  guard failure == 0 else {
    return Finished(command: arguments[0], status: 127, output: String(cString: strerror(failure)))
  }
  var status: Int32 = 0
  while waitpid(process, &status, 0) < 0 && errno == EINTR {}
  let signal = Int(status & 0x7F)
  return Finished(
    command: arguments.joined(separator: " "), status: signal == 0 ? Int(status >> 8 & 0xFF) : 128 + signal,
    output: String(decoding: try readFile(path), as: UTF8.self))
}

private var temporaryParent: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

private func withCStrings<Result>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result) -> Result {
  let copies = strings.map { strdup($0) }
  defer { for copy in copies { free(copy) } }
  return body(copies + [nil])
}

/// libmartlet as `tools/install` leaves it, made once by `tools/library` from the objects of the build that these tests
/// belong to: the same code as a build of its own would compile again in a minute.
struct Installation: Sendable {
  let folder: String
  var prefix: String { folder + "/prefix" }
  var library: String { prefix + "/lib/libmartlet.so.1" }
  var archive: String { prefix + "/lib/libmartlet.a" }
  /// `tiny-bert` as a classifier, without its head, and with other kinds of heads.
  var bundle: String { folder + "/tiny.martlet" }
  var base: String { folder + "/base.martlet" }
  var multiLabel: String { folder + "/multi-label.martlet" }
  var regression: String { folder + "/regression.martlet" }
  /// `tiny-bert` with a word, `awful`, that is a row of numbers whose products overflow.
  var notFinite: String { folder + "/not-finite.martlet" }
  /// `tiny-bert` as changes of `bundle`, calibrated, in a folder where its base is not.
  var delta: String { folder + "/away/delta.martlet" }

  static let shared = Result { try Installation() }
  private nonisolated(unsafe) static var leftover = ""

  private init() throws {
    var template = Array("\(temporaryParent)/martlet-library-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    Self.leftover = folder
    atexit { try? removeTree(Installation.leftover) }

    let executable = try #require(realpath("/proc/self/exe", nil))
    defer { free(executable) }
    let products = String(cString: executable).split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    let made = try run([fixture("../../tools/library"), products, folder + "/prefix"])
    try #require(made.status == 0, "\(made)")

    try pack(fixture("tiny-bert"), to: bundle)
    try pack(fixture("tiny-bert-encoder"), to: base)
    try packDelta()
    try packNotFinite()
    let configuration = String(decoding: try readFile(fixture("tiny-bert/config.json")), as: UTF8.self)
    for (kind, path) in [("multi_label_classification", multiLabel), ("regression", regression)] {
      let copy = folder + "/" + kind
      try #require(mkdir(copy, 0o755) == 0)
      for name in try listDirectory(fixture("tiny-bert")) { try write(readFile(fixture("tiny-bert/" + name)), to: copy + "/" + name) }
      try write(Array(("{\"problem_type\": \"\(kind)\"," + configuration.dropFirst()).utf8), to: copy + "/config.json")
      try pack(copy, to: path)
    }
  }

  private func packDelta() throws {
    try makeDirectory(folder + "/away")
    let source = try CheckpointFolder(path: fixture("tiny-bert"))
    var options = PackingOptions()
    options.base = DeltaBase(try Bundle(path: bundle), fileName: "tiny.martlet")
    let rows = RecordSource(name: "rows", bytes: Array("text\tlabel\ngood\tpositive\nbad\tnegative\ngood bad\tnegative\n".utf8))
    var model = try Packing.pack(source, options: options)
    var dataset = try LabelledDataset(source: rows, format: .tsv)
    let targets = try dataset.targets(LabelReading(Model(configuration: source.configuration).task, of: [dataset]))
    try model.add(measureQuality(source, options, dataset, targets, threads: 1))
    _ = try model.write(to: delta)
  }

  private func packNotFinite() throws {
    let copy = folder + "/not-finite"
    try #require(mkdir(copy, 0o755) == 0)
    for name in try listDirectory(fixture("tiny-bert")) { try write(readFile(fixture("tiny-bert/" + name)), to: copy + "/" + name) }
    let vocabulary = try #require(JSONValue(parsing: readFile(fixture("tiny-bert/tokenizer.json")))["model"]?["vocab"]?["awful"]?.int)
    var bytes = try readFile(copy + "/model.safetensors")
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let entry = try #require(JSONValue(parsing: bytes[8..<8 + length])["bert.embeddings.word_embeddings.weight"])
    let width = try #require(entry["shape"]?.array?[1].int)
    let begin = try #require(entry["data_offsets"]?.array?[0].int) + 8 + length + 4 * width * vocabulary
    for index in 0..<4 * width { bytes[begin + index] = UInt8(truncatingIfNeeded: Float(3e38).bitPattern >> UInt32(8 * (index % 4))) }
    try write(bytes, to: copy + "/model.safetensors")
    try pack(copy, to: notFinite)
  }

  private func pack(_ source: String, to path: String) throws {
    _ = try Packing.pack(CheckpointFolder(path: source)).write(to: path)
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    let file = try #require(fopen(path, "w"))
    defer { fclose(file) }
    try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
  }

  /// Compiles the program of `Tests/CInterface` against the installation; warnings are errors.
  func compile(_ name: String, source: String = "program.c", _ flags: [String], _ libraries: [String]) throws -> String {
    let program = folder + "/" + name
    let flags = ["cc", "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1", "-g"] + flags
    let compiled = try run(flags + [fixture("../CInterface/" + source), "-o", program, "-I\(prefix)/include"] + libraries + ["-lm", "-lpthread"])
    // The linker remarks on what a program without shared libraries cannot do; the library asks for none of it.
    try #require(compiled.status == 0 && (flags.contains("-static") || compiled.output.isEmpty), "\(compiled)")
    return program
  }
}
