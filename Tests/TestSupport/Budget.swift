import JSON
import Storage

/// A limit of `Tests/Footprint/budgets.json`.
package func budget(_ name: String) throws -> Int {
  let budgets = try JSONValue(parsing: readFile(fixture("../Footprint/budgets.json")))
  guard let limit = budgets[name]?.int else { throw FileError(path: "budgets.json: \(name)", operation: "find", code: 2) }
  return limit
}
