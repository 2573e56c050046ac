#if arch(x86_64)
  import KernelsAVX2
  import KernelsAVX512VNNI
  import KernelsAVXVNNI
  import KernelsBaseline
#elseif arch(arm64)
  import KernelsNEON
  import KernelsNEONDotProd
#endif

#if arch(x86_64)
  extension KernelsAVX512VNNI.Kernel: KernelTable {
    package static var instructionSet: InstructionSet { .avx512vnni }
  }
  extension KernelsAVXVNNI.Kernel: KernelTable {
    package static var instructionSet: InstructionSet { .avxvnni }
  }
  extension KernelsAVX2.Kernel: KernelTable {
    package static var instructionSet: InstructionSet { .avx2 }
  }
  extension KernelsBaseline.Kernel: KernelTable {
    package static var instructionSet: InstructionSet { .baseline }
  }
#elseif arch(arm64)
  extension KernelsNEONDotProd.Kernel: KernelTable {
    package static var instructionSet: InstructionSet { .neondotprod }
  }
  extension KernelsNEON.Kernel: KernelTable {
    package static var instructionSet: InstructionSet { .neon }
  }
#endif

extension InstructionSet {
  /// The kernels of this instruction set.
  ///
  /// - Throws: an error that lists what the machine has, if it is not supported here.
  package func kernels() throws(InstructionSetError) -> any KernelTable.Type {
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
