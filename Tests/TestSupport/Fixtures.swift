import JSON

/// The path of a file or folder below `Tests/Fixtures`, found from this source file so that no working folder is assumed.
package func fixture(_ name: String) -> String {
  let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
  return here.joined(separator: "/") + "/Fixtures/" + name
}
