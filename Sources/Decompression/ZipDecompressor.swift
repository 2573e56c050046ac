import CZlib

/// The one file of a zip archive (PKWARE's APPNOTE 6.3.9, deflated or stored), as its bytes come by: a pipe has no end to look a directory up
/// at. Folders and what systems add are passed over; a second file is an error, because nobody said which one is meant.
final class ZipDecompressor: Decompressor {
  private enum State {
    /// In front of an entry or of the directory.
    case signature
    case header
    case stored(left: UInt64)
    case deflated
    /// Checksum and sizes behind an entry that did not know them in front.
    case descriptor
    /// Two wider sizes may follow.
    case descriptorEnd
    case directory
  }

  private struct Entry {
    var name = ""
    var checksum: UInt32 = 0
    var hasDescriptor = false
    /// Whether its bytes are what the archive is read for.
    var isWanted = false
  }

  private var state = State.signature
  private var entry = Entry()
  private var wantedName: String?
  /// Bytes of a header, until it is whole.
  private var pending: [UInt8] = []
  private var checksum: UInt = 0
  private var stream = z_stream()
  private let isReady: Bool
  private(set) var hasMoreOutput = false

  var formatName: String { "zip" }
  var isBetweenMembers: Bool { if case .directory = state { wantedName != nil } else { false } }

  init() {
    isReady = inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  }

  deinit { if isReady { inflateEnd(&stream) } }

