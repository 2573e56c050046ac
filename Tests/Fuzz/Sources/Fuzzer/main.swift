import CFuzzer
import FuzzHarness

#if canImport(Glibc)
  import Glibc
#endif

// fuzz-reader TARGET [arguments of libFuzzer]: feeds one reader until something breaks. fuzz-reader --list: the targets.

nonisolated(unsafe) var target = FuzzTarget.bundle

guard CommandLine.argc > 1, let chosen = FuzzTarget(rawValue: CommandLine.arguments[1]) else {
  print(FuzzTarget.allCases.map(\.rawValue).joined(separator: "\n"))
  exit(CommandLine.arguments.dropFirst() == ["--list"] ? 0 : 64)
}
target = chosen
var count = CommandLine.argc - 1
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
exit(
  LLVMFuzzerRunDriver(&count, &arguments) { data, size in
    let start = threadProcessorSeconds()
    do { try target.read(Array(UnsafeBufferPointer(start: data, count: size))) } catch { fatalError("\(error)") }
    // libFuzzer's own limit is of the time that passes, which a stopped process has plenty of.
    let seconds = threadProcessorSeconds() - start
    guard seconds < 5 else { fatalError("took \(seconds) s") }
    return 0
  })
