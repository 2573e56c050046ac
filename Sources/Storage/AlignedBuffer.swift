/// A block of memory aligned to 64 bytes (a cache line, and the widest vector in use), padded to a multiple of 64
/// so that a vector may be read at its last element.
package final class AlignedBuffer: @unchecked Sendable {
  package let baseAddress: UnsafeMutableRawPointer
  /// The number of bytes asked for; the allocation is padded to a multiple of 64, the padding always zero at first.
  package let byteCount: Int

  package static let alignment = 64

  package init(byteCount: Int, zeroed: Bool = true) {
    self.byteCount = byteCount
    let padded = max(byteCount, 1).roundedUp(toMultipleOf: Self.alignment)
    baseAddress = .allocate(byteCount: padded, alignment: Self.alignment)
    if zeroed {
      baseAddress.initializeMemory(as: UInt8.self, repeating: 0, count: padded)
    } else {
      (baseAddress + byteCount).initializeMemory(as: UInt8.self, repeating: 0, count: padded - byteCount)
    }
  }

  package convenience init<Element: BitwiseCopyable>(count: Int, of type: Element.Type, zeroed: Bool = true) {
    self.init(byteCount: count * MemoryLayout<Element>.stride, zeroed: zeroed)
  }

  deinit { baseAddress.deallocate() }

  /// The memory as elements of a type.
  package func bound<Element: BitwiseCopyable>(to type: Element.Type) -> UnsafeMutablePointer<Element> {
    baseAddress.assumingMemoryBound(to: type)
  }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: baseAddress, count: byteCount) }
}

extension Int {
  /// The smallest multiple of `step` that is not below this number.
  package func roundedUp(toMultipleOf step: Int) -> Int { (self + step - 1) / step * step }
}
