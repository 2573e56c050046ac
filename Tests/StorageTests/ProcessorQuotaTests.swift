import Storage
import Testing

@Suite struct ProcessorQuotaTests {
  private static let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
  private static let version1 =
    "33 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
    + "34 25 0:30 / /sys/fs/cgroup/memory rw shared:11 - cgroup cgroup rw,memory\n"

  private func processors(_ files: [String: String]) -> Double? { ProcessorQuota.processors { files[$0] } }

  @Test func unifiedHierarchy() {
    let files = [
      "/proc/self/cgroup": "0::/a/b\n", "/proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/vda rw\n" + Self.unified,
      "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
    ]
    #expect(processors(files) == nil, "no limit")
    #expect(processors(files.merging(["/sys/fs/cgroup/a/b/cpu.max": "150000 100000\n"]) { $1 }) == 1.5)
    #expect(processors(files.merging(["/sys/fs/cgroup/a/cpu.max": "50000 100000\n"]) { $1 }) == 0.5, "a group above limits those below")
    #expect(processors(files.merging(["/sys/fs/cgroup/a/b/cpu.max": "rubbish\n"]) { $1 }) == nil)
  }

  /// In a container the group's folder is mounted as if it were the root, whatever path `/proc/self/cgroup` gives.
  @Test(arguments: ["/", "/docker/0123", "/../other"]) func container(path: String) {
    let mount = "30 23 0:26 /docker/0123 /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
    let files = ["/proc/self/cgroup": "0::\(path)\n", "/proc/self/mountinfo": mount, "/sys/fs/cgroup/cpu.max": "200000 100000"]
    #expect(processors(files) == 2)
  }

  @Test func version1Hierarchy() {
    var files = [
      "/proc/self/cgroup": "11:memory:/m\n4:cpu,cpuacct:/box\n0::/\n", "/proc/self/mountinfo": Self.version1,
      "/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us": "-1\n", "/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us": "100000\n",
    ]
    #expect(processors(files) == nil)
    files["/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us"] = "250000\n"
    #expect(processors(files) == 2.5)
    files["/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us"] = "0\n"
    #expect(processors(files) == nil)
  }

  @Test func withoutProc() { #expect(processors([:]) == nil) }

  @Test func thisMachineHasAProcessor() { #expect(Machine.availableCores >= 1) }
}
