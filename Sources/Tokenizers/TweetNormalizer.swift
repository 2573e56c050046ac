/// The normaliser of BERTweet's tokenizer (Nguyen et al. 2020), as transformers has it: NLTK's `TweetTokenizer` cuts a tweet into
/// words; users and addresses become `@USER` and `HTTPURL`, an emoji its name, and contractions are set apart.
package struct TweetNormalizer: Sendable, Equatable {
  /// Kinds of words in order: at each position the first that matches is the word. A kind is a pattern, so that none has too many
  /// classes and the time that each may take is its own.
  let kinds: [Pattern]
  /// Scalars that have a name, rising, and where their names lie in `names`; an empty name drops them.
  let emoji: [UInt32]
  let offsets: [UInt16]
  let names: [UInt8]
  /// Entities of HTML by name, `name=hex` with blanks between, and the zeros of decimal digits.
  let entities: [UInt8]
  let zeros: [UInt32]

  package init(kinds: [Pattern], emoji: [UInt32], offsets: [UInt16], names: [UInt8], entities: [UInt8], zeros: [UInt32]) {
    self.kinds = kinds
    self.emoji = emoji
    self.offsets = offsets
    self.names = names
    self.entities = entities
    self.zeros = zeros
  }

  struct Scratch: Sendable {
    fileprivate var first = NormalizedText()
    fileprivate var second = NormalizedText()
    fileprivate var frames: [Pattern.Frame] = []
  }

  /// The steps that one kind of word may take in a text: then it is looked for no more. The reference's patterns take time that
  /// grows with the square of a text, or worse; in tweets this is never reached.
  static func effort(for count: Int) -> Int { 60 * count + 1_000_000 }

  /// Appends the form of `input` to `output`.
  func normalize(_ input: UnsafeBufferPointer<UInt8>, into output: inout NormalizedText, _ scratch: inout Scratch) {
    func step(_ body: (UnsafeBufferPointer<UInt8>, inout NormalizedText) -> Void) {
      swap(&scratch.first, &scratch.second)
      scratch.second.count = 0
      scratch.first.withBytes { body($0, &scratch.second) }
    }
    scratch.second.count = 0
    Self.replace("’", by: "'", in: input, &scratch.second)
    step { Self.replace("…", by: "...", in: $0, &$1) }
    step { replaceEntities(in: $0, &$1) }
    step { Self.shortenRuns(in: $0, &$1) }
    var frames: [Pattern.Frame] = []
    swap(&frames, &scratch.frames)
    step { appendWords(of: $0, &frames, to: &$1) }
    swap(&frames, &scratch.frames)
    for (text, replacement) in Self.contractions { step { Self.replace(text, by: replacement, in: $0, &$1) } }
    scratch.second.withBytes { output.append($0) }
  }

  /// What is replaced after words are joined by blanks, in order.
  private static let contractions: [(StaticString, StaticString)] = [
    ("cannot ", "can not "), ("n't ", " n't "), ("n 't ", " n't "), ("ca n't", "can't"), ("ai n't", "ain't"), ("'m ", " 'm "), ("'re ", " 're "),
    ("'s ", " 's "), ("'ll ", " 'll "), ("'d ", " 'd "), ("'ve ", " 've "), (" p . m .", "  p.m."), (" p . m ", " p.m "), (" a . m .", " a.m."),
    (" a . m ", " a.m "),
  ]

  private static func replace(
    _ text: StaticString, by replacement: StaticString, in input: UnsafeBufferPointer<UInt8>, _ output: inout NormalizedText
  ) {
    let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    let written = UnsafeBufferPointer(start: replacement.utf8Start, count: replacement.utf8CodeUnitCount)
    var copied = 0
    var position = 0
    while position + wanted.count <= input.count {
      if input[position] == wanted[0], input[position..<position + wanted.count].elementsEqual(wanted) {
        output.append(UnsafeBufferPointer(rebasing: input[copied..<position]))
        output.append(written)
        position += wanted.count
        copied = position
      } else {
        position += 1
      }
    }
    output.append(UnsafeBufferPointer(rebasing: input[copied...]))
  }

  /// Four or more of a character that is no letter or digit of ASCII become three.
  private static func shortenRuns(in input: UnsafeBufferPointer<UInt8>, _ output: inout NormalizedText) {
    var position = 0
    var last: UInt32?
    var count = 0
    while position < input.count {
      let (scalar, length) = decodeScalar(input.baseAddress!, at: position, count: input.count)
      count = scalar == last ? count + 1 : 1
      last = scalar
      let isAlphanumeric = scalar < 0x80 && (0x30...0x39 ~= scalar || 0x61...0x7A ~= scalar | 0x20)
      if isAlphanumeric || count <= 3 { output.append(UnsafeBufferPointer(rebasing: input[position..<position + length])) }
      position += length
    }
  }

  // MARK: Words

  private func appendWords(of input: UnsafeBufferPointer<UInt8>, _ frames: inout [Pattern.Frame], to output: inout NormalizedText) {
    var efforts = [Int](repeating: Self.effort(for: input.count), count: kinds.count)
    var position = 0
    while position < input.count {
      let (scalar, length) = decodeScalar(input.baseAddress!, at: position, count: input.count)
      var end: Int?
      for kind in kinds.indices where end == nil && efforts[kind] >= 0 {
        end = kinds[kind].end(ofMatchIn: input, at: position, &frames, &efforts[kind])
      }
      // No word starts at a blank.
      guard let end else {
        position += length
        continue
      }
      if output.count > 0 { output.append(CollectionOfOne(UInt8(ascii: " "))) }
      append(UnsafeBufferPointer(rebasing: input[position..<end]), end - position == length ? scalar : nil, to: &output)
      position = end
    }
  }

  /// - Parameter single: the scalar that the word is, if it is one.
  private func append(_ word: UnsafeBufferPointer<UInt8>, _ single: UInt32?, to output: inout NormalizedText) {
    if word[0] == UInt8(ascii: "@") { return output.append("@USER".utf8) }
    let start = word.prefix(4).map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }
    if start.elementsEqual("http".utf8) || start.starts(with: "www".utf8) { return output.append("HTTPURL".utf8) }
    guard let single else {
      // A word may hold blanks of any kind, which cut it again.
      var position = 0
      while position < word.count {
        let (scalar, length) = decodeScalar(word.baseAddress!, at: position, count: word.count)
        if isPythonSpace(scalar) {
          output.append(CollectionOfOne(UInt8(ascii: " ")))
        } else {
          output.append(UnsafeBufferPointer(rebasing: word[position..<position + length]))
        }
        position += length
      }
      return
    }
    // These two are replaced before, and come again from entities.
    if single == 0x2019 { return output.append(CollectionOfOne(UInt8(ascii: "'"))) }
    if single == 0x2026 { return output.append("...".utf8) }
    if isPythonSpace(single) { return output.append(CollectionOfOne(UInt8(ascii: " "))) }
    guard let name = name(of: single) else { return output.append(word) }
    output.append(name)
  }

  private func name(of scalar: UInt32) -> ArraySlice<UInt8>? {
    var low = 0
    var high = emoji.count
    while low < high {
      let middle = (low + high) / 2
      if emoji[middle] < scalar { low = middle + 1 } else { high = middle }
    }
    guard low < emoji.count, emoji[low] == scalar else { return nil }
    return names[Int(offsets[low])..<Int(offsets[low + 1])]
  }
}
