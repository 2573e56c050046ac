/// Writes little-endian numbers and arrays, each array padded to four bytes.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func write(_ value: UInt32) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func write<Value: FixedWidthInteger & BitwiseCopyable>(_ values: [Value]) {
    write(UInt32(values.count))
    for value in values { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
    while bytes.count % 4 != 0 { bytes.append(0) }
  }
}

/// Reads what `ByteWriter` wrote, trusting nothing.
struct ByteReader {
  private let bytes: UnsafeRawBufferPointer
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { offset == bytes.count }

  func error(_ what: String) -> TokenizerError { .notCompiled(offset: offset, what: what) }

  mutating func number() throws(TokenizerError) -> UInt32 {
    guard bytes.count - offset >= 4 else { throw error("expected a number, found the end") }
    defer { offset += 4 }
    return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// A number below `limit`.
  mutating func number(below limit: Int, _ what: String) throws(TokenizerError) -> Int {
    let value = try number()
    guard value < limit else {
      offset -= 4
      throw error("\(what): expected a number below \(limit), found \(value)")
    }
    return Int(value)
  }

  mutating func array<Value: FixedWidthInteger & BitwiseCopyable>(of type: Value.Type = Value.self)
    throws(TokenizerError) -> [Value]
  {
    let count = Int(try number())
    let size = MemoryLayout<Value>.size
    guard count <= (bytes.count - offset) / size else { throw error("expected \(count) elements, found the end") }
    // The storage of empty arrays is one for all threads, and the initializer below writes its count.
    guard count > 0 else { return [] }
    let source = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count * size])
    var values = [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
      initialized = count
    }
    if Value(1).littleEndian != 1 { for index in values.indices { values[index] = Value(littleEndian: values[index]) } }
    offset += count * size
    while offset % 4 != 0, offset < bytes.count {
      guard bytes[offset] == 0 else { throw error("expected padding of zeros") }
      offset += 1
    }
    return values
  }

  /// A count in `counts`, and as many elements.
  mutating func list<Element>(
    _ counts: ClosedRange<Int>, _ what: String, _ element: (inout ByteReader) throws(TokenizerError) -> Element
  ) throws(TokenizerError) -> [Element] {
    let count = Int(try number())
    guard counts.contains(count) else { throw error("\(what): expected \(counts.lowerBound) to \(counts.upperBound) parts, found \(count)") }
    var elements: [Element] = []
    for _ in 0..<count { elements.append(try element(&self)) }
    return elements
  }
}

extension ScalarTable {
  func write(to writer: inout ByteWriter) {
    writer.write(pages)
    writer.write(values)
  }

  init(from reader: inout ByteReader, _ what: String) throws(TokenizerError) {
    guard let table = ScalarTable(pages: try reader.array(), values: try reader.array()) else {
      throw reader.error("\(what): a page does not exist")
    }
    self = table
  }
}

extension Vocabulary {
  func write(to writer: inout ByteWriter) {
    writer.write(text)
    writer.write(zip(offsets, offsets.dropFirst()).map { UInt16($1 - $0) })
  }

  init(from reader: inout ByteReader) throws(TokenizerError) {
    guard let vocabulary = Vocabulary(text: try reader.array(), lengths: try reader.array()) else {
      throw reader.error("vocabulary: the lengths do not sum to the text, or the tokens do not hash")
    }
    self = vocabulary
  }

  /// Whether the id has a token.
  func holds(_ id: Int) -> Bool { id >= 0 && id < count && offsets[id + 1] > offsets[id] }
}
