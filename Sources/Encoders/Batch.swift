import Storage

/// Texts as token ids, end to end without padding.
///
/// Filled, run, cleared and filled again by one caller: after the first few batches it allocates nothing.
package struct Batch: Sendable {
  /// The ids of all tokens of all texts.
  package var ids: [Int32] = []
  /// The token type (segment) of each token; as long as `ids`.
  package var tokenTypes: [Int32] = []
  /// Where each text starts in `ids`, and the end of the last: one more than there are texts.
  package private(set) var starts: [Int] = [0]

  package init() {}

  /// A batch of no texts, to let go of another's memory without allocating.
  package static let empty = Batch()

  package var textCount: Int { starts.count - 1 }
  package var tokenCount: Int { starts[starts.count - 1] }
  /// The tokens of the longest text.
  package private(set) var longest = 0

  package mutating func removeAll() {
    ids.removeAll(keepingCapacity: true)
    tokenTypes.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    starts.append(0)
    longest = 0
  }

  /// Ends a text whose ids have been appended to `ids`; token types that were not given become 0.
  package mutating func endText() {
    precondition(ids.count > tokenCount, "a text has at least one token")
    precondition(tokenTypes.count <= ids.count, "a token has one type")
    while tokenTypes.count < ids.count { tokenTypes.append(0) }
    longest = max(longest, ids.count - tokenCount)
    starts.append(ids.count)
  }

  /// Forgets the tokens that were appended since the last text ended.
  package mutating func dropText() {
    ids.removeSubrange(tokenCount...)
    if tokenTypes.count > tokenCount { tokenTypes.removeSubrange(tokenCount...) }
  }

  package mutating func append(_ textIDs: some Collection<Int32>, tokenTypes types: [Int32] = []) {
    ids.append(contentsOf: textIDs)
    tokenTypes.append(contentsOf: types)
    endText()
  }

  /// Appends one text of another batch.
  package mutating func append(text: Int, of other: Batch) {
    let range = other.starts[text]..<other.starts[text + 1]
    ids.append(contentsOf: other.ids[range])
    tokenTypes.append(contentsOf: other.tokenTypes[range])
    endText()
  }
}
