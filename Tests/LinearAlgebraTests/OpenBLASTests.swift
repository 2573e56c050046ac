import LinearAlgebra
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

  @Test func errorsNameThePackage() {
    #expect(
      "\(LinearAlgebraError.libraryMissing)"
        == "OpenBLAS is not installed; fine-tuning needs it: apt-get install libopenblas0-pthread")
    #expect(
      "\(LinearAlgebraError.symbolMissing("cblas_sgemm"))"
        == "the OpenBLAS library here lacks cblas_sgemm; expected the Debian package libopenblas0-pthread")
  }
}
