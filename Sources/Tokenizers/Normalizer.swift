/// One step of a normaliser.
package enum NormalizerStep: Sendable, Equatable {
  /// Each scalar by a table: BERT's own, lowercase, accents stripped, and what machine translation cleans (`Nmt`).
  case scalars(BertNormalizer)
  case form(UnicodeForm)
  case precompiled(Precompiled)
  case replace(Pattern, by: [UInt8])
  /// In front of a text that is not empty.
  case prepend([UInt8])
  /// Whitespace off the ends.
  case strip(left: Bool, right: Bool)
  case tweet(TweetNormalizer)

  package static let maximumCount = 64
}

extension Tokenizer.Normalizer {
  /// Writes the normal form of `text` to `output`.
  func normalize(
    _ text: UnsafeBufferPointer<UInt8>, classes: CharacterClasses, into output: inout NormalizedText, _ scratch: inout Scratch
  ) {
    output.count = 0
    switch self {
    case .none: output.append(text)
    case .bert(let bert): bert.normalize(text, into: &output)
    case .steps(let steps):
      // Steps can multiply a text by each other; what is beyond any sensible normal form is cut off.
      let limit = 65_536 + 64 * text.count
      apply(steps[0], to: text, classes, limit, into: &output, &scratch)
      for step in steps.dropFirst() {
        swap(&output, &scratch.text)
        output.count = 0
        var input = NormalizedText()
        swap(&input, &scratch.text)
        input.withBytes { apply(step, to: $0, classes, limit, into: &output, &scratch) }
        swap(&input, &scratch.text)
      }
      // Not kept beside the normal form of a long text.
      if scratch.text.bytes.count > 1 << 20 { scratch.text = NormalizedText() }
    }
  }

  /// The normal form of one text, with memory of its own.
  package func normalForm(of text: UnsafeBufferPointer<UInt8>, classes: CharacterClasses) -> [UInt8] {
    var normalized = NormalizedText()
    var scratch = Scratch()
    normalize(text, classes: classes, into: &normalized, &scratch)
    return Array(normalized.bytes[..<normalized.count])
  }

  struct Scratch: Sendable {
    fileprivate var text = NormalizedText()
    fileprivate var form = UnicodeForm.Scratch()
    fileprivate var frames: [Pattern.Frame] = []
    fileprivate var tweet = TweetNormalizer.Scratch()
  }

  private func apply(
    _ step: NormalizerStep, to text: UnsafeBufferPointer<UInt8>, _ classes: CharacterClasses, _ limit: Int,
    into output: inout NormalizedText, _ scratch: inout Scratch
  ) {
    defer { output.cut(to: limit) }
    switch step {
    case .scalars(let table): table.normalize(text, into: &output)
    case .form(let form): form.normalize(text, into: &output, &scratch.form)
    case .precompiled(let precompiled): precompiled.normalize(text, into: &output)
    case .prepend(let prefix):
      if !text.isEmpty { output.append(prefix) }
      output.append(text)
    case .replace(let pattern, let content):
      var done = 0
      var last: Int?
      var effort = Pattern.effort(for: text.count)
      while output.count <= limit, let match = pattern.next(in: text, from: done, after: last, &scratch.frames, &effort) {
        output.append(UnsafeBufferPointer(rebasing: text[done..<match.lowerBound]))
        output.append(content)
        done = match.upperBound
        last = done
      }
      output.append(UnsafeBufferPointer(rebasing: text[done...]))
    case .tweet(let tweet): tweet.normalize(text, into: &output, &scratch.tweet)
    case .strip(let left, let right):
      var start = 0
      var end = text.count
      if left { start = AddedTokens.whitespaceEnd(text, from: 0, classes) }
      if right { end = max(start, AddedTokens.whitespaceStart(text, before: end, classes)) }
      output.append(UnsafeBufferPointer(rebasing: text[start..<end]))
    }
  }
}
