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
    try kernels() as! any TrainingKernelTable.Type  // Every table above is one of these too.
  }
}
