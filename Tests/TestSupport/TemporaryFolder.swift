import Storage

#if canImport(Glibc)
  import Glibc
#endif

/// Runs `body` with the path of a new empty folder, and removes the folder with everything in it.
package func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
  var template = Array((parent + "/martlet-test-XXXXXX").utf8CString)
  guard mkdtemp(&template) != nil else { throw FileError(path: parent, operation: "make folder") }
  let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  defer { try? removeTree(path) }
  return try body(path)
}
