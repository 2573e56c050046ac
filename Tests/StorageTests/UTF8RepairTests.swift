import Storage
import Testing

@Suite struct UTF8RepairTests {
  /// One of each kind of byte, and the ends of every range that a second byte may lie in.
  private static let kinds: [UInt8] = [
    0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
  ]

  private func repaired(_ bytes: [UInt8]) -> (bytes: [UInt8], replacements: Int) {
    var output: [UInt8] = Array("before ".utf8)
    let replacements = bytes.withUnsafeBufferPointer { UTF8Repair.append($0, to: &output) }
    return (Array(output.dropFirst(7)), replacements)
  }

  /// As the standard library decodes it, whose replacements are maximal subparts too.
  @Test func everyKindOfSequence() {
    for first in Self.kinds {
      for second in Self.kinds {
        for third in Self.kinds {
          for fourth in Self.kinds {
            let bytes = [first, second, third, fourth]
            let text = String(decoding: bytes, as: UTF8.self)
            let (output, replacements) = repaired(bytes)
            let count = text.unicodeScalars.count { $0 == "\u{FFFD}" }
            let isWellFormed = bytes.withUnsafeBufferPointer { UTF8Repair.isWellFormed($0) }
            guard output == Array(text.utf8), replacements == count, isWellFormed == (count == 0) else {
              Issue.record("\(bytes): \(output), \(replacements) replaced, well-formed \(isWellFormed)")
              return
            }
          }
        }
      }
    }
  }

  @Test func wellFormedPrefix() {
    for (bytes, length) in [([], 0), ([0x61], 1), ([0x61, 0xFF, 0x62], 1), ([0xC3, 0xA9, 0xE2, 0x82], 2), ([0xF0, 0x9F, 0x98, 0x80], 4)] as [([UInt8], Int)] {
      #expect(bytes.withUnsafeBufferPointer { UTF8Repair.wellFormedPrefix($0) } == length, "\(bytes)")
    }
    #expect(repaired([]) == ([], 0))
  }

  /// A text cut anywhere keeps its whole scalars; what was ill-formed before stays to be counted.
  @Test func cutsKeepWholeScalars() {
    let text = Array("aé中😀".utf8)
    for end in 0...text.count {
      let kept = text[..<end].withUnsafeBufferPointer { UTF8Repair.wholeScalars($0) }
      #expect(kept == [0, 1, 3, 6, 10].last { $0 <= end }, "\(end)")
    }
    #expect([0x61, 0x80, 0x80, 0x80].withUnsafeBufferPointer { UTF8Repair.wholeScalars($0) } == 4)
  }
}
