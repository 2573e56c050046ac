import Tokenizers

extension TweetNormalizer {
  /// With the tables of characters.
  init() throws(TokenizerError) {
    var (emoji, offsets, names): ([UInt32], [UInt16], [UInt8]) = ([], [0], [])
    for item in Self.items(TweetTables.emoji) {
      let parts = item.split(separator: UInt8(ascii: "="), omittingEmptySubsequences: false)
      emoji.append(UInt32(String(decoding: parts[0], as: UTF8.self), radix: 16) ?? 0)
      names += parts[1]
      offsets.append(UInt16(truncatingIfNeeded: names.count))
    }
    var kinds: [Pattern] = []
    for source in Self.sources { kinds.append(try Pattern(source, facts: .tweets)) }
    self.init(
      kinds: kinds, emoji: emoji, offsets: offsets, names: names, entities: Array(Self.items(TweetTables.entities).joined(separator: [0x20])),
      zeros: Self.items(TweetTables.zeros).map { UInt32(String(decoding: $0, as: UTF8.self), radix: 16) ?? 0 })
  }

  private static func items(_ table: StaticString) -> [Slice<UnsafeBufferPointer<UInt8>>] {
    UnsafeBufferPointer(start: table.utf8Start, count: table.utf8CodeUnitCount).split { $0 == 0x20 || $0 == 0x0A }
  }

  /// NLTK's patterns, with the cases written out that ignoring case would give them. Repetitions of repetitions are one here,
  /// which finds the same.
  private static let sources: [String] = {
    let letters = #"a-zA-Z\u017F\u0130\u212A"#
    let parentheses = #"\([^\s()]*?\([^\s()]+\)[^\s()]*?\)|\([^\s]+?\)"#
    let mouth = #"[\)\]\(\[dDpP/\:\}\{@\|\\]"#
    let addresses =
      #"(?:[hH][tT][tT][pP][sS\u017F]?:(?:/{1,3}|[\#(letters)0-9%])|[\#(letters)0-9.\-]+[.](?:[\#(letters)]{2,13})/)"#
      + #"(?:[^\s()<>{}\[\]]|\#(parentheses))+(?:\#(parentheses)|[^\s`!()\[\]{};:'".,<>?«»“”‘’])"#
      + #"|(?:(?<!@)[\#(letters)0-9]+(?:[.\-][\#(letters)0-9]+)*[.](?:[\#(letters)]{2,13})\b/?(?!@))"#
    let phones = #"(?:(?:\+?[01][ *\-.\)]*)?(?:[\(]?\d{3}[ *\-.\)]*)?\d{3}[ *\-.\)]*\d{4})"#
    let faces = #"(?:[<>]?[:;=8][\-oO\*\']?\#(mouth)|\#(mouth)[\-oO\*\']?[:;=8][<>]?|<3)"#
    let marks = #"<[^>\s]+>|[\-]+>|<[\-]+|@[\w_]+|\#(##"\#+[\w_]+[\w\'_\-]*[\w_]+"##)"#
    let mail = #"[\w.+-]+@[\w-]+\.(?:[\w-]\.?)+[\w-]"#
    let words =
      #"(?:[^\W\d_](?:[[^\W\d_]'\-_])+[^\W\d_])|(?:[+\-]?\d+[,/.:-]\d+[+\-]?)|(?:[\w_]+)|(?:\.(?:\s*\.){1,})|(?:\S)"#
    return [addresses, "\(phones)|\(faces)|\(marks)", mail, words]
  }()
}
