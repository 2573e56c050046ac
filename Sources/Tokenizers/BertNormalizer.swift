/// BERT's normalisation: clean-up, spaces around ideographs, accents stripped, lowercase, in this order and each optional.
///
/// All four are folded into one table: scalar to action or replacement. The reference is `BertNormalizer` of Hugging
/// Face's tokenizers 0.23.
package struct BertNormalizer: Sendable, Equatable {

  /// Values of `actions`; from `firstReplacement` on they number a replacement.
  package enum Action {
    package static let keep: UInt16 = 0
    package static let remove: UInt16 = 1
    /// Dropped, and canonical ordering does not move marks across where it was.
    package static let removeStarter: UInt16 = 2
    package static let ideograph: UInt16 = 3
    package static let hangulSyllable: UInt16 = 4
    /// A mark that is kept and takes part in canonical ordering.
    package static let orderedMark: UInt16 = 5
    package static let firstReplacement: UInt16 = 8
  }

  /// No scalar grows to more than this many times its UTF-8 bytes; nor does a byte that is not UTF-8.
  package static let maximumExpansion = 3

  let actions: ScalarTable
  /// Replacements end to end in UTF-8; number `n` lies between `replacementOffsets[n]` and `[n + 1]`.
  let replacementBytes: [UInt8]
  let replacementOffsets: [UInt32]
  /// Replacements from this number on hold ordered marks.
  let firstOrderedReplacement: Int
  /// The kept marks of a combining class other than 0, rising, and the ranks of their classes.
  let orderedMarks: [UInt32]
  let orderedMarkRanks: [UInt8]
  /// What an ASCII character becomes, 0 if that is more than another ASCII character.
  let ascii: [UInt8]

  package init(
    actions: ScalarTable, replacementBytes: [UInt8], replacementOffsets: [UInt32], firstOrderedReplacement: Int,
    orderedMarks: [UInt32], orderedMarkRanks: [UInt8]
  ) {
    self.actions = actions
    self.replacementBytes = replacementBytes
    self.replacementOffsets = replacementOffsets
    self.firstOrderedReplacement = firstOrderedReplacement
    self.orderedMarks = orderedMarks
    self.orderedMarkRanks = orderedMarkRanks
    ascii = (UInt32(0)..<128).map { scalar in
      let action = actions[scalar]
      if action == Action.keep { return UInt8(scalar) }
      guard action >= Action.firstReplacement else { return 0 }
      let number = Int(action - Action.firstReplacement)
      let start = Int(replacementOffsets[number])
      return replacementOffsets[number + 1] == start + 1 ? replacementBytes[start] : 0
    }
  }

  /// Appends the normal form of `input`, which starts and ends outside a run of combining marks, to `output`.
  func normalize(_ input: UnsafeBufferPointer<UInt8>, into output: inout NormalizedText) {
    guard let bytes = input.baseAddress else { return }
    var marks = OpenRun()
    var position = 0
    // A block at a time, so that room for three times a long text is not asked for at once.
    while position < input.count {
      let block = min(input.count - position, Self.blockLength)
      // The last scalar may end behind its block.
      output.reserve(Self.maximumExpansion * (block + 3))
      normalize(bytes, position..<position + block, input.count, &position, into: &output, &marks)
    }
    guard !marks.isSorted else { return }
    output.bytes.withUnsafeMutableBufferPointer { marks.sort($0.baseAddress!, ranks: rank(of:)) }
  }

  private static let blockLength = 1 << 16

  @inline(__always)
  private func normalize(
    _ bytes: UnsafePointer<UInt8>, _ block: Range<Int>, _ count: Int, _ position: inout Int, into output: inout NormalizedText,
    _ marks: inout OpenRun
  ) {
    var end = output.count
    output.bytes.withUnsafeMutableBufferPointer { buffer in
      // Room for the normal form of the block was reserved: `maximumExpansion` bounds every branch below, for replacements by
      // construction (from files) or by `validate` (from compiled bytes).
      let out = buffer.baseAddress!
      let ascii = ascii.span
      while position < block.upperBound {
        let byte = bytes[position]
        if byte < 0x80 {
          let mapped = ascii[Int(byte)]
          if mapped != 0 {
            out[end] = mapped
            end += 1
            position += 1
            continue
          }
        }
        let (scalar, length) = decodeScalar(bytes, at: position, count: count)
        position += length
        apply(actions[scalar], to: scalar, out, &end, &marks)
      }
    }
    output.count = end
  }

  @inline(__always)
  private func apply(
    _ action: UInt16, to scalar: UInt32, _ out: UnsafeMutablePointer<UInt8>, _ end: inout Int, _ marks: inout OpenRun
  ) {
    switch action {
    case Action.keep: end += encodeScalar(scalar, to: out + end)
    case Action.remove: break
    case Action.removeStarter: marks.isOpen = false
    case Action.ideograph:
      out[end] = UInt8(ascii: " ")
      end += 1
      end += encodeScalar(scalar, to: out + end)
      out[end] = UInt8(ascii: " ")
      end += 1
    case Action.hangulSyllable:
      let jamo = Hangul.jamo(of: scalar)
      end += encodeScalar(jamo.leading, to: out + end)
      end += encodeScalar(jamo.vowel, to: out + end)
      if jamo.trailing != 0 { end += encodeScalar(jamo.trailing, to: out + end) }
    case Action.orderedMark: appendMark(scalar, out, &end, &marks)
    default:
      let number = Int(action - Action.firstReplacement)
      if number >= firstOrderedReplacement { return appendOrdered(number, out, &end, &marks) }
      for index in Int(replacementOffsets[number])..<Int(replacementOffsets[number + 1]) {
        out[end] = replacementBytes[index]
        end += 1
      }
    }
  }

  private func appendOrdered(
    _ number: Int, _ out: UnsafeMutablePointer<UInt8>, _ end: inout Int, _ marks: inout OpenRun
  ) {
    let range = Int(replacementOffsets[number])..<Int(replacementOffsets[number + 1])
    replacementBytes[range].withUnsafeBufferPointer { bytes in
      var position = 0
      while position < bytes.count {
        let (scalar, length) = decodeScalar(bytes.baseAddress!, at: position, count: bytes.count)
        position += length
        if rank(of: scalar) == 0 {
          end += encodeScalar(scalar, to: out + end)
        } else {
          appendMark(scalar, out, &end, &marks)
        }
      }
    }
  }

  private func appendMark(
    _ scalar: UInt32, _ out: UnsafeMutablePointer<UInt8>, _ end: inout Int, _ marks: inout OpenRun
  ) {
    if !marks.isOpen || marks.end != end {
      marks.sort(out, ranks: rank(of:))
      marks = OpenRun(start: end)
    }
    let rank = rank(of: scalar)
    marks.isSorted = marks.isSorted && rank >= marks.lastRank
    marks.lastRank = rank
    end += encodeScalar(scalar, to: out + end)
    marks.end = end
  }

  /// The rank of the combining class of a kept mark; 0 for everything else.
  private func rank(of scalar: UInt32) -> UInt8 {
    var low = 0
    var high = orderedMarks.count
    while low < high {
      let middle = (low + high) / 2
      if orderedMarks[middle] < scalar { low = middle + 1 } else { high = middle }
    }
    guard low < orderedMarks.count, orderedMarks[low] == scalar else { return 0 }
    return orderedMarkRanks[low] - (Self.isRankedHigher(scalar) ? 1 : 0)
  }

  /// The first compiled form had the ranks of these two marks one too high. It still has, so that its bytes stay the same;
  /// here they are put right, for old files too.
  package static func isRankedHigher(_ scalar: UInt32) -> Bool { scalar == 0x302E || scalar == 0x1D16D }
}

/// Kept combining marks that follow each other in the output. Canonical ordering sorts them by class, keeping the order
/// within a class; almost every mark is stripped, so a run longer than one mark is rare and one out of order rarer.
private struct OpenRun {
  var start = 0
  var end = 0
  var isOpen = false
  var isSorted = true
  var lastRank: UInt8 = 0

  init() {}

  init(start: Int) {
    self.start = start
    end = start
    isOpen = true
  }

  /// Sorts the run in place. Its bytes may already be followed by others.
  func sort(_ out: UnsafeMutablePointer<UInt8>, ranks: (UInt32) -> UInt8) {
    guard !isSorted else { return }
    var marks = MarkRun()
    var position = start
    while position < end {
      let (scalar, length) = decodeScalar(out, at: position, count: end)
      marks.append(scalar, UInt16(ranks(scalar)))
      position += length
    }
    marks.sort()
    position = start
    for scalar in marks.scalars { position += encodeScalar(scalar, to: out + position) }
  }
}
