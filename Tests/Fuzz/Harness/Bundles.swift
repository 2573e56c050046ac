import Bundles
import Martlet
import Storage

func readBundle(_ bytes: [UInt8]) throws {
  if let bundle = try attempt({ try Bundle(memory: bytes) }) { try use(bundle) }
  // A fuzzer seldom hits a checksum: those of the header and the index are made true, as one who forges a file does.
  guard let bundle = try attempt({ try Bundle(memory: sealed(bytes), verifyChecksums: false) }) else { return }
  try use(bundle)
}

/// Touches every byte of every section, then asks the classifier what it thinks.
private func use(_ bundle: Bundle) throws {
  for entry in bundle.entries {
    guard let section = try attempt({ try bundle.copy(entry.kind, entry.name) }) else { continue }
    guard section.count == entry.rawSize else { throw Finding("\(entry): expected \(entry.rawSize) bytes, found \(section.count)") }
    _ = try attempt { try bundle.text(entry.kind, entry.name) }
  }
  guard let classifier = try attempt({ try Classifier(bundle: bundle, threads: 1) }) else { return }
  for text in ["", "a good film", String(repeating: "not bad ", count: 40)] {
    let predictions = try attempt { try classifier.classify([text, "good"]) }
    if let predictions, predictions.count != 2 { throw Finding("\(predictions.count) predictions of 2 texts") }
    _ = try attempt { try classifier.classify(text, pair: "good") }
  }
}

/// The bytes with true checksums of header and index, where those are whole.
private func sealed(_ bytes: [UInt8]) -> [UInt8] {
  guard bytes.count >= 64 else { return bytes }
  var bytes = bytes
  let indexSize = bytes[32..<40].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  if indexSize <= UInt64(bytes.count - 64) { bytes.replaceSubrange(40..<48, with: checksum(bytes[64..<64 + Int(indexSize)])) }
  bytes.replaceSubrange(56..<64, with: checksum(bytes[..<56]))
  return bytes
}

private func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] { littleEndian(bytes.withUnsafeBytes { XXH64.hash($0) }) }

func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] { withUnsafeBytes(of: number.littleEndian) { Array($0) } }

/// Puts the bytes into a bundle as its one section, by the specification in the README of Bundles.
func readLZ4Section(_ bytes: [UInt8]) throws {
  guard bytes.count >= 4 else { return }
  let rawSize = bytes[..<4].reversed().reduce(0) { $0 << 8 | UInt64($1) }
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
