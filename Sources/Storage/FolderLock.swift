#if canImport(Glibc)
  import Glibc
#endif

/// Keeps other runs out of a folder for as long as it lives, or until the process ends, however it does: an advisory lock on
/// the folder itself (`flock(2)`), which leaves no file behind.
package final class FolderLock {
  private let folder: FileDescriptor

  /// Nil where the file system knows no locks of folders.
  ///
  /// - Throws: `FolderInUseError` when another run holds the folder; `FileError` when it cannot be opened.
  package init?(_ path: String) throws {
    folder = try FileDescriptor(opening: path, flags: O_RDONLY | O_DIRECTORY)
    var status: Int32
    repeat { status = flock(folder.rawValue, LOCK_EX | LOCK_NB) } while status != 0 && errno == EINTR
    guard status != 0 else { return }
    guard errno == EWOULDBLOCK else { return nil }
    throw FolderInUseError(path: path, holder: Self.holder(of: folder))
  }

  /// Who `/proc/locks` says holds it: `1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF`, the process before device and inode.
  private static func holder(of folder: borrowing FileDescriptor) -> String? {
    var status = stat()
    guard fstat(folder.rawValue, &status) == 0, let locks = Machine.pseudoFile("/proc/locks") else { return nil }
    for line in locks.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 5, fields[1] == "FLOCK", let inode = fields[5].split(separator: ":").last,
        UInt64(inode) == UInt64(status.st_ino), let process = Int(fields[4]), process > 0
      else { continue }
      let name = Machine.pseudoFile("/proc/\(process)/comm")?.split(separator: "\n").first
      return "process \(process)" + (name.map { " (\($0))" } ?? "")
    }
    return nil
  }
}

/// Another run writes into a folder.
package struct FolderInUseError: Error, CustomStringConvertible, Sendable, Equatable {
  package let path: String
  /// The process that holds it, if the system tells.
  package let holder: String?

  package var description: String {
    "\(path): expected a folder that no other run is writing to, found it held by \(holder ?? "another process"): wait for it or name another"
  }
}
