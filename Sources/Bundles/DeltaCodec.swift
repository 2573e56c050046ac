import Storage

/// The delta codec: bytes as changes of the base's bytes of the same section.
///
/// A change is a difference that wraps around, new - base, seen as a signed number of one byte. Stored: the size of
/// what follows before LZ4 (8 bytes), then, in blocks of LZ4, these streams end to end, bits lowest first, each filled
/// up with zeros to a whole byte:
///
/// 1. for each byte of the section, whether it changes;
/// 2. for each change, whether it is negative;
/// 3. for each change, whether its magnitude is over 1; for each of those, whether it is over 2; for each of those,
///    over 3;
/// 4. for each change over 3, the new byte.
///
/// Int8 weights that were tuned a little on their base's scales change here and there, mostly by one step.
package enum DeltaCodec {
  /// Magnitudes up to this are told by bits.
  private static let counted = 3
  private static let sizeBytes = 8
  private typealias Fault = BundleError.Fault

  // MARK: Encoding

  /// The encoded bytes, or nil when they would take more than `limit` bytes.
  package static func encoded(_ raw: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer, limit: Int) -> [UInt8]? {
    precondition(raw.count == base.count, "a delta of equal sizes")
    var (changed, negative, literals) = (BitWriter(), BitWriter(), [UInt8]())
    var over = [BitWriter](repeating: BitWriter(), count: counted)
    for (new, old) in zip(raw, base) {
      changed.append(new != old)
      guard new != old else { continue }
      let change = Int8(bitPattern: new &- old)
      negative.append(change < 0)
      for level in 0..<counted {
        over[level].append(change.magnitude > level + 1)
        guard change.magnitude > level + 1 else { break }
        if level == counted - 1 { literals.append(new) }
      }
    }
    let streams = changed.bytes + negative.bytes + over.flatMap(\.bytes) + literals
    guard let blocks = streams.withUnsafeBytes({ LZ4Blocks.encoded($0, limit: limit - sizeBytes) }) else { return nil }
    var stored: [UInt8] = []
    stored.append(littleEndian: UInt64(streams.count))
    return stored + blocks
  }

  // MARK: Decoding

  /// Decodes into exactly as many bytes as the base has.
  package static func decode(
    _ stored: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer, into raw: UnsafeMutableRawBufferPointer,
    section: String
  ) throws(BundleError.Fault) {
    let streams = try Streams(stored, count: base.count, section: section)
    raw.copyMemory(from: base)
    var changes = streams.changes()
    while let place = changes.nextPlace() { raw[place] = changes.apply(to: base[place]) }
  }

  /// Decodes only the rows that change, of a table whose rows come first and are `rowBytes` each.
  static func decodeRows(
    _ stored: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer, rowBytes: Int, rowCount: Int, section: String
  ) throws(BundleError.Fault) -> ChangedRows {
    let (rowsEnd, overflow) = rowCount.multipliedReportingOverflow(by: rowBytes)
    guard !overflow, rowsEnd <= base.count else {
      throw .delta(section, expected: "\(rowCount) rows of \(rowBytes) bytes", found: "\(base.count) bytes in all")
    }
    let streams = try Streams(stored, count: base.count, section: section)
    let places = try AlignedBuffer(fault: rowCount * MemoryLayout<Int32>.stride)
    let placeOfRow = places.bound(to: Int32.self)
    var count: Int32 = 0
    for row in 0..<rowCount {
      let hasChange = streams.hasChange(in: row * rowBytes..<(row + 1) * rowBytes)
      placeOfRow[row] = hasChange ? count : -1
      count += hasChange ? 1 : 0
    }
    guard !streams.hasChange(in: rowsEnd..<base.count) else {
      throw .delta(section, expected: "changes in its \(rowCount) rows", found: "changes after them")
    }
    let rows = try AlignedBuffer(fault: Int(count) * rowBytes)
    for row in 0..<rowCount where placeOfRow[row] >= 0 {
      (rows.baseAddress + Int(placeOfRow[row]) * rowBytes).copyMemory(
        from: base.baseAddress! + row * rowBytes, byteCount: rowBytes)
    }
    var changes = streams.changes()
    while let place = changes.nextPlace() {
      let row = place / rowBytes
      (rows.baseAddress + Int(placeOfRow[row]) * rowBytes + (place - row * rowBytes)).storeBytes(
        of: changes.apply(to: base[place]), as: UInt8.self)
    }
    return ChangedRows(places: places, rows: rows, count: Int(count))
  }

  /// The streams of one section, their sizes checked against one another.
  private struct Streams {
    private let buffer: AlignedBuffer
    private let changed: Bits
    private let negative: Bits
    private let over: [Bits]
    private let literals: UnsafeRawBufferPointer

    init(_ stored: UnsafeRawBufferPointer, count: Int, section: String) throws(BundleError.Fault) {
      let bitmapSize = (count + 7) / 8
      // Each change has a sign, three levels and a literal at most, so no more is ever asked for than a lying size may
      // have.
      let largest = bitmapSize * (2 + counted) + count
      guard stored.count >= sizeBytes else {
        throw .delta(section, expected: "at least \(sizeBytes) bytes", found: "\(stored.count)")
      }
      var cursor = ByteCursor(stored)
      let size: UInt64 = cursor.next()
      guard size >= UInt64(bitmapSize), size <= UInt64(largest) else {
        throw .delta(section, expected: "\(bitmapSize) to \(largest) bytes of streams", found: "\(size)")
      }
      buffer = try AlignedBuffer(fault: Int(size))
      try LZ4Blocks.decode(
        UnsafeRawBufferPointer(rebasing: stored[sizeBytes...]),
        into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: buffer.byteCount), section: section)
      var rest = buffer.bytes
      func take(_ count: Int) throws(BundleError.Fault) -> Bits {
        let size = (count + 7) / 8
        guard size <= rest.count else {
          throw .delta(section, expected: "\(size) more bytes of streams", found: "\(rest.count)")
        }
        let bits = Bits(bytes: UnsafeRawBufferPointer(rebasing: rest[..<size]), count: count)
        rest = UnsafeRawBufferPointer(rebasing: rest[size...])
        guard bits.endsInZeros else {
          throw .delta(section, expected: "zeros after \(count) bits", found: "other bits")
        }
        return bits
      }
      changed = try take(count)
      var remaining = changed.ones
      negative = try take(remaining)
      var over: [Bits] = []
      for _ in 0..<counted {
        over.append(try take(remaining))
        remaining = over.last!.ones
      }
      guard rest.count == remaining else {
        throw .delta(section, expected: "\(remaining) bytes that are given whole", found: "\(rest.count)")
      }
      self.over = over
      literals = rest
    }

    func hasChange(in range: Range<Int>) -> Bool { changed.hasOne(in: range) }

    func changes() -> Changes {
      Changes(
        buffer: buffer, changed: BitReader(changed), negative: BitReader(negative), over1: BitReader(over[0]),
        over2: BitReader(over[1]),
        over3: BitReader(over[2]), literals: literals)
    }
  }

  /// Goes from change to change. Every stream has as many bits as the ones before it ask for.
  private struct Changes {
    let buffer: AlignedBuffer
    var changed: BitReader
    var negative, over1, over2, over3: BitReader
    let literals: UnsafeRawBufferPointer
    var literal = 0

    mutating func nextPlace() -> Int? { changed.nextOne() }

    mutating func apply(to old: UInt8) -> UInt8 {
      let isNegative = negative.next()
      var magnitude: UInt8 = 1
      if over1.next() {
        magnitude = 2
        if over2.next() {
          magnitude = 3
          if over3.next() {
            literal += 1
            return literals[literal - 1]
          }
        }
      }
      return isNegative ? old &- magnitude : old &+ magnitude
    }
  }
}

