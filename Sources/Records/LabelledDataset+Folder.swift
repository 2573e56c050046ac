import Storage

/// A folder with one sub-folder of text files per label: labels and files in byte order, each file a record.
extension LabelledDataset {
  mutating func read(folder: String, encoding: TextEncoding?) throws(RecordsError) {
    var systemFiles = 0
    for label in try Self.names(in: folder) where isDirectory(folder + "/" + label) && !Self.isSystem(label) {
      for file in try Self.names(in: folder + "/" + label) {
        let path = folder + "/" + label + "/" + file
        guard !isDirectory(path), !file.hasPrefix(".") else { continue }
        guard !Self.isSystem(file) else {
          systemFiles += 1
          continue
        }
        if try append(file: path, encoding), requiresLabels { labels.append(label.utf8) }
      }
    }
    if systemFiles > 0 { notes.append("\(folder): \(systemFiles) files of the system (Thumbs.db, desktop.ini) are no texts") }
  }

  private static func names(in folder: String) throws(RecordsError) -> [String] {
    do throws(FileError) { return try listDirectory(folder) } catch { throw .file(error) }
  }

  /// What systems put into folders by themselves: hidden files, and those of Windows, macOS and storage boxes that are not.
  private static func isSystem(_ name: String) -> Bool {
    let known = ["thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information"]
    return name.hasPrefix(".") || name.hasPrefix("Icon\r") || known.contains(name.lowercased())
  }

  /// Appends the file's text; false if it is none.
  private mutating func append(file path: String, _ encoding: TextEncoding?) throws(RecordsError) -> Bool {
    let (bytes, encodingName) = try text(of: path, encoding)
    statistics.records += 1
    badRows.rowCount += 1
    let bad = bytes.withUnsafeBufferPointer { UTF8Repair.wellFormedPrefix($0) }
    if bad < bytes.count {
      statistics.problems += 1
      let line = 1 + bytes[..<bad].count { $0 == 0x0A }
      let byte = encodingName == TextEncoding.utf8.name ? " (0x\(String(bytes[bad], radix: 16, uppercase: true)))" : ""
      badRows.append(RecordProblem(source: path, line: line, message: "byte \(bad + 1) of the file\(byte) is not \(encodingName)"))
      var evidence = ByteEvidence()
      evidence.add(bytes)
      badRows.add(invalid: 1, evidence, encodingName: encodingName)
      return false
    }
    var content = bytes[...]
    if content.count > maximumTextBytes {
      let kept = content.prefix(maximumTextBytes).withUnsafeBufferPointer { UTF8Repair.wholeScalars($0) }
      statistics.cutRecords += 1
      statistics.droppedBytes += content.count - kept
      content = content.prefix(kept)
    }
    do throws(OutOfMemory) { try texts.requireRoom(for: content.count) } catch {
      throw .file(.outOfMemory(path, operation: "read"))
    }
    texts.append(content)
    places.append(Place(file: UInt32(clamping: files.count), line: 0))
    files.append(path)
    return true
  }

  /// A file's bytes as UTF-8 without a byte order mark, and what they were.
  private func text(of path: String, _ encoding: TextEncoding?) throws(RecordsError) -> (bytes: [UInt8], encodingName: String) {
    let raw: [UInt8]
    do throws(FileError) { raw = try readFile(path) } catch { throw .file(error) }
    do throws(OutOfMemory) { try requireMemory(raw.count.memory(times: 6)) } catch {
      throw .file(.outOfMemory(path, operation: "read"))
    }
    if raw.starts(with: [0xEF, 0xBB, 0xBF]) { return (Array(raw.dropFirst(3)), TextEncoding.utf8.name) }
    let isMarked = raw.starts(with: [0xFF, 0xFE]) || raw.starts(with: [0xFE, 0xFF]) || raw.starts(with: [0, 0, 0xFE, 0xFF])
    guard isMarked || encoding != nil && encoding != .utf8 else { return (raw, TextEncoding.utf8.name) }
    let source = DecodingSource(MemorySource(raw), name: path, encoding: encoding)
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let result = piece.withUnsafeMutableBytes { buffer in Result { () throws(RecordsError) in try source.read(into: buffer) } }
      let count = try result.get()
      if count == 0 { break }
      bytes += piece[..<count]
    }
    return (bytes, (encoding ?? source.decidedEncoding)?.name ?? TextEncoding.utf8.name)
  }
}
