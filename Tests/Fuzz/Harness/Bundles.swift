import Bundles
import Martlet
import Storage

func readBundle(_ bytes: [UInt8]) throws {
  if let bundle = try attempt({ try Bundle(memory: bytes) }) { try use(bundle) }
  // A fuzzer seldom hits a checksum: all are made true, as one who forges a file does.
  guard let bundle = try openForged(bytes, base: nil) else { return }
  try use(bundle)
}

/// The size of a base in four bytes, the base, and a delta of it.
func readDelta(_ bytes: [UInt8]) throws {
  guard bytes.count >= 4 else { return }
  let size = Int(number(bytes[..<4]))
  guard size <= bytes.count - 4 else { return }
  let (original, delta) = (Array(bytes[4..<4 + size]), Array(bytes[(4 + size)...]))
  if let base = try attempt({ try Bundle(memory: original) }),
    let bundle = try attempt({ try Bundle(memory: delta, base: base) })
  {
    try use(bundle)
  }
  guard let base = try openForged(original, base: nil) else { return }
  guard let bundle = try openForged(naming(base, in: delta), base: base) else { return }
  try use(bundle)
}

/// Touches every byte of every section, then asks the classifier what it thinks.
private func use(_ bundle: Bundle) throws {
  for entry in bundle.entries {
    guard let section = try attempt({ try bundle.copy(entry.kind, entry.name) }) else { continue }
    guard section.count == entry.rawSize else { throw Finding("\(entry): expected \(entry.rawSize) bytes, found \(section.count)") }
    _ = try attempt { try bundle.text(entry.kind, entry.name) }
    try compareRows(of: entry, with: section, in: bundle)
  }
  guard let classifier = try attempt({ try Classifier(bundle: bundle, threads: 1) }) else { return }
  for text in ["", "a good film", String(repeating: "not bad ", count: 40)] {
    let predictions = try attempt { try classifier.classify([text, "good"]) }
    if let predictions, predictions.count != 2 { throw Finding("\(predictions.count) predictions of 2 texts") }
    _ = try attempt { try classifier.classify(text, pair: "good") }
  }
}

/// The rows that a delta changes, laid over its base's, are those of the whole section.
private func compareRows(of entry: SectionEntry, with section: [UInt8], in bundle: Bundle) throws {
  guard entry.kind == .embedding, entry.shape.count == 2, entry.shape.allSatisfy({ (1...4096).contains($0) }) else { return }
  let (rowCount, rowBytes) = (entry.shape[0], entry.shape[1])
  let changes = try attempt { try bundle.changedRows(entry.kind, entry.name, rowBytes: rowBytes, rowCount: rowCount) }
  guard let changes = changes ?? nil, let base = bundle.base else { return }
  let original = try base.copy(entry.kind, entry.name)
  for row in 0..<rowCount {
    let place = Int(changes.places.bound(to: Int32.self)[row])
    guard place >= -1, place < changes.count else { throw Finding("\(entry): row \(row) at place \(place) of \(changes.count)") }
    let range = row * rowBytes..<(row + 1) * rowBytes
    let isSame =
      place < 0
      ? original[range] == section[range]
      : changes.rows.bytes[place * rowBytes..<(place + 1) * rowBytes].elementsEqual(section[range])
    guard isSame else { throw Finding("\(entry): row \(row) is another alone than in the section") }
  }
}

// MARK: Forged bundles

/// Opens the bytes with true checksums, those of what compressed sections decode to among them.
private func openForged(_ bytes: [UInt8], base: Bundle?) throws -> Bundle? {
  var bytes = sealed(bytes)
  guard let bundle = try attempt({ try Bundle(memory: bytes, base: base, verifyChecksums: false) }) else { return nil }
  var (position, isChanged) = (64, false)
  for entry in bundle.entries {
    do throws(BundleError) {
      _ = try bundle.copy(entry.kind, entry.name)
    } catch {
      if case .rawChecksum(_, _, let found) = error.fault {
        bytes.replaceSubrange(position + 80..<position + 88, with: littleEndian(found))
        isChanged = true
      }
    }
    position += 88 + entry.name.utf8.count.roundedUp(toMultipleOf: 8)
  }
  return isChanged ? try attempt { try Bundle(memory: sealed(bytes), base: base, verifyChecksums: false) } : bundle
}

/// The delta with this base's checksum in its first section, where that is whole.
private func naming(_ base: Bundle, in delta: [UInt8]) -> [UInt8] {
  guard delta.count >= 64 + 88 else { return delta }
  let offset = number(delta[112..<120])
  guard offset <= UInt64(delta.count - 8) else { return delta }
  var delta = delta
  delta.replaceSubrange(Int(offset)..<Int(offset) + 8, with: littleEndian(base.indexChecksum))
  return delta
}

/// The bytes with true checksums of header and index, where those are whole.
private func sealed(_ bytes: [UInt8]) -> [UInt8] {
  guard bytes.count >= 64 else { return bytes }
  var bytes = bytes
  let indexSize = number(bytes[32..<40])
  if indexSize <= UInt64(bytes.count - 64) { bytes.replaceSubrange(40..<48, with: checksum(bytes[64..<64 + Int(indexSize)])) }
  bytes.replaceSubrange(56..<64, with: checksum(bytes[..<56]))
  return bytes
}

private func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }

private func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] { littleEndian(bytes.withUnsafeBytes { XXH64.hash($0) }) }

func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] { withUnsafeBytes(of: number.littleEndian) { Array($0) } }

/// Puts the bytes into a bundle as its one section, by the specification in the README of Bundles.
func readLZ4Section(_ bytes: [UInt8]) throws {
  guard bytes.count >= 4 else { return }
  let rawSize = number(bytes[..<4])
  let stored = bytes[4...]
  var entry: [UInt8] = [8, 0, 1, 1, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 40)
  for number in [4096, UInt64(stored.count), rawSize] { entry += littleEndian(number) }
  entry += checksum(stored) + littleEndian(UInt64(0))
  let fileSize = (4096 + stored.count).roundedUp(toMultipleOf: 64)
  var header: [UInt8] = [0x89, 0x4D, 0x52, 0x54, 0x4C, 0x0D, 0x0A, 0x1A, 1, 0, 0, 0, 1, 0, 0, 0]
  for number in [UInt64(fileSize), 64, UInt64(entry.count)] { header += littleEndian(number) }
  header += checksum(entry[...]) + littleEndian(UInt64(0))
  header += checksum(header[...])
  var file = header + entry
  file += [UInt8](repeating: 0, count: 4096 - file.count) + stored
  file += [UInt8](repeating: 0, count: fileSize - file.count)
  guard let bundle = try attempt({ try Bundle(memory: file) }) else { return }
  guard case .none = try attempt({ try bundle.copy(.card) }) else {
    throw Finding("decoded bytes without their checksum")  // which is 0, and no known bytes have that
  }
}
