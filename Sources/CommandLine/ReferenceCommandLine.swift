import ArgumentParser
import Training

/// The arguments of `tune` as its parser expects them, made of a command line as the reference library has them.
///
/// Underscores, `True` and `False` after flags, negative numbers, and arguments that change nothing here. What means the same in both is
/// passed on as it is.
package struct ReferenceCommandLine {
  /// For the parser.
  package private(set) var arguments: [String] = []
  /// The options that are taken without effect, as they were written.
  package private(set) var withoutEffect: [String] = []

  private var rest: ArraySlice<String>
  /// Whether the base stands first, so that all that stands behind an option belongs to the option.
  private let beginsWithBase: Bool

  /// - Parameter line: what follows `tune`.
  package init(_ line: [String]) throws {
    rest = line[...]
    beginsWithBase = line.first?.hasPrefix("-") == false
    while let token = rest.popFirst() {
      if token == "--" {
        arguments += [token] + rest
        break
      }
      guard token.hasPrefix("--") else {
        arguments.append(token)
        continue
      }
      let parts = token.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      try read(token, String(parts[0].map { $0 == "-" ? "_" : $0 }), value: parts.count > 1 ? parts[1] : nil)
    }
  }

  /// The line that says what was taken without effect; nil if nothing was.
  package var note: String? {
    withoutEffect.isEmpty ? nil : "changes nothing here: \(withoutEffect.joined(separator: ", "))"
  }

  /// Flags of `tune` itself that the reference library has, or had, as arguments with a value.
  private static let ownFlags = ["overwrite_output_dir"]

  private mutating func read(_ token: String, _ name: String, value: String?) throws {
    let row = TrainingArgument.named(name)
    if let row, !row.isFlag {
      // Joined, so that a value may begin with a minus.
      let value = value ?? nextValue()
      arguments.append("--" + row.option + (value.map { "=" + $0 } ?? ""))
    } else if row != nil || Self.ownFlags.contains(name) {
      try setFlag(row?.name ?? name, value)
    } else if name == "do_train" {
      guard try flag(name, value) else {
        throw ValidationError("--do-train false: expected true (martlet evaluate measures without training)")
      }
      withoutEffect.append("--do-train")
    } else if name == "report_to" {
      report(to: value)
    } else if let known = ReferenceArgument.named(name) {
      try answer(known, token, value)
    } else if name.hasPrefix("no_") {
      // The reference library's opposite of what is true by default.
      let opposite = String(name.dropFirst(3))
      if let row = TrainingArgument.named(opposite), row.isFlag {
        try setFlag(row.name, "false")
      } else if let known = ReferenceArgument.named(opposite), known.form == .flag {
        try answer(known, token, "false")
      } else {
        arguments.append(token)
      }
    } else {
      arguments.append(token)
    }
  }

  private mutating func answer(_ known: ReferenceArgument, _ token: String, _ value: String?) throws {
    var values = [value].compactMap { $0 }
    switch known.form {
    case .flag: values = [try flag(known.name, value) ? "true" : "false"]
    case .value, .list:
      if value == nil { values = [nextValue()].compactMap { $0 } }
      while known.form == .list, beginsWithBase, let next = nextValue() { values.append(next) }
    }
    guard case .refused(let instead) = known.answer else {
      withoutEffect.append("--" + TrainingArgument.option(known.name))
      return
    }
    let isOff = values.allSatisfy { ReferenceArgument.off.contains($0.lowercased()) || known.neutral.contains($0) } && !values.isEmpty
    guard !isOff else { return withoutEffect.append("--" + TrainingArgument.option(known.name)) }
    let found = known.form == .flag ? "" : values.first.map { " " + $0 } ?? ""
    throw ValidationError("--\(TrainingArgument.option(known.name))\(found) is not offered: \(instead)")
  }

  /// One place or several: those that are not offered change nothing, the first that is is passed on.
  private mutating func report(to value: String?) {
    var values = [value ?? nextValue()].compactMap { $0 }
    while beginsWithBase, let next = nextValue() { values.append(next) }
    let others = values.filter(ReferenceArgument.integrations.contains)
    withoutEffect += others.map { "--report-to \($0)" }
    if let place = values.first(where: { !others.contains($0) }) { arguments.append("--report-to=" + place) }
    if values.isEmpty { arguments.append("--report-to") }
  }

  private mutating func setFlag(_ name: String, _ value: String?) throws {
    let option = "--" + TrainingArgument.option(name)
    arguments.removeAll { $0 == option }
    if try flag(name, value) { arguments.append(option) }
  }

  /// What a flag is set to: true where nothing follows it that is true or false.
  private mutating func flag(_ name: String, _ value: String?) throws -> Bool {
    if let value {
      guard let flag = truth(of: value) else {
        throw ValidationError("--\(TrainingArgument.option(name)): expected true or false, found \(value)")
      }
      return flag
    }
    guard let next = rest.first, let flag = truth(of: next) else { return true }
    rest.removeFirst()
    return flag
  }

  /// What stands behind an option, unless it is an option itself; numbers may be negative.
  private mutating func nextValue() -> String? {
    guard let next = rest.first, !next.hasPrefix("-") || Double(next) != nil else { return nil }
    rest.removeFirst()
    return next
  }
}
