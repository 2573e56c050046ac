/// The properties that a regular expression may name. Which scalars have one is in the table of a compiled pattern.
package enum UnicodeProperties {
  /// The two-letter general categories, in the order of the tables. Unassigned scalars are not in the table.
  package static let categories = [
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
  package static func categoryNumbers(_ name: String) -> Set<UInt32>? {
    let folded = folded(name)
    let wanted = longNames[folded].map(Self.folded) ?? folded
    guard (1...2).contains(wanted.utf8.count) else { return nil }
    let numbers = wanted == "lc" ? [0, 1, 2] : categories.indices.filter { Self.folded(categories[$0]).utf8.starts(with: wanted.utf8) }
    return numbers.isEmpty ? nil : Set(numbers.map { UInt32($0) })
  }

  /// The place of a script in `ScriptNames`, by any of its names.
  static func scriptNumber(_ name: String) -> UInt32? {
    let table = ScriptNames.spellings
    let wanted = Array(folded(name).utf8)
    let entries = UnsafeBufferPointer(start: table.utf8Start, count: table.utf8CodeUnitCount).split { $0 == 0x20 || $0 == 0x0A }
    for (number, entry) in entries.enumerated() {
      for spelling in entry.split(separator: 0x3D) where spelling.elementsEqual(wanted) { return UInt32(number) }
    }
    return nil
  }
}
