/// How records lie in a file. INTERFACE: `--format`.
package enum RecordFormat: String, Sendable, CaseIterable {
  /// One text a line. Every line is a record, an empty one too; one carriage return before the line feed is dropped.
  case lines
  /// One JSON object a line. Every line is a record, so an empty one is a faulty one.
  case jsonl
  /// RFC 4180 as Python's `csv` reads it: quotes double inside quotes, line ends inside quotes belong to the field, a quote
  /// inside an unquoted field is itself, LF, CRLF and CR end a row, and a blank line is no record.
  case csv
  /// Fields split at tabs and nothing else: no quotes, no escapes, as the GLUE files have none. A blank line is no record.
  case tsv
  /// JSON objects in a list, or one after the other, over any number of lines.
  case json

  /// The format that a file name's ending says, nil for an ending that says none. How the file is compressed is said after it.
  package static func forPath(_ path: String) -> RecordFormat? {
    var name = path.lowercased()
    for ending in [".gz", ".lz4", ".zip"] where name.hasSuffix(ending) { name.removeLast(ending.count) }
    let endings: [(String, RecordFormat)] = [
      (".jsonl", .jsonl), (".ndjson", .jsonl), (".json", .json), (".csv", .csv), (".tsv", .tsv), (".tab", .tsv), (".txt", .lines),
    ]
    return endings.first { name.hasSuffix($0.0) }?.1
  }

  var isTable: Bool { self == .csv || self == .tsv }
}

/// What stands between two fields of a table: one ASCII character.
package struct Delimiter: Sendable, Equatable {
  let byte: UInt8

  static let comma = Delimiter(byte: UInt8(ascii: ","))
  static let tab = Delimiter(byte: UInt8(ascii: "\t"))
  static let semicolon = Delimiter(byte: UInt8(ascii: ";"))
  static let bar = Delimiter(byte: UInt8(ascii: "|"))
  /// Those that a table without a word about it may have.
  static let usual = [comma, semicolon, tab, bar]

  init(byte: UInt8) { self.byte = byte }

  /// The character itself, or its name.
  package init?(_ name: String) {
    let names = ["tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "pipe": "|", "space": " ", "colon": ":"]
    let character = names[name.lowercased()] ?? name
    guard character.utf8.count == 1, let byte = character.utf8.first, byte < 0x80, !"\"\r\n\0".utf8.contains(byte) else { return nil }
    self.byte = byte
  }

  /// As messages call it.
  var description: String {
    switch byte {
    case 0x09: "a tab"
    case 0x20: "a blank"
    default: "“\(Character(Unicode.Scalar(byte)))”"
    }
  }
}

/// Whether a double quote around a field of a table belongs to it. INTERFACE: `--quoting`.
package enum Quoting: String, Sendable, CaseIterable {
  /// A field may stand in double quotes; inside, two stand for one.
  case double
  /// The same, but inside a backslash before a quote makes it one of the text, as Spark and MySQL write tables. Before a backslash, a
  /// delimiter or a line's end it does so too; before anything else it stands for itself.
  case backslash
  /// A quote is a character like others.
  case none
}

/// What is said of how data are read; what is nil is told from the data. INTERFACE: DATA.
package struct DataReading: Sendable, Equatable {
  package var format: RecordFormat?
  package var encoding: TextEncoding?
  package var delimiter: Delimiter?
  package var quoting: Quoting?
  package var fields: FieldChoice

  package init(
    format: RecordFormat? = nil, encoding: TextEncoding? = nil, delimiter: Delimiter? = nil, quoting: Quoting? = nil,
    fields: FieldChoice = FieldChoice()
  ) {
    (self.format, self.encoding, self.delimiter, self.quoting, self.fields) = (format, encoding, delimiter, quoting, fields)
  }
}

/// Which fields hold the text, the second text of a pair and the label.
///
/// A name is looked up exactly, then without regard to case and surrounding blanks. In csv and tsv a whole number is a column counted from
/// 1 and says that there is no header line. Several joined with commas are one text, joined by a blank, empty ones left out. Without a choice
/// the usual names are tried in order.
package struct FieldChoice: Sendable, Equatable {
  package var text: String?
  package var pair: String?
  package var label: String?

  package init(text: String? = nil, pair: String? = nil, label: String? = nil) {
    (self.text, self.pair, self.label) = (text, pair, label)
  }

  static let usualTexts = ["text", "sentence", "review", "content"]
  static let usualLabels = ["label", "sentiment", "class", "labels"]

  /// The columns that are chosen by number, nil for those by name.
  static func numbers(_ choice: String?) -> [Int]? {
    guard let parts = choice?.split(separator: ",", omittingEmptySubsequences: false) else { return nil }
    let numbers = parts.compactMap { Int($0.filter { $0 != " " }) }
    return numbers.count == parts.count && !numbers.isEmpty ? numbers : nil
  }

  /// Whether a table has no header line.
  var isNumbered: Bool { [text, pair, label].contains { Self.numbers($0) != nil } }
}

/// How a reader makes records of bytes.
package struct RecordOptions: Sendable {
  package var reading: DataReading
  /// What a file's ending says of its format. Its content has the last word.
  package var formatHint: RecordFormat?
  /// Whether a record without a label is faulty.
  package var wantsLabel: Bool
  /// Whether records carry their whole input along (`--echo`).
  package var keepsInput: Bool
  /// Whether the first 256 KiB are waited for and looked at before the first record: format, delimiter and quoting are told by them. A stream
  /// that must answer at once has nothing but a table's first line for that.
  package var looksAhead: Bool
  /// Whether the records are a set, not a stream with an answer for each: blank lines and rows of nothing but empty fields are then no
  /// records, and bytes that are no text make a record faulty instead of being replaced.
  package var isSet: Bool
  /// Of a longer text the rest is dropped and counted, at the last whole scalar. A token has seldom more than ten bytes, so a mebibyte is
  /// far beyond what any encoder reads.
  package var maximumTextBytes: Int
  /// A jsonl, csv or tsv record that is longer is faulty: it cannot be understood from its beginning.
  package var maximumRecordBytes: Int
  package var bufferBytes: Int

  package init(
    _ reading: DataReading, formatHint: RecordFormat? = nil, wantsLabel: Bool = false, keepsInput: Bool = false, looksAhead: Bool = false,
    isSet: Bool = false, maximumTextBytes: Int = 1 << 20, maximumRecordBytes: Int = 16 << 20, bufferBytes: Int = 256 << 10
  ) {
    self.reading = reading
    self.formatHint = formatHint
    self.wantsLabel = wantsLabel
    self.keepsInput = keepsInput
    self.looksAhead = looksAhead
    self.isSet = isSet
    self.maximumTextBytes = max(maximumTextBytes, 4)
    self.maximumRecordBytes = max(maximumRecordBytes, 4)
    self.bufferBytes = max(bufferBytes, 16)
  }

  /// A stream of a known format.
  package init(
    format: RecordFormat, fields: FieldChoice = FieldChoice(), wantsLabel: Bool = false, keepsInput: Bool = false,
    maximumTextBytes: Int = 1 << 20, maximumRecordBytes: Int = 16 << 20, bufferBytes: Int = 256 << 10
  ) {
    self.init(
      DataReading(format: format, fields: fields), wantsLabel: wantsLabel, keepsInput: keepsInput, maximumTextBytes: maximumTextBytes,
      maximumRecordBytes: maximumRecordBytes, bufferBytes: bufferBytes)
  }

  package var fields: FieldChoice {
    get { reading.fields }
    set { reading.fields = newValue }
  }
}
