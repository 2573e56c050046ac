/// What the bytes of a text stand for.
package enum TextEncoding: Sendable, Equatable {
  case utf8
  /// The order of bytes is nil where the byte order mark tells it.
  case utf16(ByteOrder?)
  case utf32(ByteOrder?)
  case latin1
  case windows1252
  /// One that the C library converts, by the name it goes by there.
  case converted(String)

  package enum ByteOrder: Sendable { case little, big }

  /// By any of the usual names, without regard to case, `-` and `_`; what is none of ours is the C library's.
  package init(name: String) {
    switch name.lowercased().filter({ $0 != "-" && $0 != "_" && $0 != " " }) {
    case "utf8", "utf8sig", "utf8bom", "ascii", "usascii": self = .utf8
    case "utf16", "unicode": self = .utf16(nil)
    case "utf16le": self = .utf16(.little)
    case "utf16be": self = .utf16(.big)
    case "utf32": self = .utf32(nil)
    case "utf32le": self = .utf32(.little)
    case "utf32be": self = .utf32(.big)
    case "iso88591", "latin1", "l1", "iso8859": self = .latin1
    case "windows1252", "cp1252", "1252", "ansi": self = .windows1252
    default: self = .converted(name)
    }
  }

  /// As messages call it.
  package var name: String {
    switch self {
    case .utf8: "UTF-8"
    case .utf16(nil): "UTF-16"
    case .utf16(.little?): "UTF-16LE"
    case .utf16(.big?): "UTF-16BE"
    case .utf32(nil): "UTF-32"
    case .utf32(.little?): "UTF-32LE"
    case .utf32(.big?): "UTF-32BE"
    case .latin1: "ISO-8859-1"
    case .windows1252: "Windows-1252"
    case .converted(let name): name
    }
  }

  /// What keeps texts in this encoding from being read here; nil if nothing does.
  package var refusal: String? {
    guard case .converted(let name) = self else { return nil }
    return LibraryConverter.refusal(of: name)
  }
}

/// The bytes of texts that turned out not to be UTF-8, counted, to tell what they may be.
struct ByteEvidence: Sendable {
  private var counts = [Int](repeating: 0, count: 256)

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { counts[Int(byte)] += 1 }
  }

  /// The likely encoding, and the option that reads it.
  var guess: String {
    let letters = (0x41...0x7A).reduce(0) { $0 + counts[$1] }
    let controls = (0x80...0x9F).reduce(0) { $0 + counts[$1] }
    let others = (0xA0...0xFF).reduce(0) { $0 + counts[$1] }
    if controls + others > letters {
      return "the encoding is that of another script, as windows-1251, gb18030, shift_jis or euc-kr (--encoding NAME; `iconv -l` lists the names)"
    }
    // Euro, ellipsis, quotation marks, dashes, trade mark, œ and its like: what office programs write.
    let signs = [0x80, 0x82, 0x84, 0x85, 0x8C, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x99, 0x9C].reduce(0) { $0 + counts[$1] }
    let isUndefined = [0x81, 0x8D, 0x8F, 0x90, 0x9D].contains { counts[$0] > 0 }
    if isUndefined || controls > others && controls - signs > signs {
      return "the encoding is one of before Windows, as cp850 or macintosh (--encoding NAME)"
    }
    return "the encoding is probably Windows-1252 (--encoding windows-1252)"
  }
}
