import JSON

/// What the beginning of a source is taken for.
struct Recognition {
  var format: RecordFormat
  var dialect = TableDialect(delimiter: .comma, quoting: .double)
  /// A first line that is no part of the table (`sep=;`).
  var skippedBytes = 0
  /// Whether the rows begin with a field that the header does not name.
  var hasRowNames = false
  /// What was understood that is not the plain default, and how to overrule it.
  var notes: [String] = []
}

/// Tells format, delimiter and quoting by the beginning of a source.
struct Recogniser {
  let options: RecordOptions
  let source: String

  /// Whether anything is to be told.
  static func isNeeded(_ options: RecordOptions) -> Bool {
    let reading = options.reading
    return options.looksAhead || reading.format?.isTable == true && (reading.delimiter == nil || reading.quoting == nil)
  }

  /// Whether these bytes are enough: all that are wanted, or a table's first line.
  func isEnough(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard !options.looksAhead, let start = bytes.firstIndex(where: { $0 != 0x0A && $0 != 0x0D }) else { return false }
    return bytes[start...].contains { $0 == 0x0A || $0 == 0x0D }
  }

  /// - Parameter isAll: whether the source ends with these bytes.
  func recognise(_ bytes: UnsafeBufferPointer<UInt8>, isAll: Bool) throws(RecordsError) -> Recognition {
    if options.looksAhead {
      if let what = ForeignFormat.recognise(bytes) { throw .unreadable(source: source, what: what) }
      try requireText(bytes.prefix(4096))
      if options.wantsLabel, bytes.starts(with: "__label__".utf8) {
        throw .unreadable(
          source: source,
          what: "lines of fastText: make a table of them, with (printf 'label\\ttext\\n'; sed -E 's/^__label__([^ ]+) +/\\1\\t/' FILE) > FILE.tsv")
      }
    }
    var bytes = bytes
    // A stream is read with what its first line tells.
    if !options.looksAhead, let start = bytes.firstIndex(where: { $0 != 0x0A && $0 != 0x0D }),
      let end = bytes[start...].firstIndex(where: { $0 == 0x0A || $0 == 0x0D })
    {
      bytes = UnsafeBufferPointer(rebasing: bytes[...end])
    }
    let format = try format(of: bytes, isAll: isAll)
    guard let format else {
      // Nothing says what it is but, perhaps, a header with the columns that are wanted.
      guard var found = try table(bytes, isAll: isAll, as: nil) else { throw .unknownFormat(path: source) }
      found.notes.insert("read as a table, by its header (--format)", at: 0)
      return found
    }
    guard format.isTable else {
      if format == .json, options.looksAhead, bytes.filter({ $0 > 0x20 }).starts(with: "[[".utf8) {
        throw .unreadable(source: source, what: "a list of lists: expected a list of objects, as {\"text\": …, \"label\": …}")
      }
      var found = Recognition(format: format)
      if (options.reading.format ?? options.formatHint) != format {
        found.notes.append("read as \(format.rawValue), by what it holds (--format)")
      }
      return found
    }
    let found = try table(bytes, isAll: isAll, as: format) ?? Recognition(format: format)
    if options.looksAhead, !found.dialect.hasQuotes, bytes.contains(0x0D), !bytes.contains(0x0A) {
      throw .unreadable(source: source, what: "its lines end with a carriage return alone: pass it through tr '\\r' '\\n' < FILE | … - with --format")
    }
    return found
  }

  /// Refuses wide characters that no mark tells of.
  private func requireText(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) throws(RecordsError) {
    let zeros = bytes.indices.filter { bytes[$0] == 0 }
    guard zeros.count > 4, zeros.count * 8 > bytes.count else { return }
    let even = zeros.count { $0 % 2 == 0 }
    let width = zeros.count * 2 > bytes.count ? 32 : 16
    // The zeros are the upper bytes; of UTF-32 the lowest byte is hardly ever one.
    let isBig = width == 16 ? even * 2 > zeros.count : bytes[bytes.startIndex] == 0
    throw .unreadable(source: source, what: "holds zero bytes as UTF-\(width) without a byte order mark does (--encoding utf-\(width)\(isBig ? "be" : "le"))")
  }

  /// The format by what was said, the content and the file's ending; nil if none of them tells.
  private func format(of bytes: UnsafeBufferPointer<UInt8>, isAll: Bool) throws(RecordsError) -> RecordFormat? {
    let said = options.reading.format
    if let said, said != .jsonl && said != .json || !options.looksAhead { return said }
    if let json = jsonFormat(of: bytes) { return json }
    if let said { return said }
    switch options.formatHint {
    case .lines?, nil: return nil
    case let hint?: return hint
    }
  }

  /// `json` or `jsonl` for bytes that begin as one of them does.
  private func jsonFormat(of bytes: UnsafeBufferPointer<UInt8>) -> RecordFormat? {
    let blanks: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
    guard let start = bytes.firstIndex(where: { !blanks.contains($0) }) else { return nil }
    let second = bytes[(start + 1)...].first { !blanks.contains($0) }
    switch bytes[start] {
    case UInt8(ascii: "["): return second.map { "{]".utf8.contains($0) } ?? true ? .json : nil
    case UInt8(ascii: "{"):
      guard second.map({ "\"}".utf8.contains($0) }) ?? true else { return nil }
      let line = bytes[start...].prefix { $0 != 0x0A }
      if (try? JSONValue(parsing: Array(line))) != nil { return .jsonl }
      if line.count == bytes.count - start, line.contains(0x0D) { return .json }
      // An object that goes on has a line that says so.
      return line.last { !blanks.contains($0) }.map { "{[,:".utf8.contains($0) } ?? false ? .json : .jsonl
    default: return nil
    }
  }
}
