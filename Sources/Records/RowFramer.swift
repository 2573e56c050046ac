import Storage

private let lineFeed = UInt8(ascii: "\n")
private let carriageReturn = UInt8(ascii: "\r")
private let quote = UInt8(ascii: "\"")
private let backslash = UInt8(ascii: "\\")

/// Where a field lies in a row's bytes.
struct FieldRange: Sendable, Equatable {
  var start: Int
  var end: Int
}

/// Cuts bytes that arrive in pieces of any size into rows, and a csv row into unquoted fields. A row may span any number of pieces; of
/// what is over the bounds only the length is kept.
struct RowFramer: Sendable {
  /// The row, without its line end; csv fields lie in it end to end, without their quotes.
  var bytes: [UInt8] = []
  /// csv: the fields of the row, at most `maximumFields` of them.
  var fields: [FieldRange] = []
  /// All the fields there were.
  private(set) var fieldCount = 0
  /// The line on which the row begins, from 1.
  var line = 1
  /// Bytes of fields (csv) or of the row that were over the bound.
  var dropped = 0
  /// csv: the whole row was over its bound.
  private(set) var isOverlong = false
  /// csv: the line of a quote that the end of the input left open.
  private(set) var openQuoteLine: Int?
  /// csv: quotes that closed a field which then went on.
  private(set) var strayQuotes = 0
  /// csv: the first of them in the row.
  private(set) var stray: StrayQuote?
  /// csv: quotes that a backslash made a part of the text.
  private(set) var escapedQuotes = 0
  var maximumFields = 1 << 16
  /// What separates fields.
  var delimiter = UInt8(ascii: ",")
  /// csv: whether a backslash takes from a quote, a delimiter or a line's end what it stands for.
  var hasEscapes = false
  /// csv: whether blanks behind a delimiter are no part of the field.
  var skipsBlanks = false

  let maximumRowBytes: Int
  let maximumFieldBytes: Int
  var nextLine = 1
  var isStarted = false
  /// json: how far into a value the bytes have come.
  var value = ValueState()
  private var lastDropped: UInt8 = 0

  /// A quote that closes a field which then goes on.
  struct StrayQuote: Sendable {
    enum Kind: Sendable { case afterBackslash, overLines, plain }
    let kind: Kind
    /// The line on which the field was opened.
    let opened: Int
  }

  private enum State { case rowStart, fieldStart, unquoted, quoted, quoteInQuoted, escapedUnquoted, escapedQuoted }
  private var state = State.rowStart
  private var fieldBegin = 0
  private var quoteLine = 0
  /// A row ended with a carriage return; a line feed right after it belongs to that end.
  private var swallowsLineFeed = false

  init(maximumRowBytes: Int, maximumFieldBytes: Int) {
    self.maximumRowBytes = maximumRowBytes
    self.maximumFieldBytes = maximumFieldBytes
  }

  /// Forgets the row that was read.
  mutating func reset() {
    bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
    fields.removeAll(keepingCapacity: true)
    fieldCount = 0
    dropped = 0
    isOverlong = false
    stray = nil
    isStarted = false
    fieldBegin = 0
  }

  /// A framer with the same bounds and buffers, at line 1.
  func forNewSource() -> RowFramer {
    var fresh = RowFramer(maximumRowBytes: maximumRowBytes, maximumFieldBytes: maximumFieldBytes)
    fresh.delimiter = delimiter
    fresh.bytes = bytes
    fresh.fields = fields
    fresh.reset()
    return fresh
  }

  /// How rows end.
  enum Framing { case line, quotedRow, value }

  /// Takes bytes up to the end of a row; says how many, and whether the row is whole.
  mutating func take(_ piece: UnsafeBufferPointer<UInt8>, _ framing: Framing) -> (taken: Int, isWhole: Bool) {
    switch framing {
    case .line: takeLine(piece)
    case .quotedRow: takeRow(piece)
    case .value: takeValue(piece)
    }
  }

  /// At the end of the input: whether there is a last row that nothing ended.
  mutating func finish(_ framing: Framing) -> Bool {
    switch framing {
    case .line: finishLine()
    case .quotedRow: finishRow()
    case .value: finishValue()
    }
  }

  /// A line was passed over.
  mutating func skipLine() { nextLine += 1 }

  var isBlankLine: Bool { dropped == 0 && bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }

  // MARK: Lines

  /// Takes bytes up to the end of a line; says how many, and whether the line is whole.
  mutating func takeLine(_ piece: UnsafeBufferPointer<UInt8>) -> (taken: Int, isWhole: Bool) {
    guard let base = piece.baseAddress, piece.count > 0 else { return (0, false) }
    if !isStarted {
      isStarted = true
      line = nextLine
    }
    let end = UnsafeRawPointer(base).firstOffset(of: lineFeed, count: piece.count)
    keep(base, end ?? piece.count, room: maximumRowBytes - bytes.count)
    guard let end else { return (piece.count, false) }
    endLine()
    return (end + 1, true)
  }

  /// At the end of the input: whether there is a last line without a line end.
  mutating func finishLine() -> Bool {
    guard isStarted else { return false }
    endLine()
    return true
  }

  private mutating func endLine() {
    nextLine += 1
    if dropped == 0 {
      if bytes.last == carriageReturn { bytes.removeLast() }
    } else if lastDropped == carriageReturn {
      dropped -= 1
    }
  }

