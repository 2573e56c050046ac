/// Byte-pair encoding: starts from the bytes or characters of a word and joins the pair that was learned first, until no pair is
/// left (Sennrich et al. 2016; Radford et al. 2019 over bytes).
///
/// A class, because it is handed from word to word.
package final class BytePair: Sendable, Equatable {
  /// What a word is made of before anything is joined.
  package enum Symbols: Sendable, Equatable {
    /// Each byte is a token. The vocabulary holds the bytes that tokens stand for.
    case bytes(ids: [Int32])
    /// Each character is a token, or unknown.
    case characters(Characters)
  }

  package struct Characters: Sendable, Equatable {
    /// Nil: an unknown character is dropped.
    package var unknownID: Int?
    package var fusesUnknown = false
    /// The tokens `<0x00>` to `<0xFF>` for unknown characters; empty for none.
    package var byteIDs: [Int32] = []
    /// Written before every character but the first, and after the last.
    package var continuingPrefix: [UInt8] = []
    package var endSuffix: [UInt8] = []

    package init() {}
  }

  let vocabulary: Vocabulary
  package let symbols: Symbols
  let merges: MergeTable
  /// Whether a word that is a token is that token, whatever the merges say.
  let ignoresMerges: Bool
  /// The tokens, by id, that their own bytes are joined to: these are found whole.
  let isWhole: [UInt8]

  init(vocabulary: Vocabulary, symbols: Symbols, merges: MergeTable, ignoresMerges: Bool, isWhole: [UInt8]) {
    self.vocabulary = vocabulary
    self.symbols = symbols
    self.merges = merges
    self.ignoresMerges = ignoresMerges
    self.isWhole = isWhole
  }

  /// Finds out which tokens are found whole. Over characters none is.
  package convenience init(vocabulary: Vocabulary, symbols: Symbols, merges: MergeTable, ignoresMerges: Bool) {
    let slow = BytePair(
      vocabulary: vocabulary, symbols: symbols, merges: merges, ignoresMerges: false, isWhole: [UInt8](repeating: 0, count: vocabulary.count))
    var isWhole = slow.isWhole
    if case .bytes = symbols {
      var scratch = Scratch()
      var ids: [Int32] = []
      for id in isWhole.indices where !vocabulary.bytes(of: id).isEmpty {
        ids.removeAll(keepingCapacity: true)
        vocabulary.bytes(of: id).withUnsafeBufferPointer { slow.append($0, &scratch, to: &ids) }
        if ids == [Int32(id)] || ignoresMerges { isWhole[id] = 1 }
      }
    }
    self.init(vocabulary: vocabulary, symbols: symbols, merges: merges, ignoresMerges: ignoresMerges, isWhole: isWhole)
  }

  package static func == (first: BytePair, second: BytePair) -> Bool {
    first.vocabulary == second.vocabulary && first.symbols == second.symbols && first.merges == second.merges
      && first.ignoresMerges == second.ignoresMerges && first.isWhole == second.isWhole
  }

  struct Scratch: Sendable {
    var symbols = SymbolJoiner()
    var character: [UInt8] = []
  }

  /// Appends the ids of one word.
  func append(_ word: UnsafeBufferPointer<UInt8>, _ scratch: inout Scratch, to ids: inout [Int32]) {
    let bytes = word.baseAddress!
    if word.count <= vocabulary.longestToken {
      var hash = Vocabulary.emptyHash
      for index in 0..<word.count { hash = Vocabulary.extend(hash, by: bytes[index]) }
      let id = vocabulary.find(hash, prefix: [], bytes, word.count)
      if id >= 0, isWhole[id] != 0 || ignoresMerges { return ids.append(Int32(truncatingIfNeeded: id)) }
    }
    scratch.symbols.ids.removeAll(keepingCapacity: true)
    switch symbols {
    case .bytes(let table):
      scratch.symbols.ids.reserveCapacity(word.count)
      for byte in word where table[Int(byte)] >= 0 { scratch.symbols.ids.append(table[Int(byte)]) }
    case .characters(let characters): appendSymbols(word, characters, &scratch)
    }
    scratch.symbols.join(by: merges)
    ids.append(contentsOf: scratch.symbols.ids)
  }

  private func appendSymbols(_ word: UnsafeBufferPointer<UInt8>, _ characters: Characters, _ scratch: inout Scratch) {
    scratch.symbols.ids.reserveCapacity(word.count)
    // As in the reference, an unknown character waits for the next known one, past characters that are written as bytes.
    var pending: Int32?
    var position = 0
    while position < word.count {
      let length = decodeScalar(word.baseAddress!, at: position, count: word.count).length
      scratch.character.removeAll(keepingCapacity: true)
      if position > 0 { scratch.character += characters.continuingPrefix }
      scratch.character += word[position..<position + length]
      position += length
      if position == word.count { scratch.character += characters.endSuffix }
      if let id = vocabulary.id(of: scratch.character) {
        if let unknown = pending { scratch.symbols.ids.append(unknown) }
        pending = nil
        scratch.symbols.ids.append(Int32(truncatingIfNeeded: id))
      } else if !characters.byteIDs.isEmpty, scratch.character.allSatisfy({ characters.byteIDs[Int($0)] >= 0 }) {
        for byte in scratch.character { scratch.symbols.ids.append(characters.byteIDs[Int(byte)]) }
      } else if let unknown = characters.unknownID {
        if let before = pending, !characters.fusesUnknown { scratch.symbols.ids.append(before) }
        pending = Int32(truncatingIfNeeded: unknown)
      }
    }
    if let unknown = pending { scratch.symbols.ids.append(unknown) }
  }
}

