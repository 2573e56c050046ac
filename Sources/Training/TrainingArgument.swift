import JSON
import Storage

/// All that is said of one argument of a run: its names, how its value is written, what it may be, its JSON and its help.
///
/// `check()` and `json` of `TrainingArguments`, the options of `tune` and their help follow from the rows: an argument that has a row is
/// nowhere forgotten.
package struct TrainingArgument: Sendable {
  /// With underscores, as the reference library has it.
  package let name: String
  /// Older or other names of the same.
  package let aliases: [String]
  package let help: String
  /// Whether it is true or false: its value may be left out.
  package let isFlag: Bool
  /// Whether another value makes another model of the same run, so that a resumed run is warned of it.
  let changesRun: Bool
  /// Reads the value as a command line has it.
  package let assign: @Sendable (String, inout TrainingArguments) throws(TrainingError) -> Void
  let check: @Sendable (TrainingArguments) throws(TrainingError) -> Void
  let json: @Sendable (TrainingArguments) -> JSONValue
  /// The value without an option, for the help; nil where the help says it.
  package let defaultText: String?

  /// With dashes, as options and messages have it.
  package var option: String { Self.option(name) }
  package static func option(_ name: String) -> String { String(name.map { $0 == "_" ? "-" : $0 }) }

  package static func named(_ name: String) -> TrainingArgument? { all.first { $0.name == name || $0.aliases.contains(name) } }
}

/// How an argument is written and what it may be.
struct ArgumentForm<Value: Equatable & Sendable>: Sendable {
  /// Nil for what is no such value.
  let parse: @Sendable (String) -> Value?
  let json: @Sendable (Value) -> JSONValue
  let isValid: @Sendable (Value) -> Bool
  /// What a valid value is, for messages.
  let expected: String
  /// For the help; nil for no default worth a word.
  var text: @Sendable (Value) -> String? = { "\($0)" }
}

extension TrainingArgument {
  typealias Path<Value> = WritableKeyPath<TrainingArguments, Value> & Sendable

  static func error(_ name: String, _ expected: String, _ found: some Any) -> TrainingError {
    .argument("\(option(name)): expected \(expected), found \(found)")
  }

  init<Value>(
    _ name: String, _ path: Path<Value>, _ form: ArgumentForm<Value>, aliases: [String] = [], isFlag: Bool = false, changesRun: Bool = true,
    _ help: String
  ) {
    self.name = name
    self.aliases = aliases
    self.help = help
    self.isFlag = isFlag
    self.changesRun = changesRun
    defaultText = form.text(TrainingArguments()[keyPath: path])
    assign = { text, arguments throws(TrainingError) in
      guard let value = form.parse(text) else { throw Self.error(name, form.expected, text) }
      arguments[keyPath: path] = value
    }
    check = { arguments throws(TrainingError) in
      let value = arguments[keyPath: path]
      guard form.isValid(value) else { throw Self.error(name, form.expected, value) }
    }
    json = { form.json($0[keyPath: path]) }
  }

  /// One that may be left open; what it is then is for the help to say.
  init<Value>(
    _ name: String, _ path: Path<Value?>, _ form: ArgumentForm<Value>, standing: Value? = nil, aliases: [String] = [],
    isFlag: Bool = false, changesRun: Bool = true, _ help: String
  ) {
    let optional = ArgumentForm<Value?>(
      parse: { form.parse($0) }, json: { ($0 ?? standing).map(form.json) ?? .null }, isValid: { $0.map(form.isValid) ?? true },
      expected: form.expected, text: { $0.flatMap(form.text) })
    self.init(name, path, optional, aliases: aliases, isFlag: isFlag, changesRun: changesRun, help)
  }

  static func flag(_ name: String, _ path: Path<Bool>, aliases: [String] = [], changesRun: Bool = true, _ help: String) -> Self {
    Self(name, path, .bool, aliases: aliases, isFlag: true, changesRun: changesRun, help)
  }

