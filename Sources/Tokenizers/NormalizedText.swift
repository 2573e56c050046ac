/// Bytes that grow and are used again: the first `count` of `bytes` are valid.
struct NormalizedText: Sendable {
  var bytes: [UInt8] = []
  var count = 0

  /// Makes room for `additional` bytes after `count`.
  mutating func reserve(_ additional: Int) {
    let needed = count + additional
    guard bytes.count < needed else { return }
    // Twice as much, but no megabytes that may not be used.
    let size = max(needed, bytes.count + min(bytes.count, 1 << 20 + bytes.count / 8))
    var larger = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      buffer.initialize(repeating: 0)
      initialized = size
    }
    swap(&larger, &bytes)
    bytes.withUnsafeMutableBufferPointer { _ = UnsafeMutableBufferPointer(rebasing: $0[..<count]).update(fromContentsOf: larger[..<count]) }
  }

  mutating func append(_ text: some Collection<UInt8>) {
    reserve(text.count)
    let start = count
    count += text.count
    bytes.withUnsafeMutableBufferPointer { _ = UnsafeMutableBufferPointer(rebasing: $0[start...]).update(fromContentsOf: text) }
  }

  mutating func append(scalar: UInt32) {
    reserve(4)
    let place = count
    count += bytes.withUnsafeMutableBufferPointer { encodeScalar(scalar, to: $0.baseAddress! + place) }
  }

  /// Drops what is beyond so many bytes, and the part of a scalar before.
  mutating func cut(to limit: Int) {
    guard count > limit else { return }
    count = limit
    while count > 0, bytes[count] & 0xC0 == 0x80 { count -= 1 }
  }

  /// The valid bytes.
  func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[..<count])) }
  }
}
