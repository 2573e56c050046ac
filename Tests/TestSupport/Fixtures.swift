import JSON
import Storage

/// The path of a file or folder below `Tests/Fixtures`, found from this source file so that no working folder is assumed.
package func fixture(_ name: String) -> String {
  let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
  return here.joined(separator: "/") + "/Fixtures/" + name
}

package func fixtureBytes(_ name: String) throws -> [UInt8] { try readFile(fixture(name)) }

package func fixtureJSON(_ name: String) throws -> JSONValue { try JSONValue(parsing: fixtureBytes(name)) }
