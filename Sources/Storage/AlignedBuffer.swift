#if canImport(Glibc)
  import Glibc
#endif

/// A block of memory aligned to 64 bytes (a cache line, and the widest vector in use), padded to a multiple of 64
/// so that a vector may be read at its last element.
///
/// Memory that is refused is an error, unlike with the arrays of the language, which end the process: whatever grows with a file, a
/// text or an argument goes through here.
package final class AlignedBuffer: @unchecked Sendable {
  package let baseAddress: UnsafeMutableRawPointer
  /// The number of bytes asked for; the allocation is padded to a multiple of 64, the padding always zero at first.
  package let byteCount: Int

  /// The bytes of a mapping of its own, 0 for the heap.
  private let mappedByteCount: Int

  package static let alignment = 64
  /// From here on memory comes from the system, page by page as it is touched: what is never used takes none, and what is
  /// given up for a larger block leaves no hole.
  private static let mappingThreshold = 1 << 18

  package init(byteCount: Int, zeroed: Bool = true) throws(OutOfMemory) {
    // A size that went below zero on its way here went wrong there.
    let (end, isTooLarge) = max(byteCount, 1).addingReportingOverflow(Self.alignment - 1)
    guard byteCount >= 0, !isTooLarge else { throw OutOfMemory(byteCount: byteCount < 0 ? nil : byteCount) }
    let padded = end / Self.alignment * Self.alignment
    self.byteCount = byteCount
    if padded >= Self.mappingThreshold {
      guard let pages = mmap(nil, padded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), pages != MAP_FAILED else {
        throw OutOfMemory(byteCount: byteCount)
      }
      baseAddress = pages
      mappedByteCount = padded
      return
    }
    mappedByteCount = 0
    guard let block = aligned_alloc(Self.alignment, padded) else { throw OutOfMemory(byteCount: byteCount) }
    baseAddress = block
    if zeroed {
      baseAddress.initializeMemory(as: UInt8.self, repeating: 0, count: padded)
    } else {
      (baseAddress + byteCount).initializeMemory(as: UInt8.self, repeating: 0, count: padded - byteCount)
    }
  }

  package convenience init<Element: BitwiseCopyable>(
    count: Int, of type: Element.Type, zeroed: Bool = true
  ) throws(OutOfMemory) {
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard !overflow else { throw OutOfMemory(byteCount: nil) }
    try self.init(byteCount: byteCount, zeroed: zeroed)
  }

  deinit {
    if mappedByteCount > 0 { munmap(baseAddress, mappedByteCount) } else { free(baseAddress) }
  }

  /// The memory as elements of a type.
  package func bound<Element: BitwiseCopyable>(to type: Element.Type) -> UnsafeMutablePointer<Element> {
    baseAddress.assumingMemoryBound(to: type)
  }

  /// Gives the whole pages within a range of bytes back to the system: they read as zeros, and take memory again when they
  /// are written.
  package func discard(_ range: Range<Int>) {
    let page = sysconf(Int32(_SC_PAGESIZE))
    let address = Int(bitPattern: baseAddress)
    let first = (address + range.lowerBound).roundedUp(toMultipleOf: page)
    let end = (address + range.upperBound) / page * page
    guard first < end, let start = UnsafeMutableRawPointer(bitPattern: first) else { return }
    madvise(start, end - first, MADV_DONTNEED)
  }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: baseAddress, count: byteCount) }
}

extension Int {
  /// The smallest multiple of `step` that is not below this number.
  package func roundedUp(toMultipleOf step: Int) -> Int { (self + step - 1) / step * step }
}