  func inflate(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (taken: Int, made: Int) {
    guard isReady else { throw .outOfMemory }
    var taken = 0
    while true {
      let rest = UnsafeRawBufferPointer(rebasing: input[taken...])
      switch state {
      case .signature:
        guard collect(4, rest, &taken) else { return (taken, 0) }
        try readSignature()
      case .header:
        guard collect(30, rest, &taken), collect(30 + Int(number(26, 2)) + Int(number(28, 2)), UnsafeRawBufferPointer(rebasing: input[taken...]), &taken)
        else { return (taken, 0) }
        try readHeader()
        pending.removeAll()
      case .stored(let left):
        let count = Int(clamping: min(left, UInt64(min(rest.count, output.count))))
        let piece = UnsafeRawBufferPointer(rebasing: rest[..<count])
        output.copyMemory(from: piece)
        note(piece)
        taken += count
        let nowLeft = left - UInt64(count)
        state = .stored(left: nowLeft)
        if nowLeft == 0 { try endEntry() }
        if entry.isWanted && count > 0 || nowLeft > 0 && count == 0 { return (taken, entry.isWanted ? count : 0) }
      case .deflated:
        let (used, made) = try inflateEntry(rest, into: output)
        taken += used
        if entry.isWanted && made > 0 || used == 0 && made == 0 { return (taken, entry.isWanted ? made : 0) }
      case .descriptor:
        guard collect(4, rest, &taken) else { return (taken, 0) }
        let isSigned = number(0, 4) == 0x0807_4B50
        let size = isSigned ? 16 : 12
        guard collect(size, UnsafeRawBufferPointer(rebasing: input[taken...]), &taken) else { return (taken, 0) }
        entry.checksum = UInt32(number(isSigned ? 4 : 0, 4))
        try compareChecksum()
        pending.removeAll()
        state = .descriptorEnd
      case .descriptorEnd:
        guard collect(4, rest, &taken) else { return (taken, 0) }
        if number(0, 2) == 0x4B50 {
          try readSignature()
        } else {
          // The sizes were of eight bytes: the rest of the second.
          guard collect(8, UnsafeRawBufferPointer(rebasing: input[taken...]), &taken) else { return (taken, 0) }
          pending.removeAll()
          state = .signature
        }
      case .directory: return (input.count, 0)
      }
    }
  }

  /// Fills the pending bytes up to so many; false if there are too few.
  private func collect(_ count: Int, _ bytes: UnsafeRawBufferPointer, _ taken: inout Int) -> Bool {
    let missing = max(0, count - pending.count)
    let piece = bytes.prefix(missing)
    pending.append(contentsOf: piece)
    taken += piece.count
    return pending.count >= count
  }

  /// A little-endian number of the pending bytes.
  private func number(_ offset: Int, _ count: Int) -> UInt64 {
    (0..<count).reduce(0) { $0 | UInt64(pending[offset + $1]) << UInt64(8 * $1) }
  }

  private func readSignature() throws(DecompressionError) {
    switch number(0, 4) {
    case 0x0403_4B50: state = .header
    case 0x0201_4B50, 0x0606_4B50, 0x0605_4B50:
      guard wantedName != nil else { throw .foreign("a zip archive without a file in it") }
      pending.removeAll()
      state = .directory
    default: throw .damaged("expected an entry or the directory")
    }
  }

  private func readHeader() throws(DecompressionError) {
    let nameBytes = Int(number(26, 2))
    let name = String(decoding: pending[30..<(30 + nameBytes)], as: UTF8.self)
    let flags = number(6, 2)
    let method = number(8, 2)
    entry = Entry(name: name, checksum: UInt32(number(14, 4)), hasDescriptor: flags & 8 != 0)
    if let what = Self.document(name) { throw .foreign(what) }
    entry.isWanted = !Self.isPassedOver(name)
    if entry.isWanted {
      if let first = wantedName { throw .foreign("a zip archive of more than one file (\(first), \(name)): unpack it and name the file") }
      wantedName = name
    }
    guard flags & 1 == 0 else { throw .foreign("a zip archive whose file \(name) is encrypted: unpack it first") }
    checksum = 0
    switch method {
    case 0:
      guard !entry.hasDescriptor || name.hasSuffix("/") else { throw .foreign("a zip archive whose file \(name) is stored without its size: unpack it first") }
      state = .stored(left: storedSize(extraStart: 30 + nameBytes))
      if case .stored(left: 0) = state { try endEntry() }
    case 8:
      inflateReset(&stream)
      state = .deflated
    default: throw .foreign("a zip archive whose file \(name) has compression method \(method): unpack it first")
    }
  }

  /// The size of a stored entry; one that does not fit has its value in the zip64 field.
  private func storedSize(extraStart: Int) -> UInt64 {
    let size = number(18, 4)
    guard size == 0xFFFF_FFFF else { return size }
    var position = extraStart
    while position + 4 <= pending.count {
      let fieldBytes = Int(number(position + 2, 2))
      if number(position, 2) == 1, fieldBytes >= 16, position + 20 <= pending.count { return number(position + 12, 8) }
      position += 4 + fieldBytes
    }
    return size
  }

  private func inflateEntry(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (used: Int, made: Int) {
    stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.avail_in = UInt32(clamping: input.count)
    stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.avail_out = UInt32(clamping: output.count)
    let status = CZlib.inflate(&stream, Z_NO_FLUSH)
    let (used, made) = (input.count - Int(stream.avail_in), output.count - Int(stream.avail_out))
    note(UnsafeRawBufferPointer(rebasing: output[..<made]))
    hasMoreOutput = stream.avail_out == 0 && status == Z_OK
    switch status {
    case Z_STREAM_END: try endEntry()
    case Z_OK, Z_BUF_ERROR: break
    case Z_MEM_ERROR: throw .outOfMemory
    default: throw .damaged(stream.msg.map { String(cString: $0) } ?? "zlib says \(status)")
    }
    return (used, made)
  }

  private func note(_ bytes: UnsafeRawBufferPointer) {
    checksum = crc32(checksum, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(clamping: bytes.count))
  }

  private func endEntry() throws(DecompressionError) {
    guard !entry.hasDescriptor else {
      state = .descriptor
      return
    }
    try compareChecksum()
    state = .signature
  }

  private func compareChecksum() throws(DecompressionError) {
    guard checksum == UInt(entry.checksum) else { throw .damaged("the checksum of \(entry.name) is another") }
  }

  /// Folders, and what systems put into archives by themselves.
  private static func isPassedOver(_ name: String) -> Bool {
    let last = name.split(separator: "/").last ?? ""
    return name.hasSuffix("/") || name.hasPrefix("__MACOSX/") || last.hasPrefix(".") || ["thumbs.db", "desktop.ini"].contains(last.lowercased())
  }

  /// What an archive is that has such an entry and is no archive to those who made it.
  private static func document(_ name: String) -> String? {
    if name == "[Content_Types].xml" || name.hasPrefix("xl/") || name.hasPrefix("_rels/") || name.hasPrefix("docProps/") {
      return "an Excel workbook (.xlsx): save it there as “CSV UTF-8”, or with pandas.read_excel(FILE).to_csv(\"FILE.csv\", index=False)"
    }
    if name == "mimetype" { return "a document of LibreOffice (.ods): save it there as “Text CSV”, in UTF-8" }
    return nil
  }
}
