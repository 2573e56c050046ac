import Storage

/// What csv and tsv make of a row.
extension RecordReader {
  /// Settles the columns by the first row of a source; false when that row is a record because columns are given by number.
  func readHeader() throws(RecordsError) -> Bool {
    let layout: TableLayout
    var names: [String]
    if options.fields.isNumbered {
      guard framer.fieldCount <= framer.fields.count else {
        throw .header(source: sourceName, what: "\(framer.fieldCount) columns, expected at most \(framer.fields.count)")
      }
      names = (1...max(framer.fieldCount, 1)).map { "column_\($0)" }
      layout = try numberedLayout(columnCount: names.count)
    } else {
      guard !framer.isOverlong, framer.dropped == 0, framer.fieldCount <= framer.fields.count else {
        throw .header(source: sourceName, what: "the header is too long: is this a \(format.rawValue) file?")
      }
      names = framer.fields.map { String(decoding: framer.bytes[$0.start..<$0.end], as: UTF8.self) }
      if recognition?.hasRowNames == true { names.insert("", at: 0) }
      layout = try namedLayout(names)
    }
    if columns.isEmpty {
      setColumns(names)
    } else if options.keepsInput, columns != names {
      throw .differentColumns(source: sourceName, expected: columns, found: names)
    }
    chosenColumns = (layout.texts + [layout.pair, layout.label].compactMap { $0 }).map { names[$0] }
    if layout.texts.count > 1 { noteJoined(layout.texts.map { names[$0] }) }
    self.layout = layout
    framer.maximumFields = max(names.count, 1)
    return !options.fields.isNumbered
  }

  private func numberedLayout(columnCount: Int) throws(RecordsError) -> TableLayout {
    let chosen = options.fields
    let numbers = [chosen.text, chosen.pair, chosen.label].map(FieldChoice.numbers)
    let isMixed = zip([chosen.text, chosen.pair, chosen.label], numbers).contains { $0 != nil && $1 == nil }
    guard !isMixed, let texts = numbers[0], (numbers[1]?.count ?? 1) == 1, (numbers[2]?.count ?? 1) == 1 else {
      throw .header(source: sourceName, what: "columns are given either all by number or all by name, the text column too")
    }
    if let outside = numbers.compactMap({ $0 }).joined().first(where: { !(1...columnCount).contains($0) }) {
      throw .header(source: sourceName, what: "no column \(outside): the row has \(columnCount)")
    }
    var layout = TableLayout(columnCount: columnCount, texts: texts.map { $0 - 1 })
    layout.pair = numbers[1]?.first.map { $0 - 1 }
    if options.wantsLabel {
      guard let label = numbers[2]?.first else {
        throw .noColumn(source: sourceName, [MissingColumn(kind: "label", wanted: FieldChoice.usualLabels)], found: [], besides: nil)
      }
      layout.label = label - 1
    }
    return layout
  }

  private func namedLayout(_ names: [String]) throws(RecordsError) -> TableLayout {
    var lookup = ColumnLookup(fields: options.fields, wantsLabel: options.wantsLabel)
    do throws(ColumnProblem) {
      let layout = try lookup.layout(of: names)
      if options.isSet {
        for (chosen, others, option) in lookup.others(layout, in: names) {
          note("column `\(chosen.excerpt)` is taken, not \(others.map { "`\($0.excerpt)`" }.joined(separator: " or ")) (\(option))")
        }
      }
      return layout
    } catch {
      switch error {
      case .missing(let columns):
        if options.isSet, let bad = names.first(where: { $0.unicodeScalars.contains("\u{FFFD}") }) {
          var evidence = invalidBytes
          evidence.add(framer.bytes)
          throw .header(source: sourceName, what: "the column's name “\(bad.excerpt)” is not \(encodingName): \(evidence.guess)")
        }
        throw .noColumn(source: sourceName, columns, found: names, besides: options.isSet ? encodingDoubt : nil)
      case .twice(let kind, let name, let first, let second):
        guard options.isSet else {
          note("columns \(first) and \(second) are both named `\(name.excerpt)`: the first is the \(kind)")
          lookup.takesFirst = true
          do throws(ColumnProblem) { return try lookup.layout(of: names) } catch {
            throw .noColumn(source: sourceName, [MissingColumn(kind: kind, wanted: [name])], found: names, besides: nil)
          }
        }
        throw .header(source: sourceName, what: "columns \(first) and \(second) are both named `\(name.excerpt)`: which is the \(kind)? Rename one")
      }
    }
  }

  func interpretTableRow() throws(RecordProblem) {
    if let line = framer.openQuoteLine { throw tableProblem("the quote opened on line \(line) is never closed") }
    if let stray = framer.stray { try tell(stray) }
    try repairFields()
    keepTableInput()
    guard let layout else { return }
    guard !framer.isOverlong && (framing == .quotedRow || framer.dropped == 0) else {
      throw problem("longer than \(options.maximumRecordBytes) bytes")
    }
    guard framer.fieldCount == layout.columnCount else {
      throw problem("expected \(layout.columnCount) columns, found \(framer.fieldCount)")
    }
    count(dropped: framer.dropped)
    for column in layout.texts { take(column, into: &pending.text) }
    if let pair = layout.pair {
      take(pair, into: &pending.pair)
      pending.hasPair = true
    }
    if let label = layout.label {
      take(label, into: &pending.label)
      pending.hasLabel = true
      takeChoices()
    }
  }

  /// A quote that closes a field which then goes on: in a set only where nothing but the quote is lost.
  private func tell(_ stray: RowFramer.StrayQuote) throws(RecordProblem) {
    let what: String
    switch stray.kind {
    case .afterBackslash: what = "a quote behind a backslash, inside a field in quotes (--quoting backslash)"
    case .overLines: what = "the quote opened on line \(stray.opened) is closed inside a field of a later line"
    case .plain: what = "a field goes on behind the quote that closes it"
    }
    if options.isSet {
      guard stray.kind == .plain else { throw tableProblem(what) }
      return statistics.strayQuotes += 1
    }
    if !hasNotedQuotes { note("line \(framer.line): \(what)") }
    hasNotedQuotes = true
  }

  /// The problem of a row whose fields are kept for the echo all the same.
  private func tableProblem(_ message: String) -> RecordProblem {
    if !options.isSet { count(replacements: framer.repairFields(scratch: &scratch)) }
    keepTableInput()
    return problem(message)
  }

  private func take(_ column: Int, into target: inout [UInt8]) {
    let field = framer.fields[column]
    framer.bytes.withUnsafeBufferPointer { take(UnsafeBufferPointer(rebasing: $0[field.start..<field.end]), into: &target) }
  }

  private func keepTableInput() {
    guard options.keepsInput else { return }
    pending.input.form = .fields
    for field in framer.fields {
      pending.input.bytes.append(contentsOf: framer.bytes[field.start..<field.end])
      pending.input.ends.append(pending.input.bytes.count)
    }
  }
}
