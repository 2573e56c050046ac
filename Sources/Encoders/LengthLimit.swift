import JSON

/// How many tokens of a text a model reads, special tokens included: the one limit of every command and of the library.
package struct LengthLimit: Sendable, Equatable {
  /// What there are positions for.
  package let positions: Int
  /// Where texts are cut unless somebody asks for another length.
  package let usual: Int
  /// Texts with more tokens are refused, not cut: the model would read them in another way, which is not implemented.
  package let refusedBeyond: Int

  /// The key of `config.json` under which `tune` records the length that it cut at; other readers of the file pass over it.
  package static let recordKey = "tuned_max_length"

  /// - Parameters:
  ///   - tokenizer: `model_max_length` of the tokenizer's files, nil where they know of no limit.
  ///   - configuration: which may record a length that a model was tuned with; most folders do not.
  package init(_ family: some EncoderFamily, tokenizer: Int?, configuration: JSONValue) throws(ConfigurationError) {
    try self.init(
      positions: family.maximumLength, refusedBeyond: family.longestText, tokenizer: tokenizer, configuration: configuration)
  }

  /// Of a family that is not served, whose tokenizer may be.
  package init(positions: Int, tokenizer: Int?, configuration: JSONValue) throws(ConfigurationError) {
    try self.init(positions: positions, refusedBeyond: .max, tokenizer: tokenizer, configuration: configuration)
  }

  private init(
    positions: Int, refusedBeyond: Int, tokenizer: Int?, configuration: JSONValue
  ) throws(ConfigurationError) {
    self.positions = positions
    self.refusedBeyond = refusedBeyond
    let tuned = try Settings(configuration).count(Self.recordKey, default: .max, atMost: .max)
    usual = max(1, min(positions, tokenizer ?? .max, tuned))
  }

  /// Where texts are cut.
  ///
  /// - Parameter asked: the length that somebody asks for; it may go up to the positions, whatever the files say.
  package func cut(_ asked: Int?) -> Int { asked.map { max(1, min($0, positions)) } ?? usual }

  /// The most tokens that a text may have and be read.
  package func most(_ asked: Int? = nil) -> Int { min(cut(asked), refusedBeyond) }

  /// Why a text is refused.
  package func refusal(tokens: Int) -> String {
    "a text is too long: expected at most \(refusedBeyond) tokens (longer ones this model reads with sparse attention, which is not "
      + "supported), found \(tokens): cut it, with --max-length \(refusedBeyond) for all, or read it in windows"
  }
}
