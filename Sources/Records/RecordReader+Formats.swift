import JSON
import Storage

/// What each format makes of a row.
extension RecordReader {
  // MARK: lines

  func interpretLine() {
    framer.endAtWholeScalar()
    count(dropped: framer.dropped)
    count(replacements: framer.repairRow(scratch: &scratch))
    swap(&pending.text, &framer.bytes)
    pending.input.form = options.keepsInput ? .text : .none
  }

  // MARK: jsonl

  func interpretJSON() throws(RecordProblem) {
    guard framer.dropped == 0 else {
      throw problem("longer than \(options.maximumRecordBytes) bytes")
    }
    count(replacements: framer.repairRow(scratch: &scratch))
    if options.keepsInput {
      pending.input.form = .broken
      pending.input.bytes.append(contentsOf: framer.bytes)
      pending.input.ends.append(framer.bytes.count)
    }
    guard framer.bytes.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else {
      throw problem("expected a JSON object, found an empty line")
    }
    let value: JSONValue
    do { value = try JSONValue(parsing: framer.bytes) } catch {
      throw problem("not JSON: \(error.what) at byte \(error.offset + 1)")
    }
    if options.keepsInput { pending.input.form = .json }
    guard let object = value.object else { throw problem("expected a JSON object") }

    let keys = object.keys
    let textKey = try key(options.fields.text, or: FieldChoice.usualTexts, in: keys)
    try takeString(object[textKey]!, of: textKey, into: &pending.text)
    if let pairField = options.fields.pair {
      let pairKey = try key(pairField, or: [], in: keys)
      try takeString(object[pairKey]!, of: pairKey, into: &pending.pair)
      pending.hasPair = true
    }
    if options.wantsLabel {
      let labelKey = try key(options.fields.label, or: FieldChoice.usualLabels, in: keys)
      pending.hasLabel = true
      switch object[labelKey]! {
      case .null: throw problem("field `\(labelKey.excerpt)` is null, expected a label")
      case .object: throw problem("field `\(labelKey.excerpt)` is an object, expected a label")
      case .string(let name): pending.label.append(contentsOf: name.utf8)
      case let other: pending.label.append(contentsOf: other.description.utf8)
      }
    }
  }

  private func key(_ chosen: String?, or usual: [String], in keys: [String]) throws(RecordProblem) -> String {
    let wanted = chosen.map { [$0] } ?? usual
    if let index = firstColumn(wanted, in: keys) { return keys[index] }
    let found = keys.prefix(20).map { "`\($0.excerpt)`" }.joined(separator: ", ")
    let names = wanted.map { "`\($0)`" }.joined(separator: ", ")
    throw problem("no field \(names), found \(keys.isEmpty ? "none" : found)")
  }

  private func takeString(_ value: JSONValue, of key: String, into target: inout [UInt8]) throws(RecordProblem) {
    guard let string = value.string else { throw problem("field `\(key.excerpt)` is not a string") }
    var copy = string
    copy.withUTF8 { take($0, into: &target) }
  }

  // MARK: csv and tsv

