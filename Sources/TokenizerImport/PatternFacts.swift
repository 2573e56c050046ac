import Tokenizers

/// The libraries of regular expressions that the reference asks. They differ in what is a blank, a digit and a word.
enum PatternFacts {
  /// For the patterns of files.
  case oniguruma
  /// For the reference's own patterns.
  case rust
  /// Python's `re`, for tokenizers written in Python.
  case python
  /// Python's `regex`, for BERTweet's normaliser.
  case tweets
}

extension PatternParser.Parsed {
  /// How many scalar values are looked at to make the tables of the pattern.
  var scalarCount: Int { sets.reduce(2 * 0x110000) { $0 + $1.scalarCount } }
}

extension Pattern {
  /// Scalar values that the classes of all patterns of a file may look at together: a property is looked for among all 1,114,112. The
  /// patterns of language models take a tenth of it.
  static let maximumScalars = 1 << 28

  /// From the text of a regular expression, with the reference's Unicode facts.
  ///
  /// - Parameter facts: of which library.
  init(_ text: String, facts: PatternFacts = .oniguruma) throws(TokenizerError) {
    let source = Array(text.utf8)
    let parsed = try PatternParser.parse(source)
    // Before the tables, which are large.
    try Self.checkSize(parsed, source)
    var dense = [UInt16](repeating: 0, count: 0x110000)
    for (index, expression) in parsed.sets.enumerated() {
      let members = expression.members(facts)
      for scalar in members.indices where members[scalar] { dense[scalar] |= 1 << UInt16(index) }
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
}

extension PatternParser.SetExpression {
  /// How many scalar values are looked at to find out what the class holds.
  fileprivate var scalarCount: Int {
    unions.joined().reduce(0x110000) { count, member in
      switch member {
      case .range(let first, let last): count + Int(last - first) + 1
      case .nested(let expression): count + expression.scalarCount
      case .whitespace, .digit, .word, .category, .script: count + 0x110000
      }
    }
  }
}

extension PatternParser.SetExpression {
  /// Whether each code point is in the class.
  fileprivate func members(_ facts: PatternFacts) -> [Bool] {
    var found = union(unions[0], facts)
    for others in unions.dropFirst() {
      let other = union(others, facts)
      for scalar in found.indices where !other[scalar] { found[scalar] = false }
    }
    if isNegated { for scalar in found.indices { found[scalar].toggle() } }
    return found
  }

  private func union(_ members: [Member], _ facts: PatternFacts) -> [Bool] {
    var found = [Bool](repeating: false, count: 0x110000)
    func add(_ scalars: some Sequence<UInt32>, unless negated: Bool) {
      guard negated else {
        for scalar in scalars { found[Int(scalar)] = true }
        return
      }
      var flags = [Bool](repeating: true, count: 0x110000)
      for scalar in scalars { flags[Int(scalar)] = false }
      for scalar in flags.indices where flags[scalar] { found[scalar] = true }
    }
    for member in members {
      switch member {
      case .range(let first, let last): add(first...last, unless: false)
      case .whitespace(let negated):
        if case .python = facts {
          add((0..<0x110000).filter { isPythonSpace($0) }, unless: negated)
        } else {
          add(UnicodeFacts.scalars(in: UnicodeTables.whitespace), unless: negated)
        }
      case .digit(let negated):
        if case .tweets = facts {
          add(UnicodeFacts.scalars(in: TweetTables.digits), unless: negated)
        } else {
          add(UnicodeFacts.scalars(ofCategory: "Nd"), unless: negated)
        }
      case .word(let negated, let inClass):
        switch facts {
        case .rust: add(UnicodeFacts.scalars(in: UnicodeTables.wordCharacters), unless: negated)
        case .tweets: add(UnicodeFacts.scalars(in: TweetTables.words), unless: negated)
        case .oniguruma, .python:
          // The table generator checks these.
          let onlyAlone: Set<UInt32> = inClass ? [0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE] : []
          add(UnicodeFacts.scalars(in: UnicodeTables.patternWords).filter { !onlyAlone.contains($0) }, unless: negated)
        }
      case .category(let name, let negated): add(UnicodeFacts.scalars(ofCategory: name), unless: negated)
      case .script(let number, let negated): add(UnicodeFacts.scalars(ofScript: number), unless: negated)
      case .nested(let expression):
        let members = expression.members(facts)
        for scalar in members.indices where members[scalar] { found[scalar] = true }
      }
    }
    return found
  }
}
