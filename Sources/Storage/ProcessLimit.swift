#if canImport(Glibc)
  import Glibc
#endif

/// A limit of this process, as the shell's `ulimit` sets it.
package enum ProcessLimit: String, Sendable {
  case addressSpace = "ulimit -v"
  case data = "ulimit -d"
  case processes = "ulimit -u"

  /// How the shell spells it with its value, in the shell's unit: `ulimit -v is 400000 kB`; nil if none is set.
  package var setting: String? {
    let resource =
      switch self {
      case .addressSpace: RLIMIT_AS
      case .data: RLIMIT_DATA
      case .processes: __RLIMIT_NPROC
      }
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur != ~0 else { return nil }
    return self == .processes ? "\(rawValue) is \(limit.rlim_cur)" : "\(rawValue) is \(limit.rlim_cur / 1024) kB"
  }
}
