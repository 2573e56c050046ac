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

  /// The two-letter general categories, in the order of `UnicodeTables.categories`. Unassigned scalars are not in the table.
  private static let categories = [
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk",
    "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cn",
  ]

  /// The categories by their long names, where these are not those of a letter or two.
  private static let longNames = [
    "letter": "L", "casedletter": "LC", "uppercaseletter": "Lu", "lowercaseletter": "Ll", "titlecaseletter": "Lt", "modifierletter": "Lm",
    "otherletter": "Lo", "mark": "M", "combiningmark": "M", "nonspacingmark": "Mn", "spacingmark": "Mc", "enclosingmark": "Me", "number": "N",
    "decimalnumber": "Nd", "letternumber": "Nl", "othernumber": "No", "punctuation": "P", "connectorpunctuation": "Pc",
    "dashpunctuation": "Pd", "openpunctuation": "Ps", "closepunctuation": "Pe", "initialpunctuation": "Pi", "finalpunctuation": "Pf",
    "otherpunctuation": "Po", "symbol": "S", "mathsymbol": "Sm", "currencysymbol": "Sc", "modifiersymbol": "Sk", "othersymbol": "So",
    "separator": "Z", "spaceseparator": "Zs", "lineseparator": "Zl", "paragraphseparator": "Zp", "other": "C", "control": "Cc",
    "format": "Cf", "privateuse": "Co", "unassigned": "Cn",
  ]

  /// A name of a property as Oniguruma compares it: without case, blanks, hyphens and underscores.
  private static func folded(_ name: String) -> String {
    String(decoding: name.utf8.filter { ![0x20, 0x2D, 0x5F].contains($0) }.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
  }

  /// The places of the categories that a name of one or two letters, or a long one, stands for; nil if there are none.
  static func categoryNumbers(_ name: String) -> Set<UInt32>? {
    let folded = folded(name)
    let wanted = longNames[folded].map(Self.folded) ?? folded
    guard (1...2).contains(wanted.utf8.count) else { return nil }
    let numbers = wanted == "lc" ? [0, 1, 2] : categories.indices.filter { Self.folded(categories[$0]).utf8.starts(with: wanted.utf8) }
    return numbers.isEmpty ? nil : Set(numbers.map { UInt32($0) })
  }

  /// The place of a script in `UnicodeTables.scriptNames`, by any of its names.
  static func scriptNumber(_ name: String) -> UInt32? {
    let table = UnicodeTables.scriptNames
    let wanted = Array(folded(name).utf8)
    let entries = UnsafeBufferPointer(start: table.utf8Start, count: table.utf8CodeUnitCount).split { $0 == 0x20 || $0 == 0x0A }
    for (number, entry) in entries.enumerated() {
      for spelling in entry.split(separator: 0x3D) where spelling.elementsEqual(wanted) { return UInt32(number) }
    }
    return nil
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
    let wanted = categoryNumbers(name) ?? []
    let unassigned = UInt32(categories.count - 1)
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

/// Hangul syllables decompose by arithmetic (The Unicode Standard, section 3.12).
enum Hangul {
  static let syllables: Range<UInt32> = 0xAC00..<0xAC00 + 11172

  /// Two or three jamo; the third is 0 when there is none.
  @inline(__always)
  static func jamo(of syllable: UInt32) -> (leading: UInt32, vowel: UInt32, trailing: UInt32) {
    let index = syllable - syllables.lowerBound
    let trailing = index % 28
    return (0x1100 + index / 588, 0x1161 + index % 588 / 28, trailing == 0 ? 0 : 0x11A7 + trailing)
  }

  /// Vowels and trailing consonants, which compose with what is before them.
  static let joiningJamo: [Range<UInt32>] = [0x1161..<0x1176, 0x11A8..<0x11C3]

  /// The syllable of a leading consonant and a vowel, or of a syllable without trailing consonant and one.
  static func syllable(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if (0x1100..<0x1113).contains(first), joiningJamo[0].contains(second) {
      return syllables.lowerBound + ((first - 0x1100) * 21 + second - 0x1161) * 28
    }
    guard syllables.contains(first), (first - syllables.lowerBound) % 28 == 0, joiningJamo[1].contains(second) else { return nil }
    return first + second - 0x11A7
  }
}
