#if arch(x86_64)
  import KernelsAVX2
  import KernelsAVX512VNNI
  import KernelsAVXVNNI
  import KernelsBaseline
#elseif arch(arm64)
  import KernelsNEON
  import KernelsNEONDotProd
#endif

// A file of its own: what nothing in `libmartlet` names is not linked into it, and the kernels of training with it.

#if arch(x86_64)
  extension KernelsAVX512VNNI.Kernel: TrainingKernelTable {}
  extension KernelsAVXVNNI.Kernel: TrainingKernelTable {}
  extension KernelsAVX2.Kernel: TrainingKernelTable {}
  extension KernelsBaseline.Kernel: TrainingKernelTable {}
#elseif arch(arm64)
  extension KernelsNEONDotProd.Kernel: TrainingKernelTable {}
  extension KernelsNEON.Kernel: TrainingKernelTable {}
#endif

extension InstructionSet {
  /// The kernels of this instruction set that only training needs.
  ///
  /// - Throws: an error that lists what the machine has, if it is not supported here.
  package func trainingKernels() throws(InstructionSetError) -> any TrainingKernelTable.Type {
    guard Self.supported.contains(self) else { throw InstructionSetError(name: rawValue) }
    switch self {
    #if arch(x86_64)
      case .avx512vnni: return KernelsAVX512VNNI.Kernel.self
      case .avxvnni: return KernelsAVXVNNI.Kernel.self
      case .avx2: return KernelsAVX2.Kernel.self
      case .baseline: return KernelsBaseline.Kernel.self
    #elseif arch(arm64)
      case .neondotprod: return KernelsNEONDotProd.Kernel.self
      case .neon: return KernelsNEON.Kernel.self
    #endif
    default: throw InstructionSetError(name: rawValue)
    }
  }
}
