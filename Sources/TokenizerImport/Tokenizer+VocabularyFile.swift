import JSON
import Tokenizers

/// The lines of a `vocab.txt` as the reference reads them: blanks behind a token are not part of it, and of two equal lines
/// the last counts.
func readVocabularyLines(_ bytes: UnsafeRawBufferPointer) throws(TokenizerError) -> JSONObject {
  let whitespace = Set(UnicodeFacts.scalars(in: UnicodeTables.whitespace))
  var vocabulary = JSONObject()
  var id = 0
  var start = bytes.startIndex
  while start < bytes.endIndex {
    let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
    guard let line = String(validating: bytes[start..<end], as: UTF8.self) else {
      throw .malformed(file: "vocab.txt", place: "line \(id + 1)", expected: "UTF-8", found: "other bytes")
    }
    var token = line.unicodeScalars[...]
    while let last = token.last, whitespace.contains(last.value) { token.removeLast() }
    vocabulary[String(token)] = .integer(Int64(id))
    id += 1
    start = end + 1
  }
  return vocabulary
}
