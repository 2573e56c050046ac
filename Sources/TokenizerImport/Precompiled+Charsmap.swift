import Tokenizers

/// The rules as a SentencePiece model or `tokenizer.json` carries them (`precompiled_charsmap`).
extension Precompiled {
  /// - Parameter bytes: the size of the trie in bytes, the trie, the texts; little-endian.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 4 else { return nil }
    func number(_ place: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) } }
    let size = Int(number(0))
    guard size % 4 == 0, size > 0, size <= bytes.count - 4 else { return nil }
    // The reference takes the texts as UTF-8 too.
    guard String(validating: bytes[(4 + size)...], as: UTF8.self) != nil else { return nil }
    self.init(
      trie: DoubleArray(units: stride(from: 4, to: 4 + size, by: 4).map(number)), texts: Array(bytes[(4 + size)...]),
      clusters: GraphemeClusters())
  }
}

extension GraphemeClusters {
  init() {
    var dense = [UInt16](repeating: 0, count: 0x110000)
    UnicodeFacts.forEach(in: UnicodeTables.graphemes) { dense[Int($0)] = UInt16($1[0]) }
    self.init(table: ScalarTable(dense: dense))
  }
}
