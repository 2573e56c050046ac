/// A regular expression of `Split` or `Replace`, matched as Oniguruma does, which the reference asks.
///
/// Backtracking over UTF-8: alternatives in order, greedy, lazy and possessive loops, looking ahead and behind, the first match
/// from the left. `PatternParser` has the subset. Which scalars a class holds is a bit of a table, so that a compiled pattern is its
/// source text with that table, and no Unicode facts are needed to read it again.
package struct Pattern: Sendable, Equatable {
  /// A pattern has at most this many different classes.
  static let maximumSets = 16
  /// Loops in loops with counts multiply; no tokenizer has a hundredth of this.
  static let maximumInstructions = 10_000
  /// Of its text, in bytes, when it is read from a file.
  static let maximumSource = 1 << 16
  /// Ranges, properties and the like of all its classes together, cases written out.
  static let maximumMembers = 16_384

  /// Looking behind tries every number of scalars that its part may match.
  static let maximumLookBehind = 255

  enum Instruction: Sendable, Equatable {
    case scalar(UInt32)
    case set(UInt16)
    /// Between `minimum` and `maximum` scalars of a set.
    case run(set: UInt16, minimum: Int, maximum: Int, PatternNode.Loop)
    /// Goes on at the first, and at the second if that fails.
    case fork(Int, Int)
    case jump(Int)
    /// What follows up to the next `matched` must match or not match here, and is not consumed; then goes on at `end`.
    case look(negated: Bool, end: Int)
    /// What follows up to the next `matched` must match or not match so many scalars before here, and end here; then as `look`.
    case lookBehind(scalars: ClosedRange<Int>, negated: Bool, end: Int)
    /// What follows up to the next `matched` is matched in its first way only; then goes on at `end`.
    case atomic(end: Int)
    case edge(PatternNode.Edge)
    /// Between a scalar of the set and one that is not in it, or the end of the text.
    case boundary(set: UInt16, negated: Bool)
    case matched
  }

  struct Frame: Sendable {
    var instruction: Int
    var position: Int
    /// For a run that may still give scalars back (`step` -1) or take more (1): how far.
    var limit: Int
    var step: Int
  }

  package let source: [UInt8]
  /// Bit `n` of a scalar's value: it is in set `n`.
  let table: ScalarTable
  private let ascii: [UInt16]
  private let program: [Instruction]
  /// The bytes that a match can start with.
  private let firstBytes: [Bool]
  private let matchesEmpty: Bool

  /// - Parameter table: of the sets in the order in which the source text has them.
  /// - Throws: `unsupported` for what the subset does not have.
  package init(_ parsed: PatternParser.Parsed, source: [UInt8], table: ScalarTable) throws(TokenizerError) {
    self.source = source
    self.table = table
    try Self.checkSize(parsed, source)
    let ascii = (0..<128).map { table[$0] }
    self.ascii = ascii
    var program: [Instruction] = []
    parsed.root.compile(into: &program)
    program.append(.matched)
    self.program = program
    matchesEmpty = parsed.root.isNullable
    var isFirst = [Bool](repeating: matchesEmpty, count: 256)
    parsed.root.markFirst(ascii, &isFirst)
    firstBytes = isFirst
  }

  /// Reads a compiled pattern: the table takes the place of the Unicode facts.
  init(source: [UInt8], table: ScalarTable) throws(TokenizerError) {
    try self.init(try PatternParser.parse(source), source: source, table: table)
  }

  package static func checkSize(_ parsed: PatternParser.Parsed, _ source: [UInt8]) throws(TokenizerError) {
    guard parsed.root.instructionCount <= maximumInstructions else {
      throw PatternParser.unsupported(source, "more than \(maximumInstructions) instructions")
    }
  }

  /// The steps that all searches in a text of so many bytes may take together. Backtracking can take a step for every way to
  /// cut a text (`(a+)+b`), and must come to an end: then nothing more matches. Patterns in use take a few steps a byte.
  static func effort(for count: Int) -> Int { 1000 * (count + 64) }

  /// The first match at or after `position`; nil too when `effort` is used up. A match that is empty does not follow another
  /// one, as in the reference.
  ///
  /// - Parameter last: where the match before ended; nil if there is none.
  func next(
    in text: UnsafeBufferPointer<UInt8>, from position: Int, after last: Int?, _ stack: inout [Frame], _ effort: inout Int
  ) -> Range<Int>? {
    // As in the reference, which finds nothing in an empty text.
    guard let bytes = text.baseAddress, !text.isEmpty else { return nil }
    let firstBytes = firstBytes.span
    var start = position
    while start < text.count {
      let byte = bytes[start]
      if firstBytes[Int(byte)], byte & 0xC0 != 0x80 {
        stack.removeAll(keepingCapacity: true)
        if let end = match(bytes, text.count, at: start, from: 0, &stack, &effort), end > start || last != start {
          return start..<end
        }
        if effort < 0 { return nil }
      }
      start += 1
    }
    guard matchesEmpty, last != text.count else { return nil }
    stack.removeAll(keepingCapacity: true)
    return match(bytes, text.count, at: text.count, from: 0, &stack, &effort).map { text.count..<$0 }
  }

  /// Where the match that starts at `position`, if there is one, ends.
  func end(
    ofMatchIn text: UnsafeBufferPointer<UInt8>, at position: Int, _ stack: inout [Frame], _ effort: inout Int
  ) -> Int? {
    guard position < text.count, firstBytes[Int(text[position])] else { return nil }
    stack.removeAll(keepingCapacity: true)
    return match(text.baseAddress!, text.count, at: position, from: 0, &stack, &effort)
  }

  /// Where the match that starts at `position` ends.
  ///
  /// - Parameter wanted: where it must end, if anywhere.
  private func match(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, at position: Int, from first: Int, endingAt wanted: Int? = nil,
    _ stack: inout [Frame], _ effort: inout Int
  ) -> Int? {
    let base = stack.count
    var instruction = first
    var position = position
    while true {
      effort -= 1
      guard effort >= 0 else { return nil }
      var isMatched = true
      switch program[instruction] {
      case .scalar(let scalar):
        isMatched = position < count
        if isMatched {
          let (found, length) = decodeScalar(bytes, at: position, count: count)
          isMatched = found == scalar
          position += length
        }
        instruction += 1
      case .set(let set):
        let length = memberLength(bytes, count, position, set)
        isMatched = length > 0
        position += length
        instruction += 1
      case .run(let set, let minimum, let maximum, let loop):
        (isMatched, position) = run(bytes, count, position, instruction, set, minimum, maximum, loop, &stack, &effort)
        instruction += 1
      case .fork(let first, let second):
        stack.append(Frame(instruction: second, position: position, limit: 0, step: 0))
        instruction = first
      case .jump(let target): instruction = target
      case .look(let negated, let end):
        isMatched = (match(bytes, count, at: position, from: instruction + 1, &stack, &effort) != nil) != negated
        instruction = end
      case .lookBehind(let scalars, let negated, let end):
        isMatched = matchesBehind(bytes, count, position, from: instruction + 1, scalars, &stack, &effort) != negated
        instruction = end
      case .atomic(let end):
        if let after = match(bytes, count, at: position, from: instruction + 1, &stack, &effort) {
          position = after
        } else {
          isMatched = false
        }
        instruction = end
      case .edge(let edge):
        isMatched = edge.holds(bytes, count, position)
        instruction += 1
      case .boundary(let set, let negated):
        let isInside = memberLength(bytes, count, position, set) > 0
        let wasInside = position > 0 && memberLength(bytes, count, Self.back(1, bytes, from: position), set) > 0
        isMatched = (isInside != wasInside) != negated
        instruction += 1
      case .matched:
        isMatched = wanted == nil || wanted == position
        if isMatched {
          stack.removeSubrange(base...)
          return position
        }
      }
      if isMatched { continue }
      guard stack.count > base else { return nil }
      (instruction, position) = backtrack(bytes, count, &stack)
    }
  }

  /// Whether some text of so many scalars that ends at `position` is matched, the shortest first.
  private func matchesBehind(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ position: Int, from first: Int, _ scalars: ClosedRange<Int>, _ stack: inout [Frame],
    _ effort: inout Int
  ) -> Bool {
    var start = Self.back(scalars.lowerBound, bytes, from: position)
    var length = scalars.lowerBound
    while start >= 0, length <= scalars.upperBound, effort >= 0 {
      if match(bytes, count, at: start, from: first, endingAt: position, &stack, &effort) != nil { return true }
      start = Self.back(1, bytes, from: start)
      length += 1
    }
    return false
  }

  /// The position so many scalars before; -1 if there are not as many.
  private static func back(_ scalars: Int, _ bytes: UnsafePointer<UInt8>, from position: Int) -> Int {
    var position = position
    for _ in 0..<scalars {
      guard position > 0 else { return -1 }
      repeat { position -= 1 } while position > 0 && bytes[position] & 0xC0 == 0x80
    }
    return position
  }

  /// Takes up the last choice: pops it, or moves a run by one scalar.
  private func backtrack(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ stack: inout [Frame]) -> (Int, Int) {
    let top = stack.count - 1
    let frame = stack[top]
    guard frame.step != 0 else {
      stack.removeLast()
      return (frame.instruction, frame.position)
    }
    var position = frame.position
    if frame.step < 0 {
      repeat { position -= 1 } while position > frame.limit && bytes[position] & 0xC0 == 0x80
    } else {
      position += decodeScalar(bytes, at: position, count: count).length
    }
    if position == frame.limit { stack.removeLast() } else { stack[top].position = position }
    return (frame.instruction, position)
  }

  @inline(__always)
  private func run(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ position: Int, _ instruction: Int, _ set: UInt16, _ minimum: Int,
    _ maximum: Int, _ loop: PatternNode.Loop, _ stack: inout [Frame], _ effort: inout Int
  ) -> (isMatched: Bool, position: Int) {
    var end = position
    var taken = 0
    var least = position
    while taken < maximum {
      let length = memberLength(bytes, count, end, set)
      guard length > 0 else { break }
      end += length
      taken += 1
      if taken == minimum { least = end }
    }
    effort -= taken
    guard taken >= minimum else { return (false, position) }
    if end > least {
      switch loop {
      case .greedy: stack.append(Frame(instruction: instruction + 1, position: end, limit: least, step: -1))
      case .lazy:
        stack.append(Frame(instruction: instruction + 1, position: least, limit: end, step: 1))
        end = least
      case .possessive: break
      }
    }
    return (true, end)
  }

  /// The bytes of the scalar at `position` if it is in a set, 0 if not.
  @inline(__always)
  private func memberLength(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ position: Int, _ set: UInt16) -> Int {
    guard position < count else { return 0 }
    let byte = bytes[position]
    if byte < 0x80 { return ascii[Int(byte)] & set != 0 ? 1 : 0 }
    let (scalar, length) = decodeScalar(bytes, at: position, count: count)
    return table[scalar] & set != 0 ? length : 0
  }
}
