/// Why a tokenizer cannot be built from the files or bytes it was given.
package enum TokenizerError: Error, CustomStringConvertible, Sendable, Equatable {
  /// Part of the tokenizer that is known, and not served here.
  case unsupported(component: String, name: String)
  /// Part of a file that is not as the format says.
  case malformed(file: String, place: String, expected: String, found: String)
  /// A special token that the vocabulary does not have.
  case missingToken(String)
  /// Bytes that no `compiled()` of this version wrote.
  case notCompiled(offset: Int, what: String)

  package var description: String {
    switch self {
    case .unsupported(let component, let name): "tokenizer: \(component) \(name) is not supported"
    case .malformed(let file, let place, let expected, let found):
      "\(file): \(place): expected \(expected), found \(found)"
    case .missingToken(let token): "tokenizer: the vocabulary has no token \(token)"
    case .notCompiled(let offset, let what): "compiled tokenizer: byte \(offset): \(what)"
    }
  }
}
