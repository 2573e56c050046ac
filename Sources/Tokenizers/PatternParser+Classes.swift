/// Classes in brackets, and what a backslash stands for.
extension PatternParser {
  /// What follows an opening bracket, up to the closing one.
  mutating func setExpression() throws(TokenizerError) -> SetExpression {
    depth += 1
    guard depth < 64 else { throw unsupported("nested too deep") }
    defer { depth -= 1 }
    var expression = SetExpression()
    expression.isNegated = take("^")
    while !peek("]") || expression.isEmpty {
      memberCount += 1
      guard memberCount <= Pattern.maximumMembers else { throw unsupported("classes of more than \(Pattern.maximumMembers) members") }
      if take("&&") {
        expression.unions.append([])
        continue
      }
      var scalar = try next("a character of a class")
      if scalar == 0x5B {
        guard !peek(":") else { throw unsupported("a named class in a class") }
        expression.append(.nested(try setExpression()))
        continue
      }
      // The first of a class is no end, unless there is no other.
      if scalar == 0x5D, !scalars[position...].contains(0x5D) { throw unsupported("an empty class") }
      if scalar == 0x5C {
        let member = try escapedInClass()
        guard case .range(let escapedScalar, let last) = member, escapedScalar == last else {
          expression.append(member)
          continue
        }
        scalar = escapedScalar
      }
      guard peek("-"), !peek("]", after: 1) else {
        expression.append(.range(scalar, scalar))
        continue
      }
      position += 1
      var last = try next("the end of a range")
      if last == 0x5B || last == 0x26 && peek("&") { throw unsupported("a range") }
      if last == 0x5C {
        guard case .range(let escapedScalar, let other) = try escapedInClass(), escapedScalar == other else { throw unsupported("a range") }
        last = escapedScalar
      }
      guard scalar <= last else { throw unsupported("a range") }
      expression.append(.range(scalar, last))
    }
    position += 1
    return ignoresCase ? try withCases(expression) : expression
  }

  private mutating func escapedInClass() throws(TokenizerError) -> SetExpression.Member {
    let scalar = try next("an escaped character")
    if scalar == 0x62 { return .range(0x08, 0x08) }
    let member = try escaped(scalar)
    if case .word(let negated, _) = member { return .word(negated: negated, inClass: true) }
    return member
  }

  /// ASCII letters in both cases, and the two other letters that fold to one of them.
  private mutating func withCases(_ expression: SetExpression) throws(TokenizerError) -> SetExpression {
    var expression = expression
    guard expression.unions.count == 1 else { throw unsupported("a class without cases") }
    for member in expression.unions[0] {
      switch member {
      case .whitespace, .digit: continue
      case .range(let first, let last) where last < 0x80:
        for lower in UInt32(0x61)...0x7A where first...last ~= lower || first...last ~= lower - 0x20 {
          memberCount += 1
          guard memberCount <= Pattern.maximumMembers else { throw unsupported("classes of more than \(Pattern.maximumMembers) members") }
          for other in [lower, lower - 0x20] + Self.otherCases(lower) { expression.append(.range(other, other)) }
        }
      default: throw unsupported("a class without cases")
      }
    }
    return expression
  }

  /// What a backslash and `scalar` stand for.
  mutating func escaped(_ scalar: UInt32) throws(TokenizerError) -> SetExpression.Member {
    func one(_ value: UInt32) -> SetExpression.Member { .range(value, value) }
    switch Unicode.Scalar(scalar) {
    case "s": return .whitespace(negated: false)
    case "S": return .whitespace(negated: true)
    case "d": return .digit(negated: false)
    case "D": return .digit(negated: true)
    case "w": return .word(negated: false, inClass: false)
    case "W": return .word(negated: true, inClass: false)
    case "h", "H":
      let digits: [SetExpression.Member] = [.range(0x30, 0x39), .range(0x41, 0x46), .range(0x61, 0x66)]
      return .nested(SetExpression(digits, isNegated: scalar == 0x48))
    case "p", "P": return try property(isNegated: scalar == 0x50)
    case "n": return one(0x0A)
    case "r": return one(0x0D)
    case "t": return one(0x09)
    case "f": return one(0x0C)
    case "v": return one(0x0B)
    case "a": return one(0x07)
    case "e": return one(0x1B)
    case "x":
      if take("{") { return one(try hexadecimal(1...8, end: "}")) }
      let value = try hexadecimal(1...2)
      // More would be a byte of UTF-8, not a character.
      guard value < 0x80 else { throw unsupported("an escape") }
      return one(value)
    case "u": return one(try hexadecimal(4...4))
    case let character?
    where character.isASCII && !("0"..."9").contains(character) && !("a"..."z").contains(character) && !("A"..."Z").contains(character):
      return one(scalar)
    default: throw unsupported("an escape")
    }
  }

  private mutating func hexadecimal(_ counts: ClosedRange<Int>, end: String = "") throws(TokenizerError) -> UInt32 {
    var digits = ""
    while digits.utf8.count < counts.upperBound, position < scalars.count, let digit = Unicode.Scalar(scalars[position]),
      digit.isASCII, digit.properties.isASCIIHexDigit
    {
      digits.unicodeScalars.append(digit)
      position += 1
    }
    guard counts.contains(digits.utf8.count), take(end), let value = UInt32(digits, radix: 16), Unicode.Scalar(value) != nil else {
      throw unsupported("an escape")
    }
    return value
  }

  private mutating func property(isNegated: Bool) throws(TokenizerError) -> SetExpression.Member {
    guard take("{") else { throw unsupported("a property without braces") }
    let isInverted = take("^")
    var name = ""
    while !peek("}") { name.unicodeScalars.append(Unicode.Scalar(try next("a property")) ?? "?") }
    position += 1
    if UnicodeProperties.categoryNumbers(name) != nil { return .category(name, negated: isNegated != isInverted) }
    guard let script = UnicodeProperties.scriptNumber(name) else { throw unsupported("property " + name) }
    return .script(script, negated: isNegated != isInverted)
  }
}
