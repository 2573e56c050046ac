/// Text as web pages and exports have it, as plain text: tags become blanks, then character references what they stand for.
///
/// References are read as Python's `html.unescape` reads them: numbers, names, and names without their semicolon where HTML 5 knows them
/// so, the longest that fits. What they stand for is not looked at again: `&lt;b&gt;` is the text `<b>`. Only HTML's own elements, names with
/// a `-` or `:`, comments and declarations are tags: `a < b`, `<3` and `x<y` stay.
package struct HTMLText: Sendable {
  private(set) var text: [UInt8] = []

  package init() {}

  /// Runs `body` with the plain text, which is `html` itself where there is nothing to replace.
  package mutating func withText<Result>(
    _ html: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result {
    guard replace(html) else { return try body(html) }
    return try text.withUnsafeBufferPointer(body)
  }

  /// Whether there is a tag or a character reference.
  package mutating func isMarked(_ html: UnsafeBufferPointer<UInt8>) -> Bool { replace(html) }

  /// Puts the plain text of `html` into `text`; false, and `text` is of no meaning, if it is the same.
  private mutating func replace(_ html: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = html.firstIndex(where: { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "&") }) else { return false }
    // One long text must not stay in memory.
    text.removeAll(keepingCapacity: text.capacity <= 1 << 16)
    var copied = 0
    var position = first
    var hasCommentEnd = true
    while position < html.count {
      let end: Int?
      let start = position
      switch html[position] {
      case UInt8(ascii: "<"):
        end = Self.tagEnd(html, position, &hasCommentEnd)
        if end != nil {
          text.append(contentsOf: html[copied..<start])
          text.append(0x20)
        }
      case UInt8(ascii: "&"): end = appendReference(html, position, after: html[copied..<start])
      default: end = nil
      }
      guard let end else {
        position += 1
        continue
      }
      (copied, position) = (end, end)
    }
    guard copied > 0 else { return false }
    text.append(contentsOf: html[copied...])
    return true
  }

  // MARK: Tags

  /// Where the tag that begins here ends.
  private static func tagEnd(_ html: UnsafeBufferPointer<UInt8>, _ start: Int, _ hasCommentEnd: inout Bool) -> Int? {
    var position = start + 1
    guard position < html.count else { return nil }
    if html[position] == UInt8(ascii: "!"), html[(position + 1)...].starts(with: "--".utf8) {
      // Looked for once: a text of openings alone takes no longer.
      guard hasCommentEnd else { return nil }
      var end = position + 3
      while end + 2 < html.count {
        if html[end] == UInt8(ascii: "-"), html[end + 1] == UInt8(ascii: "-"), html[end + 2] == UInt8(ascii: ">") { return end + 3 }
        end += 1
      }
      hasCommentEnd = false
      return nil
    }
    if html[position] == UInt8(ascii: "!") || html[position] == UInt8(ascii: "?") {
      guard position + 1 < html.count, isLetter(html[position + 1]) else { return nil }
    } else {
      if html[position] == UInt8(ascii: "/") { position += 1 }
      let name = html[position...].prefix(32).prefix { isLetter($0) || 0x30...0x39 ~= $0 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ":") }
      position += name.count
      guard let first = name.first, isLetter(first), position < html.count,
        html[position] == UInt8(ascii: ">") || html[position] == UInt8(ascii: "/") || isBlank(html[position]), isElement(name)
      else { return nil }
    }
    while position < html.count, html[position] != UInt8(ascii: ">"), html[position] != UInt8(ascii: "<") { position += 1 }
    return position < html.count && html[position] == UInt8(ascii: ">") ? position + 1 : nil
  }

  private static func isElement(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    // Custom elements, and those of Word's pages (`o:p`).
    if name.contains(where: { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ":") }) { return true }
    let lowercase = name.map { isLetter($0) ? $0 | 0x20 : $0 }
    return elements.withUTF8Buffer { $0.split(separator: 0x20).contains { $0.elementsEqual(lowercase) } }
  }

  /// HTML's elements, obsolete ones included.
  private static let elements: StaticString = """
    a abbr acronym address applet area article aside audio b base basefont bdi bdo big blockquote body br button canvas caption center \
    cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer form \
    frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend li link main map mark marquee \
    menu meta meter nav nobr noframes noscript object ol optgroup option output p param picture pre progress q rp rt ruby s samp script \
    search section select slot small source span strike strong style sub summary sup svg table tbody td template textarea tfoot th \
    thead time title tr track tt u ul var video wbr
    """

  // MARK: Character references

  /// Appends what stands before the reference that begins here, and what it stands for, and says where it ends; nil if it is none.
  private mutating func appendReference(
    _ html: UnsafeBufferPointer<UInt8>, _ start: Int, after before: Slice<UnsafeBufferPointer<UInt8>>
  ) -> Int? {
    if start + 1 < html.count, html[start + 1] == UInt8(ascii: "#") { return appendNumber(html, start, after: before) }
    // No name has more than 31 letters and digits beside its semicolon.
    let name = html[(start + 1)...].prefix(31).prefix { Self.isLetter($0) || 0x30...0x39 ~= $0 }
    let isClosed = name.endIndex < html.count && html[name.endIndex] == UInt8(ascii: ";")
    for count in stride(from: name.count, to: 0, by: -1) {
      guard let entity = Self.entity(name.prefix(count)) else { continue }
      let hasSemicolon = count == name.count && isClosed
      guard hasSemicolon || entity.needsNoSemicolon else { continue }
      text.append(contentsOf: before)
      text.append(contentsOf: entity.value)
      return start + 1 + count + (hasSemicolon ? 1 : 0)
    }
    return nil
  }

  private mutating func appendNumber(
    _ html: UnsafeBufferPointer<UInt8>, _ start: Int, after before: Slice<UnsafeBufferPointer<UInt8>>
  ) -> Int? {
    var position = start + 2
    let isHexadecimal = position < html.count && html[position] | 0x20 == UInt8(ascii: "x")
    if isHexadecimal { position += 1 }
    let digits = position
    var number: UInt32 = 0
    while position < html.count {
      let byte = html[position]
      let digit: UInt32
      switch byte {
      case 0x30...0x39: digit = UInt32(byte) - 0x30
      case 0x41...0x46 where isHexadecimal: digit = UInt32(byte) - 0x37
      case 0x61...0x66 where isHexadecimal: digit = UInt32(byte) - 0x57
      default: digit = 16
      }
      if digit == 16 { break }
      // Beyond the last scalar all numbers are the same.
      number = min(number * (isHexadecimal ? 16 : 10) + digit, 0x110000)
      position += 1
    }
    guard position > digits else { return nil }
    text.append(contentsOf: before)
    appendScalar(number)
    return position < html.count && html[position] == UInt8(ascii: ";") ? position + 1 : position
  }

  /// What browsers take a number for; nothing for numbers that are no text.
  private mutating func appendScalar(_ number: UInt32) {
    var scalar = number
    switch number {
    case 0, 0xD800..<0xE000, 0x110000...: scalar = 0xFFFD
    case 0x80...0x9F: scalar = Self.windows1252[Int(number - 0x80)]
    case 1...8, 0xB, 0xE...0x1F, 0x7F, 0xFDD0...0xFDEF: return
    case _ where number & 0xFFFE == 0xFFFE: return
    default: break
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4) { bytes in
      guard let start = bytes.baseAddress else { return }
      let count = encodeScalar(scalar, to: start)
      text.append(contentsOf: UnsafeBufferPointer(start: start, count: count))
    }
  }

  private struct Entity {
    let value: UnsafeBufferPointer<UInt8>
    let needsNoSemicolon: Bool
  }

  /// By halving the table, whose entries are in the order of their names.
  private static func entity(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> Entity? {
    let table = UnsafeBufferPointer(start: HTMLEntities.table.utf8Start, count: HTMLEntities.table.utf8CodeUnitCount)
    var (low, high) = (0, table.count)
    while low < high {
      var start = (low + high) / 2
      while start > low, table[start - 1] != 2 { start -= 1 }
      guard let nameEnd = table[start..<high].firstIndex(of: 1), let end = table[nameEnd..<high].firstIndex(of: 2) else { return nil }
      let entry = table[start..<nameEnd]
      if entry.elementsEqual(name) {
        let needsNoSemicolon = table[nameEnd + 1] == 3
        return Entity(
          value: UnsafeBufferPointer(rebasing: table[(nameEnd + (needsNoSemicolon ? 2 : 1))..<end]), needsNoSemicolon: needsNoSemicolon)
      }
      if entry.lexicographicallyPrecedes(name) { low = end + 1 } else { high = start }
    }
    return nil
  }

  /// What browsers take numbers from 0x80 to 0x9F for, as Python has it.
  private static let windows1252: [UInt32] = [
    0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F, 0x90, 0x2018, 0x2019,
    0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
  ]

  private static func isLetter(_ byte: UInt8) -> Bool { 0x61...0x7A ~= byte | 0x20 }
  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte }
}
