#if canImport(Glibc)
  import Glibc
#endif

/// A descriptor that somebody else closes: standard input, output or error, or an end of a pipe.
package struct ByteStream: Sendable {
  package let descriptor: Int32
  /// For messages.
  package let name: String

  package init(descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  package static let input = ByteStream(descriptor: STDIN_FILENO, name: "standard input")
  package static let output = ByteStream(descriptor: STDOUT_FILENO, name: "standard output")
  package static let error = ByteStream(descriptor: STDERR_FILENO, name: "standard error")

  package var isTerminal: Bool { isatty(descriptor) == 1 }

  /// The columns of the terminal; nil if it is none or does not tell.
  package var terminalColumns: Int? {
    var size = winsize()
    return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
  }

  /// The bytes from here to the end of a regular file, nil for anything else.
  package var bytesLeft: Int? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return max(0, Int(status.st_size) - max(0, Int(lseek(descriptor, 0, SEEK_CUR))))
  }

  /// Reads what there is, blocking until there is something.
  ///
  /// - Returns: how many bytes, 0 at the end; nil where a signal ended the wait.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int? {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      switch errno {
      case EINTR: return nil
      // Somebody made the shared descriptor non-blocking.
      case EAGAIN: if wait(for: .bytes, milliseconds: -1) == .interrupted { return nil }
      default: throw FileError(path: name, operation: "read")
      }
    }
  }

  /// What a descriptor is waited for.
  package enum Condition: Sendable { case bytes, room }
  package enum Waited: Sendable { case ready, timedOut, interrupted }

  /// Waits at most so many milliseconds (0: only asks; -1: for ever). A hang-up or an error counts as ready: what is done next reports it.
  package func wait(for condition: Condition, milliseconds: Int) -> Waited {
    var request = pollfd(fd: descriptor, events: Int16(condition == .bytes ? POLLIN : POLLOUT), revents: 0)
    let count = poll(&request, 1, Int32(clamping: milliseconds))
    return count > 0 ? .ready : count == 0 ? .timedOut : errno == EINTR ? .interrupted : .ready
  }

  /// Writes all bytes, waiting where the descriptor takes none. A reader that has gone is an error of code EPIPE (`isReaderGone`), once
  /// `ignoreWriteSignals` was called.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
      if count >= 0 {
        done += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: _ = wait(for: .room, milliseconds: -1)
      default: throw FileError(path: name, operation: "write")
      }
    }
  }

  package func write(_ text: String) throws(FileError) {
    let bytes = Array(text.utf8)
    var failure: FileError?
    bytes.withUnsafeBytes { bytes in do throws(FileError) { try write(bytes) } catch { failure = error } }
    if let failure { throw failure }
  }
}

/// A pipe: what is written to one end is read from the other.
package struct Pipe: ~Copyable {
  package let output: ByteStream
  package let input: ByteStream
  private var isInputOpen = true

  /// - Throws: `FileError` where the system refuses one.
  package init() throws(FileError) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw FileError(path: "a pipe", operation: "make") }
    output = ByteStream(descriptor: ends[0], name: "a pipe")
    input = ByteStream(descriptor: ends[1], name: "a pipe")
  }

  deinit {
    close(output.descriptor)
    if isInputOpen { close(input.descriptor) }
  }

  /// Nothing more is written from here.
  package mutating func closeInput() {
    guard isInputOpen else { return }
    isInputOpen = false
    close(input.descriptor)
  }
}
