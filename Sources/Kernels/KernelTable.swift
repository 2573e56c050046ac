#if arch(x86_64)
  import KernelsAVX2
  import KernelsAVX512VNNI
  import KernelsAVXVNNI
  import KernelsBaseline
#elseif arch(arm64)
  import KernelsNEON
  import KernelsNEONDotProd
#endif

/// The kernels of one instruction set. `KernelSource` documents each.
///
/// All of them take a range of rows by its first pointer and its count, and no row's result depends on another: a
/// caller may split rows over threads as it likes.
package struct KernelTable: Sendable {
  package typealias Floats = UnsafePointer<Float>
  package typealias MutableFloats = UnsafeMutablePointer<Float>

  package let instructionSet: InstructionSet

  /// Bytes of one quantised row of K values.
  package let operandStride: @Sendable (_ K: Int) -> Int
  /// (x, stride, M, K, activation, q, stride, scales): activates in place, quantises.
  package let quantizeRows:
    @Sendable (MutableFloats, Int, Int, Int, Int32, UnsafeMutableRawPointer, Int, MutableFloats) -> Void
  /// (q, stride, scales, M, panels, weight scales, row sums, bias, N, K, out, stride)
  package let linearInt8:
    @Sendable (
      UnsafeRawPointer, Int, Floats, Int, UnsafeRawPointer, Floats, UnsafePointer<Int32>, Floats, Int, Int,
      MutableFloats, Int
    ) -> Void
  /// (x, stride, M, panels, bias, N, K, out, stride)
  package let linearFloat: @Sendable (Floats, Int, Int, Floats, Floats, Int, Int, MutableFloats, Int) -> Void
  /// (rows, stride, M, N, activation)
  package let activate: @Sendable (MutableFloats, Int, Int, Int, Int32) -> Void
  /// (x, stride, residual, stride, M, width, weight, bias, epsilon, out, stride, q, stride, scales)
  package let normalizeRows:
    @Sendable (
      MutableFloats, Int, Floats?, Int, Int, Int, Floats, Floats, Float, MutableFloats, Int, UnsafeMutableRawPointer?,
      Int, MutableFloats?
    ) -> Void
  /// (indices, M, values, scales, width, out, stride, adds)
  package let gatherInt8Rows:
    @Sendable (UnsafePointer<Int32>, Int, UnsafePointer<Int8>, Floats, Int, MutableFloats, Int, Bool) -> Void
  /// (indices, M, values, width, out, stride, adds)
  package let gatherFloatRows: @Sendable (UnsafePointer<Int32>, Int, Floats, Int, MutableFloats, Int, Bool) -> Void
  /// (L, D): floats of scratch
  package let attentionScratch: @Sendable (Int, Int) -> Int
  /// (query, key, value, stride, L, D, scale, out, stride, scratch)
  package let attention:
    @Sendable (Floats, Floats, Floats, Int, Int, Int, Float, MutableFloats, Int, MutableFloats) -> Void
  /// (rows, stride, M, count, scale)
  package let softmaxRows: @Sendable (MutableFloats, Int, Int, Int, Float) -> Void
  /// (values, count)
  package let exponentials: @Sendable (MutableFloats, Int) -> Void

  /// The kernels of an instruction set that this machine has.
  package static func table(for instructionSet: InstructionSet) throws(InstructionSetError) -> KernelTable {
    guard InstructionSet.supported.contains(instructionSet) else {
      throw InstructionSetError(name: instructionSet.rawValue)
    }
    #if arch(x86_64)
      switch instructionSet {
      case .avx512vnni:
        return KernelTable(
          instructionSet: .avx512vnni,
          operandStride: KernelsAVX512VNNI.Kernel.operandStride, quantizeRows: KernelsAVX512VNNI.Kernel.quantizeRows,
          linearInt8: KernelsAVX512VNNI.Kernel.linearInt8, linearFloat: KernelsAVX512VNNI.Kernel.linearFloat,
          activate: KernelsAVX512VNNI.Kernel.activate, normalizeRows: KernelsAVX512VNNI.Kernel.normalizeRows,
          gatherInt8Rows: KernelsAVX512VNNI.Kernel.gatherInt8Rows,
          gatherFloatRows: KernelsAVX512VNNI.Kernel.gatherFloatRows,
          attentionScratch: KernelsAVX512VNNI.Kernel.attentionScratch, attention: KernelsAVX512VNNI.Kernel.attention,
          softmaxRows: KernelsAVX512VNNI.Kernel.softmaxRows, exponentials: KernelsAVX512VNNI.Kernel.exponentials)
      case .avxvnni:
        return KernelTable(
          instructionSet: .avxvnni,
          operandStride: KernelsAVXVNNI.Kernel.operandStride, quantizeRows: KernelsAVXVNNI.Kernel.quantizeRows,
          linearInt8: KernelsAVXVNNI.Kernel.linearInt8, linearFloat: KernelsAVXVNNI.Kernel.linearFloat,
          activate: KernelsAVXVNNI.Kernel.activate, normalizeRows: KernelsAVXVNNI.Kernel.normalizeRows,
          gatherInt8Rows: KernelsAVXVNNI.Kernel.gatherInt8Rows,
          gatherFloatRows: KernelsAVXVNNI.Kernel.gatherFloatRows,
          attentionScratch: KernelsAVXVNNI.Kernel.attentionScratch, attention: KernelsAVXVNNI.Kernel.attention,
          softmaxRows: KernelsAVXVNNI.Kernel.softmaxRows, exponentials: KernelsAVXVNNI.Kernel.exponentials)
      case .avx2:
        return KernelTable(
          instructionSet: .avx2,
          operandStride: KernelsAVX2.Kernel.operandStride, quantizeRows: KernelsAVX2.Kernel.quantizeRows,
          linearInt8: KernelsAVX2.Kernel.linearInt8, linearFloat: KernelsAVX2.Kernel.linearFloat,
          activate: KernelsAVX2.Kernel.activate, normalizeRows: KernelsAVX2.Kernel.normalizeRows,
          gatherInt8Rows: KernelsAVX2.Kernel.gatherInt8Rows, gatherFloatRows: KernelsAVX2.Kernel.gatherFloatRows,
          attentionScratch: KernelsAVX2.Kernel.attentionScratch, attention: KernelsAVX2.Kernel.attention,
          softmaxRows: KernelsAVX2.Kernel.softmaxRows, exponentials: KernelsAVX2.Kernel.exponentials)
      case .baseline:
        return KernelTable(
          instructionSet: .baseline,
          operandStride: KernelsBaseline.Kernel.operandStride, quantizeRows: KernelsBaseline.Kernel.quantizeRows,
          linearInt8: KernelsBaseline.Kernel.linearInt8, linearFloat: KernelsBaseline.Kernel.linearFloat,
          activate: KernelsBaseline.Kernel.activate, normalizeRows: KernelsBaseline.Kernel.normalizeRows,
          gatherInt8Rows: KernelsBaseline.Kernel.gatherInt8Rows,
          gatherFloatRows: KernelsBaseline.Kernel.gatherFloatRows,
          attentionScratch: KernelsBaseline.Kernel.attentionScratch, attention: KernelsBaseline.Kernel.attention,
          softmaxRows: KernelsBaseline.Kernel.softmaxRows, exponentials: KernelsBaseline.Kernel.exponentials)
      case .neon, .neondotprod: throw InstructionSetError(name: instructionSet.rawValue)
      }
    #elseif arch(arm64)
      switch instructionSet {
      case .neondotprod:
        return KernelTable(
          instructionSet: .neondotprod,
          operandStride: KernelsNEONDotProd.Kernel.operandStride,
          quantizeRows: KernelsNEONDotProd.Kernel.quantizeRows, linearInt8: KernelsNEONDotProd.Kernel.linearInt8,
          linearFloat: KernelsNEONDotProd.Kernel.linearFloat, activate: KernelsNEONDotProd.Kernel.activate,
          normalizeRows: KernelsNEONDotProd.Kernel.normalizeRows,
          gatherInt8Rows: KernelsNEONDotProd.Kernel.gatherInt8Rows,
          gatherFloatRows: KernelsNEONDotProd.Kernel.gatherFloatRows,
          attentionScratch: KernelsNEONDotProd.Kernel.attentionScratch,
          attention: KernelsNEONDotProd.Kernel.attention, softmaxRows: KernelsNEONDotProd.Kernel.softmaxRows,
          exponentials: KernelsNEONDotProd.Kernel.exponentials)
      case .neon:
        return KernelTable(
          instructionSet: .neon,
          operandStride: KernelsNEON.Kernel.operandStride, quantizeRows: KernelsNEON.Kernel.quantizeRows,
          linearInt8: KernelsNEON.Kernel.linearInt8, linearFloat: KernelsNEON.Kernel.linearFloat,
          activate: KernelsNEON.Kernel.activate, normalizeRows: KernelsNEON.Kernel.normalizeRows,
          gatherInt8Rows: KernelsNEON.Kernel.gatherInt8Rows, gatherFloatRows: KernelsNEON.Kernel.gatherFloatRows,
          attentionScratch: KernelsNEON.Kernel.attentionScratch, attention: KernelsNEON.Kernel.attention,
          softmaxRows: KernelsNEON.Kernel.softmaxRows, exponentials: KernelsNEON.Kernel.exponentials)
      default: throw InstructionSetError(name: instructionSet.rawValue)
      }
    #endif
  }

  /// The kernels of the newest instruction set here, or of the one that `MARTLET_ISA` forces.
  package static func selected() throws(InstructionSetError) -> KernelTable {
    try table(for: InstructionSet.selected())
  }
}
