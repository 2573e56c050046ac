/// How far into a JSON value the bytes have come.
struct ValueState: Sendable {
  /// Objects and lists that are open; the outermost list does not count.
  var depth = 0
  var isInString = false
  var isEscaped = false
}

extension RowFramer {
  /// Takes bytes up to the end of a JSON object; blanks, commas and the brackets of a list around the objects are passed over. What is no
  /// object counts as one up to where the next may begin.
  mutating func takeValue(_ piece: UnsafeBufferPointer<UInt8>) -> (taken: Int, isWhole: Bool) {
    guard let base = piece.baseAddress else { return (0, false) }
    var begin = 0
    for index in 0..<piece.count {
      let byte = base[index]
      if byte == UInt8(ascii: "\n") { nextLine += 1 }
      if !isStarted {
        if isBetweenValues(byte) {
          begin = index + 1
          continue
        }
        isStarted = true
        line = nextLine
      }
      if value.isInString {
        if value.isEscaped {
          value.isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          value.isEscaped = true
        } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\n") {
          // No string goes over a line's end: the damage ends there.
          value.isInString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): value.isInString = true
      case UInt8(ascii: "{"), UInt8(ascii: "["): value.depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        value.depth -= 1
        if value.depth <= 0 {
          keep(base + begin, index + 1 - begin, room: maximumRowBytes - bytes.count)
          value = ValueState()
          return (index + 1, true)
        }
      case UInt8(ascii: ","), UInt8(ascii: "\n"):
        guard value.depth == 0 else { continue }
        keep(base + begin, index - begin, room: maximumRowBytes - bytes.count)
        value = ValueState()
        return (index + 1, true)
      default: continue
      }
    }
    keep(base + begin, piece.count - begin, room: maximumRowBytes - bytes.count)
    return (piece.count, false)
  }

  /// At the end of the input: whether there is a value that was begun.
  mutating func finishValue() -> Bool {
    value = ValueState()
    return isStarted
  }

  private func isBetweenValues(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"): true
    default: false
    }
  }
}
