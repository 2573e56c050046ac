import Storage

#if canImport(Glibc)
  import Glibc
#endif

/// Why the linear algebra library cannot be used.
package enum LinearAlgebraError: Error, CustomStringConvertible, Sendable, Equatable {
  case libraryMissing
  case symbolMissing(String)

  package var description: String {
    switch self {
    case .libraryMissing:
      "OpenBLAS is not installed; fine-tuning needs it: apt-get install libopenblas0-pthread"
    case .symbolMissing(let name): "the OpenBLAS library here lacks \(name); expected the Debian package libopenblas0-pthread"
    }
  }
}

/// OpenBLAS, opened when training starts and never linked, so that nothing that only classifies depends on it.
///
/// It runs single-threaded; `MatrixProducts` calls it from several threads on disjoint parts of the result.
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

  package init() throws(LinearAlgebraError) {
    guard let library = Self.libraryNames.lazy.compactMap({ dlopen($0, RTLD_NOW | RTLD_LOCAL) }).first else {
      throw .libraryMissing
    }
    func symbol<Function>(_ name: String, as type: Function.Type) throws(LinearAlgebraError) -> Function {
      guard let address = dlsym(library, name) else { throw .symbolMissing(name) }
      return unsafeBitCast(address, to: type)
    }
    sgemm = try symbol("cblas_sgemm", as: SGEMM.self)
    try symbol("openblas_set_num_threads", as: (@convention(c) (Int32) -> Void).self)(1)
    let text = try symbol("openblas_get_corename", as: (@convention(c) () -> UnsafePointer<CChar>).self)
    coreName = String(cString: text())
    let details = try symbol("openblas_get_config", as: (@convention(c) () -> UnsafePointer<CChar>).self)
    configuration = String(cString: details())
    forcedCoreName = getenv("OPENBLAS_CORETYPE").map { String(cString: $0) }
  }
}
