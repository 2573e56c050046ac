import JSON
import TestSupport
import TokenizerImport
import Tokenizers

extension JSONValue {
  /// The ids, or other whole numbers, of an array.
  package var ids: [Int32] { (array ?? []).compactMap { $0.int.map { Int32($0) } } }

  /// A copy with the member at a path of keys replaced, or removed for nil.
  package func setting(_ path: String..., to value: JSONValue?) -> JSONValue { setting(path[...], to: value) }

  package func setting(_ path: ArraySlice<String>, to value: JSONValue?) -> JSONValue {
    guard let key = path.first else { return value ?? .null }
    var object = object ?? JSONObject()
    object[key] = path.count == 1 ? value : (object[key] ?? [:]).setting(path.dropFirst(), to: value)
    return .object(object)
  }
}

extension Tokenizer {
  /// From `vocab.txt` in a folder of fixtures.
  package init(vocabularyIn folder: String, configuration: JSONValue? = nil) throws {
    let bytes = try fixtureBytes(folder + "/vocab.txt")
    self = try bytes.withUnsafeBytes { try Tokenizer(vocabulary: $0, configuration: configuration) }
  }

  package init(compiled bytes: [UInt8]) throws {
    self = try bytes.withUnsafeBytes { try Tokenizer(compiled: $0) }
  }

  /// The ids of a text, special tokens included, with memory of their own.
  package func ids(_ text: String, maximumLength: Int = .max) -> [Int32] {
    var workspace = TokenizerWorkspace()
    return encode(Array(text.utf8), maximumLength, &workspace).ids
  }

  package func encode(_ text: [UInt8], _ maximumLength: Int, _ workspace: inout TokenizerWorkspace) -> (
    ids: [Int32], summary: EncodingSummary
  ) {
    var ids: [Int32] = []
    let summary = text.withUnsafeBufferPointer {
      encode($0, maximumLength: maximumLength, workspace: &workspace, into: &ids)
    }
    return (ids, summary)
  }

  package func pair(_ first: String, _ second: String, maximumLength: Int = .max) -> (ids: [Int32], typeIDs: [Int32]) {
    var workspace = TokenizerWorkspace()
    return encode(Array(first.utf8), Array(second.utf8), maximumLength, &workspace)
  }

  package func encode(_ first: [UInt8], _ second: [UInt8], _ maximumLength: Int, _ workspace: inout TokenizerWorkspace) -> (
    ids: [Int32], typeIDs: [Int32]
  ) {
    var ids: [Int32] = []
    var typeIDs: [Int32] = []
    first.withUnsafeBufferPointer { first in
      second.withUnsafeBufferPointer { second in
        _ = encodePair(first, second, maximumLength: maximumLength, workspace: &workspace, into: &ids, typeIDs: &typeIDs)
      }
    }
    return (ids, typeIDs)
  }

  /// The ids of a text without special tokens.
  package func content(_ text: [UInt8]) -> [Int32] {
    var workspace = TokenizerWorkspace()
    var ids: [Int32] = []
    _ = text.withUnsafeBufferPointer { appendContent($0, limit: .max, workspace: &workspace, into: &ids) }
    return ids
  }

  package func normalForm(of text: String) -> [UInt8] {
    var text = text
    return text.withUTF8 { normalForm(of: $0) }
  }
}

/// A tokenizer.json without added tokens, over two dozen tokens.
package func smallTokenizerJSON() throws -> JSONValue {
  try fixtureJSON("tokenizer/parts.json")["tokenizer"] ?? .null
}

/// zlib's CRC-32.
package struct CRC32 {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
  }
  private var state = UInt32.max

  package init() {}

  package mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { state = state >> 8 ^ Self.table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] }
  }

  package var value: Int { Int(~state) }
}

/// Knuth's MMIX generator, as the scripts of the fixtures use it.
package struct Generator {
  private var state: UInt64

  package init(seed: Int) { state = UInt64(seed) }

  package mutating func below(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % limit
  }
}
