import Tokenizers

/// Reads the generated `UnicodeTables`.
enum UnicodeFacts {
  /// Calls `body` with each scalar of the table and its values, in rising order.
  static func forEach(in table: StaticString, _ body: (_ scalar: UInt32, _ values: [UInt32]) -> Void) {
    let text = UnsafeBufferPointer(start: table.utf8Start, count: table.utf8CodeUnitCount)
    var position = 0
    func hexadecimal() -> UInt32 {
      var value: UInt32 = 0
      while position < text.count {
        let byte = text[position]
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
        default: return value
        }
        position += 1
      }
      return value
    }
    func take(_ mark: UInt8) -> Bool {
      guard position < text.count, text[position] == mark else { return false }
      position += 1
      return true
    }
    var next: UInt32 = 0
    var values: [UInt32] = []
    while position < text.count {
      let first = next + hexadecimal()
      let last = take(UInt8(ascii: "+")) ? first + hexadecimal() : first
      values.removeAll(keepingCapacity: true)
      if take(UInt8(ascii: ":")) {
        repeat { values.append(hexadecimal()) } while take(UInt8(ascii: ","))
      }
      for scalar in first...last { body(scalar, values) }
      next = last + 1
      while take(UInt8(ascii: " ")) || take(UInt8(ascii: "\n")) {}
    }
  }

  static func scalars(in table: StaticString) -> [UInt32] {
    var scalars: [UInt32] = []
    forEach(in: table) { scalar, _ in scalars.append(scalar) }
    return scalars
  }

  static func map(_ table: StaticString) -> [UInt32: [UInt32]] {
    var map: [UInt32: [UInt32]] = [:]
    forEach(in: table) { scalar, values in map[scalar] = values }
    return map
  }

  static func scalars(ofScript number: UInt32) -> [UInt32] {
    var found: [UInt32] = []
    var isUnknown = [Bool](repeating: number == 0, count: number == 0 ? 0x110000 : 0)
    forEach(in: UnicodeTables.scripts) { scalar, values in
      if values[0] == number { found.append(scalar) }
      if number == 0 { isUnknown[Int(scalar)] = false }
    }
    return found + isUnknown.indices.filter { isUnknown[$0] }.map { UInt32($0) }
  }

  static func scalars(ofCategory name: String) -> [UInt32] {
    let wanted = UnicodeProperties.categoryNumbers(name) ?? []
    let unassigned = UInt32(UnicodeProperties.categories.count - 1)
    var found: [UInt32] = []
    var next: UInt32 = 0
    func takeUnassigned(to end: UInt32) {
      guard wanted.contains(unassigned) else { return }
      while next < end {
        if !(0xD800..<0xE000).contains(next) { found.append(next) }
        next += 1
      }
    }
    forEach(in: UnicodeTables.categories) { scalar, values in
      takeUnassigned(to: scalar)
      if wanted.contains(values[0]) { found.append(scalar) }
      next = scalar + 1
    }
    takeUnassigned(to: 0x110000)
    return found
  }

  /// Membership as a table over all code points, for tables with tens of thousands of members.
  static func flags(_ table: StaticString) -> [Bool] {
    var flags = Array(repeating: false, count: 0x110000)
    forEach(in: table) { scalar, _ in flags[Int(scalar)] = true }
    return flags
  }
}
