/// The processor time that control groups grant this process, which containers set (`docker run --cpus`), in processors.
///
/// Reference: "CPU" in the kernel's `Documentation/admin-guide/cgroup-v2.rst`, and `Documentation/scheduler/sched-bwc.rst` for version 1.
package enum ProcessorQuota {
  /// Where a hierarchy with the `cpu` controller is mounted, and where in it the process is.
  struct Group: Equatable {
    /// The folder that the hierarchy is mounted on.
    let mount: String
    /// The group's path below the mount, without a slash at its start; empty for the mount itself.
    let path: String
    let isUnified: Bool
  }

  /// The least quota of the process's group and those above it; nil where none is set or the system does not tell.
  package static func processors(read: (String) -> String?) -> Double? {
    guard let memberships = read("/proc/self/cgroup"), let mounts = read("/proc/self/mountinfo") else { return nil }
    return groups(memberships: memberships, mounts: mounts).compactMap { least(in: $0, read) }.min()
  }

  /// The groups that may limit the processor time, from `/proc/self/cgroup` and `/proc/self/mountinfo`.
  static func groups(memberships: String, mounts: String) -> [Group] {
    var groups: [Group] = []
    for line in mounts.split(separator: "\n") {
      // `36 35 98:0 /root /mount options [optional …] - type source options`
      let fields = line.split(separator: " ")
      guard fields.count > 6, let dash = fields.dropFirst(6).firstIndex(of: "-"), fields.count > dash + 3 else { continue }
      let isUnified = fields[dash + 1] == "cgroup2"
      guard isUnified || fields[dash + 1] == "cgroup" && fields[dash + 3].split(separator: ",").contains("cpu") else { continue }
      guard let member = membership(memberships, isUnified: isUnified) else { continue }
      groups.append(Group(mount: String(fields[4]), path: below(String(fields[3]), member), isUnified: isUnified))
    }
    return groups
  }

  /// The process's group in the hierarchy: a line `0::/path` of the unified one, `4:cpu,cpuacct:/path` of version 1.
  private static func membership(_ text: String, isUnified: Bool) -> String? {
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      if isUnified ? fields[1].isEmpty : fields[1].split(separator: ",").contains("cpu") { return String(fields[2]) }
    }
    return nil
  }

  /// A group's path from the one that is mounted. In a container the path may be the host's, and what is mounted the group itself.
  private static func below(_ root: String, _ path: String) -> String {
    let parts = path.split(separator: "/")
    let above = root.split(separator: "/")
    guard !parts.contains(".."), parts.starts(with: above) else { return "" }
    return parts.dropFirst(above.count).joined(separator: "/")
  }

  private static func least(in group: Group, _ read: (String) -> String?) -> Double? {
    var parts = group.path.split(separator: "/")
    var least: Double?
    while true {
      let folder = ([group.mount[...]] + parts).joined(separator: "/")
      if let quota = group.isUnified ? unified(folder, read) : version1(folder, read) { least = min(least ?? quota, quota) }
      guard parts.popLast() != nil else { return least }
    }
  }

  /// `cpu.max`: `max 100000`, or microseconds of each period.
  private static func unified(_ folder: String, _ read: (String) -> String?) -> Double? {
    let fields = read(folder + "/cpu.max")?.split(whereSeparator: \.isWhitespace) ?? []
    return fields.count == 2 ? share(Int(fields[0]), Int(fields[1])) : nil
  }

  /// `cpu.cfs_quota_us`, -1 for none, of `cpu.cfs_period_us`.
  private static func version1(_ folder: String, _ read: (String) -> String?) -> Double? {
    func number(_ name: String) -> Int? { read(folder + "/" + name)?.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) } }
    return share(number("cpu.cfs_quota_us"), number("cpu.cfs_period_us"))
  }

  private static func share(_ quota: Int?, _ period: Int?) -> Double? {
    guard let quota, let period, quota > 0, period > 0 else { return nil }
    return Double(quota) / Double(period)
  }
}
