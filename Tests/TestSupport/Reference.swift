import JSON
import Storage

/// A text and the logits that it must give: an entry of `tiny-bert-logits.json`, or of a family's `reference.json`.
package struct ReferenceText: Sendable {
  package let text: String?
  package let pair: String?
  package let ids: [Int32]
  package let tokenTypes: [Int32]
  /// Computed in float64.
  package let logits: [Double]
  /// What fp32 may differ by: 1e-5, or more for large logits, or where PyTorch itself is further off.
  package let tolerance: Double

  fileprivate init?(_ json: JSONValue) {
    func numbers(_ key: String) -> [Double]? { json[key]?.array?.compactMap(\.double) }
    guard let ids = numbers("input_ids"), let logits = numbers("logits"), let float32 = numbers("logits_float32") else {
      return nil
    }
    (text, pair) = (json["text"]?.string, json["text_pair"]?.string)
    self.ids = ids.map { Int32($0) }
    tokenTypes = numbers("token_type_ids").map { $0.map { Int32($0) } } ?? ids.map { _ in 0 }
    self.logits = logits
    let largest = logits.map(\.magnitude).max() ?? 0
    let error = zip(logits, float32).map { abs($0 - $1) }.max() ?? 0
    tolerance = max(1e-5, 2e-6 * largest, 2 * error)
  }

  /// The largest difference of the logits, in units of the tolerance; infinite for NaN or another number of them.
  package func excess(_ found: [Float]) -> Double {
    guard found.count == logits.count else { return .infinity }
    let differences = zip(logits, found).map { abs($0 - Double($1)) }
    return differences.allSatisfy(\.isFinite) ? differences.max()! / tolerance : .infinity
  }
}

package func referenceTexts(_ folder: String) throws -> [ReferenceText] {
  referenceTexts(try fixtureJSON("tiny-bert-logits.json")[folder])
}

func referenceTexts(_ json: JSONValue?) -> [ReferenceText] { json?.array?.compactMap(ReferenceText.init) ?? [] }

/// The tensors of a fixture folder in fp32. Read here in a few lines, so that tests of what runs a model depend on
/// nothing else that reads checkpoints.
package func fixtureTensors(_ folder: String) throws -> [String: [Float]] {
  var tensors: [String: [Float]] = [:]
  for name in try listDirectory(fixture(folder)) where name.hasSuffix(".safetensors") {
    let bytes = try readFile(fixture(folder + "/" + name))
    let headerSize = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONValue(parsing: Array(bytes[8..<8 + headerSize]))
    for (name, entry) in header.object?.entries ?? [] where name != "__metadata__" {
      let ends = (entry["data_offsets"]?.array ?? []).compactMap(\.int).map { $0 + 8 + headerSize }
      let data = bytes[ends[0]..<ends[1]]
      tensors[name] = data.withUnsafeBytes { data in
        switch entry["dtype"]?.string {
        case "F32": (0..<data.count / 4).map { data.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
        case "F16": (0..<data.count / 2).map { Float(data.loadUnaligned(fromByteOffset: $0 * 2, as: Float16.self)) }
        case "BF16":
          (0..<data.count / 2).map {
            Float(bitPattern: UInt32(data.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self)) << 16)
          }
        default: []
        }
      }
    }
  }
  return tensors
}

/// Random numbers that a seed repeats (SplitMix64).
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
