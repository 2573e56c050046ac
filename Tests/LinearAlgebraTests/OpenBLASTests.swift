import LinearAlgebra
import Storage
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct OpenBLASTests {
  /// What it is, and what the environment forces, go into a training run's record.
  @Test func theLibrarySaysWhatItIs() throws {
    let blas = try OpenBLAS()
    #expect(!blas.coreName.isEmpty && blas.configuration.hasPrefix("OpenBLAS"))
    #expect(blas.forcedCoreName == getenv("OPENBLAS_CORETYPE").map { String(cString: $0) })
  }

  /// The environment that it is opened in is the user's again afterwards: what the process was started with, whichever test opened it
  /// first, and however many did at once.
  @Test func theEnvironmentStays() async throws {
    let names = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"]
    let started = try readFile("/proc/self/environ").split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    let before = names.map { name in started.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) } }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 { group.addTask { _ = try OpenBLAS(threads: 3) } }
      try await group.waitForAll()
    }
    #expect(names.map { getenv($0).map { String(cString: $0) } } == before)
  }

  @Test func errorsNameTheLimit() {
    #expect(
      "\(LinearAlgebraError.outOfMemory(byteCount: 448 << 20, threads: 2, limits: "ulimit -v is 300000 kB"))"
        == "out of memory: OpenBLAS needs 448 MiB of address space on 2 threads, 128 MiB of it for each, and the system refused it "
        + "(ulimit -v is 300000 kB): raise the limit or take fewer threads")
    #expect(
      "\(LinearAlgebraError.threadsRefused(limits: "ulimit -u is 5"))"
        == "OpenBLAS gave up: the system refused it a thread (ulimit -u is 5): raise the limit")
  }

  @Test func errorsNameThePackage() {
    #expect(
      "\(LinearAlgebraError.libraryMissing)"
        == "OpenBLAS is not installed; fine-tuning needs it: apt-get install libopenblas0-pthread")
    #expect(
      "\(LinearAlgebraError.symbolMissing("cblas_sgemm"))"
        == "the OpenBLAS library here lacks cblas_sgemm; expected the Debian package libopenblas0-pthread")
  }
}
