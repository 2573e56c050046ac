import JSON
import Storage
import TokenizerImport
import Tokenizers

// Tokenizers on one thread, on the lines of a file: tokens a second, and what becomes of the time before the first.
//
//   swift run -c release --package-path Benchmarks TokenizerLadder FILE FOLDER…

/// The ranges of the lines of a text.
func lines(_ text: [UInt8]) -> [Range<Int>] {
  var lines: [Range<Int>] = []
  var start = 0
  for (index, byte) in text.enumerated() where byte == UInt8(ascii: "\n") {
    lines.append(start..<index)
    start = index + 1
  }
  if start < text.count { lines.append(start..<text.count) }
  return lines
}

func milliseconds<Result>(_ body: () throws -> Result) rethrows -> (Result, Double) {
  let start = Machine.monotonicSeconds()
  let result = try body()
  return (result, (Machine.monotonicSeconds() - start) * 1e3)
}

func fixed(_ value: Double, _ digits: Int) -> String {
  let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
  let units = Int((value * scale).rounded())
  return "\(units / Int(scale))" + (digits == 0 ? "" : "." + String(String(units % Int(scale) + Int(scale)).dropFirst()))
}

/// Times rounds over all lines; the best one counts.
func measure(_ folder: String, _ text: [UInt8], _ lines: [Range<Int>]) throws {
  let (tokenizer, fromFiles) = try milliseconds { () throws -> Tokenizer in
    let configuration = try? JSONValue(parsing: readFile(folder + "/tokenizer_config.json"))
    return try Tokenizer(tokenizerJSON: JSONValue(parsing: readFile(folder + "/tokenizer.json")), configuration: configuration)
  }
  let compiled = tokenizer.compiled()
  let (opened, fromBytes) = try milliseconds { try compiled.withUnsafeBytes { try Tokenizer(compiled: $0) } }
  guard opened == tokenizer else { fatalError("\(folder): the compiled tokenizer is another one") }
  var workspace = TokenizerWorkspace()
  var ids: [Int32] = []
  var count = 0
  var rounds: [Double] = []
  text.withUnsafeBufferPointer { text in
    for _ in 0..<7 {
      count = 0
      rounds.append(
        milliseconds {
          for line in lines {
            ids.removeAll(keepingCapacity: true)
            _ = opened.encode(UnsafeBufferPointer(rebasing: text[line]), maximumLength: .max, workspace: &workspace, into: &ids)
            count += ids.count
          }
        }.1)
    }
  }
  let best = rounds.min()!
  print(
    "\(folder.split(separator: "/").last ?? ""): \(count) tokens, \(fixed(Double(count) / best / 1e3, 2)) M/s, "
      + "\(fixed(Double(text.count) / best / 1e3, 1)) MB/s; \(compiled.count) bytes compiled, from files \(fixed(fromFiles, 0)) ms, "
      + "from bytes \(fixed(fromBytes, 1)) ms")
}

let arguments = CommandLine.arguments.dropFirst()
guard let file = arguments.first, arguments.count > 1 else { fatalError("usage: TokenizerLadder FILE FOLDER…") }
let text = try readFile(file)
for folder in arguments.dropFirst() { try measure(folder, text, lines(text)) }
