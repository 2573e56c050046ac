/// Makes UTF-8 of bytes that come in pieces.
protocol TextDecoder: AnyObject {
  /// Appends what the bytes stand for; returns how many of them were used up, the others being the beginning of a character. What stands
  /// for nothing becomes `invalidByte`.
  func decode(_ input: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]) -> Int
}

/// Never in UTF-8: whoever reads it finds that the text was not what it should be, and where.
let invalidByte: UInt8 = 0xFF

/// An encoding of one byte a character whose lower half is ASCII.
final class SingleByteDecoder: TextDecoder {
  /// The UTF-8 of the upper half, end to end, each of its length.
  private let upper: [(bytes: (UInt8, UInt8, UInt8), count: Int)]

  /// - Parameter scalars: what 0x80 to 0xFF stand for, 0 for nothing.
  init(scalars: [UInt16]) {
    upper = scalars.map { scalar in
      guard scalar != 0, let unicode = Unicode.Scalar(scalar) else { return ((invalidByte, 0, 0), 1) }
      let bytes = Array(String(Character(unicode)).utf8) + [0, 0]
      return ((bytes[0], bytes[1], bytes[2]), bytes.count - 2)
    }
  }

  func decode(_ input: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]) -> Int {
    var begin = 0
    for index in input.indices where input[index] >= 0x80 {
      output.append(contentsOf: UnsafeRawBufferPointer(rebasing: input[begin..<index]))
      begin = index + 1
      let (bytes, count) = upper[Int(input[index]) - 0x80]
      output.append(bytes.0)
      if count > 1 { output.append(bytes.1) }
      if count > 2 { output.append(bytes.2) }
    }
    output.append(contentsOf: UnsafeRawBufferPointer(rebasing: input[begin...]))
    return input.count
  }
}

/// UTF-16 and UTF-32: units of two or four bytes. A surrogate without its partner, and what is over U+10FFFF, is invalid.
final class UnitDecoder: TextDecoder {
  private let unitBytes: Int
  private let isLittleEndian: Bool
  /// A high surrogate whose partner is to come.
  private var high: UInt32?

  init(unitBytes: Int, byteOrder: TextEncoding.ByteOrder) {
    self.unitBytes = unitBytes
    isLittleEndian = byteOrder == .little
  }

  func decode(_ input: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]) -> Int {
    var index = 0
    while index + unitBytes <= input.count {
      let unit: UInt32
      if unitBytes == 2 {
        let raw = input.loadUnaligned(fromByteOffset: index, as: UInt16.self)
        unit = UInt32(isLittleEndian ? UInt16(littleEndian: raw) : UInt16(bigEndian: raw))
      } else {
        let raw = input.loadUnaligned(fromByteOffset: index, as: UInt32.self)
        unit = isLittleEndian ? UInt32(littleEndian: raw) : UInt32(bigEndian: raw)
      }
      index += unitBytes
      append(unit, to: &output)
    }
    guard isLast else { return index }
    if index < input.count || high != nil { output.append(invalidByte) }
    return input.count
  }

  private func append(_ unit: UInt32, to output: inout [UInt8]) {
    var scalar = unit
    if let first = high {
      high = nil
      if unit & 0xFFFF_FC00 == 0xDC00 {
        scalar = 0x1_0000 + (first & 0x3FF) << 10 + unit & 0x3FF
      } else {
        output.append(invalidByte)
      }
    }
    if unitBytes == 2, scalar & 0xFFFF_FC00 == 0xD800 {
      high = scalar
      return
    }
    switch scalar {
    case ..<0x80: output.append(UInt8(truncatingIfNeeded: scalar))
    case ..<0x800:
      output.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
      output.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    case 0xD800..<0xE000, 0x11_0000...: output.append(invalidByte)
    case ..<0x1_0000:
      output.append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
      output.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
      output.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    default:
      output.append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
      output.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F))
      output.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
      output.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    }
  }
}
