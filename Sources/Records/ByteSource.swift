import Storage

/// Where a reader's bytes come from: a file, standard input, memory, or something that inflates them.
package protocol ByteSource: AnyObject {
  /// Reads what there is, blocking until there is something; 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(RecordsError) -> Int
  /// Whether `read` would return at once, waiting at most so many milliseconds for that (0: only ask; -1: for ever).
  func waitForBytes(milliseconds: Int) -> Bool
  /// How many bytes of the file or pipe have been taken.
  var position: Int { get }
}

/// One input of a reader: a name for messages, and how to open it when its turn comes.
package struct RecordSource {
  package let name: String
  /// The bytes that there are to read; nil if only reading tells, as of a pipe.
  package let byteCount: Int?
  /// Whether `open` never waits: that of a named pipe does, for somebody who writes.
  package let opensAtOnce: Bool
  package let open: () throws(RecordsError) -> any ByteSource

  package init(
    name: String, byteCount: Int? = nil, opensAtOnce: Bool = true, open: @escaping () throws(RecordsError) -> any ByteSource
  ) {
    self.name = name
    self.byteCount = byteCount
    self.opensAtOnce = opensAtOnce
    self.open = open
  }

  /// A file, or standard input for `-`.
  package init(path: String) {
    if path == "-" {
      self.init(name: ByteStream.input.name, byteCount: ByteStream.input.bytesLeft) { () throws(RecordsError) in
        DescriptorSource(standardInput: ())
      }
    } else {
      let byteCount = regularFileSize(path)
      self.init(name: path, byteCount: byteCount, opensAtOnce: byteCount != nil) { () throws(RecordsError) in
        do throws(FileError) { return try DescriptorSource(path: path) } catch { throw .file(error) }
      }
    }
  }

  package init(name: String, bytes: [UInt8]) {
    self.init(name: name, byteCount: bytes.count) { () throws(RecordsError) in MemorySource(bytes) }
  }
}

/// A file descriptor: a file, a pipe, a terminal.
package final class DescriptorSource: ByteSource {
  private let stream: ByteStream
  private let owned: FileDescriptor?
  package private(set) var position = 0

  package init(path: String) throws(FileError) {
    let file = try FileDescriptor(opening: path)
    stream = ByteStream(descriptor: file.rawValue, name: path)
    owned = consume file
    // read(2) of a folder fails only later, and with the same words.
    guard !isDirectory(path) else { throw FileError.isFolder(path) }
  }

  /// A descriptor that somebody else closes.
  package init(descriptor: Int32, name: String) {
    stream = ByteStream(descriptor: descriptor, name: name)
    owned = nil
  }

  package convenience init(standardInput: Void) { self.init(descriptor: ByteStream.input.descriptor, name: ByteStream.input.name) }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(RecordsError) -> Int {
    while true {
      if Interruption.isRequested.load(ordering: .relaxed) { return 0 }
      do throws(FileError) {
        guard let count = try stream.read(into: buffer) else { continue }
        position += count
        return count
      } catch { throw .file(error) }
    }
  }

  package func waitForBytes(milliseconds: Int) -> Bool {
    let deadline = milliseconds > 0 ? Machine.monotonicSeconds() + Double(milliseconds) / 1000 : 0
    var left = milliseconds
    while true {
      switch stream.wait(for: .bytes, milliseconds: left) {
      case .ready: return true
      case .timedOut: return false
      case .interrupted: if Interruption.isRequested.load(ordering: .relaxed) { return true }
      }
      if milliseconds > 0 { left = max(0, Int(saturating: (deadline - Machine.monotonicSeconds()) * 1000)) }
    }
  }
}

/// Bytes in memory, handed out in pieces of a chosen size.
package final class MemorySource: ByteSource {
  private let bytes: [UInt8]
  private let pieceBytes: Int
  package private(set) var position = 0

  package init(_ bytes: [UInt8], pieceBytes: Int = .max) {
    self.bytes = bytes
    self.pieceBytes = pieceBytes
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, pieceBytes, bytes.count - position)
    bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[position..<(position + count)])) }
    position += count
    return count
  }

  package func waitForBytes(milliseconds: Int) -> Bool { true }
}
