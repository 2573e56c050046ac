#if canImport(Glibc)
  import Glibc
#endif

/// A page of memory for ever, of zeros, which a forked child finds as zeros again.
package struct ForkedPage: @unchecked Sendable {
  package let address: UnsafeMutableRawPointer

  /// nil if the system refuses it.
  package init?() {
    let size = Self.byteCount
    guard let page = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), page != MAP_FAILED else {
      return nil
    }
    // Before the page is written to: neighbours of the same kind that were never written to become one mapping, and
    // the kernel counts mappings. Kernels before 4.14 do not know the advice, and share the page with a child.
    madvise(page, size, MADV_WIPEONFORK)
    address = page
  }

  /// The page at an address that `init()` gave.
  package init(at address: UnsafeMutableRawPointer) { self.address = address }

  /// Gives its memory back to the system: it reads as zeros from now on.
  package func discard() { madvise(address, Self.byteCount, MADV_DONTNEED) }

  private static var byteCount: Int { Machine.pageBytes }
}
