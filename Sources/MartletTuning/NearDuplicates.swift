import Records
import Storage

/// Texts, or pairs of texts, that are the same but for what exports change: capitals, blanks, and tails such as `… read more`.
struct NearDuplicates {
  private var known: Set<UInt64> = []
  private var scratch: [UInt8] = []

  /// The texts of training data, by hash: a wrong match among a million texts is less likely than 1 in 10 million.
  init(_ dataset: LabelledDataset) throws(OutOfMemory) {
    try requireMemory(dataset.count.memory(times: 32))
    known.reserveCapacity(dataset.count)
    for index in 0..<dataset.count { known.insert(hash(dataset, index)) }
  }

  /// How many texts are among those.
  mutating func count(in dataset: LabelledDataset) -> Int {
    var count = 0
    for index in 0..<dataset.count where known.contains(hash(dataset, index)) { count += 1 }
    return count
  }

  /// Of the text, or of both texts of a pair.
  private mutating func hash(_ dataset: LabelledDataset, _ index: Int) -> UInt64 {
    let first = hash(dataset.texts[index])
    return dataset.pairs.map { hash($0[index], seed: first) } ?? first
  }

  /// What pages put behind a text that they cut short.
  private static let tails = ["read more", "show more", "see more", "more", "mehr", "weiterlesen", "lire la suite", "leer más", "ver más", "leggi tutto"]
    .map { Array($0.utf8) }

  /// Of the words in small letters with one blank between them, without a tail behind dots.
  private mutating func hash(_ text: ArraySlice<UInt8>, seed: UInt64 = 0) -> UInt64 {
    scratch.removeAll(keepingCapacity: true)
    if text.allSatisfy({ $0 < 0x80 }) {
      append(text) { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    } else {
      append(String(decoding: text, as: UTF8.self).lowercased().utf8) { $0 }
    }
    removeTail()
    return scratch.withUnsafeBytes { XXH64.hash($0, seed: seed) }
  }

  /// Appends bytes, each run of blanks as one; the two bytes of a no-break blank count as such.
  private mutating func append(_ bytes: some Collection<UInt8>, _ fold: (UInt8) -> UInt8) {
    for byte in bytes {
      var byte = byte
      if byte == 0xA0, scratch.last == 0xC2 {
        scratch.removeLast()
        byte = 0x20
      }
      if byte == 0x20 || (0x09...0x0D).contains(byte) {
        if let last = scratch.last, last != 0x20 { scratch.append(0x20) }
      } else {
        scratch.append(fold(byte))
      }
    }
    while scratch.last == 0x20 { scratch.removeLast() }
  }

  /// Removes dots at the end, and words behind them that say that there is more.
  private mutating func removeTail() {
    var end = scratch.count
    if let tail = Self.tails.first(where: { end > $0.count && scratch.suffix($0.count) == $0[...] }) {
      end -= tail.count
      while end > 0, scratch[end - 1] == 0x20 { end -= 1 }
      // A text may end with those words.
      guard end > 0, Self.endsWithDots(scratch[..<end]) else { return }
    }
    while end > 0, Self.endsWithDots(scratch[..<end]) { end -= scratch[end - 1] == UInt8(ascii: ".") ? 1 : 3 }
    while end > 0, scratch[end - 1] == 0x20 { end -= 1 }
    scratch.removeSubrange(end...)
  }

  private static func endsWithDots(_ text: ArraySlice<UInt8>) -> Bool {
    text.last == UInt8(ascii: ".") || text.suffix(3) == [0xE2, 0x80, 0xA6]
  }
}
