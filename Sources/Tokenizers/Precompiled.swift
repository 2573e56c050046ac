/// The replacement rules that a SentencePiece model carries: a trie of what is replaced, and the texts it is replaced by.
///
/// As the reference applies them: a grapheme cluster of less than six bytes is replaced as a whole if it starts with a key, by the
/// shortest such key; anything else scalar by scalar.
package struct Precompiled: Sendable, Equatable {
  let trie: DoubleArray
  /// Texts end to end, each ended by a zero byte; a key's value is where its text starts.
  let texts: [UInt8]
  let clusters: GraphemeClusters
  /// The ASCII characters that are not replaced when another one follows.
  private let keepsASCII: [Bool]

  private static let longestCluster = 5

  package init(trie: DoubleArray, texts: [UInt8], clusters: GraphemeClusters) {
    self.trie = trie
    self.texts = texts
    self.clusters = clusters
    // A line feed may belong to the carriage return before it.
    keepsASCII = (0..<128).map { (byte: UInt8) in
      var isKept = byte != 0x0D
      withUnsafePointer(to: byte) { trie.forEachPrefix(of: $0, count: 1) { _, _ in isKept = false; return false } }
      return isKept
    }
  }

  /// Appends the form of `input` to `output`.
  func normalize(_ input: UnsafeBufferPointer<UInt8>, into output: inout NormalizedText) {
    guard let bytes = input.baseAddress else { return }
    output.reserve(input.count)
    let keepsASCII = keepsASCII.span
    var position = 0
    while position < input.count {
      let start = position
      while position + 1 < input.count, bytes[position] < 0x80, bytes[position + 1] < 0x80, keepsASCII[Int(bytes[position])] {
        position += 1
      }
      if position > start { output.append(UnsafeBufferPointer(start: bytes + start, count: position - start)) }
      let end = clusters.end(bytes, input.count, from: position)
      if end - position <= Self.longestCluster, append(bytes + position, end - position, to: &output) {
        position = end
        continue
      }
      while position < end {
        let length = decodeScalar(bytes, at: position, count: input.count).length
        if !append(bytes + position, length, to: &output) {
          output.append(UnsafeBufferPointer(start: bytes + position, count: length))
        }
        position += length
      }
    }
  }

  /// Appends what replaces the start of a part; false if nothing does.
  private func append(_ bytes: UnsafePointer<UInt8>, _ count: Int, to output: inout NormalizedText) -> Bool {
    var start = -1
    trie.forEachPrefix(of: bytes, count: count) { _, value in
      start = value
      return false
    }
    guard start >= 0, start <= texts.count else { return false }
    output.append(texts[start...].prefix { $0 != 0 })
    return true
  }
}

/// Where extended grapheme clusters end (Unicode Standard Annex 29), for clusters that may be short: flags of regional indicators
/// are left out, because a cluster of them is longer than those that make a difference.
package struct GraphemeClusters: Sendable, Equatable {
  /// Sums of these are the values of the table.
  enum Flags {
    static let extends: UInt16 = 1
    static let prepends: UInt16 = 2
    static let control: UInt16 = 4
    static let pictographic: UInt16 = 8
    static let consonant: UInt16 = 16
    static let linker: UInt16 = 32
    static let endsConjunct: UInt16 = 64
  }

  let table: ScalarTable

  package init(table: ScalarTable) { self.table = table }

  /// Where the cluster that starts at `start` ends.
  func end(_ bytes: UnsafePointer<UInt8>, _ count: Int, from start: Int) -> Int {
    let first = bytes[start]
    if first < 0x80 {
      guard start + 1 < count else { return start + 1 }
      let second = bytes[start + 1]
      if second < 0x80 { return first == 0x0D && second == 0x0A ? start + 2 : start + 1 }
    }
    var (scalar, length) = decodeScalar(bytes, at: start, count: count)
    var flags = table[scalar]
    var end = start + length
    var isEmoji = flags & Flags.pictographic != 0
    var afterJoiner = false
    var isConjunct = flags & Flags.consonant != 0
    var hasLinker = false
    while end < count {
      let (next, nextLength) = decodeScalar(bytes, at: end, count: count)
      let nextFlags = table[next]
      if (flags | nextFlags) & Flags.control != 0 { break }
      guard
        nextFlags & Flags.extends != 0 || flags & Flags.prepends != 0 || Hangul.joins(scalar, next)
          || isEmoji && afterJoiner && nextFlags & Flags.pictographic != 0
          || isConjunct && hasLinker && nextFlags & Flags.consonant != 0
      else { break }
      if nextFlags & Flags.extends != 0 {
        afterJoiner = next == 0x200D
        hasLinker = hasLinker || nextFlags & Flags.linker != 0
        isConjunct = isConjunct && nextFlags & Flags.endsConjunct == 0
      } else {
        isEmoji = nextFlags & Flags.pictographic != 0
        (afterJoiner, hasLinker) = (false, false)
        isConjunct = nextFlags & Flags.consonant != 0
      }
      (scalar, length, flags) = (next, nextLength, nextFlags)
      end += length
    }
    return end
  }
}

extension Hangul {
  private static func kind(_ scalar: UInt32) -> (leads: Bool, vowel: Bool, trails: Bool) {
    switch scalar {
    case 0x1100...0x115F, 0xA960...0xA97C: (true, false, false)
    case 0x1160...0x11A7, 0xD7B0...0xD7C6: (false, true, false)
    case 0x11A8...0x11FF, 0xD7CB...0xD7FB: (false, false, true)
    default: (false, false, false)
    }
  }

  /// Whether the second belongs to the syllable of the first.
  fileprivate static func joins(_ first: UInt32, _ second: UInt32) -> Bool {
    guard first >= 0x1100, second >= 0x1100 else { return false }
    let (before, after) = (kind(first), kind(second))
    let isSyllable = syllables.contains(first)
    let isOpen = isSyllable && (first - syllables.lowerBound) % 28 == 0
    if before.leads { return after.leads || after.vowel || syllables.contains(second) }
    if before.vowel || isOpen { return after.vowel || after.trails }
    return (before.trails || isSyllable) && after.trails
  }
}