  // MARK: Tables

  /// Takes bytes up to the end of a csv row; blank lines before it are passed over.
  mutating func takeRow(_ piece: UnsafeBufferPointer<UInt8>) -> (taken: Int, isWhole: Bool) {
    guard let base = piece.baseAddress else { return (0, false) }
    let count = piece.count
    // What ends a stretch of bytes that stand for themselves; without escapes nothing that is not looked for anyway.
    let escape = hasEscapes ? backslash : lineFeed
    var index = 0
    while index < count {
      let byte = base[index]
      switch state {
      case .rowStart:
        if byte == lineFeed || byte == carriageReturn {
          if !(byte == lineFeed && swallowsLineFeed) { nextLine += 1 }
          swallowsLineFeed = byte == carriageReturn
          index += 1
        } else {
          swallowsLineFeed = false
          line = nextLine
          state = .fieldStart
        }

      case .fieldStart:
        fieldBegin = bytes.count
        if skipsBlanks, byte == 0x20 {
          index += 1
        } else if byte == quote {
          quoteLine = nextLine
          state = .quoted
          index += 1
        } else {
          state = .unquoted
        }

      case .unquoted:
        var end = index
        while end < count, base[end] != delimiter, base[end] != lineFeed, base[end] != carriageReturn, base[end] != escape { end += 1 }
        keepInField(base + index, end - index)
        index = end
        guard index < count else { break }
        if hasEscapes, base[end] == backslash {
          index += 1
          state = .escapedUnquoted
          continue
        }
        endField()
        index += 1
        if base[end] == delimiter {
          state = .fieldStart
        } else {
          swallowsLineFeed = base[end] == carriageReturn
          nextLine += 1
          state = .rowStart
          return (index, true)
        }

      case .quoted:
        let start = base + index
        var length = count - index
        if hasEscapes {
          length = (0..<length).first { start[$0] == quote || start[$0] == backslash } ?? length
        } else if let end = UnsafeRawPointer(start).firstOffset(of: quote, count: length) {
          length = end
        }
        nextLine += lineFeeds(start, length)
        keepInField(start, length)
        index += length
        guard index < count else { break }
        state = base[index] == quote ? .quoteInQuoted : .escapedQuoted
        index += 1

      case .quoteInQuoted:
        if byte == quote {
          keepInField(base + index, 1)
          index += 1
          state = .quoted
        } else {
          if byte != delimiter, byte != lineFeed, byte != carriageReturn { noteStrayQuote() }
          state = .unquoted
        }

      case .escapedUnquoted, .escapedQuoted:
        let isSpecial = byte == quote || byte == backslash || byte == delimiter || byte == lineFeed || byte == carriageReturn
        if byte == quote { escapedQuotes += 1 }
        if byte == lineFeed { nextLine += 1 }
        if !isSpecial { keepInField([backslash], 1) }
        keepInField(base + index, 1)
        index += 1
        state = state == .escapedQuoted ? .quoted : .unquoted
      }
    }
    return (count, false)
  }

  /// At the end of the input: whether there is a last row without a line end.
  mutating func finishRow() -> Bool {
    defer { state = .rowStart }
    switch state {
    case .rowStart: return false
    case .quoted: openQuoteLine = quoteLine
    case .fieldStart: fieldBegin = bytes.count
    case .escapedQuoted:
      openQuoteLine = quoteLine
      keepInField([backslash], 1)
    case .escapedUnquoted: keepInField([backslash], 1)
    case .unquoted, .quoteInQuoted: break
    }
    endField()
    return true
  }

  private mutating func noteStrayQuote() {
    strayQuotes += 1
    guard stray == nil else { return }
    let kind: StrayQuote.Kind = bytes.count > fieldBegin && bytes.last == backslash ? .afterBackslash : nextLine > quoteLine ? .overLines : .plain
    stray = StrayQuote(kind: kind, opened: quoteLine)
  }

  /// Makes fields of a line.
  mutating func split() {
    var begin = 0
    for index in 0...bytes.count where index == bytes.count || bytes[index] == delimiter {
      fieldCount += 1
      if fields.count < maximumFields { fields.append(FieldRange(start: begin, end: index)) }
      begin = index + 1
    }
  }

  private mutating func endField() {
    fieldCount += 1
    if fields.count < maximumFields { fields.append(FieldRange(start: fieldBegin, end: bytes.count)) }
  }

  private mutating func keepInField(_ start: UnsafePointer<UInt8>, _ count: Int) {
    let rowRoom = maximumRowBytes - bytes.count
    let fieldRoom = maximumFieldBytes - (bytes.count - fieldBegin)
    if min(count, fieldRoom) > rowRoom { isOverlong = true }
    keep(start, count, room: min(rowRoom, fieldRoom))
  }

  /// Whether the row has nothing but empty fields.
  var isEmptyRow: Bool { dropped == 0 && fields.allSatisfy { $0.start == $0.end } }

  mutating func keep(_ start: UnsafePointer<UInt8>, _ count: Int, room: Int) {
    let kept = min(count, max(room, 0))
    bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: kept))
    if kept < count {
      dropped += count - kept
      lastDropped = start[count - 1]
    }
  }

  func lineFeeds(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int {
    var found = 0
    for index in 0..<count where start[index] == lineFeed { found += 1 }
    return found
  }
}