/// From two tokens to the rank of their merge, in one open-addressing table of 64-bit entries: 20 bits for each id, 24 for the rank.
package struct MergeTable: Sendable, Equatable {
  package static let maximumCount = 1 << 24 - 1

  /// The tokens that are joined and what they become, by rank.
  let lefts: [Int32]
  let rights: [Int32]
  let results: [Int32]
  private let slots: [UInt64]
  private let shift: UInt64

  /// - Parameters: ids are below 2^20.
  /// - Returns: nil if there are too many merges. A pair that comes twice has its last rank, as in the reference.
  package init?(lefts: [Int32], rights: [Int32], results: [Int32]) {
    guard lefts.count == rights.count, lefts.count == results.count, lefts.count < Self.maximumCount else { return nil }
    self.lefts = lefts
    self.rights = rights
    self.results = results
    var bits: UInt64 = 4
    while 1 << bits < 2 * lefts.count { bits += 1 }
    shift = 64 - bits
    var slots = [UInt64](repeating: 0, count: 1 << bits)
    for rank in lefts.indices {
      let key = Self.key(lefts[rank], rights[rank])
      var slot = Self.slot(key, shift)
      var probes = 0
      while slots[slot] != 0, slots[slot] >> 24 != key {
        slot = (slot + 1) & (slots.count - 1)
        probes += 1
        guard probes < 4096 else { return nil }
      }
      slots[slot] = key << 24 | UInt64(rank + 1)
    }
    self.slots = slots
  }

  @inline(__always)
  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 20 | UInt64(UInt32(bitPattern: right))
  }

  @inline(__always)
  private static func slot(_ key: UInt64, _ shift: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
  }

  /// The rank of a pair, `Int32.max` if it is not joined.
  @inline(__always)
  func rank(_ left: Int32, _ right: Int32) -> Int32 {
    let key = Self.key(left, right)
    let slots = slots.span
    var slot = Self.slot(key, shift)
    // At least half of the slots are empty, so the loop ends.
    while true {
      let entry = slots[slot]
      if entry == 0 { return .max }
      if entry >> 24 == key { return Int32(truncatingIfNeeded: entry & 0xFF_FFFF) - 1 }
      slot = (slot + 1) & (slots.count - 1)
    }
  }
}