  /// Settles the columns by the first row of a source; false when that row is a record because columns are given by number.
  func readHeader() throws(RecordsError) -> Bool {
    let chosen = options.fields
    let numbers = [chosen.text, chosen.pair, chosen.label].map { $0.flatMap { Int($0) } }
    let isNumbered = numbers.contains { $0 != nil }
    var names: [String]
    if isNumbered {
      guard framer.fieldCount <= framer.fields.count else {
        throw .header(source: sourceName, what: "\(framer.fieldCount) columns, expected at most \(framer.fields.count)")
      }
      names = (1...max(framer.fieldCount, 1)).map { "column_\($0)" }
      if (chosen.text != nil && numbers[0] == nil) || (chosen.pair != nil && numbers[1] == nil)
        || (chosen.label != nil && numbers[2] == nil) || chosen.text == nil
      {
        throw .header(source: sourceName, what: "columns are given either all by number or all by name, the text column too")
      }
    } else {
      guard !framer.isOverlong, framer.dropped == 0, framer.fieldCount <= framer.fields.count else {
        throw .header(source: sourceName, what: "the header is too long: is this a \(options.format.rawValue) file?")
      }
      names = framer.fields.map { String(decoding: framer.bytes[$0.start..<$0.end], as: UTF8.self) }
    }

    func column(_ chosen: String?, _ number: Int?, or usual: [String], kind: String) throws(RecordsError) -> Int {
      if let number {
        guard (1...names.count).contains(number) else {
          throw .header(source: sourceName, what: "no column \(number): the row has \(names.count)")
        }
        return number - 1
      }
      let wanted = chosen.map { [$0] } ?? usual
      guard !isNumbered, let index = firstColumn(wanted, in: names) else {
        throw .noColumn(source: sourceName, kind: kind, wanted: wanted, found: isNumbered ? [] : names)
      }
      return index
    }
    var layout = TableLayout(
      columnCount: names.count, text: try column(chosen.text, numbers[0], or: FieldChoice.usualTexts, kind: "text"))
    if chosen.pair != nil { layout.pair = try column(chosen.pair, numbers[1], or: [], kind: "text pair") }
    if options.wantsLabel { layout.label = try column(chosen.label, numbers[2], or: FieldChoice.usualLabels, kind: "label") }
    if options.keepsInput {
      if columns.isEmpty {
        setColumns(names)
      } else if columns != names {
        throw .differentColumns(source: sourceName, expected: columns, found: names)
      }
    } else if columns.isEmpty {
      setColumns(names)
    }
    self.layout = layout
    framer.maximumFields = max(names.count, 1)
    return !isNumbered
  }

  func interpretTableRow() throws(RecordProblem) {
    count(replacements: framer.repairFields(scratch: &scratch))
    keepTableInput()
    guard let layout else { return }
    if let line = framer.openQuoteLine { throw problem("the quote opened on line \(line) is never closed") }
    guard !framer.isOverlong && (options.format == .csv || framer.dropped == 0) else {
      throw problem("longer than \(options.maximumRecordBytes) bytes")
    }
    guard framer.fieldCount == layout.columnCount else {
      throw problem("expected \(layout.columnCount) columns, found \(framer.fieldCount)")
    }
    count(dropped: framer.dropped)
    func take(_ column: Int, into target: inout [UInt8]) {
      let field = framer.fields[column]
      framer.bytes.withUnsafeBufferPointer { self.take(UnsafeBufferPointer(rebasing: $0[field.start..<field.end]), into: &target) }
    }
    take(layout.text, into: &pending.text)
    if let pair = layout.pair {
      take(pair, into: &pending.pair)
      pending.hasPair = true
    }
    if let label = layout.label {
      take(label, into: &pending.label)
      pending.hasLabel = true
    }
  }

  private func keepTableInput() {
    guard options.keepsInput else { return }
    pending.input.form = .fields
    for field in framer.fields {
      pending.input.bytes.append(contentsOf: framer.bytes[field.start..<field.end])
      pending.input.ends.append(pending.input.bytes.count)
    }
  }

  // MARK: all

  /// Appends a well-formed text, cut at the bound.
  private func take(_ bytes: UnsafeBufferPointer<UInt8>, into target: inout [UInt8]) {
    guard bytes.count > options.maximumTextBytes else {
      target.append(contentsOf: bytes)
      return
    }
    let kept = UTF8Repair.wholeScalars(UnsafeBufferPointer(rebasing: bytes[..<options.maximumTextBytes]))
    target.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[..<kept]))
    count(dropped: bytes.count - kept)
  }
}

/// Where a table's fields are.
struct TableLayout {
  let columnCount: Int
  let text: Int
  var pair: Int?
  var label: Int?

  init(columnCount: Int, text: Int) {
    self.columnCount = columnCount
    self.text = text
  }
}

/// The first of the wanted names that a column has: exactly, or else without regard to case and surrounding blanks.
private func firstColumn(_ wanted: [String], in names: [String]) -> Int? {
  for name in wanted {
    if let index = names.firstIndex(of: name) { return index }
  }
  func plain(_ name: String) -> String {
    var scalars = name.unicodeScalars[...]
    while scalars.first?.properties.isWhitespace == true { scalars.removeFirst() }
    while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
    return String(scalars).lowercased()
  }
  let plainNames = names.map(plain)
  for name in wanted {
    if let index = plainNames.firstIndex(of: plain(name)) { return index }
  }
  return nil
}
