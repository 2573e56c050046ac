import CVector
import Storage

/// The instruction sets that kernels are compiled for; the raw value is the name that `MARTLET_ISA` takes.
package enum InstructionSet: String, CaseIterable, Sendable {
  case neondotprod, neon
  case avx512vnni, avxvnni, avx2, baseline

  /// What this processor and operating system can run, newest first.
  package static var supported: [InstructionSet] { allCases.filter(\.isSupported) }

  private var isSupported: Bool {
    #if arch(x86_64)
      switch self {
      case .avx512vnni: cprocessor_has_avx512vnni()
      case .avxvnni: cprocessor_has_avxvnni()
      case .avx2: cprocessor_has_avx2()
      case .baseline: true
      case .neon, .neondotprod: false
      }
    #elseif arch(arm64)
      switch self {
      case .neondotprod: cprocessor_has_dot_product()
      case .neon: true
      default: false
      }
    #endif
  }

  /// Whether products and sums are fused, on which bit equality with the other instruction sets depends.
  package var hasFusedMultiplyAdd: Bool { self != .baseline }

  /// The one that `MARTLET_ISA` forces, or else the newest that is supported.
  package static func selected() throws(InstructionSetError) -> InstructionSet {
    try selected(named: Environment.value(of: "MARTLET_ISA"))
  }

  /// The supported one of that name; without a name the newest.
  package static func selected(named name: String?) throws(InstructionSetError) -> InstructionSet {
    guard let name, !name.isEmpty else { return supported[0] }
    guard let forced = supported.first(where: { $0.rawValue == name }) else { throw InstructionSetError(name: name) }
    return forced
  }
}

/// `MARTLET_ISA` names an instruction set that is unknown or that this machine lacks.
package struct InstructionSetError: Error, CustomStringConvertible, Sendable, Equatable {
  package let name: String

  package var description: String {
    let known = InstructionSet(rawValue: name) == nil ? "is not an instruction set" : "is not supported here"
    return "MARTLET_ISA: \(name) \(known); this machine has \(InstructionSet.supported.map(\.rawValue).joined(separator: ", "))"
  }
}
