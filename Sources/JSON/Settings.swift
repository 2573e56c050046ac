import Storage

/// What is wrong with a model's configuration.
package enum ConfigurationError: Error, CustomStringConvertible, Sendable, Equatable {
  case missing(key: String)
  case invalid(key: String, found: String, expected: String)
  case unknownFamily(String, known: [String])
  /// A setting that changes the result and is not implemented: never ignored.
  case unsupported(key: String, value: String)
  /// Sizes that each are possible and together are not.
  case tooLarge(parameters: Int, limit: Int)

  package var description: String {
    switch self {
    case .missing(let key): "config.json: \(key) is missing"
    case .invalid(let key, let found, let expected): "config.json: \(key): expected \(expected), found \(found.excerpt)"
    case .unknownFamily(let name, let known):
      "config.json: model_type: expected one of \(known.joined(separator: ", ")), found \(name.excerpt)"
    case .unsupported(let key, let value): "config.json: \(key) \(value.excerpt) is not supported"
    case .tooLarge(let parameters, let limit): "config.json: expected sizes of at most \(limit) parameters, found \(parameters)"
    }
  }
}

/// Reads typed settings from a `config.json` object and names the key in every error.
package struct Settings: Sendable {
  package let json: JSONValue

  package init(_ json: JSONValue) throws(ConfigurationError) {
    guard json.object != nil else { throw .invalid(key: "the file", found: json.description, expected: "an object") }
    self.json = json
  }

  /// A number of things, at least 1 (or another least) and small enough that products of three cannot overflow.
  package func count(
    _ key: String, default fallback: Int? = nil, atLeast least: Int = 1, atMost most: Int = 1 << 20
  ) throws(ConfigurationError) -> Int {
    guard let value = self[key] else {
      guard let fallback else { throw .missing(key: key) }
      return fallback
    }
    guard let count = value.int, count >= least, count <= most else {
      throw .invalid(key: key, found: value.description, expected: "a whole number from \(least) to \(most)")
    }
    return count
  }

  package func rate(_ key: String, default fallback: Float) throws(ConfigurationError) -> Float {
    guard let value = self[key] else { return fallback }
    guard let rate = value.double, rate >= 0, rate < 1 else {
      throw .invalid(key: key, found: value.description, expected: "a number from 0 to below 1")
    }
    return Float(rate)
  }

  package func positive(_ key: String, default fallback: Float) throws(ConfigurationError) -> Float {
    guard let value = self[key] else { return fallback }
    guard let number = value.double, number > 0, Float(number).isFinite else {
      throw .invalid(key: key, found: value.description, expected: "a positive number")
    }
    return Float(number)
  }

  package func string(_ key: String, default fallback: String) throws(ConfigurationError) -> String {
    guard let value = self[key] else { return fallback }
    guard let text = value.string else { throw .invalid(key: key, found: value.description, expected: "a string") }
    return text
  }

  package func flag(_ key: String, default fallback: Bool) throws(ConfigurationError) -> Bool {
    guard let value = self[key] else { return fallback }
    guard let flag = value.bool else { throw .invalid(key: key, found: value.description, expected: "true or false") }
    return flag
  }

  /// Names in a list, or in one string with bars between them, in small letters and without spaces; none when the key is
  /// missing.
  package func names(_ key: String) throws(ConfigurationError) -> [String] {
    guard let value = self[key] else { return [] }
    var names: [String] = []
    for part in value.array ?? [value] {
      guard let text = part.string else { throw .invalid(key: key, found: value.description, expected: "names") }
      // Bytes, not characters: a library that never asks for those does not carry Unicode's tables of them.
      var name: [UInt8] = []
      for byte in Array(text.utf8) + [UInt8(ascii: "|")] {
        switch byte {
        case UInt8(ascii: "|"):
          names.append(String(decoding: name, as: UTF8.self))
          name = []
        case UInt8(ascii: " "): break
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): name.append(byte | 0x20)
        default: name.append(byte)
        }
      }
    }
    return names
  }

  /// Refuses a setting that has another value than the one that is implemented.
  package func require(_ key: String, _ expected: JSONValue) throws(ConfigurationError) {
    guard let value = self[key], value != expected else { return }
    throw .unsupported(key: key, value: value.description)
  }

  /// The settings of an object that is a setting; nil if there is none.
  package func object(_ key: String) throws(ConfigurationError) -> Settings? {
    guard let value = self[key] else { return nil }
    guard value.object != nil else { throw .invalid(key: key, found: value.description, expected: "an object") }
    return try Settings(value)
  }

  package func has(_ key: String) -> Bool { self[key] != nil }

  /// A value that is there and not null.
  package subscript(key: String) -> JSONValue? {
    guard let value = json[key], value != .null else { return nil }
    return value
  }
}
