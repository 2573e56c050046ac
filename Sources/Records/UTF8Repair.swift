/// Well-formed UTF-8 out of any bytes: one U+FFFD for each maximal subpart of an ill-formed sequence (The Unicode Standard, section 3.9,
/// "U+FFFD Substitution of Maximal Subparts"), which is what Python's `errors="replace"` does.
enum UTF8Repair {
  /// The length of the well-formed prefix.
  static func wellFormedPrefix(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    let count = bytes.count
    var index = 0
    while index < count {
      if base[index] < 0x80 {
        index += 1
        while index + 8 <= count, UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
          index += 8
        }
        continue
      }
      let length = sequenceLength(base + index, count - index)
      if length < 0 { return index }
      index += length
    }
    return count
  }

  /// Appends the bytes, repaired; returns how many U+FFFD were put in.
  static func append(_ bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) -> Int {
    var rest = bytes
    var replacements = 0
    while true {
      let good = wellFormedPrefix(rest)
      output.append(contentsOf: UnsafeBufferPointer(rebasing: rest[..<good]))
      guard good < rest.count else { return replacements }
      let bad = -sequenceLength(rest.baseAddress! + good, rest.count - good)
      output.append(contentsOf: [0xEF, 0xBF, 0xBD])
      replacements += 1
      rest = UnsafeBufferPointer(rebasing: rest[(good + bad)...])
    }
  }

  /// How many bytes to keep of a text that was cut at `count` so that no scalar is split. Only bytes that begin a well-formed
  /// sequence and run into the cut are dropped, at most three.
  static func wholeScalars(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    let count = bytes.count
    for back in 1...3 where back <= count {
      let lead = bytes[count - back]
      if lead & 0xC0 == 0x80 { continue }
      let needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1
      return needed > back ? count - back : count
    }
    return count
  }

  /// The length of the well-formed sequence at the start, or minus the length of the ill-formed one's maximal subpart.
  private static func sequenceLength(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let lead = bytes[0]
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case ..<0x80: return 1
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: length = 4
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return -1
    }
    guard count > 1, second.contains(bytes[1]) else { return -1 }
    for index in 2..<max(length, 2) where index >= count || bytes[index] & 0xC0 != 0x80 { return -index }
    return length
  }
}
