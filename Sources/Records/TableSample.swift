/// How fields of a table are told apart.
struct TableDialect: Equatable {
  var delimiter: Delimiter
  /// Whether fields may stand in double quotes, and how quotes stand inside.
  var quoting: Quoting

  /// Whether blanks stand between a delimiter and what is behind it.
  var skipsBlanks = false

  var hasQuotes: Bool { quoting != .none }
}

/// The first rows of a table as one dialect reads them.
struct TableSample {
  let dialect: TableDialect
  private(set) var header: [String] = []
  /// The fields of the rows after the first: how many, and the first of them.
  private(set) var counts: [Int] = []
  private(set) var firstFields: [String] = []
  /// Quotes that close a field which then goes on.
  private(set) var strayQuotes = 0
  /// Quotes that a backslash made a part of the text.
  private(set) var escapedQuotes = 0
  /// A quote that nothing closes.
  private(set) var hasOpenQuote = false

  private static let mostRows = 1000

  /// - Parameter isAll: false if the last row may go on behind these bytes; it is then not looked at, unless it is the first.
  init(_ bytes: UnsafeBufferPointer<UInt8>, isAll: Bool, dialect: TableDialect) {
    self.dialect = dialect
    var framer = RowFramer(maximumRowBytes: 1 << 20, maximumFieldBytes: 1 << 20)
    framer.delimiter = dialect.delimiter.byte
    framer.hasEscapes = dialect.quoting == .backslash
    framer.skipsBlanks = dialect.skipsBlanks
    var rest = bytes
    var rows = 0
    while rows < Self.mostRows {
      var (taken, isWhole) = dialect.hasQuotes ? framer.takeRow(rest) : framer.takeLine(rest)
      let left = rest.count - taken
      if !isWhole {
        // What is left over is most of what there is: a quote has swallowed it.
        hasOpenQuote = dialect.hasQuotes && rows > 0 && !isAll && rest.count > bytes.count / 2
        guard isAll || rows == 0 else { break }
        isWhole = dialect.hasQuotes ? framer.finishRow() : framer.finishLine()
        guard isWhole else { break }
      }
      rest = UnsafeBufferPointer(rebasing: rest[taken...])
      hasOpenQuote = hasOpenQuote || framer.openQuoteLine != nil
      if !dialect.hasQuotes {
        if framer.bytes.isEmpty {
          framer.reset()
          continue
        }
        framer.split()
      }
      if rows > 0 || !framer.isEmptyRow {
        take(framer, isFirst: rows == 0)
        rows += 1
      }
      framer.reset()
      if left == 0 { break }
    }
    strayQuotes = framer.strayQuotes
    escapedQuotes = framer.escapedQuotes
  }

  private mutating func take(_ framer: RowFramer, isFirst: Bool) {
    func field(_ range: FieldRange) -> String { String(decoding: framer.bytes[range.start..<range.end], as: UTF8.self) }
    if isFirst {
      header = framer.fields.map(field)
    } else if !framer.isEmptyRow {
      counts.append(framer.fieldCount)
      firstFields.append(framer.fields.first.map(field) ?? "")
    }
  }

  /// Whether all rows have as many fields as the first and all quotes are where they belong.
  var isFlawless: Bool { counts.allSatisfy { $0 == header.count } && strayQuotes == 0 && !hasOpenQuote }

  /// How much is not as it should be.
  var faults: Int { counts.count { $0 != header.count } + strayQuotes + (hasOpenQuote ? counts.count + 1 : 0) }

  /// Whether every row has one field more than the header, the first of them a number or in the rows' order: R names rows so.
  var hasRowNames: Bool {
    !counts.isEmpty && strayQuotes == 0 && !hasOpenQuote && counts.allSatisfy { $0 == header.count + 1 }
      && firstFields.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } } && Set(firstFields).count == firstFields.count
  }
}

/// What the fields of an unquoted reading tell of quotes.
struct QuoteEvidence {
  /// Fields that begin with a quote.
  private(set) var opened = 0
  /// Those of them that would be whole quoted fields: closed at their end, quotes inside doubled.
  private(set) var wrapped = 0
  /// Fields that would be whole quoted fields with the quotes inside behind backslashes.
  private(set) var escaped = 0
  /// Whether one of those has doubled quotes inside.
  private(set) var hasDoubled = false
  /// Whether every name of the header is wrapped, and whether a column is in every row.
  private(set) var hasWrappedHeader = false
  private(set) var hasWrappedColumn = false
  /// Whether the wrapped fields are those with a comma: a spreadsheet quotes these in a table with tabs too.
  private(set) var isForCommas = false

  init(_ bytes: UnsafeBufferPointer<UInt8>, isAll: Bool, delimiter: Delimiter) {
    let quote = UInt8(ascii: "\"")
    var framer = RowFramer(maximumRowBytes: 1 << 20, maximumFieldBytes: 1 << 20)
    framer.delimiter = delimiter.byte
    var rest = bytes
    var wrappedInColumn: [Int] = []
    var rows = 0
    var (commas, wrappedCommas) = (0, 0)
    while rows < 1000, !rest.isEmpty {
      var (taken, isWhole) = framer.takeLine(rest)
      if !isWhole, isAll { isWhole = framer.finishLine() }
      guard isWhole else { break }
      rest = UnsafeBufferPointer(rebasing: rest[taken...])
      defer { framer.reset() }
      guard !framer.bytes.isEmpty else { continue }
      framer.split()
      var wrappedHere = 0
      for (column, range) in framer.fields.enumerated() {
        let field = framer.bytes[range.start..<range.end]
        let hasComma = field.contains(UInt8(ascii: ","))
        if hasComma { commas += 1 }
        guard field.first == quote else { continue }
        opened += 1
        let inner = field.dropFirst().dropLast()
        let pieces = inner.split(separator: quote, omittingEmptySubsequences: false)
        // Between doubled quotes every second piece is empty.
        if field.count >= 2, field.last == quote, Self.isEscaped(pieces) { escaped += 1 }
        let isDoubled = pieces.count % 2 == 1 && pieces.indices.allSatisfy { $0 % 2 == 0 || pieces[$0].isEmpty }
        guard field.count >= 2, field.last == quote, isDoubled else { continue }
        wrapped += 1
        wrappedHere += 1
        if pieces.count > 1 { hasDoubled = true }
        if hasComma { wrappedCommas += 1 }
        if rows > 0, column < 256 {
          while wrappedInColumn.count <= column { wrappedInColumn.append(0) }
          wrappedInColumn[column] += 1
        }
      }
      if rows == 0 { hasWrappedHeader = wrappedHere == framer.fields.count }
      rows += 1
    }
    hasWrappedColumn = rows > 2 && wrappedInColumn.contains(rows - 1)
    isForCommas = wrapped >= 3 && commas == wrapped && wrappedCommas == wrapped
  }

  /// Whether each of the quotes between these pieces stands behind a backslash that is not escaped itself, and the end does not.
  private static func isEscaped(_ pieces: [ArraySlice<UInt8>]) -> Bool {
    func endsInEscape(_ piece: ArraySlice<UInt8>) -> Bool { piece.reversed().prefix { $0 == UInt8(ascii: "\\") }.count % 2 == 1 }
    return pieces.count > 1 && pieces.dropLast().allSatisfy(endsInEscape) && !endsInEscape(pieces[pieces.count - 1])
  }
}
