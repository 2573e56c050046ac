/// Delimiter and quoting of a table.
extension Recogniser {
  /// - Parameter format: nil if only the columns that are wanted make it a table.
  /// - Returns: nil if the format is nil and there is no such table.
  func table(
    _ bytes: UnsafeBufferPointer<UInt8>, isAll: Bool, as format: RecordFormat?
  ) throws(RecordsError) -> Recognition? {
    var found = Recognition(format: format == .tsv ? .tsv : .csv)
    var bytes = bytes
    var said = options.reading.delimiter
    if let line = separatorLine(bytes) {
      found.skippedBytes = line.byteCount
      bytes = UnsafeBufferPointer(rebasing: bytes[line.byteCount...])
      if said == nil {
        said = line.delimiter
        found.notes.append("its first line says that fields are separated by \(line.delimiter.description) (--delimiter)")
      }
    }
    let usual: Delimiter = format == .tsv ? .tab : .comma
    var told = said
    if told == nil { told = try self.delimiter(bytes, isAll: isAll, usual: usual, isTable: format != nil) }
    guard let delimiter = told else { return nil }
    if said == nil, delimiter != usual || format == nil {
      found.notes.append("fields are separated by \(delimiter.description) (--delimiter)")
    }
    found.dialect = TableDialect(
      delimiter: delimiter, quoting: try quoting(bytes, isAll: isAll, delimiter, format, notes: &found.notes))
    if options.looksAhead, found.dialect.quoting == .double, options.reading.quoting == nil, Self.hasBlanksBeforeQuotes(bytes, delimiter) {
      var skipping = found.dialect
      skipping.skipsBlanks = true
      if TableSample(bytes, isAll: isAll, dialect: skipping).isFlawless {
        found.dialect = skipping
        found.notes.append("blanks between \(delimiter.description) and a quote are left out (--quoting)")
      }
    }
    let sample = TableSample(bytes, isAll: isAll, dialect: found.dialect)
    if options.looksAhead, !options.fields.isNumbered, sample.hasRowNames, lookup.hasLayout(sample.header) {
      found.hasRowNames = true
      found.notes.append("the header names \(sample.header.count) of \(sample.header.count + 1) columns: the first holds the rows' names, as R writes them")
    }
    return found
  }

  var lookup: ColumnLookup { ColumnLookup(fields: options.fields, wantsLabel: options.wantsLabel, takesFirst: !options.isSet) }

