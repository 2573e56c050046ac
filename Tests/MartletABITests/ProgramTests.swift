import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// A C program and a Python module over libmartlet. What they check is in `Tests/CInterface`.
@Suite struct ProgramTests {
  private let installation: Installation

  init() throws { installation = try Installation.shared.get() }

  private func arguments(rounds: Int) -> [String] { [installation.bundle, installation.base, "\(rounds)"] }
  private var shared: [String] { ["-L\(installation.prefix)/lib", "-lmartlet", "-Wl,-rpath,\(installation.prefix)/lib"] }

  @Test func sharedLibrary() throws {
    let program = try installation.compile("shared", [], shared)
    let finished = try run([program] + arguments(rounds: 5))
    #expect(finished.status == 0 && finished.output.isEmpty, "\(finished)")
  }

  @Test func staticLibrary() throws {
    let program = try installation.compile("static", [], [installation.archive, "-lstdc++", "-ldl"])
    let finished = try run([program] + arguments(rounds: 5))
    #expect(finished.status == 0 && finished.output.isEmpty, "\(finished)")
    // And with what is not reached dropped, as many build systems ask for.
    let collected = try installation.compile("collected", ["-Wl,--gc-sections"], [installation.archive, "-lstdc++", "-ldl"])
    #expect(try run([collected] + arguments(rounds: 1)).status == 0)
  }

  private static let mayUnmount =
    (try? run(["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/proc"]))?.status == 0

  /// A program without a single shared library, where there is no /proc: nothing of the Swift runtime looks around there.
  @Test(.enabled(if: mayUnmount, "this machine lets nobody take /proc away")) func withoutProc() throws {
    let program = try installation.compile("bare", ["-static"], [installation.archive, "-lstdc++", "-ldl"])
    let finished = try run(
      ["unshare", "--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh", program]
        + arguments(rounds: 1))
    #expect(finished.status == 0 && finished.output.isEmpty, "\(finished)")
  }

  /// No error and nothing lost. Valgrind calls 192 bytes of the Swift runtime "possibly" lost: its caches of types keep
  /// their size in the low bits of the pointer. Those are as many after one call as after thousands.
  @Test func valgrind() throws {
    let program = try installation.compile("checked", [], shared)
    let finished = try run(
      ["valgrind", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99", "--child-silent-after-fork=yes", program]
        + arguments(rounds: 1))
    #expect(finished.status == 0, "\(finished)")
    #expect(finished.output.contains("definitely lost: 0 bytes") && finished.output.contains("indirectly lost: 0 bytes"), "\(finished)")
    let possibly = finished.output.split(separator: "\n").first { $0.contains("possibly lost:") }?.split(separator: " ")
    #expect(possibly.flatMap { $0.count > 3 ? Int($0[3].filter { $0 != "," }) : nil } ?? .max <= 1024, "\(finished)")
  }

  @Test func sanitizer() throws {
    let program = try installation.compile("sanitized", ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"], shared)
    let finished = try run([program] + arguments(rounds: 5), environment: ["ASAN_OPTIONS": "detect_leaks=1"])
    #expect(finished.status == 0 && finished.output.isEmpty, "\(finished)")
  }

  /// A check that fails makes the program fail: it is not the program that is lenient.
  @Test func theProgramCanFail() throws {
    let program = try installation.compile("failing", [], shared)
    let finished = try run([program, installation.multiLabel, installation.bundle, "1"])
    #expect((1...100).contains(finished.status) && finished.output.contains("not true: "), "\(finished)")
  }

  /// Calls with values of every kind; MARTLET_FUZZ_SECONDS in the environment goes on with other rows for so long.
  @Test(arguments: [1, 2, 3]) func values(seed: Int) throws {
    let program = try installation.compile("values\(seed)", source: "values.c", ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"], shared)
    let longSeed = getenv("MARTLET_FUZZ_SECONDS") == nil ? seed : seed + Int(time(nil))
    let finished = try run([program, installation.bundle, installation.base, "\(longSeed)", "300"], environment: ["ASAN_OPTIONS": "detect_leaks=0"])
    #expect(finished.status == 0 && finished.output.isEmpty, "\(finished)")
  }

  /// Refused memory is a status, and the handle works after it.
  @Test func limits() throws {
    let program = try installation.compile("limits", source: "limits.c", [], shared)
    let finished = try run([program, installation.bundle, "150"], environment: ["SWIFT_BACKTRACE": "enable=no"])
    #expect(finished.status == 0 && finished.output.contains("refused memory and well after"), "\(finished)")
  }

  @Test func notFinite() throws {
    let program = try installation.compile("notfinite", source: "notfinite.c", [], shared)
    let finished = try run([program, installation.notFinite])
    #expect(finished.status == 0 && finished.output.isEmpty, "\(finished)")
  }

  private static let hasPython = (try? run(["python3", "--version"]))?.status == 0

  @Test(.enabled(if: hasPython, "python3 is not installed")) func python() throws {
    let finished = try run(
      ["python3", fixture("../CInterface/test_martlet.py")],
      environment: [
        "MARTLET_LIBRARY": installation.library, "BUNDLE": installation.bundle, "BASE": installation.base,
        "MULTI_LABEL": installation.multiLabel, "REGRESSION": installation.regression, "NOT_FINITE": installation.notFinite, "DELTA": installation.delta,
      ])
    #expect(finished.status == 0 && finished.output.contains("Ran 10 tests"), "\(finished)")
  }
}
