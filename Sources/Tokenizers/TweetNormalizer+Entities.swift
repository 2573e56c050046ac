/// Entities of HTML in tweets: replaced by what they stand for, dropped where they stand for nothing.
extension TweetNormalizer {
  /// `&(#?(x?))([^&;\s]+);` of the reference.
  func replaceEntities(in input: UnsafeBufferPointer<UInt8>, _ output: inout NormalizedText) {
    var copied = 0
    var position = 0
    while position < input.count {
      guard input[position] == UInt8(ascii: "&") else {
        position += 1
        continue
      }
      let start = position
      position += 1
      while position < input.count, input[position] != UInt8(ascii: "&"), input[position] != UInt8(ascii: ";") {
        let (scalar, length) = decodeScalar(input.baseAddress!, at: position, count: input.count)
        // Python's `regex` takes the four separators of ASCII for no blanks.
        if isPythonSpace(scalar), !(0x1C...0x1F ~= scalar) { break }
        position += length
      }
      guard position < input.count, input[position] == UInt8(ascii: ";"), position > start + 1 else { continue }
      output.append(UnsafeBufferPointer(rebasing: input[copied..<start]))
      if let scalar = scalar(ofEntity: UnsafeBufferPointer(rebasing: input[start + 1..<position])) { output.append(scalar: scalar) }
      position += 1
      copied = position
    }
    output.append(UnsafeBufferPointer(rebasing: input[copied...]))
  }

  /// - Parameter body: what is between `&` and `;`, at least a byte.
  private func scalar(ofEntity body: UnsafeBufferPointer<UInt8>) -> UInt32? {
    var digits = body[...]
    if digits.count > 1, digits.first == UInt8(ascii: "#") { digits = digits.dropFirst() }
    let isHexadecimal = digits.count > 1 && digits.first == UInt8(ascii: "x")
    if isHexadecimal { digits = digits.dropFirst() }
    // An `x` by itself is enough to be taken for a number.
    guard digits.count < body.count else { return named(body) }
    guard let number = number(Array(digits), radix: isHexadecimal ? 16 : 10) else { return nil }
    if 0x80...0x9F ~= number {
      let windows = Self.windows1252[Int(number - 0x80)]
      return windows == 0 ? nil : windows
    }
    // Python has surrogates by themselves, which are no token and no part of one, like U+FFFD.
    if 0xD800..<0xE000 ~= number { return 0xFFFD }
    return number < 0x110000 ? number : nil
  }

  private func named(_ name: UnsafeBufferPointer<UInt8>) -> UInt32? {
    let wanted = Array(name) + [UInt8(ascii: "=")]
    guard !name.contains(UInt8(ascii: "=")), name.count <= 16 else { return nil }
    for entry in entities.split(separator: UInt8(ascii: " ")) where entry.starts(with: wanted) {
      return UInt32(String(decoding: entry.dropFirst(wanted.count), as: UTF8.self), radix: 16)
    }
    return nil
  }

  /// Python's `int`: a sign, a prefix of hexadecimal numbers, digits of every script, underscores between them.
  private func number(_ bytes: [UInt8], radix: UInt32) -> UInt32? {
    var scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars.map(\.value)[...]
    var isNegative = false
    if let sign = scalars.first, sign == 0x2B || sign == 0x2D {
      isNegative = sign == 0x2D
      scalars.removeFirst()
    }
    var followsDigit = false
    if radix == 16, scalars.count > 2, scalars.first == 0x30, scalars.dropFirst().first.map({ $0 | 0x20 }) == 0x78 {
      scalars.removeFirst(2)
      // An underscore may follow the prefix.
      followsDigit = true
    }
    var value: UInt32 = 0
    for scalar in scalars {
      if scalar == 0x5F {
        guard followsDigit else { return nil }
        followsDigit = false
        continue
      }
      guard let digit = digit(scalar), digit < radix else { return nil }
      // Beyond the last scalar all numbers are the same.
      value = min(value * radix + digit, 0x110000)
      followsDigit = true
    }
    guard followsDigit, let last = scalars.last, last != 0x5F else { return nil }
    return isNegative && value > 0 ? nil : value
  }

  private func digit(_ scalar: UInt32) -> UInt32? {
    if scalar < 0x80 {
      switch scalar {
      case 0x30...0x39: return scalar - 0x30
      case 0x41...0x5A: return scalar - 0x37
      case 0x61...0x7A: return scalar - 0x57
      default: return nil
      }
    }
    return zeros.first { $0 <= scalar && scalar < $0 + 10 }.map { scalar - $0 }
  }

  /// What browsers take numbers from 0x80 to 0x9F for; 0 for nothing.
  private static let windows1252: [UInt32] = [
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0, 0, 0x2018, 0x2019, 0x201C, 0x201D,
    0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
  ]
}
