/// Reads the subset of Oniguruma's Ruby syntax that tokenizers use.
///
/// Served: literals; `\n \r \t \f \v`, escaped punctuation; classes `[…]`, `[^…]` with ranges; `.`, `\s \S \d \D \w \W`,
/// `\p{…}` and `\P{…}` of a general category; groups `(…)`, `(?:…)`, and `(?i:…)` over ASCII; `(?=…)`, `(?!…)`; `|`; `* + ? {n} {n,}
/// {n,m}`, lazy, and possessive for the first three; `^ $ \A \z`. Everything else is refused, and so is a pattern that can match
/// the empty text and a loop over something that can.
struct PatternParser {
  struct Parsed {
    let root: PatternNode
    let sets: [SetExpression]
  }

  /// What a class holds.
  struct SetExpression: Equatable {
    enum Member: Equatable {
      case range(UInt32, UInt32)
      case whitespace(negated: Bool)
      case digit(negated: Bool)
      /// Oniguruma takes six Latin-1 fractions and superscripts for word characters by themselves, and not in a class.
      case word(negated: Bool, inClass: Bool)
      case category(String, negated: Bool)
    }

    var members: [Member] = []
    var isNegated = false
  }

  private let source: [UInt8]
  private let scalars: [UInt32]
  private var position = 0
  private var sets: [SetExpression] = []
  private var depth = 0
  private var ignoresCase = false

  static func parse(_ source: [UInt8]) throws(TokenizerError) -> Parsed {
    var parser = PatternParser(source)
    let root = try parser.alternation()
    guard parser.position == parser.scalars.count else { throw unsupported(source, "an unmatched parenthesis") }
    return Parsed(root: root, sets: parser.sets)
  }

  static func unsupported(_ source: [UInt8], _ what: String) -> TokenizerError {
    .unsupported(component: "regular expression", name: String(decoding: source, as: UTF8.self) + " (" + what + ")")
  }

  private init(_ source: [UInt8]) {
    self.source = source
    scalars = String(decoding: source, as: UTF8.self).unicodeScalars.map(\.value)
  }

  private func unsupported(_ what: String) -> TokenizerError { Self.unsupported(source, what) }

  private func peek(_ character: Unicode.Scalar, after count: Int = 0) -> Bool {
    position + count < scalars.count && scalars[position + count] == character.value
  }

  private mutating func take(_ text: String) -> Bool {
    let wanted = text.unicodeScalars.map(\.value)
    guard scalars[position...].starts(with: wanted) else { return false }
    position += wanted.count
    return true
  }

  private mutating func next(_ expected: String) throws(TokenizerError) -> UInt32 {
    guard position < scalars.count else { throw unsupported("the end instead of " + expected) }
    defer { position += 1 }
    return scalars[position]
  }

  // MARK: Structure

  private mutating func alternation() throws(TokenizerError) -> PatternNode {
    depth += 1
    guard depth < 64 else { throw unsupported("nested too deep") }
    var nodes = [try sequence()]
    while take("|") { nodes.append(try sequence()) }
    depth -= 1
    return nodes.count == 1 ? nodes[0] : .alternation(nodes)
  }

  private mutating func sequence() throws(TokenizerError) -> PatternNode {
    var nodes: [PatternNode] = []
    var previous: UInt32 = 0
    while position < scalars.count, !peek("|"), !peek(")") {
      let start = position
      nodes.append(try quantified())
      if ignoresCase {
        // Two letters may also match one character: `ss` matches ß, `fi` matches ﬁ.
        let letter = position == start + 1 ? scalars[start] | 0x20 : 0
        if [0x7373, 0x7374, 0x6666, 0x6669, 0x666C].contains(previous << 8 | letter) { throw unsupported("letters that fold into one") }
        previous = letter
      }
    }
    return nodes.count == 1 ? nodes[0] : .sequence(nodes)
  }

  private mutating func quantified() throws(TokenizerError) -> PatternNode {
    var node = try atom()
    while position < scalars.count {
      let minimum: Int
      let maximum: Int?
      var isCounted = false
      if take("*") {
        (minimum, maximum) = (0, nil)
      } else if take("+") {
        (minimum, maximum) = (1, nil)
      } else if take("?") {
        (minimum, maximum) = (0, 1)
      } else if peek("{") {
        (minimum, maximum) = try counts()
        isCounted = true
      } else {
        break
      }
      if case .edge = node { throw unsupported("a repeated edge") }
      if case .look = node { throw unsupported("a repeated look ahead") }
      guard !node.isNullable else { throw unsupported("a repetition of what may be empty") }
      var loop = PatternNode.Loop.greedy
      if peek("?") || peek("+") {
        guard !isCounted else { throw unsupported("a repetition of a counted repetition") }
        loop = take("?") ? .lazy : .possessive
        if loop == .possessive { position += 1 }
      }
      node = .loop(node, minimum: minimum, maximum: maximum, loop)
      if peek("*") || peek("+") || peek("?") || peek("{") { throw unsupported("a repetition of a repetition") }
    }
    return node
  }

  private mutating func counts() throws(TokenizerError) -> (Int, Int?) {
    position += 1
    func number() -> Int? {
      var value: Int?
      while position < scalars.count, (0x30...0x39).contains(scalars[position]), value ?? 0 < 1000 {
        value = (value ?? 0) * 10 + Int(scalars[position] - 0x30)
        position += 1
      }
      return value
    }
    guard let minimum = number() else { throw unsupported("a count without a least number") }
    let maximum: Int? = take(",") ? number() : minimum
    guard take("}"), maximum ?? minimum >= minimum, max(minimum, maximum ?? 1) <= 1000, maximum != 0 else {
      throw unsupported("a count")
    }
    return (minimum, maximum)
  }

