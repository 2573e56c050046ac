#if canImport(Glibc)
  import Glibc
#endif

/// The system refused memory.
package struct OutOfMemory: Error, CustomStringConvertible, Sendable, Equatable {
  /// What was asked for; nil for more than can be counted.
  package let byteCount: Int?

  package init(byteCount: Int?) { self.byteCount = byteCount }

  package var description: String { "out of memory: the system refused \(byteCount.map(String.init) ?? "more than 2^63") bytes" }
}

/// Asks the system for memory, untouched, and gives it back: to be called where arrays, strings and dictionaries of the language are about
/// to be made whose size a file, a text or an argument decides. They end the process when memory is refused; this throws.
///
/// It reserves nothing: another thread may take the memory meanwhile. Costs a microsecond; below 64 KiB nothing is asked.
///
/// - Parameter byteCount: what will be asked for at most, with what growing arrays leave behind.
package func requireMemory(_ byteCount: Int) throws(OutOfMemory) {
  guard byteCount >= 0 else { throw OutOfMemory(byteCount: nil) }
  guard byteCount >= 1 << 16 else { return }
  guard
    let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
    address != MAP_FAILED
  else { throw OutOfMemory(byteCount: byteCount) }
  munmap(address, byteCount)
}

/// Whether the system grants blocks of address space at the same time, each as memory that may be touched; all go back to it.
package func grantsMemory(blocks: [Int]) -> Bool {
  var granted: [(address: UnsafeMutableRawPointer, byteCount: Int)] = []
  defer { for block in granted { munmap(block.address, block.byteCount) } }
  for byteCount in blocks {
    let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let address, address != MAP_FAILED else { return false }
    granted.append((address, byteCount))
  }
  return true
}

extension Int {
  /// This many times as much memory and a little more: what `requireMemory` is asked for before a file of this size is parsed. Far more
  /// than there is where it cannot be counted.
  package func memory(times factor: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow || product > .max / 8 ? .max / 8 : product + (1 << 17)
  }
}
