/// A regular expression of `Split` or `Replace`, matched as Oniguruma does, which the reference asks.
///
/// Backtracking over UTF-8: alternatives in order, greedy, lazy and possessive loops, looking ahead, the first match from the
/// left. `PatternParser` has the subset. Which scalars a class holds is a bit of a table, so that a compiled pattern is its
/// source text with that table, and no Unicode facts are needed to read it again.
struct Pattern: Sendable, Equatable {
  /// A pattern has at most this many different classes.
  static let maximumSets = 16
  /// Loops in loops with counts multiply; no tokenizer has a hundredth of this.
  static let maximumInstructions = 10_000

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
    /// What follows up to the next `matched` is matched in its first way only; then goes on at `end`.
    case atomic(end: Int)
    case edge(PatternNode.Edge)
    case matched
  }

  struct Frame: Sendable {
    var instruction: Int
    var position: Int
    /// For a run that may still give scalars back (`step` -1) or take more (1): how far.
    var limit: Int
    var step: Int
  }

  let source: [UInt8]
  /// Bit `n` of a scalar's value: it is in set `n`.
  let table: ScalarTable
  private let ascii: [UInt16]
  private let program: [Instruction]
  /// The bytes that a match can start with.
  private let firstBytes: [Bool]

  /// - Parameter table: of the sets in the order in which the source text has them.
  /// - Throws: `unsupported` for what the subset does not have, or what can match nothing at all.
  init(_ parsed: PatternParser.Parsed, source: [UInt8], table: ScalarTable) throws(TokenizerError) {
    guard !parsed.root.isNullable else { throw PatternParser.unsupported(source, "it matches the empty text") }
    self.source = source
    self.table = table
    guard parsed.root.instructionCount <= Self.maximumInstructions else {
      throw PatternParser.unsupported(source, "more than \(Self.maximumInstructions) instructions")
    }
    let ascii = (0..<128).map { table[$0] }
    self.ascii = ascii
    var program: [Instruction] = []
    parsed.root.compile(into: &program)
    program.append(.matched)
    self.program = program
    var isFirst = [Bool](repeating: false, count: 256)
    parsed.root.markFirst(ascii, &isFirst)
    firstBytes = isFirst
  }

  /// The steps that all searches in a text of so many bytes may take together. Backtracking can take a step for every way to
  /// cut a text (`(a+)+b`), and must come to an end: then nothing more matches. Patterns in use take a few steps a byte.
  static func effort(for count: Int) -> Int { 1000 * (count + 64) }

  /// The first match at or after `position`; nil too when `effort` is used up.
  func next(
    in text: UnsafeBufferPointer<UInt8>, from position: Int, _ stack: inout [Frame], _ effort: inout Int
  ) -> Range<Int>? {
    guard let bytes = text.baseAddress else { return nil }
    let firstBytes = firstBytes.span
    var start = position
    while start < text.count {
      let byte = bytes[start]
      if firstBytes[Int(byte)], byte & 0xC0 != 0x80 {
        stack.removeAll(keepingCapacity: true)
        if let end = match(bytes, text.count, at: start, from: 0, &stack, &effort) { return start..<end }
        if effort < 0 { return nil }
      }
      start += 1
    }
    return nil
  }

  /// Where the match that starts at `position` ends.
  private func match(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, at position: Int, from first: Int, _ stack: inout [Frame], _ effort: inout Int
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
      case .matched:
        stack.removeSubrange(base...)
        return position
      }
      if isMatched { continue }
      guard stack.count > base else { return nil }
      (instruction, position) = backtrack(bytes, count, &stack)
    }
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

