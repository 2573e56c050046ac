#if canImport(Glibc)
  import Glibc
#endif

/// A program that was started with pipes for its standard input and output.
package struct ChildProcess: ~Copyable {
  private let identifier: pid_t
  /// What it reads.
  private var input: Pipe
  /// What it writes.
  private let output: Pipe

  /// Starts a program with this process's environment.
  ///
  /// - Parameter arguments: without the program's name.
  /// - Throws: `FileError` where it cannot be started.
  package init(_ path: String, arguments: [String]) throws(FileError) {
    let input = try Pipe()
    var output = try Pipe()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input.output.descriptor, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output.input.descriptor, STDOUT_FILENO)
    for stream in [input.output, input.input, output.output, output.input] {
      posix_spawn_file_actions_addclose(&actions, stream.descriptor)
    }
    var words = ([path] + arguments).map { (text: String) in strdup(text) } + [nil]
    defer { for word in words { free(word) } }
    var child = pid_t()
    let status = posix_spawn(&child, path, &actions, nil, &words, environ)
    guard status == 0 else { throw FileError(path: path, operation: "start", code: status) }
    identifier = child
    output.closeInput()
    self.input = input
    self.output = output
  }

  /// Writes its whole input and ends that.
  package mutating func send(_ text: String) throws(FileError) {
    try input.input.write(text)
    input.closeInput()
  }

  /// What it writes next; nothing at its end.
  package func read(atMost count: Int) throws(FileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: FileError?
    var read = 0
    bytes.withUnsafeMutableBytes { bytes in
      do throws(FileError) {
        while true {
          guard let count = try output.output.read(into: bytes) else { continue }
          read = count
          break
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return Array(bytes[..<read])
  }

  /// Waits for its end.
  package consuming func wait() {
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0 && errno == EINTR {}
  }
}

/// Ends this process with an exit status.
package func exitProcess(_ status: Int32) -> Never { exit(status) }
