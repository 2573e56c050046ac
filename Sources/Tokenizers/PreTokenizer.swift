/// One step from a text to words. Steps are nested, not run one after the other: each piece goes through all of them before
/// the next is cut, so that nothing but the piece at hand is kept.
package enum PreTokenizerStep: Sendable, Equatable {
  case bert
  case split(SplitRule)
  case bytePairWords(BytePairWords)
  /// A blank in front of a text that has none.
  case prefixSpace
  case metaspace(Metaspace)
  /// Writes each byte as the printable character that byte-level vocabularies have for it.
  case byteCharacters

  /// Steps call each other, and one that writes bytes as characters doubles its text: no tokenizer has more than a few.
  package static func areFew(_ steps: [PreTokenizerStep]) -> Bool {
    steps.count <= maximumCount && steps.count { $0 == .byteCharacters } <= 4
  }
  package static let maximumCount = 64
}

/// Writes blanks as a visible character, puts one in front, and cuts before each.
package struct Metaspace: Sendable, Equatable {
  package enum Prepending: UInt32, Sendable, CaseIterable { case always, first, never }

  /// One scalar in UTF-8.
  let replacement: [UInt8]
  let prepending: Prepending
  let splits: Bool

  package init(replacement: [UInt8], prepending: Prepending, splits: Bool) {
    self.replacement = replacement
    self.prepending = prepending
    self.splits = splits
  }

  /// Calls `body` with each piece of a text until it returns false: each blank or replacement starts one. What is put in front is written
  /// with the first.
  func forEachPiece(in text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
    guard splits, let bytes = text.baseAddress else { return body(text) }
    var start = 0
    var position = self.length(bytes, 0, text.count)
    while position < text.count {
      let length = self.length(bytes, position, text.count)
      if length > 0 {
        guard body(UnsafeBufferPointer(rebasing: text[start..<position])) else { return false }
        start = position
        position += length
      } else {
        position += 1
      }
    }
    return body(UnsafeBufferPointer(rebasing: text[start...]))
  }

  /// Writes a piece; in front of the first of a text comes a replacement, unless it starts with one.
  func rewrite(_ piece: UnsafeBufferPointer<UInt8>, startsText: Bool, isFirst: Bool, into output: inout NormalizedText) {
    var blanks = 1
    for byte in piece where byte == UInt8(ascii: " ") { blanks += 1 }
    output.reserve(piece.count + blanks * replacement.count)
    if startsText, length(piece.baseAddress!, 0, piece.count) == 0, prepending == .always || prepending == .first && isFirst {
      output.append(replacement)
    }
    var end = output.count
    output.bytes.withUnsafeMutableBufferPointer { out in
      for byte in piece {
        if byte == UInt8(ascii: " ") {
          for replaced in replacement {
            out[end] = replaced
            end += 1
          }
        } else {
          out[end] = byte
          end += 1
        }
      }
    }
    output.count = end
  }

  /// The bytes of the blank or the replacement at a position, 0 if neither is there.
  @inline(__always)
  private func length(_ bytes: UnsafePointer<UInt8>, _ position: Int, _ count: Int) -> Int {
    if bytes[position] == UInt8(ascii: " ") { return 1 }
    guard bytes[position] == replacement[0], count - position >= replacement.count else { return 0 }
    for index in replacement.indices where bytes[position + index] != replacement[index] { return 0 }
    return replacement.count
  }
}