/// A regular expression as a tree.
indirect enum PatternNode: Sendable, Equatable {
  enum Loop: Sendable, Equatable { case greedy, lazy, possessive }

  /// Places of no width, as Oniguruma's Ruby syntax has them.
  enum Edge: Sendable, Equatable {
    case lineStart, lineEnd, textStart, textEnd

    func holds(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ position: Int) -> Bool {
      switch self {
      case .textStart: position == 0
      case .textEnd: position == count
      case .lineStart: position == 0 || position < count && bytes[position - 1] == UInt8(ascii: "\n")
      case .lineEnd: position == count || bytes[position] == UInt8(ascii: "\n")
      }
    }
  }

  case scalar(UInt32)
  case set(Int)
  case sequence([PatternNode])
  case alternation([PatternNode])
  case loop(PatternNode, minimum: Int, maximum: Int?, Loop)
  case look(PatternNode, negated: Bool)
  case edge(Edge)

  /// Whether it may match without consuming anything.
  var isNullable: Bool {
    switch self {
    case .scalar, .set: false
    case .sequence(let nodes): nodes.allSatisfy(\.isNullable)
    case .alternation(let nodes): nodes.contains(where: \.isNullable)
    case .loop(let node, let minimum, _, _): minimum == 0 || node.isNullable
    case .look, .edge: true
    }
  }

  /// How many instructions `compile` makes of it, one beyond the most that a pattern may have where it is more.
  var instructionCount: Int {
    let count =
      switch self {
      case .scalar, .set, .edge, .loop(.set, _, _, _): 1
      case .sequence(let nodes): nodes.reduce(0) { $0 + $1.instructionCount }
      case .alternation(let nodes): nodes.reduce(0) { $0 + $1.instructionCount + 2 }
      case .look(let node, _): node.instructionCount + 2
      case .loop(let node, let minimum, let maximum, _): (node.instructionCount + 1) * max(minimum + 1, maximum ?? 0) + 3
      }
    return min(count, Pattern.maximumInstructions + 1)
  }

  /// Marks the bytes that a match may start with.
  func markFirst(_ ascii: [UInt16], _ isFirst: inout [Bool]) {
    switch self {
    case .scalar(let scalar): isFirst[scalar < 0x80 ? Int(scalar) : Self.lead(scalar)] = true
    case .set(let set):
      for byte in 0..<128 where ascii[byte] & 1 << set != 0 { isFirst[byte] = true }
      for byte in 128..<256 { isFirst[byte] = true }
    case .sequence(let nodes):
      for node in nodes {
        node.markFirst(ascii, &isFirst)
        if !node.isNullable { return }
      }
    case .alternation(let nodes): for node in nodes { node.markFirst(ascii, &isFirst) }
    case .loop(let node, _, _, _): node.markFirst(ascii, &isFirst)
    case .look, .edge: break
    }
  }

  private static func lead(_ scalar: UInt32) -> Int {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4) { bytes in
      _ = encodeScalar(scalar, to: bytes.baseAddress!)
      return Int(bytes[0])
    }
  }

  func compile(into program: inout [Pattern.Instruction]) {
    switch self {
    case .scalar(let scalar): program.append(.scalar(scalar))
    case .set(let set): program.append(.set(1 << UInt16(set)))
    case .edge(let edge): program.append(.edge(edge))
    case .sequence(let nodes): for node in nodes { node.compile(into: &program) }
    case .alternation(let nodes):
      var jumps: [Int] = []
      for node in nodes.dropLast() {
        let fork = program.count
        program.append(.matched)
        node.compile(into: &program)
        jumps.append(program.count)
        program.append(.matched)
        program[fork] = .fork(fork + 1, program.count)
      }
      nodes.last!.compile(into: &program)
      for jump in jumps { program[jump] = .jump(program.count) }
    case .look(let node, let negated):
      let place = program.count
      program.append(.matched)
      node.compile(into: &program)
      program.append(.matched)
      program[place] = .look(negated: negated, end: program.count)
    case .loop(.set(let set), let minimum, let maximum, let loop):
      program.append(.run(set: 1 << UInt16(set), minimum: minimum, maximum: maximum ?? .max, loop))
    case .loop(let node, let minimum, let maximum, .possessive):
      let place = program.count
      program.append(.matched)
      PatternNode.loop(node, minimum: minimum, maximum: maximum, .greedy).compile(into: &program)
      program.append(.matched)
      program[place] = .atomic(end: program.count)
    case .loop(let node, let minimum, let maximum, let loop):
      for _ in 0..<minimum { node.compile(into: &program) }
      let start = program.count
      var forks: [Int] = []
      for _ in 0..<(maximum.map { $0 - minimum } ?? 1) {
        forks.append(program.count)
        program.append(.matched)
        node.compile(into: &program)
      }
      if maximum == nil { program.append(.jump(start)) }
      for fork in forks { program[fork] = loop == .lazy ? .fork(program.count, fork + 1) : .fork(fork + 1, program.count) }
    }
  }
}
