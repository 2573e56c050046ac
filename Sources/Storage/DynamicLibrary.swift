#if canImport(Glibc)
  import Glibc
#endif

/// A library that is opened while the program runs. It stays open.
package struct DynamicLibrary: @unchecked Sendable {
  private let handle: UnsafeMutableRawPointer

  package enum Failure: Error, Sendable, Equatable {
    case missing
    /// It is there, or part of it; what the loader says.
    case unusable(String)
  }

  /// - Parameter name: of a file that the loader looks for.
  package init(name: String) throws(Failure) {
    if let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) {
      self.handle = handle
      return
    }
    let reason = dlerror().map { String(cString: $0) } ?? name
    // Only of a library that is not there itself does the loader say so by its own name.
    throw reason.hasPrefix(name) && reason.hasSuffix(String(cString: strerror(ENOENT))) ? .missing : .unusable(reason)
  }

  /// A function of the library, nil if it has none of the name. The type must be that of the function.
  package func function<Function>(_ name: String, as type: Function.Type) -> Function? {
    dlsym(handle, name).map { unsafeBitCast($0, to: type) }
  }
}
