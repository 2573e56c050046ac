import Storage

#if canImport(Glibc)
  import Glibc
#endif

/// What a run of the program came to.
struct Outcome {
  /// The exit status, or 128 and the signal's number.
  let status: Int32
  let output: [UInt8]
  let errors: String

  var text: String { String(decoding: output, as: UTF8.self) }
  /// The lines of the output, an empty last one not counted.
  var lines: [String] { text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).dropLast() }
}

/// The program as its own process, with a pipe to each of its standard streams: the test can speak with it.
final class Program {
  let process: pid_t
  private var input: Int32
  private var output: Int32
  private var errors: Int32
  private var pendingInput: [UInt8] = []
  private var outputBytes: [UInt8] = []
  private var errorBytes: [UInt8] = []
  private var linesRead = 0
  /// Longer than any of these runs takes on a busy machine, or instrumented: a program that hangs fails its test instead of
  /// the suite.
  private let deadline = Machine.monotonicSeconds() + (getenv("MARTLET_SANITIZED") == nil ? 100 : 1000)

  /// - Parameters:
  ///   - environment: set beside what the test process has, but for what would change the program's choices.
  ///   - outputPath: where standard output goes instead of to the test.
  ///   - path: the program's file.
  init(
    _ arguments: [String], environment: [String: String] = [:], outputPath: String? = nil, path: String = Program.path
  ) throws {
    signal(SIGPIPE, SIG_IGN)
    // One at a time: a program that starts between the making of a pipe and its marking would keep it open.
    (process, input, output, errors) = try Self.starting.withLock { _ in
      try Self.start([path] + arguments, Self.environment(environment), outputPath)
    }
    _ = fcntl(input, F_SETFL, O_NONBLOCK)
  }

