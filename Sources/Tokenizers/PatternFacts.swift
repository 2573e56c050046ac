extension Pattern {
  /// From the text of a regular expression, with the reference's Unicode facts.
  ///
  /// - Parameter isRust: whether `\w` is that of Rust's regular expressions, which the reference uses for its own patterns,
  ///   instead of Oniguruma's, which it uses for those of files.
  init(_ text: String, isRust: Bool = false) throws(TokenizerError) {
    let source = Array(text.utf8)
    let parsed = try PatternParser.parse(source)
    var dense = [UInt16](repeating: 0, count: 0x110000)
    for (index, expression) in parsed.sets.enumerated() {
      let members = expression.members(isRust: isRust)
      for scalar in members.indices where members[scalar] != expression.isNegated { dense[scalar] |= 1 << UInt16(index) }
    }
    try self.init(parsed, source: source, table: ScalarTable(dense: dense))
  }

  /// A text that stands for itself.
  init(literal text: String) throws(TokenizerError) {
    var source = ""
    for scalar in text.unicodeScalars {
      if "\\^$.|?*+()[]{}".unicodeScalars.contains(scalar) { source += "\\" }
      source.unicodeScalars.append(scalar)
    }
    try self.init(source)
  }

  /// Reads a compiled pattern: the table takes the place of the Unicode facts.
  init(source: [UInt8], table: ScalarTable) throws(TokenizerError) {
    try self.init(try PatternParser.parse(source), source: source, table: table)
  }
}

extension PatternParser.SetExpression {
  fileprivate func members(isRust: Bool) -> [Bool] {
    var found = [Bool](repeating: false, count: 0x110000)
    func add(_ scalars: some Sequence<UInt32>, unless negated: Bool) {
      var flags = [Bool](repeating: false, count: 0x110000)
      for scalar in scalars { flags[Int(scalar)] = true }
      for scalar in flags.indices where flags[scalar] != negated { found[scalar] = true }
    }
    for member in members {
      switch member {
      case .range(let first, let last): for scalar in first...last { found[Int(scalar)] = true }
      case .whitespace(let negated): add(UnicodeFacts.scalars(in: UnicodeTables.whitespace), unless: negated)
      case .digit(let negated): add(UnicodeFacts.scalars(ofCategory: "Nd"), unless: negated)
      case .word(let negated, let inClass):
        let words = UnicodeFacts.scalars(in: isRust ? UnicodeTables.wordCharacters : UnicodeTables.patternWords)
        // The table generator checks these.
        let onlyAlone: Set<UInt32> = isRust || !inClass ? [] : [0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE]
        add(words.filter { !onlyAlone.contains($0) }, unless: negated)
      case .category(let name, let negated): add(UnicodeFacts.scalars(ofCategory: name), unless: negated)
      }
    }
    return found
  }
}
