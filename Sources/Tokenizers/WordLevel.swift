/// Each word is a token or unknown.
package struct WordLevel: Sendable, Equatable {
  let vocabulary: Vocabulary
  let unknownID: Int

  package init(vocabulary: Vocabulary, unknownID: Int) {
    self.vocabulary = vocabulary
    self.unknownID = unknownID
  }
}
