import Records
import Storage

func readRecords(_ bytes: [UInt8]) throws {
  guard bytes.count >= 2 else { return }
  let flags = Int(bytes[0])
  var options = RecordOptions(
    format: flags & 64 != 0 ? .json : RecordFormat.allCases[flags % 4], wantsLabel: flags & 4 != 0, keepsInput: flags & 8 != 0)
  if flags & 16 != 0 { options.fields = FieldChoice(text: "1", pair: "2") }
  if flags & 128 != 0 { (options.isSet, options.looksAhead) = (true, true) }
  // Bounds that small inputs reach.
  if flags & 32 != 0 { (options.maximumTextBytes, options.maximumRecordBytes) = (7, 19) }
  let content = Array(bytes[2...])
  let whole = try records(content, options, pieceBytes: .max)
  options.bufferBytes = 16
  guard try records(content, options, pieceBytes: max(1, Int(bytes[1]) % 16)) == whole else {
    throw Finding("other records when the bytes come in pieces")
  }
}

/// What is seen of all records, or the error at their end.
private func records(_ content: [UInt8], _ options: RecordOptions, pieceBytes: Int) throws -> [String] {
  let source = RecordSource(name: "input") { () throws(RecordsError) in MemorySource(content, pieceBytes: pieceBytes) }
  let reader = RecordReader(sources: [source], options: options)
  var seen: [String] = []
  var record = Record()
  do {
    while try reader.next(into: &record) {
      for text in [record.text, record.pair] where String(validating: text, as: UTF8.self) == nil {
        throw Finding("record \(record.number) is not UTF-8")
      }
      seen.append("\(record)")
    }
  } catch let error as RecordsError {
    seen.append("\(error)")
  }
  seen.append("\(reader.statistics)")
  return seen
}
