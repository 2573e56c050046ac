import Storage

/// Why a bundle could not be read or written: one line that says what, where, expected and found.
package struct BundleError: Error, Sendable, Equatable {
  /// The file, or "memory".
  package let path: String
  package let fault: Fault

  package init(path: String, fault: Fault) {
    self.path = path
    self.fault = fault
  }

  package enum Fault: Error, Sendable, Equatable {
    /// The operating system refused.
    case file(FileError)
    case outOfMemory(OutOfMemory)
    /// Fewer bytes than a header has.
    case tooSmall(found: Int)
    case notABundle
    case newerVersion(found: UInt32, supported: UInt32)
    case unknownVersion(found: UInt32)
    case headerChecksum(expected: UInt64, found: UInt64)
    /// Truncated (found is smaller) or followed by other bytes (found is larger).
    case fileSize(expected: UInt64, found: Int)
    /// A number of the header or of an index entry that cannot be: `place` says which one.
    case value(place: String, expected: String, found: String)
    case indexChecksum(expected: UInt64, found: UInt64)
    case invalidName(entry: Int)
    case duplicateSection(String)
    case misplacedSection(String, expected: Int, found: UInt64)
    case sectionBeyondFile(String, end: String, fileSize: Int)
    case paddingNotZero(offset: Int)
    case storedChecksum(String, expected: UInt64, found: UInt64)
    case rawChecksum(String, expected: UInt64, found: UInt64)
    /// A required section that this version cannot interpret.
    case unknownRequiredSection(String, what: String)
    case unknownCodec(String, found: UInt8)
    case lz4(String, block: Int, expected: String, found: String)
    case notText(String)
    case missingSection(String)
    case replacedWhileOpening
    /// The bundle is a delta, and its base is not where it is looked for.
    case noBase(FileError)
    /// A delta in memory was given no base.
    case baseNotGiven(name: String)
    case invalidBaseSection(found: String)
    /// Another bundle than the one that the delta was made of.
    case otherBase(path: String, expected: UInt64, found: UInt64)
    /// The base is a delta itself, or the bundle needs a base and names none, or was given one and needs none.
    case base(expected: String, found: String)
    case baseSection(String, expected: String, found: String)
    case delta(String, expected: String, found: String)
  }
}

extension BundleError {
  /// Whether memory was refused, be it for a mapping of the file.
  package var isOutOfMemory: Bool {
    switch fault {
    case .outOfMemory: true
    case .file(let refusal), .noBase(let refusal): refusal.isOutOfMemory
    default: false
    }
  }
}

extension BundleError: CustomStringConvertible {
  package var description: String {
    // The system's refusal names the path itself.
    if case .file(let refusal) = fault { return "\(refusal)" }
    return "\(path): \(fault)"
  }
}

extension BundleError.Fault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .file(let refusal): "\(refusal)"
    case .outOfMemory(let refusal): "\(refusal)"
    case .tooSmall(let found):
      "not a bundle: expected at least \(BundleFormat.headerSize) bytes, found \(found)"
    case .notABundle: "not a bundle: the file does not start with the bundle magic"
    case .newerVersion(let found, let supported):
      "bundle format version: expected at most \(supported), found \(found); it needs a newer martlet"
    case .unknownVersion(let found):
      "bundle format version: expected 1 to \(BundleFormat.version), found \(found)"
    case .headerChecksum(let expected, let found): "bundle header checksum: \(mismatch(expected, found))"
    case .fileSize(let expected, let found):
      (UInt64(found) < expected ? "bundle is truncated" : "bundle is followed by other bytes")
        + ": expected \(expected) bytes, found \(found)"
    case .value(let place, let expected, let found): "bundle \(place.excerpt): expected \(expected), found \(found.excerpt)"
    case .indexChecksum(let expected, let found): "bundle index checksum: \(mismatch(expected, found))"
    case .invalidName(let entry): "bundle index entry \(entry): expected a name in UTF-8, found other bytes"
    case .duplicateSection(let section): "\(section.excerpt): expected once, found twice"
    case .misplacedSection(let section, let expected, let found):
      "\(section.excerpt) \(found < UInt64(expected) ? "overlaps what precedes it" : "leaves a hole before it"): "
        + "expected offset \(expected), found \(found)"
    case .sectionBeyondFile(let section, let end, let fileSize):
      "\(section.excerpt) ends outside the file: expected at most \(fileSize), found \(end)"
    case .paddingNotZero(let offset): "bundle padding at offset \(offset): expected zero, found other bytes"
    case .storedChecksum(let section, let expected, let found): "\(section.excerpt) checksum: \(mismatch(expected, found))"
    case .rawChecksum(let section, let expected, let found):
      "\(section.excerpt) checksum after decoding: \(mismatch(expected, found))"
    case .unknownRequiredSection(let section, let what):
      "\(section.excerpt) is required: expected kind, layout and codec of this version, found \(what.excerpt); it needs a newer martlet"
    case .unknownCodec(let section, let found):
      "\(section.excerpt): expected a codec of this version, found codec \(found); it needs a newer martlet"
    case .lz4(let section, let block, let expected, let found):
      "\(section.excerpt), lz4 block \(block): expected \(expected), found \(found)"
    case .notText(let section): "\(section.excerpt): expected UTF-8 text, found other bytes"
    case .missingSection(let section): "\(section.excerpt): expected in the bundle, found none"
    case .noBase(let refusal): "the base that this bundle is a delta of: \(refusal); it can be given by --base"
    case .baseNotGiven(let name): "a delta: expected its base \(name.excerpt), found none"
    case .invalidBaseSection(let found): "section base: expected a checksum and the name of a file, found \(found.excerpt)"
    case .otherBase(let path, let expected, let found):
      "\(path) is not the base that this bundle is a delta of: index \(mismatch(expected, found))"
    case .base(let expected, let found): "base: expected \(expected), found \(found.excerpt)"
    case .baseSection(let section, let expected, let found):
      "\(section.excerpt) of the base: expected \(expected), found \(found.excerpt)"
    case .delta(let section, let expected, let found): "\(section.excerpt), delta: expected \(expected), found \(found.excerpt)"
    case .replacedWhileOpening: "the file was replaced while it was being opened: open it again"
    }
  }

  private func mismatch(_ expected: UInt64, _ found: UInt64) -> String {
    "expected \(hexadecimal(expected)), found \(hexadecimal(found))"
  }

  private func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}