  /// A first line `sep=;`, as spreadsheets understand it.
  private func separatorLine(_ bytes: UnsafeBufferPointer<UInt8>) -> (delimiter: Delimiter, byteCount: Int)? {
    guard let end = bytes.prefix(16).firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) else { return nil }
    let line = String(decoding: bytes[..<end], as: UTF8.self).filter { $0 != "\"" }
    guard line.lowercased().hasPrefix("sep="), let delimiter = Delimiter(String(line.dropFirst(4))) else { return nil }
    let isPair = bytes[end] == 0x0D && end + 1 < bytes.count && bytes[end + 1] == 0x0A
    return (delimiter, end + (isPair ? 2 : 1))
  }

  /// The delimiter with which the header has the columns that are wanted, or, without a header, all rows.
  /// - Returns: nil if there is none and `isTable` is false.
  private func delimiter(
    _ bytes: UnsafeBufferPointer<UInt8>, isAll: Bool, usual: Delimiter, isTable: Bool
  ) throws(RecordsError) -> Delimiter? {
    let candidates = [usual] + Delimiter.usual.filter { $0 != usual }
    let hasEscapes = options.reading.quoting == nil && Self.hasEscapedQuotes(bytes)
    let samples = candidates.map { delimiter in
      func sample(_ quoting: Quoting) -> TableSample {
        TableSample(bytes, isAll: isAll, dialect: TableDialect(delimiter: delimiter, quoting: quoting))
      }
      let plain = sample(options.reading.quoting ?? .double)
      guard hasEscapes, !plain.isFlawless else { return plain }
      let escaped = sample(.backslash)
      return escaped.faults < plain.faults ? escaped : plain
    }
    let fitting: [TableSample]
    if options.fields.isNumbered {
      guard options.looksAhead else { return usual }
      let wanted = [options.fields.text, options.fields.pair, options.fields.label].compactMap { FieldChoice.numbers($0)?.max() }.max() ?? 1
      // One column alone has no delimiter.
      guard wanted > 1 else { return usual }
      fitting = samples.filter { $0.header.count >= wanted && $0.isFlawless }
      if fitting.isEmpty {
        // With faulty rows: what most rows are of.
        func share(_ sample: TableSample) -> Int { sample.header.count >= wanted ? sample.counts.count { $0 == sample.header.count } : -1 }
        guard let best = samples.max(by: { share($0) < share($1) }), share(best) >= 0 else { return isTable ? usual : nil }
        return share(best) > share(samples[0]) ? best.dialect.delimiter : isTable || share(samples[0]) > 0 ? usual : nil
      }
    } else {
      let named = samples.filter { lookup.hasLayout($0.header) }
      // A name that stands alone in its line has no delimiter either.
      if let first = named.first, first.dialect.delimiter == usual || named.allSatisfy({ $0.header == first.header }) {
        return isTable || first.header.count > 1 ? usual == first.dialect.delimiter ? usual : first.dialect.delimiter : nil
      }
      if named.isEmpty {
        guard isTable else { return nil }
        // No header is right: the columns are named as the likeliest delimiter makes them.
        guard options.looksAhead else { return usual }
        let flawless = samples.filter { $0.header.count > samples[0].header.count && $0.isFlawless }
        return flawless.max { $0.header.count < $1.header.count }?.dialect.delimiter ?? usual
      }
      let flawless = named.filter(\.isFlawless)
      fitting = flawless.isEmpty ? named : flawless
    }
    guard fitting.count == 1, let only = fitting.first else {
      let names = fitting.map(\.dialect.delimiter.description).joined(separator: " or ")
      throw .unreadable(source: source, what: "fields may be separated by \(names): say which (--delimiter)")
    }
    return only.dialect.delimiter
  }

  /// Whether quotes stand behind a delimiter and blanks, in half of the lines or more.
  private static func hasBlanksBeforeQuotes(_ bytes: UnsafeBufferPointer<UInt8>, _ delimiter: Delimiter) -> Bool {
    var (lines, found) = (0, 0)
    var isBehindDelimiter = false
    var blanks = 0
    for byte in bytes {
      if byte == 0x0A { lines += 1 }
      if byte == 0x20, isBehindDelimiter {
        blanks += 1
        continue
      }
      if byte == UInt8(ascii: "\""), isBehindDelimiter, blanks > 0 { found += 1 }
      isBehindDelimiter = byte == delimiter.byte
      blanks = 0
    }
    return found > 0 && 2 * found >= lines - 1
  }

  /// Whether there is a backslash before a quote.
  private static func hasEscapedQuotes(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var last: UInt8 = 0
    return bytes.contains { byte in
      defer { last = byte }
      return byte == UInt8(ascii: "\"") && last == UInt8(ascii: "\\")
    }
  }

  /// Whether double quotes are quotes, and how they stand inside of quotes. In a table with commas they are; with tabs the first rows tell, for
  /// some who write such tables quote (spreadsheets, pandas, R) and some do not (GLUE).
  private func quoting(
    _ bytes: UnsafeBufferPointer<UInt8>, isAll: Bool, _ delimiter: Delimiter, _ format: RecordFormat?, notes: inout [String]
  ) throws(RecordsError) -> Quoting {
    if let quoting = options.reading.quoting { return quoting }
    func sample(_ quoting: Quoting) -> TableSample {
      TableSample(bytes, isAll: isAll, dialect: TableDialect(delimiter: delimiter, quoting: quoting))
    }
    let isTabbed = delimiter == .tab || format == .tsv
    let evidence = isTabbed ? QuoteEvidence(bytes, isAll: isAll, delimiter: delimiter) : nil
    if Self.hasEscapedQuotes(bytes), evidence.map({ $0.escaped > 0 && $0.opened == $0.wrapped + $0.escaped }) ?? true {
      let (doubled, escaped) = (sample(.double), sample(.backslash))
      if escaped.escapedQuotes > 0, escaped.faults == 0, doubled.faults == 0 {
        throw .unreadable(source: source, what: "a quote behind a backslash may end its field or belong to it: say which (--quoting double or backslash)")
      }
      if escaped.escapedQuotes > 0, escaped.faults < doubled.faults {
        notes.append("quotes inside of quotes stand behind backslashes (--quoting)")
        return .backslash
      }
    }
    guard let evidence else { return .double }
    guard evidence.opened > 0 else { return .none }
    let (quoted, bare) = (sample(.double), sample(.none))
    guard quoted.isFlawless || quoted.hasRowNames && !bare.isFlawless else { return .none }
    let isQuoted =
      options.looksAhead
      ? !bare.isFlawless && !bare.hasRowNames || evidence.hasWrappedHeader || evidence.hasDoubled || evidence.hasWrappedColumn || evidence.isForCommas
      : evidence.hasWrappedHeader && !lookup.hasLayout(bare.header)
    if isQuoted {
      notes.append("fields stand in quotes (--quoting)")
    } else if options.looksAhead, evidence.wrapped > 0 {
      notes.append("quotes around fields are taken for a part of them, as in \(evidence.wrapped) of the first rows' fields (--quoting double)")
    }
    return isQuoted ? .double : .none
  }
}
