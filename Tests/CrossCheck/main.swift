// Prints what must be the same on every machine: what each kernel makes of fixed input, and the bits of the logits of
// texts. `tools/check-arm64` runs it here and under emulation and compares.
//
//   CrossCheck TEXTS BUNDLE...      TEXTS: a file with a text a line
//
// The instruction set in use goes to standard error. It fails by itself when a text's logits in a batch, on several
// threads, differ from those of the text alone.

import Glibc
import Kernels
import Martlet
import Storage

func writeToStandardError(_ line: String) { _ = (line + "\n").withCString { write(2, $0, strlen($0)) } }

func fail(_ message: String) -> Never {
  writeToStandardError("CrossCheck: \(message)")
  exit(1)
}

func bits(_ logits: [Float]) -> [UInt32] { logits.map(\.bitPattern) }

do {
  guard CommandLine.arguments.count > 2 else { fail("expected TEXTS and at least one BUNDLE") }
  let instructionSet = try InstructionSet.selected()
  writeToStandardError(instructionSet.rawValue)
  reportKernels(try instructionSet.kernels())

  let texts = String(decoding: try readFile(CommandLine.arguments[1]), as: UTF8.self)
    .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  for path in CommandLine.arguments[2...] {
    let classifier = try Classifier(contentsOf: path, threads: 3)
    guard classifier.instructionSet == instructionSet.rawValue else { fail("\(path): kernels of \(classifier.instructionSet)") }
    let alone = try texts.map { try bits(classifier.classify($0).logits) }
    for batchTokens in [50, 4096] {
      let together = try classifier.classify(texts, batchTokens: batchTokens).map { bits($0.logits) }
      guard together == alone else { fail("\(path): a text's logits depend on its batch of \(batchTokens) tokens") }
    }
    let name = String(path.split(separator: "/").last ?? "")
    for (number, logits) in alone.enumerated() {
      print(([name, "\(number + 1)"] + logits.map { hexadecimal(UInt64($0)) }).joined(separator: " "))
    }
  }
} catch {
  fail("\(error)")
}
