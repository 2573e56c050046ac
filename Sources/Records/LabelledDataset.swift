import Storage

#if canImport(Glibc)
  import Glibc
#endif

/// A whole labelled set in memory, for fine-tuning and evaluation. INTERFACE: DATA.
///
/// A `.csv`, `.tsv` or `.jsonl` file, or a folder with one sub-folder of text files per label (labels and files in byte order, hidden
/// ones passed over). Rows that cannot be read are left out and kept account of: a set that is silently smaller is another set, so whoever
/// uses it calls `requireSound`.
package struct LabelledDataset: Sendable {
  package let name: String
  package internal(set) var texts = TextColumn()
  /// The second texts, when a field for them was chosen.
  package internal(set) var pairs: TextColumn?
  /// The labels as the data has them; empty when none were asked for.
  package internal(set) var labels = TextColumn()
  package private(set) var statistics = RecordStatistics()
  /// The rows that were left out because something is wrong with them.
  package internal(set) var badRows = BadRows()
  /// Whether rows whose labels turn out to be bad may be missing too.
  package var skipsBadRows = false
  /// The column that was chosen for the labels.
  package private(set) var labelField: String?
  /// The files that the records come from.
  private var files: [String] = []
  var places: [Place] = []

  /// Where a record begins: the number of its file, and the line in it from 1; 0 for a file that is one record.
  struct Place {
    let file: UInt32
    let line: UInt32
  }

  package var count: Int { texts.count }

  package init(
    path: String, fields: FieldChoice = FieldChoice(), requiresLabels: Bool = true, maximumTextBytes: Int = 1 << 20,
    source: (String) -> RecordSource = RecordSource.init(path:)
  ) throws(RecordsError) {
    if isDirectory(path) {
      try self.init(folder: path, requiresLabels: requiresLabels, maximumTextBytes: maximumTextBytes)
    } else {
      guard fileExists(path) else { throw .file(FileError(path: path, operation: "open")) }
      guard let format = RecordFormat.forPath(path), format != .lines else { throw .unknownFormat(path: path) }
      try self.init(
        source: source(path), format: format, fields: fields, requiresLabels: requiresLabels,
        maximumTextBytes: maximumTextBytes)
    }
  }

  /// From any source of bytes.
  package init(
    source: RecordSource, format: RecordFormat, fields: FieldChoice = FieldChoice(), requiresLabels: Bool = true,
    maximumTextBytes: Int = 1 << 20
  ) throws(RecordsError) {
    name = source.name
    labelField = fields.label
    let options = RecordOptions(
      format: format, fields: fields, wantsLabel: requiresLabels, maximumTextBytes: maximumTextBytes)
    let reader = RecordReader(sources: [source], options: options)
    if fields.pair != nil { pairs = TextColumn() }
    files = [source.name]
    var record = Record()
    while try reader.next(into: &record) {
      badRows.rowCount += 1
      if let problem = record.problem {
        badRows.append(problem)
        continue
      }
      try requireRoom(for: record)
      texts.append(record.text)
      if record.hasLabel { labels.append(record.label) }
      if record.hasPair { pairs?.append(record.pair) }
      places.append(Place(file: 0, line: UInt32(clamping: record.line)))
    }
    statistics = reader.statistics
    guard badRows.rowCount > 0 else { throw .noRecords(path: name) }
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

  private init(folder: String, requiresLabels: Bool, maximumTextBytes: Int) throws(RecordsError) {
    name = folder
    do throws(FileError) {
      for label in try listDirectory(folder) where !label.hasPrefix(".") && isDirectory(folder + "/" + label) {
        for file in try listDirectory(folder + "/" + label) where !file.hasPrefix(".") {
          let path = folder + "/" + label + "/" + file
          guard !isDirectory(path) else { continue }
          try append(file: path, maximumTextBytes: maximumTextBytes)
          if requiresLabels { labels.append(label.utf8) }
        }
      }
    } catch { throw .file(error) }
    guard badRows.rowCount > 0 else { throw .noLabelFolders(path: folder) }
  }

  private mutating func append(file path: String, maximumTextBytes: Int) throws(FileError) {
    let bytes = try readFile(path)
    var content = bytes[...]
    if content.starts(with: [0xEF, 0xBB, 0xBF]) { content.removeFirst(3) }
    if content.count > maximumTextBytes {
      let kept = content.prefix(maximumTextBytes).withUnsafeBufferPointer { UTF8Repair.wholeScalars($0) }
      statistics.cutRecords += 1
      statistics.droppedBytes += content.count - kept
      content = content.prefix(kept)
    }
    do throws(OutOfMemory) {
      try requireMemory(content.count.memory(times: 4))
      try texts.requireRoom(for: 3 * content.count)
    } catch {
      throw FileError(path: path, operation: "read", code: ENOMEM)
    }
    var text: [UInt8] = []
    let replacements = content.withUnsafeBufferPointer { UTF8Repair.append($0, to: &text) }
    if replacements > 0 {
      statistics.replacedRecords += 1
      statistics.replacements += replacements
    }
    texts.append(text)
    places.append(Place(file: UInt32(clamping: files.count), line: 0))
    files.append(path)
    statistics.records += 1
    badRows.rowCount += 1
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
