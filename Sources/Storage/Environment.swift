#if canImport(Glibc)
  import Glibc
#endif

/// The environment variables of this process. Changing them is for one thread, before others read them.
package enum Environment {
  package static func value(of name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// Sets a variable, or removes it for nil.
  package static func set(_ name: String, to value: String?) {
    if let value { setenv(name, value, 1) } else { unsetenv(name) }
  }
}
