import CFuzzer
import FuzzHarness

#if canImport(Glibc)
  import Glibc
#endif

// FUZZ_TARGET=TARGET fuzz-reader [arguments of libFuzzer]: feeds one reader until something breaks. A variable, because libFuzzer starts
// itself anew with arguments of its own. Without it the targets are listed.

nonisolated(unsafe) var target = FuzzTarget.bundle

guard let name = getenv("FUZZ_TARGET"), let chosen = FuzzTarget(rawValue: String(cString: name)) else {
  print(FuzzTarget.allCases.map(\.rawValue).joined(separator: "\n"))
  exit(64)
}
target = chosen
var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(
  LLVMFuzzerRunDriver(&count, &arguments) { data, size in
    let start = threadProcessorSeconds()
    do { try target.read(Array(UnsafeBufferPointer(start: data, count: size))) } catch { fatalError("\(error)") }
    // libFuzzer's own limit is of the time that passes, which a stopped process has plenty of.
    let seconds = threadProcessorSeconds() - start
    guard seconds < 5 else { fatalError("took \(seconds) s") }
    return 0
  })
