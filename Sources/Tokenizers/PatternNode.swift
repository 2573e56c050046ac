/// A regular expression as a tree.
indirect enum PatternNode: Sendable, Equatable {
  enum Loop: Sendable, Equatable { case greedy, lazy, possessive }

  /// Places of no width, as Oniguruma's Ruby syntax has them.
  enum Edge: Sendable, Equatable {
    case lineStart, lineEnd, textStart, textEnd, lastLineEnd

    func holds(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ position: Int) -> Bool {
      switch self {
      case .textStart: position == 0
      case .textEnd: position == count
      case .lineStart: position == 0 || position < count && bytes[position - 1] == UInt8(ascii: "\n")
      case .lastLineEnd: position == count || position == count - 1 && bytes[position] == UInt8(ascii: "\n")
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
  case lookBehind(PatternNode, scalars: ClosedRange<Int>, negated: Bool)
  case atomic(PatternNode)
  case edge(Edge)
  case boundary(set: Int, negated: Bool)

  /// Whether it may match without consuming anything.
  var isNullable: Bool {
    switch self {
    case .scalar, .set: false
    case .sequence(let nodes): nodes.allSatisfy(\.isNullable)
    case .alternation(let nodes): nodes.contains(where: \.isNullable)
    case .loop(let node, let minimum, _, _): minimum == 0 || node.isNullable
    case .atomic(let node): node.isNullable
    case .look, .lookBehind, .edge, .boundary: true
    }
  }

  /// How many scalars it may match; nil if there is no greatest number.
  var scalars: ClosedRange<Int>? {
    switch self {
    case .scalar, .set: return 1...1
    case .look, .lookBehind, .edge, .boundary: return 0...0
    case .atomic(let node): return node.scalars
    case .sequence(let nodes):
      return nodes.reduce(0...0) { sum, node in
        guard let sum, let next = node.scalars else { return nil }
        return Self.limited(sum.lowerBound + next.lowerBound, sum.upperBound + next.upperBound)
      }
    case .alternation(let nodes):
      let ranges = nodes.map(\.scalars)
      return ranges.dropFirst().reduce(ranges[0]) { all, next in
        guard let all, let next else { return nil }
        return min(all.lowerBound, next.lowerBound)...max(all.upperBound, next.upperBound)
      }
    case .loop(let node, let minimum, let maximum, _):
      guard let maximum, let once = node.scalars else { return nil }
      return Self.limited(minimum * once.lowerBound, maximum * once.upperBound)
    }
  }

  /// Nil beyond what looking behind may look at.
  private static func limited(_ minimum: Int, _ maximum: Int) -> ClosedRange<Int>? {
    maximum <= Pattern.maximumLookBehind ? minimum...maximum : nil
  }

  /// How many instructions `compile` makes of it, one beyond the most that a pattern may have where it is more.
  var instructionCount: Int {
    let count =
      switch self {
      case .scalar, .set, .edge, .boundary, .loop(.set, _, _, _): 1
      case .sequence(let nodes): nodes.reduce(0) { $0 + $1.instructionCount }
      case .alternation(let nodes): nodes.reduce(0) { $0 + $1.instructionCount + 2 }
      case .look(let node, _), .lookBehind(let node, _, _), .atomic(let node): node.instructionCount + 2
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
    case .loop(let node, _, _, _), .atomic(let node): node.markFirst(ascii, &isFirst)
    case .look, .lookBehind, .edge, .boundary: break
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
    case .boundary(let set, let negated): program.append(.boundary(set: 1 << UInt16(set), negated: negated))
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
    case .look(let node, let negated): Self.compile(node, into: &program) { .look(negated: negated, end: $0) }
    case .lookBehind(let node, let scalars, let negated):
      Self.compile(node, into: &program) { .lookBehind(scalars: scalars, negated: negated, end: $0) }
    case .atomic(let node): Self.compile(node, into: &program) { .atomic(end: $0) }
    case .loop(.set(let set), let minimum, let maximum, let loop):
      program.append(.run(set: 1 << UInt16(set), minimum: minimum, maximum: maximum ?? .max, loop))
    case .loop(let node, let minimum, let maximum, .possessive):
      PatternNode.atomic(.loop(node, minimum: minimum, maximum: maximum, .greedy)).compile(into: &program)
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
  /// A part that is matched by itself, up to a `matched` of its own, behind the instruction that asks for it.
  private static func compile(
    _ node: PatternNode, into program: inout [Pattern.Instruction], asking instruction: (_ end: Int) -> Pattern.Instruction
  ) {
    let position = program.count
    program.append(.matched)
    node.compile(into: &program)
    program.append(.matched)
    program[position] = instruction(program.count)
  }
}
