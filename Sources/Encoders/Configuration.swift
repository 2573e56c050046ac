import JSON
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

/// What a classification head predicts; `problem_type` in `config.json`.
package enum ProblemType: String, Sendable, CaseIterable {
  case regression
  case singleLabel = "single_label_classification"
  case multiLabel = "multi_label_classification"
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

  package func activation(_ key: String, default fallback: Activation) throws(ConfigurationError) -> Activation {
    guard let value = self[key] else { return fallback }
    guard let name = value.string else { throw .invalid(key: key, found: value.description, expected: "a name") }
    guard let activation = Activation(configurationName: name) else { throw .unsupported(key: key, value: name) }
    return activation
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
  private subscript(key: String) -> JSONValue? {
    guard let value = json[key], value != .null else { return nil }
    return value
  }
}

/// The part of `config.json` that every family shares: the labels and what kind of problem they make.
package struct LabelConfiguration: Sendable, Equatable {
  /// The names in the order of the logits.
  package let names: [String]
  package let problemType: ProblemType

  package init(names: [String], problemType: ProblemType) {
    self.names = names
    self.problemType = problemType
  }

  /// Reads `id2label`, or `num_labels`, or takes the reference library's default of two labels; the problem is
  /// regression for one label and single-label otherwise, unless `problem_type` says more.
  ///
  /// Where the two disagree the names count: transformers 4 reads them so, and 5 opens no such checkpoint whose tensors have
  /// as many rows as there are names.
  package init(_ settings: Settings) throws(ConfigurationError) {
    if let map = try settings.object("id2label")?.json.object {
      var names = [String?](repeating: nil, count: map.entries.count)
      for (key, value) in map.entries {
        guard let id = Int(key), names.indices.contains(id), let name = value.labelName else {
          throw .invalid(key: "id2label", found: "\(key): \(value.description)", expected: "ids from 0 with their names")
        }
        names[id] = name
      }
      self.names = names.compactMap { $0 }
      guard self.names.count == names.count, !names.isEmpty else {
        throw .invalid(key: "id2label", found: "\(map.entries.count) entries", expected: "each id from 0 once")
      }
    } else {
      names = (0..<(try settings.count("num_labels", default: 2))).map { "LABEL_\($0)" }
    }
    let key = "problem_type"
    let problem = try settings.string(
      key, default: names.count == 1 ? ProblemType.regression.rawValue : ProblemType.singleLabel.rawValue)
    guard let problemType = ProblemType(rawValue: problem) else {
      throw .invalid(key: key, found: problem, expected: ProblemType.allCases.map(\.rawValue).joined(separator: ", "))
    }
    // One label among one is always right; the reference refuses it too.
    guard problemType != .singleLabel || names.count > 1 else {
      throw .invalid(
        key: key, found: "\(problem) with one label",
        expected: "regression (a value) or multi_label_classification (a sigmoid) where there is one label")
    }
    self.problemType = problemType
  }
}

extension JSONValue {
  /// What the reference calls a label of this name: numbers, true and false as Python writes them. Nil for what is no name.
  fileprivate var labelName: String? {
    switch self {
    case .string(let name): name
    case .bool(let flag): flag ? "True" : "False"
    case .integer, .number: description
    case .null, .array, .object: nil
    }
  }
}
