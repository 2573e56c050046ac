import CSystem

#if canImport(Glibc)
  import Glibc
#endif

/// What the machine is and how much of it this process uses.
package enum Machine {
  /// The cores that this process may keep busy: its affinity mask, not the number in the box, and no more than the processor
  /// time that its control group grants, rounded up.
  package static var availableCores: Int {
    let mask = Int(csystem_available_cores())
    let allowed = mask > 0 ? mask : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    guard let quota = ProcessorQuota.processors(read: { pseudoFile($0) }) else { return allowed }
    return quota < Double(allowed) ? max(1, Int(exactly: quota.rounded(.up)) ?? allowed) : allowed
  }

  /// Makes sure that no file that is opened from now on is standard input, output or error. Those that were closed then cannot be
  /// used, as before.
  package static func fillStandardDescriptors() { csystem_fill_standard_descriptors() }

  /// The bytes of memory that the machine has; 0 if the system does not tell.
  package static var physicalMemory: Int { max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, pageBytes) }

  static var pageBytes: Int { sysconf(Int32(_SC_PAGESIZE)) }

  /// Seconds of a clock that never goes back.
  package static func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Seconds since 1970.
  package static func wallClockSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// The machine's name, `localhost` if it has none.
  package static var hostName: String {
    var bytes = [CChar](repeating: 0, count: 256)
    guard gethostname(&bytes, bytes.count - 1) == 0 else { return "localhost" }
    let name = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.isEmpty ? "localhost" : name
  }

  package static var processIdentifier: Int { Int(getpid()) }

  /// Resident memory now, in bytes; nil where `/proc` is missing.
  package static func residentBytes() -> Int? { statusBytes("VmRSS:") }

  /// The highest resident memory of this process so far, in bytes.
  package static func peakResidentBytes() -> Int {
    if let peak = statusBytes("VmHWM:") { return peak }
    // Not lower, but it may be that of the process that this one was forked from.
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return usage.ru_maxrss * 1024
  }

  /// What starts this program again: its file, or, where `/proc` is missing, the path that it was started by.
  package static var executablePath: String {
    let link = "/proc/self/exe"
    if access(link, X_OK) == 0 { return link }
    return csystem_started_by().map { String(cString: $0) } ?? link
  }

  /// The processor's name as the system gives it.
  package static var processorName: String {
    guard let text = pseudoFile("/proc/cpuinfo") else { return "unknown" }
    for line in text.split(separator: "\n") where line.hasPrefix("model name") || line.hasPrefix("Model") {
      if let colon = line.firstIndex(of: ":") { return String(line[line.index(after: colon)...].drop { $0 == " " }) }
    }
    return "unknown"
  }

  private static func statusBytes(_ key: String) -> Int? {
    guard let text = pseudoFile("/proc/self/status") else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix(key) {
      return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    return nil
  }

  /// Reads a file of `/proc` or `/sys`, whose size the system gives as 0: its first MiB. Nil where there is none.
  static func pseudoFile(_ path: String) -> String? {
    guard let file = try? FileDescriptor(opening: path) else { return nil }
    var text: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 14)
    while text.count < 1 << 20 {
      let count = piece.withUnsafeMutableBytes { read(file.rawValue, $0.baseAddress, $0.count) }
      guard count > 0 else { break }
      text += piece[..<count]
    }
    return String(decoding: text, as: UTF8.self)
  }
}
