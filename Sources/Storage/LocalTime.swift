#if canImport(Glibc)
  import Glibc
#endif

/// A moment as clocks show it here.
package struct LocalTime: Sendable {
  /// From 1 on, as the day.
  package let month: Int
  package let day: Int
  package let hour: Int
  package let minute: Int
  package let second: Int

  /// - Parameter seconds: since 1970.
  package init(secondsSince1970 seconds: Int) {
    var seconds = seconds
    var local = tm()
    localtime_r(&seconds, &local)
    month = Int(local.tm_mon) + 1
    day = Int(local.tm_mday)
    hour = Int(local.tm_hour)
    minute = Int(local.tm_min)
    second = Int(local.tm_sec)
  }
}
