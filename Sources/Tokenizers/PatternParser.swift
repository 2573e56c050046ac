import Storage

/// Reads the subset of Oniguruma's Ruby syntax that tokenizers use.
///
/// Served: literals; `\n \r \t \f \v \a \e`, `\xHH`, `\x{…}`, `\uHHHH`, escaped punctuation; classes `[…]`, `[^…]` with ranges, classes
/// inside and `&&`; `.`, `\s \S \d \D \w \W \h \H`, `\p{…}` and `\P{…}` of a general category or a script; groups `(…)`, `(?:…)`,
/// `(?>…)`, and `(?i:…)`, `(?i)` over ASCII; `(?=…)`, `(?!…)`, and `(?<=…)`, `(?<!…)` up to a number of scalars; `|`; `* + ? {n} {n,}
/// {,m} {n,m}`, lazy, and possessive for the first three (`{n,m}+` repeats what it counts, as in Ruby); `^ $ \A \z \Z \b \B`.
/// Everything else is refused, and so is a loop over something that can match the empty text.
package struct PatternParser {
  package struct Parsed {
    let root: PatternNode
    package let sets: [SetExpression]
  }

  /// What a class holds: what is in all of its unions, or everything else.
  package struct SetExpression: Equatable {
    package indirect enum Member: Equatable {
      case range(UInt32, UInt32)
      case whitespace(negated: Bool)
      case digit(negated: Bool)
      /// Oniguruma takes six Latin-1 fractions and superscripts for word characters by themselves, and not in a class.
      case word(negated: Bool, inClass: Bool)
      case category(String, negated: Bool)
      case script(UInt32, negated: Bool)
      case nested(SetExpression)
    }

    /// Between `&&`.
    package var unions: [[Member]]
    package var isNegated = false

    init(_ members: [Member] = [], isNegated: Bool = false) {
      unions = [members]
      self.isNegated = isNegated
    }

    var isEmpty: Bool { unions == [[]] }

    mutating func append(_ member: Member) { unions[unions.count - 1].append(member) }
  }

  private let source: [UInt8]
  let scalars: [UInt32]
  var position = 0
  private var sets: [SetExpression] = []
  /// Of all classes so far.
  var memberCount = 0
  var depth = 0
  private(set) var ignoresCase = false

  package static func parse(_ source: [UInt8]) throws(TokenizerError) -> Parsed {
    guard source.count <= Pattern.maximumSource else {
      throw unsupported(Array(source.prefix(40)), "a pattern of \(source.count) bytes, more than \(Pattern.maximumSource)")
    }
    var parser = PatternParser(source)
    let root = try parser.alternation()
    guard parser.position == parser.scalars.count else { throw unsupported(source, "an unmatched parenthesis") }
    return Parsed(root: root, sets: parser.sets)
  }

  static func unsupported(_ source: [UInt8], _ what: String) -> TokenizerError {
    .unsupported(component: "regular expression", name: String(decoding: source, as: UTF8.self).excerpt + " (" + what + ")")
  }

  private init(_ source: [UInt8]) {
    self.source = source
    scalars = String(decoding: source, as: UTF8.self).unicodeScalars.map(\.value)
  }

  func unsupported(_ what: String) -> TokenizerError { Self.unsupported(source, what) }

  func peek(_ character: Unicode.Scalar, after count: Int = 0) -> Bool {
    position + count < scalars.count && scalars[position + count] == character.value
  }

  mutating func take(_ text: String) -> Bool {
    let wanted = text.unicodeScalars.map(\.value)
    guard scalars[position...].starts(with: wanted) else { return false }
    position += wanted.count
    return true
  }

  mutating func next(_ expected: String) throws(TokenizerError) -> UInt32 {
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
      var minimum: Int
      var maximum: Int?
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
      switch node {
      case .edge, .boundary: throw unsupported("a repeated edge")
      case .look, .lookBehind: throw unsupported("a repeated look around")
      default: break
      }
      guard !node.isNullable else { throw unsupported("a repetition of what may be empty") }
      var loop = PatternNode.Loop.greedy
      if isCounted, peek("+") || peek("?") && minimum == maximum {
        // Neither makes a count possessive or lazy: it is repeated, or may be left out.
        node = .loop(node, minimum: minimum, maximum: maximum, loop)
        guard !node.isNullable else { throw unsupported("a repetition of what may be empty") }
        (minimum, maximum) = take("+") ? (1, nil) : (0, 1)
        if maximum == 1 { position += 1 }
      } else if take("?") {
        loop = .lazy
      } else if take("+") {
        loop = .possessive
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
    // `{,m}` is `{0,m}`, and `{,}` stands for itself.
    guard let minimum = number() ?? (peek(",") && !peek("}", after: 1) ? 0 : nil) else { throw unsupported("a count without a number") }
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
    case ".": return try setNode(SetExpression([.range(0x0A, 0x0A)], isNegated: true))
    case "^": return .edge(.lineStart)
    case "$": return .edge(.lineEnd)
    case "*", "+", "?": throw unsupported("a repetition of nothing")
    case "\\":
      let escaped = try next("an escaped character")
      switch Unicode.Scalar(escaped) {
      case "A": return .edge(.textStart)
      case "z": return .edge(.textEnd)
      case "Z": return .edge(.lastLineEnd)
      case "b", "B":
        return .boundary(set: try setNumber(SetExpression([.word(negated: false, inClass: false)])), negated: escaped == 0x42)
      default: break
      }
      let member = try self.escaped(escaped)
      if case .range(let scalar, let last) = member, scalar == last { return try literal(scalar) }
      return try setNode(SetExpression([member]))
    case .some(let scalar): return try literal(scalar.value)
    case nil: throw unsupported("a surrogate")
    }
  }

  private mutating func group() throws(TokenizerError) -> PatternNode {
    let outer = ignoresCase
    defer { ignoresCase = outer }
    if take("?i)") {
      // For what follows in the group around, alternatives and all.
      ignoresCase = true
      return try alternation()
    }
    enum Kind { case plain, atomic, look(negated: Bool), lookBehind(negated: Bool) }
    var kind = Kind.plain
    if take("?i:") {
      ignoresCase = true
    } else if take("?=") {
      kind = .look(negated: false)
    } else if take("?!") {
      kind = .look(negated: true)
    } else if take("?<=") {
      kind = .lookBehind(negated: false)
    } else if take("?<!") {
      kind = .lookBehind(negated: true)
    } else if take("?>") {
      kind = .atomic
    } else if !take("?:"), peek("?") {
      throw unsupported("a kind of group")
    }
    let node = try alternation()
    guard take(")") else { throw unsupported("a parenthesis that does not end") }
    switch kind {
    case .plain: return node
    case .atomic: return .atomic(node)
    case .look(let negated): return .look(node, negated: negated)
    case .lookBehind(let negated):
      guard let scalars = node.scalars else { throw unsupported("looking behind by more than \(Pattern.maximumLookBehind) characters") }
      return .lookBehind(node, scalars: scalars, negated: negated)
    }
  }

  /// A letter in its cases: Oniguruma also folds the long s and the Kelvin sign, as the table generator checks.
  private mutating func literal(_ scalar: UInt32) throws(TokenizerError) -> PatternNode {
    guard ignoresCase else { return .scalar(scalar) }
    guard scalar < 0x80 else { throw unsupported("cases beyond ASCII") }
    let lower = scalar | 0x20
    guard (0x61...0x7A).contains(lower) else { return .scalar(scalar) }
    return .alternation(([lower, lower - 0x20] + Self.otherCases(lower)).map { .scalar($0) })
  }

  static func otherCases(_ lower: UInt32) -> [UInt32] { lower == 0x73 ? [0x17F] : lower == 0x6B ? [0x212A] : [] }

  private mutating func setNode(_ expression: SetExpression) throws(TokenizerError) -> PatternNode { .set(try setNumber(expression)) }

  private mutating func setNumber(_ expression: SetExpression) throws(TokenizerError) -> Int {
    if let known = sets.firstIndex(of: expression) { return known }
    guard sets.count < Pattern.maximumSets else { throw unsupported("more than \(Pattern.maximumSets) classes") }
    sets.append(expression)
    return sets.count - 1
  }
}
