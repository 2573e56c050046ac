#if canImport(Glibc)
  import Glibc
#endif

/// Bytes that wait in a file without a name, so that they take no memory that the system could not have back. The file goes with the last
/// of them.
package final class SpoolFile {
  private let file: FileDescriptor
  private var end = 0

  /// - Parameter path: of a file in the folder that has room for them.
  /// - Throws: `FileError` where the folder takes no file.
  package init(beside path: String) throws(FileError) {
    let name = temporarySibling(of: path)
    do throws(FileError) { file = try FileDescriptor(opening: name, flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600) } catch {
      throw FileError(path: path, operation: "write", code: error.code)
    }
    unlink(name)
  }

  /// Puts bytes aside.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) -> SpooledBytes {
    guard bytes.count > 0 else { return SpooledBytes(UnsafeRawBufferPointer(start: nil, count: 0)) }
    // A mapping begins with a page.
    let start = end.roundedUp(toPages: Machine.pageBytes)
    guard lseek(file.rawValue, off_t(start), SEEK_SET) >= 0 else { throw FileError(path: file.path, operation: "write") }
    try file.write(bytes)
    end = start + bytes.count
    guard let address = mmap(nil, bytes.count, PROT_READ, MAP_SHARED, file.rawValue, off_t(start)), address != MAP_FAILED else {
      throw FileError(path: file.path, operation: "map")
    }
    return SpooledBytes(UnsafeRawBufferPointer(start: address, count: bytes.count))
  }
}

/// Bytes of a `SpoolFile`, read as they are needed.
package final class SpooledBytes: @unchecked Sendable {
  package let bytes: UnsafeRawBufferPointer

  fileprivate init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  deinit {
    if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
  }
}

extension Int {
  fileprivate func roundedUp(toPages pageSize: Int) -> Int { (self + pageSize - 1) / pageSize * pageSize }
}
