/// Memory that one caller lends to every call, so that encoding allocates nothing once it has grown. One per thread.
package struct TokenizerWorkspace: Sendable {
  var normalized = NormalizedText()
  var hashes: [UInt64] = []
  var first: [Int32] = []
  var second: [Int32] = []
  var normalizer = Tokenizer.Normalizer.Scratch()
  /// What pre-tokenizer steps have written, by the number of the step.
  var rewritten: [NormalizedText] = []
  var frames: [Pattern.Frame] = []
  var bytePair = BytePair.Scratch()
  var lattice = Unigram.Lattice()
  var words = WordCache()

  package init() {}
}

/// What became of a text.
package struct EncodingSummary: Sendable, Equatable {
  /// Ids appended, special tokens included.
  package let tokenCount: Int
  /// Whether the text had more tokens than fitted.
  package let wasTruncated: Bool
}
