/// Bytes that grow and are used again: the first `count` of `bytes` are valid.
struct NormalizedText: Sendable {
  var bytes: [UInt8] = []
  var count = 0

  /// Makes room for `additional` bytes after `count`.
  mutating func reserve(_ additional: Int) {
    let needed = count + additional
    guard bytes.count < needed else { return }
    bytes += repeatElement(0, count: max(needed, 2 * bytes.count) - bytes.count)
  }

  mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
    reserve(text.count)
    for byte in text {
      bytes[count] = byte
      count += 1
    }
  }
}