extension Tokenizer {
  /// Calls `body` with each word of `text` until it returns false.
  ///
  /// - Parameters:
  ///   - number: the step to go on at.
  ///   - isFirst: whether the text starts where the record does.
  /// - Returns: whether `body` saw all words.
  func forEachWord(
    in text: UnsafeBufferPointer<UInt8>, steps: [PreTokenizerStep], from number: Int, isFirst: Bool,
    workspace: inout TokenizerWorkspace, _ body: (UnsafeBufferPointer<UInt8>, inout TokenizerWorkspace) -> Bool
  ) -> Bool {
    guard !text.isEmpty else { return true }
    guard number < steps.count else { return body(text, &workspace) }
    let bytes = text.baseAddress!
    func next(_ piece: UnsafeBufferPointer<UInt8>, _ isFirst: Bool, _ workspace: inout TokenizerWorkspace) -> Bool {
      forEachWord(in: piece, steps: steps, from: number + 1, isFirst: isFirst, workspace: &workspace, body)
    }
    switch steps[number] {
    case .bert:
      return BertPreTokenizer.forEachWord(in: text, classes: classes) { next($0, isFirst && $0.baseAddress == bytes, &workspace) }
    case .bytePairWords(let words):
      if number + 1 == steps.count { return words.forEachWord(in: text) { body($0, &workspace) } }
      return words.forEachWord(in: text) { next($0, isFirst && $0.baseAddress == bytes, &workspace) }
    case .split(let rule):
      var stack: [Pattern.Frame] = []
      swap(&stack, &workspace.frames)
      defer { swap(&stack, &workspace.frames) }
      return rule.forEachPiece(in: text, classes: classes, &stack) { range, _ in
        next(UnsafeBufferPointer(rebasing: text[range]), isFirst && range.lowerBound == 0, &workspace)
      }
    case .prefixSpace:
      guard text[0] != UInt8(ascii: " ") else { return next(text, isFirst, &workspace) }
      return rewriting(number, &workspace) { output in
        output.append([UInt8(ascii: " ")])
        output.append(text)
      } then: {
        next($0, isFirst, &$1)
      }
    case .metaspace(let metaspace):
      return metaspace.forEachPiece(in: text) { piece in
        let startsText = piece.baseAddress == bytes
        return rewriting(number, &workspace) { metaspace.rewrite(piece, startsText: startsText, isFirst: isFirst, into: &$0) } then: {
          next($0, isFirst && startsText, &$1)
        }
      }
    case .byteCharacters:
      return rewriting(number, &workspace) { ByteCharacters.rewrite(text, into: &$0) } then: { next($0, isFirst, &$1) }
    }
  }

  /// Goes on with a text that a step has written, in a buffer of the step's own.
  private func rewriting(
    _ number: Int, _ workspace: inout TokenizerWorkspace, _ write: (inout NormalizedText) -> Void,
    then body: (UnsafeBufferPointer<UInt8>, inout TokenizerWorkspace) -> Bool
  ) -> Bool {
    while workspace.rewritten.count <= number { workspace.rewritten.append(NormalizedText()) }
    var text = NormalizedText()
    swap(&text, &workspace.rewritten[number])
    defer { swap(&text, &workspace.rewritten[number]) }
    text.count = 0
    write(&text)
    return text.withBytes { body($0, &workspace) }
  }
}

/// The printable characters of byte-level vocabularies (GPT-2): bytes that print in Latin-1 stand for themselves, the
/// others for U+0100 and on.
package enum ByteCharacters {
  package static let scalars: [UInt32] = {
    var scalars = [UInt32](repeating: 0, count: 256)
    var next: UInt32 = 0x100
    for byte in 0..<256 {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: scalars[byte] = UInt32(byte)
      default:
        scalars[byte] = next
        next += 1
      }
    }
    return scalars
  }()

  private static let bytes = Dictionary(uniqueKeysWithValues: scalars.enumerated().map { ($1, UInt8($0)) })

  /// The bytes that a token stands for; nil if it has a character that stands for none.
  package static func decode(_ token: String) -> [UInt8]? {
    var decoded: [UInt8] = []
    for scalar in token.unicodeScalars {
      guard let byte = bytes[scalar.value] else { return nil }
      decoded.append(byte)
    }
    return decoded
  }

  static func encode(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(scalars[Int(byte)])!) }
    return text
  }

  static func rewrite(_ text: UnsafeBufferPointer<UInt8>, into output: inout NormalizedText) {
    output.reserve(4 * text.count)
    var end = output.count
    output.bytes.withUnsafeMutableBufferPointer { out in
      for byte in text { end += encodeScalar(scalars[Int(byte)], to: out.baseAddress! + end) }
    }
    output.count = end
  }
}
