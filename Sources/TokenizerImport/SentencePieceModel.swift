import Tokenizers

/// What is read of a SentencePiece model, a protocol buffer (`sentencepiece_model.proto`).
struct SentencePieceModel {
  private(set) var pieces: [(text: String, score: Double)] = []
  /// The normalisation rules that `Precompiled` takes; empty for none.
  private(set) var charsmap: [UInt8] = []
  /// Pieces that stand for themselves in a text, and those of them that are special.
  private(set) var controls: [(text: String, isSpecial: Bool)] = []
  private(set) var unknownID = 0

  init(_ bytes: [UInt8], file: String) throws(TokenizerError) {
    var kind: UInt64 = 1
    try Self.fields(bytes[...], file) { (number, value) throws(TokenizerError) in
      switch (number, value) {
      case (1, .bytes(let piece)):
        var (text, score, type) = ("", Float(0), UInt64(1))
        try Self.fields(piece, file) { (number, value) throws(TokenizerError) in
          if number == 1, case .bytes(let bytes) = value { text = String(decoding: bytes, as: UTF8.self) }
          if number == 2, case .number(let bits) = value { score = Float(bitPattern: UInt32(truncatingIfNeeded: bits)) }
          if number == 3, case .number(let value) = value { type = value }
        }
        pieces.append((text, Double(score)))
        if type == 3 || type == 4 { controls.append((text, type == 3)) }
      case (2, .bytes(let trainer)):
        try Self.fields(trainer, file) { (number, value) throws(TokenizerError) in
          if number == 3, case .number(let type) = value { kind = type }
          if number == 40, case .number(let id) = value { unknownID = Int(clamping: id) }
        }
      case (3, .bytes(let normalizer)):
        try Self.fields(normalizer, file) { (number, value) throws(TokenizerError) in
          if number == 2, case .bytes(let bytes) = value { charsmap = Array(bytes) }
        }
      default: break
      }
    }
    guard kind == 1 else {
      let names: [UInt64: String] = [2: "BPE", 3: "WORD", 4: "CHAR"]
      throw .unsupported(component: "SentencePiece model of type", name: names[kind] ?? "\(kind)")
    }
    guard !pieces.isEmpty else { throw .malformed(file: file, place: "pieces", expected: "at least one", found: "none") }
  }

  private enum Value {
    case number(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  private static func fields(
    _ bytes: ArraySlice<UInt8>, _ file: String, _ body: (Int, Value) throws(TokenizerError) -> Void
  ) throws(TokenizerError) {
    var rest = bytes
    func malformed() -> TokenizerError {
      .malformed(file: file, place: "byte \(rest.startIndex)", expected: "a field of a SentencePiece model", found: "other bytes")
    }
    func variable() throws(TokenizerError) -> UInt64 {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 64, by: 7) {
        guard let byte = rest.popFirst() else { throw malformed() }
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
      }
      throw malformed()
    }
    func fixed(_ count: Int) throws(TokenizerError) -> UInt64 {
      guard rest.count >= count else { throw malformed() }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    while !rest.isEmpty {
      let key = try variable()
      let number = Int(truncatingIfNeeded: key >> 3)
      switch key & 7 {
      case 0: try body(number, .number(try variable()))
      case 1: try body(number, .number(try fixed(8)))
      case 2:
        guard let count = Int(exactly: try variable()), count <= rest.count else { throw malformed() }
        let value = rest.prefix(count)
        rest = rest.dropFirst(count)
        try body(number, .bytes(value))
      case 5: try body(number, .number(try fixed(4)))
      default: throw malformed()
      }
    }
  }
}
