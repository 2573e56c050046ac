import Records
import Storage

#if canImport(Glibc)
  import Glibc
#endif

func reader(_ bytes: [UInt8], _ options: RecordOptions, pieceBytes: Int = .max, name: String = "input") -> RecordReader {
  let source = RecordSource(name: name) { () throws(RecordsError) in MemorySource(bytes, pieceBytes: pieceBytes) }
  return RecordReader(sources: [source], options: options)
}

func all(_ reader: RecordReader) throws -> [Record] {
  var records: [Record] = []
  var record = Record()
  while try reader.next(into: &record) { records.append(record) }
  return records
}

func records(_ text: String, _ options: RecordOptions, pieceBytes: Int = .max) throws -> [Record] {
  try all(reader(Array(text.utf8), options, pieceBytes: pieceBytes))
}

extension Record {
  var textString: String { String(decoding: text, as: UTF8.self) }
  var pairString: String { String(decoding: pair, as: UTF8.self) }
  var labelString: String { String(decoding: label, as: UTF8.self) }
  var inputFields: [String] {
    var begin = 0
    return input.ends.map { end in
      defer { begin = end }
      return String(decoding: input.bytes[begin..<end], as: UTF8.self)
    }
  }
}

func texts(_ text: String, _ options: RecordOptions, pieceBytes: Int = .max) throws -> [String] {
  try records(text, options, pieceBytes: pieceBytes).map(\.textString)
}

/// The error that the work throws.
func failure(_ work: () throws -> Void) -> String? {
  do {
    try work()
    return nil
  } catch { return "\(error)" }
}

/// A folder that goes with its owner.
final class TemporaryFolder {
  let path: String
  init() {
    var template = Array("/tmp/martlet-records-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template))
  }
  deinit { try? removeTree(path) }

  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = path + "/" + name
    try makeDirectory(file.parentPath!)
    let descriptor = try FileDescriptor(opening: file, flags: O_WRONLY | O_CREAT | O_TRUNC)
    try bytes.withUnsafeBytes { try descriptor.write($0) }
    return file
  }
}
