/// The scalar that starts at `position`, and how many bytes it takes. Bytes that are not UTF-8 count as one U+FFFD each.
///
/// - Precondition: `position < count`; nothing at or after `count` is read.
@inline(__always)
func decodeScalar(_ bytes: UnsafePointer<UInt8>, at position: Int, count: Int) -> (scalar: UInt32, length: Int) {
  let lead = UInt32(bytes[position])
  if lead < 0x80 { return (lead, 1) }
  @inline(__always) func continuation(_ index: Int) -> UInt32? {
    guard position + index < count, bytes[position + index] & 0xC0 == 0x80 else { return nil }
    return UInt32(bytes[position + index] & 0x3F)
  }
  if lead < 0xE0 {
    guard lead >= 0xC2, let second = continuation(1) else { return (0xFFFD, 1) }
    return ((lead & 0x1F) << 6 | second, 2)
  }
  if lead < 0xF0 {
    guard let second = continuation(1), let third = continuation(2) else { return (0xFFFD, 1) }
    let scalar = (lead & 0x0F) << 12 | second << 6 | third
    guard scalar >= 0x800, scalar & 0xF800 != 0xD800 else { return (0xFFFD, 1) }
    return (scalar, 3)
  }
  guard lead < 0xF5, let second = continuation(1), let third = continuation(2), let fourth = continuation(3) else {
    return (0xFFFD, 1)
  }
  let scalar = (lead & 0x07) << 18 | second << 12 | third << 6 | fourth
  guard scalar >= 0x10000, scalar < 0x110000 else { return (0xFFFD, 1) }
  return (scalar, 4)
}

/// Writes the scalar at `output`, which has room for four bytes; returns how many it took.
@inline(__always)
func encodeScalar(_ scalar: UInt32, to output: UnsafeMutablePointer<UInt8>) -> Int {
  if scalar < 0x80 {
    output[0] = UInt8(truncatingIfNeeded: scalar)
    return 1
  }
  if scalar < 0x800 {
    output[0] = UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6)
    output[1] = UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F)
    return 2
  }
  if scalar < 0x10000 {
    output[0] = UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12)
    output[1] = UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F)
    output[2] = UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F)
    return 3
  }
  output[0] = UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18)
  output[1] = UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F)
  output[2] = UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F)
  output[3] = UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F)
  return 4
}

/// Bytes of a scalar in UTF-8.
func encodedLength(_ scalar: UInt32) -> Int {
  scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4
}

/// What Python takes for whitespace: the characters of Unicode, and four separators of ASCII.
package func isPythonSpace(_ scalar: Unicode.Scalar) -> Bool { isPythonSpace(scalar.value) }

@inline(__always)
package func isPythonSpace(_ scalar: UInt32) -> Bool {
  switch scalar {
  case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
  default: false
  }
}
