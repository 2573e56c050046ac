#if canImport(Glibc)
  import Glibc
#endif

/// What the operating system refused: which operation, on which path, and why.
package struct FileError: Error, CustomStringConvertible, Sendable, Equatable {
  package let path: String
  package let operation: String
  /// The `errno` of the call.
  package let code: Int32

  package init(path: String, operation: String, code: Int32 = errno) {
    self.path = path
    self.operation = operation
    self.code = code
  }

  /// What a call says that reads a folder as a file, that finds nothing, that gets no memory.
  package static func isFolder(_ path: String) -> FileError { FileError(path: path, operation: "read", code: EISDIR) }
  package static func missing(_ path: String) -> FileError { FileError(path: path, operation: "open", code: ENOENT) }
  package static func outOfMemory(_ path: String, operation: String) -> FileError {
    FileError(path: path, operation: operation, code: ENOMEM)
  }

  package var isOutOfMemory: Bool { code == ENOMEM }
  /// Whether the file could not be made because there is one.
  package var isThere: Bool { code == EEXIST }
  /// Whether who read what is written has gone.
  package var isReaderGone: Bool { code == EPIPE }

  package var description: String {
    "cannot \(operation) \(path): \(String(cString: strerror(code)).lowercasedFirst)"
  }
}

extension String {
  fileprivate var lowercasedFirst: String {
    guard let first = unicodeScalars.first else { return self }
    return first.properties.lowercaseMapping + String(String.UnicodeScalarView(unicodeScalars.dropFirst()))
  }
}
