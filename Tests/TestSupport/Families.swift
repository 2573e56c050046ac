import JSON
import Storage

/// The names of the fixtures below `families`: a tiny model of every encoder family.
package let familyNames: [String] = (try? listDirectory(fixture("families")).sorted()) ?? []

/// What the reference library makes of a family's fixture: `reference.json`.
package func familyReference(_ name: String) throws -> JSONValue { try fixtureJSON("families/\(name)/reference.json") }

/// Texts with the logits that a family's fixture must give.
package func familyTexts(_ name: String) throws -> [ReferenceText] {
  referenceTexts(try familyReference(name)["texts"])
}
