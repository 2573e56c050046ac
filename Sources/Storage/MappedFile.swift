#if canImport(Glibc)
  import Glibc
#endif

/// A file mapped read-only into memory; its pages are shared with every other process that maps it.
package final class MappedFile: @unchecked Sendable {
  package let bytes: UnsafeRawBufferPointer
  package let path: String

  package init(path: String) throws(FileError) {
    let file = try FileDescriptor(openingRegularFile: path)
    let size = try file.regularFileSize()
    self.path = path
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let address = mmap(nil, size, PROT_READ, MAP_SHARED, file.rawValue, 0), address != MAP_FAILED else {
      throw FileError(path: path, operation: "map")
    }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit {
    if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
  }
}
