import Tokenizers

extension Session {
  /// What tells texts of unknown tokens; nil for a vocabulary without an unknown token.
  package var unknownTokens: UnknownTokens? { tokenizer.unknownTokens }

  /// The ids of the text that was appended last, special tokens and all windows included. Let go of it before the next is appended:
  /// the ids are copied otherwise.
  package var lastTextIDs: ArraySlice<Int32> { waiting.batch.ids.suffix(waiting.lengths.last?.tokens ?? 0) }
}