/// The rows of a table that a delta changes; the others are the base's.
package struct ChangedRows: Sendable {
  /// For each row of the table an Int32: its place among the changed rows, or -1.
  package let places: AlignedBuffer
  /// The changed rows, one after the other.
  package let rows: AlignedBuffer
  package let count: Int
}

/// Bits in bytes, lowest first.
private struct Bits {
  let bytes: UnsafeRawBufferPointer
  let count: Int

  var ones: Int {
    var ones = 0
    for start in stride(from: 0, to: bytes.count, by: 8) { ones += word(start).nonzeroBitCount }
    return ones
  }

  var endsInZeros: Bool { count % 8 == 0 || bytes[bytes.count - 1] >> (count % 8) == 0 }

  /// Eight bytes from a place on, zeros after the last.
  func word(_ start: Int) -> UInt64 {
    let count = min(8, bytes.count - start)
    return count > 0 ? littleEndianWord(bytes.baseAddress! + start, count: count) : 0
  }

  func hasOne(in range: Range<Int>) -> Bool {
    var bit = range.lowerBound
    while bit < range.upperBound {
      if bit % 8 == 0 && range.upperBound - bit >= 8 {
        if bytes[bit / 8] != 0 { return true }
        bit += 8
      } else {
        if bytes[bit / 8] >> (bit % 8) & 1 != 0 { return true }
        bit += 1
      }
    }
    return false
  }
}

private struct BitReader {
  private let bits: Bits
  private var word: UInt64
  private var start = 0
  private var used = 0

  init(_ bits: Bits) {
    self.bits = bits
    word = bits.word(0)
  }

  /// The next bit.
  mutating func next() -> Bool {
    if used == 64 {
      start += 8
      word = bits.word(start)
      used = 0
    }
    defer {
      word >>= 1
      used += 1
    }
    return word & 1 != 0
  }

  /// The place of the next bit that is set.
  mutating func nextOne() -> Int? {
    while word == 0 {
      start += 8
      guard start < bits.bytes.count else { return nil }
      word = bits.word(start)
    }
    let place = start * 8 + word.trailingZeroBitCount
    word &= word - 1
    return place
  }
}

private struct BitWriter {
  private(set) var bytes: [UInt8] = []
  private var used = 8

  mutating func append(_ bit: Bool) {
    if used == 8 {
      bytes.append(0)
      used = 0
    }
    if bit { bytes[bytes.count - 1] |= 1 << used }
    used += 1
  }
}
