import Encoders
import JSON
import Storage
import TestSupport
import Testing

/// The tables of what is served in the module's README.
@Suite struct ReadmeTests {
  /// The cells of the rows below a header.
  private func table(_ header: String) throws -> [[String]] {
    let text = String(decoding: try readFile(fixture("../../Sources/Encoders/README.md")), as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = try #require(lines.firstIndex { $0.hasPrefix(header) })
    return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { line in
      line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// What stands between back quotes.
  private func quoted(_ cell: String) -> [String] {
    cell.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }

  private func refusal(_ modelType: String, _ changes: JSONObject = JSONObject()) -> String? {
    var object = changes
    object["model_type"] = .string(modelType)
    do { _ = try Model(configuration: .object(object)) } catch { return "\(error)" }
    return nil
  }

  @Test func whatIsServed() throws {
    let rows = try table("| `model_type` | what it is here |")
    #expect(rows.flatMap { quoted($0[0]) }.sorted() == Model.modelTypes.sorted())
    for row in rows {
      let settings = quoted(row[2]).filter { $0.hasPrefix("\"") }
      #expect(!settings.isEmpty, "\(row[0])")
      for modelType in quoted(row[0]) {
        #expect(refusal(modelType) == nil, "\(modelType)")
        for setting in settings {
          let changes = try #require(JSONValue(parsing: Array("{\(setting)}".utf8)).object)
          let error = try #require(refusal(modelType, changes), "\(modelType): \(setting) is accepted")
          #expect(changes.keys.contains { error.contains($0) }, "\(error)")
        }
      }
    }
  }

  @Test func whatIsRefused() throws {
    let types = try table("| `model_type` | why not |").flatMap { quoted($0[0]) }
    #expect(types.count > 10)
    for modelType in types { #expect(refusal(modelType)?.contains("model_type: expected one of ") == true, "\(modelType)") }
  }
}
