import Storage

/// Numbers as people and exports write them: `4`, `4.0`, `4,5`, `5 stars`, `5.0 out of 5 stars`, `4/5`, `★★★★☆`.
enum Rating {
  /// The value of a text that is such a number and nothing else.
  static func number(_ text: String) -> Double? {
    let text = text.utf8.allSatisfy { $0 < 0x80 } ? text : inASCII(text)
    return stars(text) ?? counted(text) ?? countedLast(text)
  }

  /// The digits of all scripts, full width and the mathematical minus as ASCII has them.
  private static func inASCII(_ text: String) -> String {
    var plain = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\u{2212}", "\u{FF0D}": plain.append("-")
      case "\u{FF0E}", "\u{066B}": plain.append(".")
      case "\u{FF0C}": plain.append(",")
      case "\u{A0}", "\u{202F}", "\u{3000}": plain.append(" ")
      case _ where scalar.value >= 0x80 && scalar.properties.numericType == .decimal:
        plain.append(contentsOf: "\(Int(saturating: scalar.properties.numericValue ?? 0))".unicodeScalars)
      default: plain.append(scalar)
      }
    }
    return String(plain)
  }

  /// `5つ星のうち4.0`: the bound comes first.
  private static func countedLast(_ text: String) -> Double? {
    let (bytes, between) = (Array(text.utf8), Array("つ星のうち".utf8))
    guard let start = bytes.firstIndex(of: between[0]), bytes[start...].starts(with: between), let bound = plain(bytes[..<start]),
      let value = plain(bytes[(start + between.count)...].drop { $0 == 0x20 })
    else { return nil }
    return value <= bound ? value : nil
  }

  /// A number as the name of a class: without a fraction if it has none.
  static func text(_ number: Double) -> String { Int(exactly: number).map(String.init) ?? "\(number)" }

  /// Filled stars among empty ones.
  private static func stars(_ text: String) -> Double? {
    var filled = 0
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\u{2605}", "\u{2B50}", "\u{1F31F}": filled += 1
      case "\u{2606}", "\u{FE0F}", " ": break
      default: return nil
      }
    }
    return text.unicodeScalars.contains { $0 != " " && $0 != "\u{FE0F}" } ? Double(filled) : nil
  }

  private static let units: Set<String> = [
    "star", "stars", "stern", "sterne", "sternen", "étoile", "étoiles", "etoile", "etoiles", "estrella", "estrellas", "estrela",
    "estrelas", "stella", "stelle", "ster", "sterren", "point", "points", "punkt", "punkte", "★", "⭐", "%",
    "звезда", "звезды", "звёзды", "звезд", "звёзд", "gwiazdka", "gwiazdki", "gwiazdek", "stjärna", "stjärnor", "stjerne", "stjerner", "tähti", "tähteä", "yıldız", "星", "つ星", "颗星", "顆星", "개", "점", "نجوم", "स्टार",
  ]
  private static let connectors: Set<String> = ["/", "of", "von", "sur", "de", "su", "di", "van", "out", "из", "z", "av", "af"]

  /// A number; a unit or nothing; `out of` another number, and a unit or nothing.
  private static func counted(_ text: String) -> Double? {
    let bytes = Array(text.utf8)
    let end = bytes.firstIndex { !isNumeric($0) } ?? bytes.count
    guard let value = plain(bytes[..<end]) else { return nil }
    guard end < bytes.count else { return value }
    // A letter glued to a number makes it a name: `4k`, `3D`.
    var words: [Substring] = []
    for word in String(decoding: bytes[end...], as: UTF8.self).lowercased().split(separator: " ") {
      if word.first == "/" {
        words.append("/")
        if word.count > 1 { words.append(word.dropFirst()) }
      } else {
        words.append(word)
      }
    }
    guard bytes[end] == 0x20 || bytes[end] == UInt8(ascii: "/") || words.first.map({ units.contains(String($0)) }) == true else { return nil }
    var rest = words[...]
    if let unit = rest.first, units.contains(String(unit)) { rest.removeFirst() }
    guard let connector = rest.first, connectors.contains(String(connector)) else { return rest.isEmpty && !words.isEmpty ? value : nil }
    rest.removeFirst()
    if connector == "out" {
      guard rest.popFirst() == "of" else { return nil }
    }
    guard let most = rest.popFirst(), let bound = plain(Array(most.utf8)[...]), bound >= value else { return nil }
    if let unit = rest.first, units.contains(String(unit)) { rest.removeFirst() }
    return rest.isEmpty ? value : nil
  }

  private static func isNumeric(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || [UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ",")].contains(byte)
      || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
  }

  /// A finite number; a comma before one or two digits is a decimal point.
  private static func plain(_ bytes: ArraySlice<UInt8>) -> Double? {
    var bytes = Array(bytes)
    guard let last = bytes.last, bytes.contains(where: { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      last != UInt8(ascii: "e"), last != UInt8(ascii: "E")
    else { return nil }
    let commas = bytes.indices.filter { bytes[$0] == UInt8(ascii: ",") }
    if let comma = commas.first {
      guard commas.count == 1, (1...2).contains(bytes.count - comma - 1), !bytes.contains(UInt8(ascii: ".")) else { return nil }
      bytes[comma] = UInt8(ascii: ".")
    }
    guard let value = Double(String(decoding: bytes, as: UTF8.self)), value.isFinite else { return nil }
    return value
  }
}
