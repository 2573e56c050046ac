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

  package var isOutOfMemory: Bool { code == ENOMEM }

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
