import Kernels
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct InstructionSetTests {
  @Test func newestFirst() {
    let supported = InstructionSet.supported
    #expect(!supported.isEmpty)
    #expect(supported == InstructionSet.allCases.filter(supported.contains))
    #if arch(x86_64)
      #expect(supported.last == .baseline)
    #elseif arch(arm64)
      #expect(supported.last == .neon)
    #endif
  }

  /// Each name gives its own table, whose functions are those of its own module.
  @Test func everyNameForces() throws {
    for name in InstructionSet.supported {
      #expect(try InstructionSet.selected(named: name.rawValue) == name)
      #expect(try name.kernels().instructionSet == name)
    }
    #expect(try InstructionSet.selected(named: nil) == InstructionSet.supported[0])
    #expect(try InstructionSet.selected(named: "") == InstructionSet.supported[0])
  }

  /// What the environment of this test run asks for is what it got.
  @Test func environment() throws {
    let forced = getenv("MARTLET_ISA").map { String(cString: $0) } ?? ""
    let selected = try InstructionSet.selected().kernels().instructionSet
    #expect(selected.rawValue == (forced.isEmpty ? InstructionSet.supported[0].rawValue : forced))
  }

  @Test func unknownAndUnsupportedNames() {
    let unsupported = InstructionSet.allCases.filter { !InstructionSet.supported.contains($0) }.map(\.rawValue)
    for name in ["sse9", "AVX2", "avx2 "] + unsupported {
      do {
        let found = try InstructionSet.selected(named: name)
        Issue.record("\(name) gave \(found)")
      } catch {
        for supported in InstructionSet.supported { #expect(error.description.contains(supported.rawValue)) }
        #expect(error.description.contains(name))
      }
    }
    for name in InstructionSet.allCases where !InstructionSet.supported.contains(name) {
      #expect(throws: InstructionSetError.self) { try name.kernels() }
    }
  }
}
