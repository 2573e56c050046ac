#if canImport(Glibc)
  import Glibc
#endif

/// An open file descriptor that closes with its owner.
package struct FileDescriptor: ~Copyable {
  package let rawValue: Int32
  package let path: String

  package init(opening path: String) throws(FileError) { try self.init(opening: path, flags: O_RDONLY) }

  /// Makes a file that is not there yet, to be written at its end.
  ///
  /// - Throws: `FileError`; where there is something, one that `isThere`.
  package init(creating path: String) throws(FileError) {
    try self.init(opening: path, flags: O_WRONLY | O_CREAT | O_EXCL | O_APPEND)
  }

  package init(opening path: String, flags: Int32, mode: mode_t = 0o666) throws(FileError) {
    var descriptor: Int32
    repeat { descriptor = open(path, flags | O_CLOEXEC, mode) } while descriptor < 0 && errno == EINTR
    guard descriptor >= 0 else { throw FileError(path: path, operation: "open") }
    rawValue = descriptor
    self.path = path
  }

  /// Opens what should be a regular file, to ask for its `regularFileSize`: for a pipe without a writer this does not wait.
  package init(openingRegularFile path: String) throws(FileError) {
    try self.init(opening: path, flags: O_RDONLY | O_NONBLOCK)
  }

  deinit { close(rawValue) }

  /// The size of the regular file behind the descriptor; anything else (a folder, a device) is refused.
  package func regularFileSize() throws(FileError) -> Int {
    var status = stat()
    guard fstat(rawValue, &status) == 0 else { throw FileError(path: path, operation: "read") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(path: path, operation: "read", code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
    }
    return Int(status.st_size)
  }

  /// Fills the buffer from an offset of the file, or up to the file's end; returns how many bytes were read.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int {
    var done = 0
    while done < buffer.count {
      let count = pread(rawValue, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw FileError(path: path, operation: "read") }
      if count == 0 { break }
      done += count
    }
    return done
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    try ByteStream(descriptor: rawValue, name: path).write(bytes)
  }

  package func synchronize() throws(FileError) {
    var status: Int32
    repeat { status = fsync(rawValue) } while status != 0 && errno == EINTR
    guard status == 0 else { throw FileError(path: path, operation: "sync") }
  }
}

/// The whole content of a regular file; a file over `limit` bytes is refused with `EFBIG`.
package func readFile(_ path: String, limit: Int = .max) throws(FileError) -> [UInt8] {
  let file = try FileDescriptor(openingRegularFile: path)
  let size = try file.regularFileSize()
  guard size <= limit else { throw FileError(path: path, operation: "read", code: EFBIG) }
  do throws(OutOfMemory) { try requireMemory(size) } catch { throw FileError(path: path, operation: "read", code: ENOMEM) }
  var bytes = [UInt8](repeating: 0, count: size)
  var failure: FileError?
  var count = 0
  bytes.withUnsafeMutableBytes { buffer in
    do throws(FileError) { count = try file.read(into: buffer, at: 0) } catch { failure = error }
  }
  if let failure { throw failure }
  bytes.removeLast(size - count)
  return bytes
}

/// Whether there is something at a path. True too where the system refuses to tell: opening it says why, and what is there is not
/// passed over.
package func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 || !isAbsence(errno) }

/// Whether this process may read what is at a path.
package func isReadable(_ path: String) -> Bool { access(path, R_OK) == 0 }

/// Throws where a path cannot be opened to be read, or leads to a folder, as reading it would later.
package func requireReadable(_ path: String) throws(FileError) {
  guard isReadable(path) else { throw FileError(path: path, operation: "open") }
  guard !isDirectory(path) else { throw FileError(path: path, operation: "read", code: EISDIR) }
}

/// Whether a call that failed with this code says that there is nothing at its path.
private func isAbsence(_ code: Int32) -> Bool { [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG].contains(code) }

/// The size of a regular file, nil for anything else and for what is not there.
package func regularFileSize(_ path: String) -> Int? {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
}

/// Throws where there is something at a path that is no regular file, or the system refuses to tell.
func requireRegularOrAbsent(_ path: String) throws(FileError) {
  var status = stat()
  guard stat(path, &status) == 0 else {
    if isAbsence(errno) { return }
    throw FileError(path: path, operation: "write")
  }
  guard status.st_mode & S_IFMT != S_IFREG else { return }
  throw FileError(path: path, operation: "write", code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
}

/// Whether both paths lead to one file that exists.
package func isSameFile(_ first: String, _ second: String) -> Bool {
  var (one, other) = (stat(), stat())
  return stat(first, &one) == 0 && stat(second, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino
}

/// What a symbolic link says it leads to; nil for anything else.
package func symbolicLinkTarget(_ path: String) -> String? {
  var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
  let count = target.withUnsafeMutableBytes { readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) }
  return count < 0 ? nil : String(decoding: target[..<count], as: UTF8.self)
}

package func isDirectory(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// The names in a folder, sorted by their bytes, without `.` and `..`.
package func listDirectory(_ path: String) throws(FileError) -> [String] {
  guard let stream = opendir(path) else { throw FileError(path: path, operation: "list") }
  defer { closedir(stream) }
  var names: [String] = []
  while true {
    errno = 0
    guard let entry = readdir(stream) else {
      if errno != 0 { throw FileError(path: path, operation: "list") }
      break
    }
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// Makes a folder, and the folders above it when `intermediate` is set; one that exists is fine.
package func makeDirectory(_ path: String, intermediate: Bool = true) throws(FileError) {
  if mkdir(path, 0o777) == 0 { return }
  let code = errno
  if code == EEXIST && isDirectory(path) { return }
  guard intermediate, code == ENOENT, let parent = path.parentPath, parent != path else {
    throw FileError(path: path, operation: "make folder", code: code)
  }
  try makeDirectory(parent)
  guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw FileError(path: path, operation: "make folder") }
}

/// Removes a file, or a folder with everything in it. A symbolic link is removed, never followed.
package func removeTree(_ path: String) throws(FileError) {
  var status = stat()
  guard lstat(path, &status) == 0 else { throw FileError(path: path, operation: "remove") }
  if status.st_mode & S_IFMT == S_IFDIR {
    for name in try listDirectory(path) { try removeTree(path + "/" + name) }
    guard rmdir(path) == 0 else { throw FileError(path: path, operation: "remove") }
  } else {
    guard unlink(path) == 0 else { throw FileError(path: path, operation: "remove") }
  }
}

extension String {
  /// The folder that holds this path, `.` for a bare name; nil for the root.
  package var parentPath: String? {
    var path = utf8[...]
    while path.count > 1 && path.last == UInt8(ascii: "/") { path.removeLast() }
    guard path.elementsEqual("/".utf8) == false else { return nil }
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])!
  }

  /// The last component of this path.
  package var lastPathComponent: String {
    var path = utf8[...]
    while path.count > 1 && path.last == UInt8(ascii: "/") { path.removeLast() }
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")), path.count > 1 else { return String(path)! }
    return String(path[path.index(after: slash)...])!
  }
}
