/// Each word is a token or unknown.
struct WordLevel: Sendable, Equatable {
  let vocabulary: Vocabulary
  let unknownID: Int
}