  private mutating func atom() throws(TokenizerError) -> PatternNode {
    switch Unicode.Scalar(try next("a character")) {
    case "(": return try group()
    case "[": return try setNode(try setExpression())
    case ".": return try setNode(SetExpression(members: [.range(0x0A, 0x0A)], isNegated: true))
    case "^": return .edge(.lineStart)
    case "$": return .edge(.lineEnd)
    case "*", "+", "?": throw unsupported("a repetition of nothing")
    case "\\":
      let escaped = try next("an escaped character")
      if escaped == 0x41 { return .edge(.textStart) }
      if escaped == 0x7A { return .edge(.textEnd) }
      let member = try self.escaped(escaped)
      if case .range(let scalar, _) = member { return try literal(scalar) }
      return try setNode(SetExpression(members: [member]))
    case .some(let scalar): return try literal(scalar.value)
    case nil: throw unsupported("a surrogate")
    }
  }

  private mutating func group() throws(TokenizerError) -> PatternNode {
    let outer = ignoresCase
    var look: Bool?
    if take("?i:") {
      ignoresCase = true
    } else if take("?=") {
      look = false
    } else if take("?!") {
      look = true
    } else if !take("?:"), peek("?") {
      throw unsupported("a kind of group")
    }
    let node = try alternation()
    guard take(")") else { throw unsupported("a parenthesis that does not end") }
    ignoresCase = outer
    return look.map { .look(node, negated: $0) } ?? node
  }

  /// A letter in its cases: Oniguruma also folds the long s and the Kelvin sign, as the table generator checks.
  private mutating func literal(_ scalar: UInt32) throws(TokenizerError) -> PatternNode {
    guard ignoresCase else { return .scalar(scalar) }
    guard scalar < 0x80 else { throw unsupported("cases beyond ASCII") }
    let lower = scalar | 0x20
    guard (0x61...0x7A).contains(lower) else { return .scalar(scalar) }
    var cases = [lower, lower - 0x20]
    if lower == 0x73 { cases.append(0x17F) }
    if lower == 0x6B { cases.append(0x212A) }
    return .alternation(cases.map { .scalar($0) })
  }

  // MARK: Classes

  private mutating func setNode(_ expression: SetExpression) throws(TokenizerError) -> PatternNode {
    if let known = sets.firstIndex(of: expression) { return .set(known) }
    guard sets.count < Pattern.maximumSets else { throw unsupported("more than \(Pattern.maximumSets) classes") }
    sets.append(expression)
    return .set(sets.count - 1)
  }

  private mutating func setExpression() throws(TokenizerError) -> SetExpression {
    guard !ignoresCase else { throw unsupported("a class without cases") }
    var expression = SetExpression()
    expression.isNegated = take("^")
    while !peek("]") || expression.members.isEmpty {
      var scalar = try next("a character of a class")
      if scalar == 0x5B || scalar == 0x5D || scalar == 0x26 && peek("&") { throw unsupported("a class in a class") }
      if scalar == 0x5C {
        let member = try escaped(try next("an escaped character"))
        guard case .range(let escapedScalar, _) = member else {
          if case .word(let negated, _) = member {
            expression.members.append(.word(negated: negated, inClass: true))
          } else {
            expression.members.append(member)
          }
          continue
        }
        scalar = escapedScalar
      }
      guard peek("-"), !peek("]", after: 1) else {
        expression.members.append(.range(scalar, scalar))
        continue
      }
      position += 1
      var last = try next("the end of a range")
      if last == 0x5B { throw unsupported("a class in a class") }
      if last == 0x5C {
        guard case .range(let escapedScalar, _) = try escaped(try next("an escaped character")) else { throw unsupported("a range") }
        last = escapedScalar
      }
      guard scalar <= last else { throw unsupported("a range") }
      expression.members.append(.range(scalar, last))
    }
    position += 1
    return expression
  }

  /// What a backslash and `scalar` stand for.
  private mutating func escaped(_ scalar: UInt32) throws(TokenizerError) -> SetExpression.Member {
    func one(_ value: UInt32) -> SetExpression.Member { .range(value, value) }
    switch Unicode.Scalar(scalar) {
    case "s": return .whitespace(negated: false)
    case "S": return .whitespace(negated: true)
    case "d": return .digit(negated: false)
    case "D": return .digit(negated: true)
    case "w": return .word(negated: false, inClass: false)
    case "W": return .word(negated: true, inClass: false)
    case "p", "P":
      guard take("{") else { throw unsupported("a property without braces") }
      let isInverted = take("^")
      var name = ""
      while !peek("}") { name.unicodeScalars.append(Unicode.Scalar(try next("a property")) ?? "?") }
      position += 1
      guard UnicodeFacts.categoryNumbers(name) != nil else { throw unsupported("property " + name) }
      return .category(name, negated: (scalar == 0x50) != isInverted)
    case "n": return one(0x0A)
    case "r": return one(0x0D)
    case "t": return one(0x09)
    case "f": return one(0x0C)
    case "v": return one(0x0B)
    case let character?
    where character.isASCII && !("0"..."9").contains(character) && !("a"..."z").contains(character) && !("A"..."Z").contains(character):
      return one(scalar)
    default: throw unsupported("an escape")
    }
  }
}
