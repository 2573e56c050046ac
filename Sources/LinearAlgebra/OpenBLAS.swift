import Storage

/// OpenBLAS, opened when training starts and never linked, so that nothing that only classifies depends on it.
///
/// It runs single-threaded; `MatrixProducts` calls it from several threads on disjoint parts of the result. OpenBLAS asks for the
/// memory of a product when it is first needed and, refused, asks again for ever; where it is refused a thread it interrupts its
/// process (`memory.c` and `blas_server.c` of its source). So it is told to start no thread, its memory is tried first and
/// taken at once, and its signal is kept from whoever waits for the user's.
package final class OpenBLAS: @unchecked Sendable {
  typealias SGEMM = @convention(c) (
    _ order: Int32, _ transposeA: Int32, _ transposeB: Int32, _ m: Int32, _ n: Int32, _ k: Int32, _ alpha: Float,
    _ a: UnsafePointer<Float>, _ lda: Int32, _ b: UnsafePointer<Float>, _ ldb: Int32, _ beta: Float,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int32
  ) -> Void

  let sgemm: SGEMM
  /// The kernels that OpenBLAS chose for this processor: `SkylakeX`, `Cooperlake`, `Haswell`, …
  package let coreName: String
  /// What `OPENBLAS_CORETYPE` forces, when it is set.
  package let forcedCoreName: String?
  package let configuration: String

  private static let libraryNames = ["libopenblas.so.0", "libopenblas.so"]
  /// The addresses of the library and of what it is linked with: 42 MB of Debian's, and what else their starting takes.
  private static let libraryBytes = 64 << 20
  /// What it maps for each product that is under way, `BUFFER_SIZE` of its source: at most 128 MiB.
  private static let bufferBytes = 128 << 20

  /// - Parameter threads: how many threads call it at the same time, at most.
  package init(threads: Int = Machine.availableCores) throws(LinearAlgebraError) {
    let threads = max(1, min(threads, ThreadPool.mostThreads))
    try Self.tryMemory(threads)
    let library = try Self.library.withLock { library throws(LinearAlgebraError) in
      if let library { return library }
      let opened = try Self.openQuietly()
      library = opened
      return opened
    }
    try Self.takeMemory(library, threads)
    sgemm = try Self.symbol("cblas_sgemm", library, as: SGEMM.self)
    let text = try Self.symbol("openblas_get_corename", library, as: (@convention(c) () -> UnsafePointer<CChar>).self)
    coreName = String(cString: text())
    let details = try Self.symbol("openblas_get_config", library, as: (@convention(c) () -> UnsafePointer<CChar>).self)
    configuration = String(cString: details())
    forcedCoreName = Environment.value(of: "OPENBLAS_CORETYPE")
  }

  /// The library, once it is open: the environment is touched once in a process, and by one thread.
  private static let library = Mutex<DynamicLibrary?>(nil)

  private static func openQuietly() throws(LinearAlgebraError) -> DynamicLibrary {
    let opened = withInterruptsHeld { () -> Result<DynamicLibrary, LinearAlgebraError> in
      Result { () throws(LinearAlgebraError) in
        let library = try withOneThread { () throws(LinearAlgebraError) in try open() }
        try symbol("openblas_set_num_threads", library, as: (@convention(c) (Int32) -> Void).self)(1)
        return library
      }
    }
    guard !opened.interruptedItself else {
      throw .threadsRefused(
        limits: limits([.processes, .addressSpace], otherwise: "pids.max of its control group"))
    }
    return try opened.result.get()
  }

  private static func open() throws(LinearAlgebraError) -> DynamicLibrary {
    for name in libraryNames {
      do throws(DynamicLibrary.Failure) { return try DynamicLibrary(name: name) } catch {
        if case .unusable(let reason) = error { throw .libraryUnusable(reason) }
      }
    }
    throw .libraryMissing
  }

  private static func symbol<Function>(
    _ name: String, _ library: DynamicLibrary, as type: Function.Type
  ) throws(LinearAlgebraError) -> Function {
    guard let function = library.function(name, as: type) else { throw .symbolMissing(name) }
    return function
  }

  /// Maps what OpenBLAS is going to map, and lets it go. Newer releases map a buffer more when they start.
  private static func tryMemory(_ threads: Int) throws(LinearAlgebraError) {
    guard grantsMemory(blocks: [libraryBytes] + Array(repeating: bufferBytes, count: threads + 1)) else { throw refusal(threads) }
  }

  /// Has OpenBLAS map the buffers of all threads now, untouched, while it is known that there is room: it keeps them.
  private static func takeMemory(_ library: DynamicLibrary, _ threads: Int) throws(LinearAlgebraError) {
    let allocate = try symbol(
      "blas_memory_alloc", library, as: (@convention(c) (_ purpose: Int32) -> UnsafeMutableRawPointer?).self)
    let release = try symbol("blas_memory_free", library, as: (@convention(c) (UnsafeMutableRawPointer) -> Void).self)
    let buffers = (0..<threads).map { _ in allocate(0) }
    for case .some(let buffer) in buffers { release(buffer) }
    // It holds no more than it was built for.
    if buffers.contains(nil) { throw refusal(threads) }
  }

  private static func refusal(_ threads: Int) -> LinearAlgebraError {
    .outOfMemory(
      byteCount: libraryBytes + (threads + 1) * bufferBytes, threads: threads,
      limits: limits([.addressSpace, .data], otherwise: "no limit of this process, but the machine's"))
  }
}

/// Runs what opens OpenBLAS, which reads from the environment how many threads it starts; what the user set stands again afterwards.
/// OpenBLAS over OpenMP reads the second name.
private func withOneThread<Value>(
  _ body: () throws(LinearAlgebraError) -> Value
) throws(LinearAlgebraError) -> Value {
  let names = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"]
  let before = names.map(Environment.value(of:))
  for name in names { Environment.set(name, to: "1") }
  defer { for (name, value) in zip(names, before) { Environment.set(name, to: value) } }
  return try body()
}