  /// A number of steps, or a share of all steps where it is below 1.
  init(
    _ name: String, _ path: Path<Int?>, ratio: Path<Double>, standing: Int, atLeast least: Int, aliases: [String] = [],
    changesRun: Bool = true, _ help: String
  ) {
    let form = ArgumentForm.whole(least...TrainingArguments.mostSteps)
    let expected = "at least \(least), or a share of all steps below 1"
    self.name = name
    self.aliases = aliases
    self.help = help
    isFlag = false
    self.changesRun = changesRun
    defaultText = TrainingArguments()[keyPath: path].map { "\($0)" }
    assign = { text, arguments throws(TrainingError) in
      if let share = Double(text), share > 0, share < 1 {
        arguments[keyPath: ratio] = share
      } else if let steps = form.parse(text) {
        arguments[keyPath: path] = steps
        arguments[keyPath: ratio] = 0
      } else {
        throw Self.error(name, expected, text)
      }
    }
    check = { arguments throws(TrainingError) in
      if let steps = arguments[keyPath: path], !form.isValid(steps) { throw Self.error(name, expected, steps) }
      let share = arguments[keyPath: ratio]
      guard (0..<1).contains(share) else { throw Self.error(name, expected, share) }
    }
    json = {
      let share = $0[keyPath: ratio]
      return share > 0 ? .number(share) : .integer(Int64($0[keyPath: path] ?? standing))
    }
  }
}

extension ArgumentForm where Value == Double {
  private static func number(_ expected: String, _ isValid: @escaping @Sendable (Double) -> Bool) -> Self {
    Self(parse: { Double($0) }, json: { .number($0) }, isValid: { $0.isFinite && isValid($0) }, expected: expected)
  }

  static let positive = number("a positive number") { $0 > 0 }
  static let atLeastZero = number("a number of at least 0") { $0 >= 0 }
  static let share = number("0 to below 1") { (0..<1).contains($0) }
  static func positive(atMost most: Double) -> Self { number("a positive number of at most \(most)") { $0 > 0 && $0 <= most } }
}

extension ArgumentForm where Value == Int {
  /// Whole numbers; `500.0` is one too.
  static func whole(_ range: ClosedRange<Int>) -> Self {
    Self(
      parse: { Int($0) ?? Double($0).flatMap { Int(exactly: $0) } }, json: { .integer(Int64($0)) }, isValid: { range.contains($0) },
      expected: "at least \(range.lowerBound)" + (range.upperBound == .max ? "" : " and at most \(range.upperBound)"))
  }
}

extension ArgumentForm where Value == UInt32 {
  static let seed = Self(
    parse: { UInt32($0) }, json: { .integer(Int64($0)) }, isValid: { _ in true }, expected: "a whole number from 0 to \(UInt32.max)")
}

extension ArgumentForm where Value == Bool {
  /// The words of the reference library's parser, in any case.
  static let bool = Self(
    parse: { truth(of: $0) }, json: { .bool($0) }, isValid: { _ in true }, expected: "true or false", text: { _ in nil })
}

/// What a word means where the reference library expects true or false; nil for other words.
package func truth(of word: String) -> Bool? {
  switch word.lowercased() {
  case "yes", "true", "t", "y", "1": true
  case "no", "false", "f", "n", "0": false
  default: nil
  }
}

extension ArgumentForm where Value == String {
  static let word = Self(parse: { $0 }, json: { .string($0) }, isValid: { _ in true }, expected: "a word", text: { $0.isEmpty ? nil : $0 })
}

extension ArgumentForm where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  static var choice: Self {
    let names = Value.allCases.map(\.rawValue)
    return Self(
      parse: { Value(rawValue: $0) }, json: { .string($0.rawValue) }, isValid: { _ in true },
      expected: names.dropLast().joined(separator: ", ") + " or " + (names.last ?? ""), text: { $0.rawValue })
  }
}

extension ArgumentForm {
  /// Several of another form, separated by commas.
  static func list<Element>(_ element: ArgumentForm<Element>, expected: String) -> Self where Value == [Element] {
    Self(
      parse: { text in
        let parts = text.split(separator: ",").map { element.parse(String($0)) }
        return parts.isEmpty || parts.contains { $0 == nil } ? nil : parts.compactMap { $0 }
      },
      json: { .array($0.map(element.json)) }, isValid: { $0.allSatisfy(element.isValid) }, expected: expected, text: { _ in nil })
  }
}
