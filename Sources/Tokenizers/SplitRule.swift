/// Cuts a text at what a matcher finds, and says what becomes of the matches: the reference's `NormalizedString::split`.
package struct SplitRule: Sendable, Equatable {
  package enum Matcher: Sendable, Equatable {
    /// Each scalar with one of these `CharacterClasses` flags.
    case scalars(UInt16)
    case pattern(Pattern)
  }

  package enum Behavior: UInt32, Sendable, CaseIterable {
    case removed, isolated, mergedWithPrevious, mergedWithNext, contiguous
  }

  package let matcher: Matcher
  let behavior: Behavior
  /// Whether what lies between matches takes their place.
  let inverted: Bool

  package init(matcher: Matcher, behavior: Behavior, inverted: Bool) {
    self.matcher = matcher
    self.behavior = behavior
    self.inverted = inverted
  }

  /// Calls `body` with each piece, none of them empty, until it returns false.
  ///
  /// - Returns: whether `body` saw all pieces.
  func forEachPiece(
    in text: UnsafeBufferPointer<UInt8>, classes: CharacterClasses, _ stack: inout [Pattern.Frame],
    _ body: (Range<Int>, inout [Pattern.Frame]) -> Bool
  ) -> Bool {
    var pieces = Pieces(behavior: behavior)
    func send(_ piece: Range<Int>?, _ stack: inout [Pattern.Frame]) -> Bool {
      guard let piece, !piece.isEmpty else { return true }
      return body(piece, &stack)
    }
    var done = 0
    var last: Int?
    var effort = Pattern.effort(for: text.count)
    while let match = nextMatch(in: text, from: done, after: last, classes, &stack, &effort) {
      if done < match.lowerBound, !send(pieces.add(done..<match.lowerBound, isMatch: inverted), &stack) { return false }
      guard send(pieces.add(match, isMatch: !inverted), &stack) else { return false }
      done = match.upperBound
      last = done
    }
    if done < text.count, !send(pieces.add(done..<text.count, isMatch: inverted), &stack) { return false }
    guard send(pieces.finish(), &stack) else { return false }
    return true
  }

  private func nextMatch(
    in text: UnsafeBufferPointer<UInt8>, from position: Int, after last: Int?, _ classes: CharacterClasses,
    _ stack: inout [Pattern.Frame], _ effort: inout Int
  ) -> Range<Int>? {
    switch matcher {
    case .pattern(let pattern): return pattern.next(in: text, from: position, after: last, &stack, &effort)
    case .scalars(let flags):
      var position = position
      while position < text.count {
        let (scalar, length) = decodeScalar(text.baseAddress!, at: position, count: text.count)
        if classes.table[scalar] & flags != 0 { return position..<position + length }
        position += length
      }
      return nil
    }
  }

  /// Joins stretches by the behaviour. Each but the last is only known to be whole when the next one comes.
  private struct Pieces {
    let behavior: Behavior
    private var pending: Range<Int>?
    private var wasMatch = false

    init(behavior: Behavior) { self.behavior = behavior }

    /// - Returns: the piece before, if this stretch does not join it.
    mutating func add(_ stretch: Range<Int>, isMatch: Bool) -> Range<Int>? {
      defer { wasMatch = isMatch }
      let joins =
        switch behavior {
        case .removed, .isolated: false
        case .contiguous: isMatch == wasMatch
        case .mergedWithPrevious: isMatch && !wasMatch
        case .mergedWithNext: !isMatch && wasMatch
        }
      if joins, let before = pending {
        pending = before.lowerBound..<stretch.upperBound
        return nil
      }
      let before = pending
      pending = behavior == .removed && isMatch ? nil : stretch
      return before
    }

    mutating func finish() -> Range<Int>? {
      defer { pending = nil }
      return pending
    }
  }
}
