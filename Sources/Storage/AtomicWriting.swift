import CSystem

#if canImport(Glibc)
  import Glibc
#endif

/// A file that appears under its name whole, or not at all: bytes go to a temporary file beside it, `commit` syncs
/// and renames. Dropped without `commit`, the temporary file is removed.
package struct AtomicFile: ~Copyable {
  package let path: String
  private let temporaryPath: String
  private let file: FileDescriptor

  package init(path: String) throws(FileError) {
    self.path = path
    temporaryPath = temporarySibling(of: path)
    // The renaming would take a device or a pipe away, for all who use it.
    try requireRegularOrAbsent(path)
    do throws(FileError) {
      file = try FileDescriptor(opening: temporaryPath, flags: O_WRONLY | O_CREAT | O_EXCL)
    } catch {
      throw FileError(path: path, operation: "write", code: error.code)
    }
  }

  package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    do throws(FileError) { try file.write(bytes) } catch {
      throw FileError(path: path, operation: "write", code: error.code)
    }
  }

  package mutating func write(_ text: String) throws(FileError) { try write(Array(text.utf8)) }

  package mutating func write(_ bytes: [UInt8]) throws(FileError) {
    var failure: FileError?
    bytes.withUnsafeBytes { buffer in
      do throws(FileError) { try write(buffer) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Puts the file under its name.
  package consuming func commit() throws(FileError) {
    try file.synchronize()
    guard rename(temporaryPath, path) == 0 else { throw FileError(path: path, operation: "write") }
    try synchronizeFolder(of: path)
  }

  deinit { unlink(temporaryPath) }  // After `commit` nothing has that name.
}

/// A folder that appears under its name whole, or not at all: its files are written below `temporaryPath`, `commit`
/// syncs them and renames the folder. An existing folder of that name is replaced.
package struct AtomicFolder: ~Copyable {
  package let path: String
  package let temporaryPath: String

  package init(path: String) throws(FileError) {
    self.path = path
    temporaryPath = temporarySibling(of: path)
    if let parent = path.parentPath { try makeDirectory(parent) }
    guard mkdir(temporaryPath, 0o777) == 0 else { throw FileError(path: path, operation: "write") }
  }

  package consuming func commit() throws(FileError) {
    for name in try listDirectory(temporaryPath) {
      let entry = temporaryPath + "/" + name
      if isDirectory(entry) { continue }
      try FileDescriptor(opening: entry).synchronize()
    }
    try FileDescriptor(opening: temporaryPath, flags: O_RDONLY | O_DIRECTORY).synchronize()
    if fileExists(path) {
      // A folder cannot be renamed over another: both change names at once, or, where the file system cannot do that,
      // the old one steps aside first and goes when the new one stands.
      if csystem_exchange(temporaryPath, path) == 0 {
        try synchronizeFolder(of: path)
        return try removeTree(temporaryPath)
      }
      let aside = temporarySibling(of: path)
      guard rename(path, aside) == 0 else { throw FileError(path: path, operation: "replace") }
      guard rename(temporaryPath, path) == 0 else {
        let code = errno
        rename(aside, path)
        throw FileError(path: path, operation: "write", code: code)
      }
      try removeTree(aside)
    } else {
      guard rename(temporaryPath, path) == 0 else { throw FileError(path: path, operation: "write") }
    }
    try synchronizeFolder(of: path)
  }

  deinit { try? removeTree(temporaryPath) }  // After `commit` nothing has that name.
}

/// Removes a folder at once, as far as its name tells: killed half way through, it has a temporary one already.
package func removeFolder(_ path: String) throws(FileError) {
  let aside = temporarySibling(of: path)
  guard rename(path, aside) == 0 else { throw FileError(path: path, operation: "remove") }
  try removeTree(aside)
}

/// Removes what writers and removers of files and folders in this folder left behind when their process was killed.
package func removeUnfinishedFiles(in folder: String) throws(FileError) {
  for name in try listDirectory(folder) where isTemporary(name) { try removeTree(folder + "/" + name) }
}

private let partialMark = ".partial-"

/// Whether `temporarySibling` made the name: a mark, a process and a random number.
private func isTemporary(_ name: String) -> Bool {
  // NAME.partial-PROCESS-NUMBER, cut at the dashes: searching for a string would bring the library of patterns along.
  let parts = name.split(separator: "-", omittingEmptySubsequences: false)
  guard parts.count >= 3, parts.suffix(2).allSatisfy({ UInt32($0) != nil }) else { return false }
  return (parts[parts.count - 3] + "-").hasSuffix(partialMark)
}

/// A name for a file beside another that `removeUnfinishedFiles` knows.
package func temporarySibling(of path: String) -> String {
  var trimmed = path[...]
  while trimmed.utf8.count > 1 && trimmed.utf8.last == UInt8(ascii: "/") { trimmed = trimmed.dropLast() }
  return "\(trimmed)\(partialMark)\(getpid())-\(UInt32.random(in: 0 ... .max))"
}

private func synchronizeFolder(of path: String) throws(FileError) {
  guard let parent = path.parentPath else { return }
  try FileDescriptor(opening: parent, flags: O_RDONLY | O_DIRECTORY).synchronize()
}
