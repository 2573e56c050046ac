import FuzzHarness
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct ReplayTests {
  /// Every input of the corpus, those that once broke something among them: a value or a typed error, within a second and 64 MB.
  ///
  /// In a process of its own, so that the memory is the reader's alone and a crash names its target. A sanitizer takes ten times as much.
  @Test(arguments: FuzzTarget.allCases) func everyInputIsReadOrRefused(target: FuzzTarget) async {
    await #expect(processExitsWith: .success) { [name = target.rawValue as String] in
      let target = try #require(FuzzTarget(rawValue: name))
      let folder = fixture("../Fuzz/Corpus/" + name)
      let inputs = try listDirectory(folder)
      #expect(inputs.count >= 2)
      let scale = getenv("MARTLET_SANITIZED") == nil ? 1 : 10
      let atRest = try #require(Machine.residentBytes())
      for input in inputs {
        let bytes = try readFile(folder + "/" + input)
        let start = threadProcessorSeconds()
        do { try target.read(bytes) } catch { Issue.record("\(name)/\(input): \(error)") }
        let seconds = threadProcessorSeconds() - start
        #expect(seconds < Double(scale), "\(name)/\(input)")
        let grown = Machine.peakResidentBytes() - atRest
        try #require(grown < scale * (64 << 20) + bytes.count, "\(name)/\(input)")
      }
    }
  }
}
