/// Which tokens' states are read. A head says it, and so which states the layer below it has to make; other layers make every one.
package enum TokensRead: Sendable, Equatable {
  /// Each token: one row a token. All others give one row a text.
  case every
  case first
  /// The last token that is not padding, which a text may spell out: the first token if there is no other. Without an id for
  /// padding the very last.
  case last(padding: Int32?)
  /// The mean over all tokens.
  case mean

  /// Whether it is one token of each text.
  package var isOne: Bool {
    switch self {
    case .first, .last: true
    case .every, .mean: false
    }
  }
}

extension Batch {
  /// The number of rows that come of reading some tokens of some texts.
  package func rowCount(_ tokens: TokensRead, of texts: Range<Int>) -> Int {
    tokens == .every ? starts[texts.upperBound] - starts[texts.lowerBound] : texts.count
  }

  /// The index in its text of the one token that is read; 0 where more are.
  package func tokenRead(_ tokens: TokensRead, of text: Int) -> Int {
    guard case .last(let padding) = tokens else { return 0 }
    let (first, last) = (starts[text], starts[text + 1] - 1)
    guard let padding else { return last - first }
    var token = last
    while token > first, ids[token] == padding { token -= 1 }
    return token - first
  }
}
