import ArgumentParser
import MartletTuning
import Training

/// Both spellings of an option's names: `--learning-rate` and `--learning_rate`.
func spellings(_ name: String, _ others: String...) -> NameSpecification { spellings([name] + others) }

func spellings(_ names: [String]) -> NameSpecification {
  NameSpecification(
    names.flatMap { name -> [NameSpecification.Element] in
      let dashed = TrainingArgument.option(name)
      let snake = String(name.map { $0 == "-" ? "_" : $0 })
      return dashed == snake ? [.customLong(dashed)] : [.customLong(dashed), .customLong(snake)]
    })
}

/// The options of `tune` that are rows of `TrainingArgument.all`.
///
/// The parser finds the options of a group by reflection and reads them by coding keys. Both are made of the rows here, so that there is
/// no second list of them: no property, no default, no assignment.
struct TrainingOptions: ParsableArguments {
  private var values: [String: Option<String?>] = [:]
  private var flags: [String: Flag<Bool>] = [:]

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init() {
    for row in TrainingArgument.all {
      let names = spellings([row.name] + row.aliases)
      let standing = row.defaultText.map { " (default: \($0))" } ?? ""
      let help = ArgumentHelp(stringLiteral: row.help + standing)
      if row.isFlag {
        flags[row.name] = Flag(wrappedValue: false, name: names, help: help)
      } else {
        values[row.name] = Option(name: names, help: help)
      }
    }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    for row in TrainingArgument.all {
      let key = Key(stringValue: row.name)
      if row.isFlag {
        flags[row.name] = try container.decode(Flag<Bool>.self, forKey: key)
      } else {
        values[row.name] = try container.decode(Option<String?>.self, forKey: key)
      }
    }
  }

  func validate() throws {
    let arguments = try arguments()
    do { try arguments.check() } catch { throw ValidationError("--\(error)") }
  }

  private static let classWeights = "class_weights"

  /// Those that go by name or are to be counted, which only the data can make numbers.
  func classWeights() throws -> ClassWeights? {
    guard let text = values[Self.classWeights]?.wrappedValue else { return nil }
    if text == "balanced" { return .balanced }
    guard text.contains("=") else { return nil }
    var weights: [String: Double] = [:]
    for part in text.split(separator: ",") {
      // The weight is behind the last sign: a name may hold one.
      guard let sign = part.lastIndex(of: "="), let weight = Double(part[part.index(after: sign)...]), weight > 0, weight.isFinite,
        weights.updateValue(weight, forKey: String(part[..<sign])) == nil
      else { throw ValidationError("--class-weights: expected NAME=WEIGHT with a positive number, each name once, found \(part)") }
    }
    return .named(weights)
  }

  func arguments() throws -> TuningArguments {
    var arguments = TuningArguments()
    for row in TrainingArgument.all {
      let text = row.isFlag ? (flags[row.name]?.wrappedValue == true ? "true" : nil) : values[row.name]?.wrappedValue
      guard let text, try row.name != Self.classWeights || classWeights() == nil else { continue }
      do { try row.assign(text, &arguments) } catch { throw ValidationError("--\(error)") }
    }
    return arguments
  }
}

extension TrainingOptions: CustomReflectable {
  var customMirror: Mirror {
    Mirror(
      self,
      children: TrainingArgument.all.compactMap { row -> Mirror.Child? in
        if let flag = flags[row.name] { return (row.name, flag) }
        return values[row.name].map { (row.name, $0) }
      })
  }
}