  private static func start(
    _ arguments: [String], _ environment: [String], _ outputPath: String?
  ) throws -> (process: pid_t, input: Int32, output: Int32, errors: Int32) {
    let (input, output, errors) = (try makePipe(), try makePipe(), try makePipe())
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input.read, 0)
    if let outputPath {
      posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY, 0)
    } else {
      posix_spawn_file_actions_adddup2(&actions, output.write, 1)
    }
    posix_spawn_file_actions_adddup2(&actions, errors.write, 2)
    // As a shell starts it: signals that this process ignores, or this thread blocks, are neither there.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

    let argumentPointers = arguments.map { strdup($0) } + [nil]
    let environmentPointers = environment.map { strdup($0) } + [nil]
    defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
    var process = pid_t()
    let status = posix_spawn(&process, arguments[0], &actions, &attributes, argumentPointers, environmentPointers)
    for end in [input.read, output.write, errors.write] { close(end) }
    guard status == 0 else { throw FileError(path: arguments[0], operation: "run", code: status) }
    return (process, input.write, output.read, errors.read)
  }

  deinit {
    for end in [input, output, errors] where end >= 0 { close(end) }
  }

  /// `martlet` beside this test in the folder of products.
  static let path: String = {
    let path = realpath("/proc/self/exe", nil)!
    defer { free(path) }
    return String(cString: path).parentPath! + "/martlet"
  }()

  private static let starting = Mutex(())

  private static func makePipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw FileError(path: "pipe", operation: "make") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  private static func environment(_ changes: [String: String]) -> [String] {
    var entries: [String] = []
    var pointer = environ
    while let entry = pointer.pointee {
      let text = String(cString: entry)
      if !["MARTLET_", "OPENBLAS_"].contains(where: text.hasPrefix) { entries.append(text) }
      pointer += 1
    }
    return entries + changes.map { "\($0)=\($1)" }
  }

  // MARK: Speaking with it

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) {
    pendingInput += bytes
    pump { pendingInput.isEmpty }
  }

  func closeInput() {
    pump { pendingInput.isEmpty }
    if input >= 0 { close(input) }
    input = -1
  }

  /// Goes away as `head` does.
  func closeOutput() {
    close(output)
    output = -1
  }

  /// The next line of the output, waited for; nil if it ended first.
  func readLine() -> String? {
    var line: String?
    pump {
      guard let end = outputBytes[linesRead...].firstIndex(of: UInt8(ascii: "\n")) else { return false }
      line = String(decoding: outputBytes[linesRead..<end], as: UTF8.self)
      linesRead = end + 1
      return true
    }
    return line
  }

  /// Waits until standard error holds a text; false if it ended without.
  func waitForError(_ text: String) -> Bool {
    pump { errorText.contains(text) }
    return errorText.contains(text)
  }

  private var errorText: String { String(decoding: errorBytes, as: UTF8.self) }

  func kill() { Glibc.kill(process, SIGKILL) }
  func interrupt(by signal: Int32 = SIGINT) { Glibc.kill(process, signal) }

  /// The highest resident memory so far, in bytes.
  func peakResidentBytes() throws -> Int {
    let file = try FileDescriptor(opening: "/proc/\(process)/status")
    var bytes = [UInt8](repeating: 0, count: 1 << 14)
    let count = read(file.rawValue, &bytes, bytes.count)
    for line in String(decoding: bytes[..<max(0, count)], as: UTF8.self).split(separator: "\n") where line.hasPrefix("VmHWM:") {
      return Int(line.split(whereSeparator: { $0 == " " || $0 == "\t" })[1])! * 1024
    }
    throw FileError(path: "/proc/\(process)/status", operation: "read", code: ENODATA)
  }

  /// The nanoseconds on a processor of each of its threads so far.
  func processorTimes() throws -> [Int] {
    try listDirectory("/proc/\(process)/task").map { thread in
      let file = try FileDescriptor(opening: "/proc/\(process)/task/\(thread)/schedstat")
      var bytes = [UInt8](repeating: 0, count: 256)
      let count = read(file.rawValue, &bytes, bytes.count)
      return Int(String(decoding: bytes[..<max(0, count)], as: UTF8.self).split(separator: " ")[0])!
    }
  }

  /// Ends the input and waits for the end of the program.
  func finish() -> Outcome {
    closeInput()
    pump { false }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    let isExit = status & 0x7F == 0
    return Outcome(status: isExit ? status >> 8 & 0xFF : 128 + status & 0x7F, output: outputBytes, errors: errorText)
  }

  /// Moves bytes until the condition holds or both outputs have ended.
  private func pump(until isDone: () -> Bool) {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while !isDone() {
      guard output >= 0 || errors >= 0 else { return }
      var requests = [
        pollfd(fd: pendingInput.isEmpty ? -1 : input, events: Int16(POLLOUT), revents: 0),
        pollfd(fd: output, events: Int16(POLLIN), revents: 0), pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&requests, 3, 1000) >= 0, Machine.monotonicSeconds() < deadline else {
        kill()
        return
      }
      if requests[0].revents != 0 {
        let count = write(input, pendingInput, pendingInput.count)
        // It reads no more.
        if count < 0 && errno != EAGAIN { pendingInput.removeAll() }
        if count > 0 { pendingInput.removeFirst(count) }
      }
      if requests[1].revents != 0 { receive(&output, &buffer, &outputBytes) }
      if requests[2].revents != 0 { receive(&errors, &buffer, &errorBytes) }
    }
  }

  private func receive(_ end: inout Int32, _ buffer: inout [UInt8], _ bytes: inout [UInt8]) {
    let count = read(end, &buffer, buffer.count)
    if count > 0 { return bytes.append(contentsOf: buffer[..<count]) }
    close(end)
    end = -1
  }
}

/// Runs the program to its end.
func martlet(_ arguments: [String], input: String = "", environment: [String: String] = [:]) throws -> Outcome {
  try martlet(arguments, inputBytes: Array(input.utf8), environment: environment)
}

func martlet(_ arguments: [String], inputBytes: [UInt8], environment: [String: String] = [:]) throws -> Outcome {
  let program = try Program(arguments, environment: environment)
  program.send(inputBytes)
  return program.finish()
}

func martlet(_ arguments: String..., input: String = "") throws -> Outcome { try martlet(arguments, input: input) }
