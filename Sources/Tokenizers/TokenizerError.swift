import Storage

/// Why a tokenizer cannot be built from the files or bytes it was given.
package enum TokenizerError: Error, CustomStringConvertible, Sendable, Equatable {
  /// Part of the tokenizer that is known, and not served here.
  case unsupported(component: String, name: String)
  /// A class whose older files are not served.
  case unservedClass(String, file: String)
  /// Part of a file that is not as the format says.
  case malformed(file: String, place: String, expected: String, found: String)
  /// A special token that the vocabulary does not have.
  case missingToken(String, className: String? = nil)
  /// What `tokenizer_config.json` or the class that the folder names says of a `tokenizer.json` that says otherwise.
  case contradiction(setting: String, says: String, file: String)
  /// Bytes that no `compiled()` of this version wrote.
  case notCompiled(offset: Int, what: String)

  package var description: String {
    switch self {
    case .unsupported(let component, let name): "tokenizer: \(component.onOneLine) \(name.onOneLine) is not supported"
    case .unservedClass(let name, let file):
      "tokenizer: \(file) of tokenizer class \(name.excerpt) is not supported: save a tokenizer.json with transformers, if the class has one"
    case .malformed(let file, let place, let expected, let found):
      "\(file): \(place.excerpt): expected \(expected), found \(found.excerpt)"
    case .missingToken(let token, let className):
      "tokenizer: the vocabulary has no token \(token.excerpt)" + (className.map { ", which tokenizer class \($0.excerpt) needs" } ?? "")
    case .contradiction(let setting, let says, let file):
      "tokenizer_config.json: \(setting): \(says.onOneLine), but tokenizer.json \(file.onOneLine): write what is right into tokenizer_config.json"
    case .notCompiled(let offset, let what): "compiled tokenizer: byte \(offset): \(what.excerpt)"
    }
  }
}
