#if arch(x86_64)
  import KernelsAVX2
  import KernelsAVX512VNNI
  import KernelsAVXVNNI
  import KernelsBaseline
#elseif arch(arm64)
  import KernelsNEON
  import KernelsNEONDotProd
#endif

/// The kernels that only training needs, of one instruction set. `KernelSource` documents each.
package struct TrainingKernelTable: Sendable {
  package typealias Floats = UnsafePointer<Float>
  package typealias MutableFloats = UnsafeMutablePointer<Float>

  /// (x, count, activation, out)
  package let activateCopy: @Sendable (Floats, Int, Int32, MutableFloats) -> Void
  /// (x, count, activation, dy)
  package let activateBackward: @Sendable (Floats, Int, Int32, MutableFloats) -> Void
  /// (x, count, rate, key, first, out, adds)
  package let dropout: @Sendable (Floats, Int, Float, UInt64, Int, MutableFloats, Bool) -> Void
  /// (x, residual, M, width, weight, bias, epsilon, rate, key, first, normalized, inverse deviation, out)
  package let normalizeForward:
    @Sendable (
      Floats, Floats?, Int, Int, Floats, Floats, Float, Float, UInt64, Int, MutableFloats, MutableFloats, MutableFloats
    ) -> Void
  /// (dy, normalized, inverse deviation, M, width, weight, dx, dWeight, dBias)
  package let normalizeBackward:
    @Sendable (Floats, Floats, Floats, Int, Int, Floats, MutableFloats, MutableFloats, MutableFloats) -> Void
  /// (p, dp, stride, M, L, scale, rate, key, first)
  package let softmaxBackward: @Sendable (Floats, MutableFloats, Int, Int, Int, Float, Float, UInt64, Int) -> Void
  /// (x, count, y)
  package let add: @Sendable (Floats, Int, MutableFloats) -> Void
  /// (vector, M, N, rows)
  package let fillRows: @Sendable (Floats, Int, Int, MutableFloats) -> Void
  /// (x, stride, M, columns, sums)
  package let addColumnSums: @Sendable (Floats, Int, Int, Int, MutableFloats) -> Void
  /// (x, count)
  package let sumOfSquares: @Sendable (Floats, Int) -> Double
  /// (p, g, m, v, count, gradient scale, decay, step size, β1, β2, ε, correction)
  package let adamW:
    @Sendable (
      MutableFloats, Floats, MutableFloats, MutableFloats, Int, Float, Float, Float, Float, Float, Float, Float
    ) -> Void
  /// (x, count, factor)
  package let scale: @Sendable (MutableFloats, Int, Float) -> Void

  /// The training kernels of an instruction set that this machine has.
  package static func table(for instructionSet: InstructionSet) throws(InstructionSetError) -> TrainingKernelTable {
    guard InstructionSet.supported.contains(instructionSet) else {
      throw InstructionSetError(name: instructionSet.rawValue)
    }
    #if arch(x86_64)
      switch instructionSet {
      case .avx512vnni:
        return TrainingKernelTable(
          activateCopy: KernelsAVX512VNNI.Kernel.activateCopy,
          activateBackward: KernelsAVX512VNNI.Kernel.activateBackward, dropout: KernelsAVX512VNNI.Kernel.dropout,
          normalizeForward: KernelsAVX512VNNI.Kernel.normalizeForward,
          normalizeBackward: KernelsAVX512VNNI.Kernel.normalizeBackward,
          softmaxBackward: KernelsAVX512VNNI.Kernel.softmaxBackward, add: KernelsAVX512VNNI.Kernel.add,
          fillRows: KernelsAVX512VNNI.Kernel.fillRows, addColumnSums: KernelsAVX512VNNI.Kernel.addColumnSums,
          sumOfSquares: KernelsAVX512VNNI.Kernel.sumOfSquares, adamW: KernelsAVX512VNNI.Kernel.adamW,
          scale: KernelsAVX512VNNI.Kernel.scale)
      case .avxvnni:
        return TrainingKernelTable(
          activateCopy: KernelsAVXVNNI.Kernel.activateCopy, activateBackward: KernelsAVXVNNI.Kernel.activateBackward,
          dropout: KernelsAVXVNNI.Kernel.dropout, normalizeForward: KernelsAVXVNNI.Kernel.normalizeForward,
          normalizeBackward: KernelsAVXVNNI.Kernel.normalizeBackward,
          softmaxBackward: KernelsAVXVNNI.Kernel.softmaxBackward, add: KernelsAVXVNNI.Kernel.add,
          fillRows: KernelsAVXVNNI.Kernel.fillRows, addColumnSums: KernelsAVXVNNI.Kernel.addColumnSums,
          sumOfSquares: KernelsAVXVNNI.Kernel.sumOfSquares, adamW: KernelsAVXVNNI.Kernel.adamW,
          scale: KernelsAVXVNNI.Kernel.scale)
      case .avx2:
        return TrainingKernelTable(
          activateCopy: KernelsAVX2.Kernel.activateCopy, activateBackward: KernelsAVX2.Kernel.activateBackward,
          dropout: KernelsAVX2.Kernel.dropout, normalizeForward: KernelsAVX2.Kernel.normalizeForward,
          normalizeBackward: KernelsAVX2.Kernel.normalizeBackward,
          softmaxBackward: KernelsAVX2.Kernel.softmaxBackward, add: KernelsAVX2.Kernel.add,
          fillRows: KernelsAVX2.Kernel.fillRows, addColumnSums: KernelsAVX2.Kernel.addColumnSums,
          sumOfSquares: KernelsAVX2.Kernel.sumOfSquares, adamW: KernelsAVX2.Kernel.adamW,
          scale: KernelsAVX2.Kernel.scale)
      case .baseline:
        return TrainingKernelTable(
          activateCopy: KernelsBaseline.Kernel.activateCopy,
          activateBackward: KernelsBaseline.Kernel.activateBackward, dropout: KernelsBaseline.Kernel.dropout,
          normalizeForward: KernelsBaseline.Kernel.normalizeForward,
          normalizeBackward: KernelsBaseline.Kernel.normalizeBackward,
          softmaxBackward: KernelsBaseline.Kernel.softmaxBackward, add: KernelsBaseline.Kernel.add,
          fillRows: KernelsBaseline.Kernel.fillRows, addColumnSums: KernelsBaseline.Kernel.addColumnSums,
          sumOfSquares: KernelsBaseline.Kernel.sumOfSquares, adamW: KernelsBaseline.Kernel.adamW,
          scale: KernelsBaseline.Kernel.scale)
      case .neon, .neondotprod: throw InstructionSetError(name: instructionSet.rawValue)
      }
    #elseif arch(arm64)
      switch instructionSet {
      case .neondotprod:
        return TrainingKernelTable(
          activateCopy: KernelsNEONDotProd.Kernel.activateCopy,
          activateBackward: KernelsNEONDotProd.Kernel.activateBackward, dropout: KernelsNEONDotProd.Kernel.dropout,
          normalizeForward: KernelsNEONDotProd.Kernel.normalizeForward,
          normalizeBackward: KernelsNEONDotProd.Kernel.normalizeBackward,
          softmaxBackward: KernelsNEONDotProd.Kernel.softmaxBackward, add: KernelsNEONDotProd.Kernel.add,
          fillRows: KernelsNEONDotProd.Kernel.fillRows, addColumnSums: KernelsNEONDotProd.Kernel.addColumnSums,
          sumOfSquares: KernelsNEONDotProd.Kernel.sumOfSquares, adamW: KernelsNEONDotProd.Kernel.adamW,
          scale: KernelsNEONDotProd.Kernel.scale)
      case .neon:
        return TrainingKernelTable(
          activateCopy: KernelsNEON.Kernel.activateCopy, activateBackward: KernelsNEON.Kernel.activateBackward,
          dropout: KernelsNEON.Kernel.dropout, normalizeForward: KernelsNEON.Kernel.normalizeForward,
          normalizeBackward: KernelsNEON.Kernel.normalizeBackward,
          softmaxBackward: KernelsNEON.Kernel.softmaxBackward, add: KernelsNEON.Kernel.add,
          fillRows: KernelsNEON.Kernel.fillRows, addColumnSums: KernelsNEON.Kernel.addColumnSums,
          sumOfSquares: KernelsNEON.Kernel.sumOfSquares, adamW: KernelsNEON.Kernel.adamW,
          scale: KernelsNEON.Kernel.scale)
      default: throw InstructionSetError(name: instructionSet.rawValue)
      }
    #endif
  }
}
