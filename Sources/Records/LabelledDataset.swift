import Storage

/// A whole labelled set in memory, for fine-tuning and evaluation. INTERFACE: DATA.
///
/// Files, told by what they hold and how they end, read one after the other; or folders with one sub-folder of text files per label
/// (`LabelledDataset+Folder`). Rows that cannot be read are left out and kept account of: a set that is silently smaller is another set, so
/// whoever uses it calls `requireSound`.
package struct LabelledDataset: Sendable {
  package let name: String
  package internal(set) var texts = TextColumn()
  /// The second texts, when a field for them was chosen.
  package internal(set) var pairs: TextColumn?
  /// The labels as the data has them; empty when none were asked for.
  package internal(set) var labels = TextColumn()
  package internal(set) var statistics = RecordStatistics()
  /// The rows that were left out because something is wrong with them.
  package internal(set) var badRows = BadRows()
  /// Whether rows whose labels turn out to be bad may be missing too.
  package var skipsBadRows = false
  /// The column that was chosen for the labels.
  package let labelField: String?
  /// What was understood that is not the plain default, and how to overrule it.
  package internal(set) var notes: [String] = []
  let maximumTextBytes: Int
  let requiresLabels: Bool
  /// The columns that were read of the first table.
  private var firstColumns: [String]?

  /// The files that the records come from.
  var files: [String] = []
  var places: [Place] = []

  /// Where a record begins: the number of its file, and the line in it from 1; 0 for a file that is one record.
  struct Place {
    let file: UInt32
    let line: UInt32
  }

  package var count: Int { texts.count }

  package init(
    path: String, reading: DataReading = DataReading(), requiresLabels: Bool = true, maximumTextBytes: Int = 1 << 20,
    source: (String) -> RecordSource = RecordSource.init(path:)
  ) throws(RecordsError) {
    try self.init(paths: [path], reading: reading, requiresLabels: requiresLabels, maximumTextBytes: maximumTextBytes, source: source)
  }

  /// Reads files and folders one after the other; `-` is standard input.
  package init(
    paths: [String], reading: DataReading = DataReading(), requiresLabels: Bool = true, maximumTextBytes: Int = 1 << 20,
    source: (String) -> RecordSource = RecordSource.init(path:)
  ) throws(RecordsError) {
    self.init(name: Self.name(of: paths), reading, requiresLabels, maximumTextBytes)
    // A file's texts are at most its bytes.
    texts.reserve(paths.reduce(0) { $0 + (regularFileSize($1) ?? 0) })
    for path in paths {
      let before = badRows.rowCount
      if isDirectory(path) {
        try read(folder: path, encoding: reading.encoding)
      } else {
        guard path == "-" || fileExists(path) else { throw .file(FileError(path: path, operation: "open")) }
        try read(source(path), reading, hint: RecordFormat.forPath(path))
      }
      guard badRows.rowCount > before else { throw isDirectory(path) ? .noLabelFolders(path: path) : .noRecords(path: path) }
    }
  }

  /// From any source of bytes in a known format.
  package init(
    source: RecordSource, format: RecordFormat, fields: FieldChoice = FieldChoice(), requiresLabels: Bool = true,
    maximumTextBytes: Int = 1 << 20
  ) throws(RecordsError) {
    try self.init(
      source: source, reading: DataReading(format: format, fields: fields), requiresLabels: requiresLabels, maximumTextBytes: maximumTextBytes)
  }

  /// From any source of bytes.
  package init(
    source: RecordSource, reading: DataReading, requiresLabels: Bool = true, maximumTextBytes: Int = 1 << 20
  ) throws(RecordsError) {
    self.init(name: source.name, reading, requiresLabels, maximumTextBytes)
    try read(source, reading, hint: RecordFormat.forPath(source.name))
    guard badRows.rowCount > 0 else { throw .noRecords(path: name) }
  }

  private init(name: String, _ reading: DataReading, _ requiresLabels: Bool, _ maximumTextBytes: Int) {
    self.name = name
    self.requiresLabels = requiresLabels
    labelField = reading.fields.label
    self.maximumTextBytes = maximumTextBytes
    if reading.fields.pair != nil { pairs = TextColumn() }
  }

  private static func name(of paths: [String]) -> String {
    guard let first = paths.first, paths.count > 1 else { return paths.first == "-" ? "standard input" : paths.first ?? "no file" }
    return "\(first) and \(paths.count - 1) more"
  }

  private mutating func read(_ source: RecordSource, _ reading: DataReading, hint: RecordFormat?) throws(RecordsError) {
    let options = RecordOptions(
      reading, formatHint: hint, wantsLabel: requiresLabels, looksAhead: true, isSet: true, maximumTextBytes: maximumTextBytes)
    let reader = RecordReader(sources: [source], options: options)
    var found: [String] = []
    reader.onNote = { found.append($0) }
    let file = UInt32(clamping: files.count)
    let countBefore = count
    files.append(source.name)
    var record = Record()
    var missing = MissingLabels()
    while try reader.next(into: &record) {
      badRows.rowCount += 1
      if let problem = record.problem {
        badRows.append(problem)
        continue
      }
      missing.look(at: record)
      try requireRoom(for: record)
      texts.append(record.text)
      if record.hasLabel { labels.append(record.label) }
      if record.hasPair { pairs?.append(record.pair) }
      places.append(Place(file: file, line: UInt32(clamping: record.line)))
    }
    try checkFirstRow(source.name, reading, from: countBefore, &found)
    if let first = firstColumns, !reader.chosenColumns.isEmpty, first.map(plainName) != reader.chosenColumns.map(plainName) {
      func list(_ names: [String]) -> String { names.map { "`\($0.excerpt)`" }.joined(separator: ", ") }
      found.append("\(source.name): columns \(list(reader.chosenColumns)) are read, of \(files[0]) \(list(first)) (--text-field, --label-field)")
    }
    if firstColumns == nil, !reader.chosenColumns.isEmpty { firstColumns = reader.chosenColumns }
    badRows.add(invalid: reader.invalidRecords, reader.invalidBytes, encodingName: reader.encodingName)
    statistics.add(reader.statistics)
    if reader.statistics.emptyRows > 0 {
      found.append("\(source.name): \(reader.statistics.emptyRows) rows of nothing but empty fields are no records")
    }
    if reader.statistics.strayQuotes > 0 {
      found.append("\(source.name): in \(reader.statistics.strayQuotes) rows a field goes on behind the quote that closes it: the quotes are left out (--quoting)")
    }
    if let note = missing.note(of: count - countBefore) { found.append("\(source.name)\(note)") }
    notes += found
  }

  /// A table whose columns are said by number has no header: if its first row looks like one, something is wrong.
  private func checkFirstRow(_ source: String, _ reading: DataReading, from first: Int, _ notes: inout [String]) throws(RecordsError) {
    guard reading.fields.isNumbered, labels.count > first + 1, labels.count == count else { return }
    let (text, label) = (texts.string(first), labels.string(first))
    let others = (first + 1)..<count
    guard label.utf8.count < 64, !others.contains(where: { labels[$0] == labels[first] }) else { return }
    // However it is written: `4`, `4,5`, `-1`, `5 stars`.
    func isNumber(_ label: String) -> Bool {
      plainName(label).unicodeScalars.first.map { $0.properties.numericType != nil || "+-.\u{2212}★⭐".unicodeScalars.contains($0) } ?? false
    }
    if FieldChoice.usualTexts.contains(plainName(text)) || FieldChoice.usualLabels.contains(plainName(label))
      || !isNumber(label) && others.allSatisfy({ isNumber(labels.string($0)) })
    {
      throw .header(source: source, what: "`\(text.excerpt)` and `\(label.excerpt)` look like names of columns: give these instead of numbers")
    }
    let isPlain = others.prefix(1000).count { row in others.prefix(1000).contains { $0 != row && labels[$0] == labels[row] } } == min(others.count, 1000)
    if others.count >= 10, isPlain { notes.append("\(source), line 1: no other row has the label `\(label.excerpt)`: is it a header? (columns by name)") }
  }

  private func requireRoom(for record: borrowing Record) throws(RecordsError) {
    do throws(OutOfMemory) {
      try texts.requireRoom(for: record.text.count)
      try labels.requireRoom(for: record.label.count)
      try pairs?.requireRoom(for: record.pair.count)
    } catch {
      throw .outOfMemory(source: name, error)
    }
  }

  /// Where a record comes from, for messages: `train.csv, line 17`, or the file of a folder.
  package func place(of index: Int) -> String {
    let place = places[index]
    return files[Int(place.file)] + (place.line > 0 ? ", line \(place.line)" : "")
  }

  /// What is wrong with a record, and where it is.
  package func problem(at index: Int, _ message: String) -> RecordProblem {
    let place = places[index]
    return RecordProblem(source: files[Int(place.file)], line: place.line > 0 ? Int(place.line) : nil, message: message)
  }
}
