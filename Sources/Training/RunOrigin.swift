import JSON
import Storage
import Tasks

/// What a run is a run of: a checkpoint holds it, so that no other run goes on from it in silence.
package struct RunOrigin: Sendable, Equatable {
  /// A digest of the parameters that are the base's; nil where all are drawn.
  package let base: UInt64?
  /// A digest of the training texts and their targets, in their order.
  package let data: UInt64
  /// The number of training texts.
  package let texts: Int
  /// The tokens that texts are cut at.
  package let maxLength: Int

  package init(base: UInt64?, data: UInt64, texts: Int, maxLength: Int) {
    self.base = base
    self.data = data
    self.texts = texts
    self.maxLength = maxLength
  }

  var json: [(String, JSONValue)] {
    [
      ("base_digest", base.map { .string(String($0, radix: 16)) } ?? .null), ("data_digest", .string(String(data, radix: 16))),
      ("data_texts", .integer(Int64(texts))), ("cut_at", .integer(Int64(maxLength))),
    ]
  }

  /// Nil for a checkpoint of an earlier version, which does not say.
  init?(_ json: JSONValue) {
    func digest(_ key: String) -> UInt64? { json[key]?.string.flatMap { UInt64($0, radix: 16) } }
    guard let data = digest("data_digest"), let texts = json["data_texts"]?.int, let maxLength = json["cut_at"]?.int else { return nil }
    self.init(base: digest("base_digest"), data: data, texts: texts, maxLength: maxLength)
  }
}

extension ParameterStore {
  /// A digest of what was read from the base; nil where everything was drawn.
  ///
  /// - Parameter drawn: the names of parameters that were drawn instead, which depend on the seed.
  package func digest(without drawn: [String]) -> UInt64? {
    let drawn = Set(drawn)
    var hash = XXH64()
    var isEmpty = true
    for (index, parameter) in blueprint.parameters.enumerated() where !drawn.contains(parameter.name) {
      hash.update(text: parameter.name)
      hash.update(UnsafeRawBufferPointer(buffer(index, of: values)))
      isEmpty = false
    }
    return isEmpty ? nil : hash.digest()
  }
}

extension XXH64 {
  /// Bytes with their number, so that two of them are not one.
  package mutating func update(bytes: some Collection<UInt8>) {
    withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { update($0) }
    if bytes.withContiguousStorageIfAvailable({ update(UnsafeRawBufferPointer($0)) }) == nil {
      Array(bytes).withUnsafeBytes { update($0) }
    }
  }

  fileprivate mutating func update(text: String) { update(bytes: Array(text.utf8)) }

  package mutating func update(_ target: TrainingTarget) {
    switch target {
    case .label(let label): withUnsafeBytes(of: UInt64(label).littleEndian) { update($0) }
    case .values(let values): values.withUnsafeBytes { update($0) }
    }
  }
}
