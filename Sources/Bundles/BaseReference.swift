import Storage

/// What a delta says of its base, and whether the index keeps to it.
struct BaseReference {
  /// The base's index checksum and file name; nil in a bundle that stands alone.
  private let named: (indexChecksum: UInt64, fileName: String)?
  private let entries: [SectionEntry]

  var isDelta: Bool { named != nil }

  /// The bytes of the section that names the base.
  static func encoded(indexChecksum: UInt64, fileName: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: indexChecksum)
    return bytes + fileName.utf8
  }

  init(_ entries: [SectionEntry], _ contents: UnsafeRawBufferPointer) throws(BundleError.Fault) {
    self.entries = entries
    guard let entry = entries.first(where: { $0.kind == .base }) else {
      if let lost = entries.first(where: { $0.codec.needsBase }) {
        throw .base(expected: "a section that names it, for \(lost)", found: "none")
      }
      named = nil
      return
    }
    guard entry.name.isEmpty, entry.codec == .stored, entry.rawSize > 8 else {
      throw .invalidBaseSection(found: "\(entry.rawSize) bytes, \(entry.codec), under the name '\(entry.name)'")
    }
    var cursor = ByteCursor(UnsafeRawBufferPointer(rebasing: contents[entry.offset..<entry.offset + entry.storedSize]))
    let checksum: UInt64 = cursor.next()
    guard let name = String(validating: cursor.bytes[cursor.position...], as: UTF8.self), Self.isFileName(name) else {
      throw .invalidBaseSection(found: "a name that is none")
    }
    named = (checksum, name)
  }

  /// The name is looked for in the delta's own folder and nowhere else.
  static func isFileName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 255 && name != "." && name != ".."
      && !name.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "/") }
  }

  /// Opens the base of a delta: the given file, or the one of that name beside it.
  func open(_ path: String?, beside delta: String, _ opening: Bundle.Opening) throws(BundleError.Fault) -> Bundle? {
    guard let named else {
      if let path { throw .base(expected: "none: this bundle is not a delta", found: path) }
      return nil
    }
    let path = path ?? (delta.parentPath ?? ".") + "/" + named.fileName
    let base: Bundle
    do throws(BundleError) {
      base = try Bundle(standingAlone: path, opening)
    } catch {
      if case .file(let refusal) = error.fault { throw .noBase(refusal) }
      throw .base(expected: "a sound bundle", found: "\(error)")
    }
    try check(base)
    return base
  }

  /// Whether this is the base, and has what the index says it has.
  func check(_ base: Bundle?) throws(BundleError.Fault) {
    guard let named else {
      if let base { throw .base(expected: "none: this bundle is not a delta", found: base.path) }
      return
    }
    guard let base else { throw .baseNotGiven(name: named.fileName) }
    guard base.indexChecksum == named.indexChecksum else {
      throw .otherBase(path: base.path, expected: named.indexChecksum, found: base.indexChecksum)
    }
    guard base.base == nil else { throw .base(expected: "a bundle that stands alone", found: "another delta") }
    for entry in entries where entry.codec.needsBase {
      guard let original = base.entry(entry.kind, entry.name) else {
        throw .baseSection("\(entry)", expected: "it", found: "none")
      }
      guard original.layout == entry.layout, original.shape == entry.shape, original.rawSize == entry.rawSize else {
        throw .baseSection(
          "\(entry)", expected: "\(entry.layout), shape \(entry.shape), \(entry.rawSize) bytes",
          found: "\(original.layout), shape \(original.shape), \(original.rawSize) bytes")
      }
      guard entry.codec == .delta || original.rawChecksum == entry.rawChecksum else {
        throw .rawChecksum("\(entry)", expected: entry.rawChecksum, found: original.rawChecksum)
      }
    }
  }
}
