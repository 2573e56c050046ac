import ArgumentParser
import Decompression
import Martlet
import Records
import Tokenizers

struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize", abstract: "Print the ids of each line, special tokens included, cut as classify would.")

  @OptionGroup var modelArgument: ModelArgument
  @Argument(help: "Files to read; standard input if there is none, or for -. gzip and LZ4 are inflated.")
  var files: [String] = []
  @OptionGroup var encodingOption: EncodingOption
  @OptionGroup var length: LengthOptions
  @Flag(help: "Do not cut texts.")
  var whole = false

  func run() throws {
    let (tokenizer, limit, readsHTML) = try loadTokenizerAndLimit(modelArgument)
    let reader = try RecordReader(
      paths: files, options: RecordOptions(DataReading(format: .lines, encoding: encodingOption.encoding)), source: RecordSource.init(decompressing:))
    var record = Record()
    var workspace = TokenizerWorkspace()
    var plainText = HTMLText()
    var ids: [Int32] = []
    var text = ""
    do {
      while try reader.next(into: &record) {
        ids.removeAll(keepingCapacity: true)
        func encode(_ text: UnsafeBufferPointer<UInt8>) {
          _ = tokenizer.encode(
            text, maximumLength: whole ? .max : limit.cut(length.maxLength), workspace: &workspace, into: &ids)
        }
        record.text.withUnsafeBufferPointer { if readsHTML { plainText.withText($0, encode) } else { encode($0) } }
        for (place, id) in ids.enumerated() {
          if place > 0 { text += " " }
          text += "\(id)"
        }
        text += "\n"
        let wouldBlock = try !reader.waitForRecord(milliseconds: 0)
        if wouldBlock || text.utf8.count > 1 << 16 {
          try writeToStandardOutput(text)
          text.removeAll(keepingCapacity: true)
        }
      }
    } catch let error as RecordsError {
      // A failure takes no answer back: what was read before it is written.
      try writeToStandardOutput(text)
      throw error
    }
    try writeToStandardOutput(text)
  }
}
