// What tokenizers cost: the processor time and the memory of one call, or of opening one. `Tests/WorstCase/run` asks for it.
//
//   WorstCase encode TOKENIZER TEXT     seconds, bytes of memory beyond the text's, bytes of text, tokens
//   WorstCase open TOKENIZER            seconds, bytes of memory, then "opened" or why not
//   WorstCase parse TOKENIZER           the same for its JSON alone
//
// TOKENIZER: a tokenizer.json, a bundle, or a folder with bpe.codes and vocab.txt. Memory is the most that was resident at any moment,
// less what was before; where the system does not let it be measured the status is 77.

import Bundles
import Glibc
import JSON
import Storage
import TokenizerImport
import Tokenizers

func fail(_ message: String, status: CInt = 1) -> Never {
  _ = "WorstCase: \(message)\n".withCString { write(2, $0, strlen($0)) }
  exit(status)
}

/// Gives back what is free, and forgets the most that was resident so far.
func resetPeak() -> Int {
  if let trim = dlsym(nil, "malloc_trim") { _ = unsafeBitCast(trim, to: (@convention(c) (Int) -> CInt).self)(0) }
  guard let file = fopen("/proc/self/clear_refs", "w"), fputs("5", file) >= 0, fclose(file) == 0, let resident = Machine.residentBytes() else {
    fail("/proc/self/clear_refs cannot be written", status: 77)
  }
  return resident
}

func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func open(_ path: String) throws -> Tokenizer {
  if path.hasSuffix(".martlet") {
    let bytes = try Bundle(path: path).copy(.tokenizer)
    return try bytes.withUnsafeBytes { try Tokenizer(compiled: $0) }
  }
  if path.hasSuffix(".json") {
    return try Tokenizer(tokenizerJSON: JSONValue(parsing: readFile(path)))
  }
  let (codes, vocabulary) = (try readFile(path + "/bpe.codes"), try readFile(path + "/vocab.txt"))
  let configuration = try JSONValue(parsing: readFile(path + "/tokenizer_config.json"))
  return try Tokenizer(codes: codes, vocabulary: vocabulary, configuration: configuration)
}

let arguments = CommandLine.arguments
guard arguments.count > 2 else { fail("expected encode TOKENIZER TEXT, or open TOKENIZER", status: 64) }
do {
  if arguments[1] != "encode" {
    let before = resetPeak()
    let start = processorSeconds()
    var said = "opened"
    do {
      if arguments[1] == "open" { _ = try open(arguments[2]) } else { _ = try JSONValue(parsing: readFile(arguments[2])) }
    } catch {
      said = "\(error)"
    }
    let seconds = processorSeconds() - start
    print(seconds, Machine.peakResidentBytes() - before, said)
    exit(0)
  }
  // In its compiled form, as classification has it.
  let tokenizer = try open(arguments[2]).compiled().withUnsafeBytes { try Tokenizer(compiled: $0) }
  let text = try readFile(arguments[3])
  var workspace = TokenizerWorkspace()
  var ids: [Int32] = []
  let before = resetPeak()
  let start = processorSeconds()
  text.withUnsafeBufferPointer { _ = tokenizer.encode($0, maximumLength: .max, workspace: &workspace, into: &ids) }
  let seconds = processorSeconds() - start
  print(seconds, Machine.peakResidentBytes() - before, text.count, ids.count)
} catch {
  fail("\(error)")
}
