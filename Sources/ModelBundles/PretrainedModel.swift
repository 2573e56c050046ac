import Bundles
import Encoders
import JSON
import Storage
import Tokenizers
import WeightFormats

/// A pretrained model, opened: what its configuration says, and where its tokenizer and its parameters are. The same of a bundle and of a
/// folder, for whoever runs it, tunes it or packs it. A model that is not served is found by its configuration, before anything is read
/// that a model of another kind may not have.
package struct PretrainedModel: Sendable {
  /// As it was named, for messages.
  package let path: String
  package let configuration: JSONValue
  package let source: any ModelSource

  package init(path: String, configuration: JSONValue, source: any ModelSource) {
    self.path = path
    self.configuration = configuration
    self.source = source
  }

  /// - Throws: `BundleError`, `JSONError`.
  package init(_ bundle: Bundle) throws {
    path = bundle.path
    configuration = try bundle.readConfiguration()
    source = BundleSource(bundle: bundle)
  }

  /// The tokenizer, for a model: one that gives ids for which the model has no rows is refused.
  ///
  /// - Throws: `ModelError`, `OutOfMemory`, `TokenizerError`, and what reading its files throws.
  package func loadTokenizer(for model: Model) throws -> Tokenizer {
    let tokenizer = try source.loadTokenizer()
    try requireRows(of: model, for: tokenizer, path)
    return tokenizer
  }
}

extension Bundle {
  /// - Throws: `BundleError`, `JSONError`.
  package func readConfiguration() throws -> JSONValue { try JSONValue(parsing: text(.configuration).utf8) }

  /// - Throws: `BundleError`, `OutOfMemory`, `TokenizerError`.
  package func readTokenizer() throws -> Tokenizer {
    // Not kept by the bundle, since the tokenizer takes it over; its tables of a compressed form are larger.
    try requireMemory((entry(.tokenizer)?.rawSize ?? 0).memory(times: 8))
    return try withBytes(.tokenizer) { try Tokenizer(compiled: $0) }
  }
}

/// Refuses a tokenizer that gives ids for which a model has no rows.
package func requireRows(of model: Model, for tokenizer: Tokenizer, _ path: String) throws(ModelError) {
  let rows = model.blueprint.tables[0].rows
  guard tokenizer.vocabularySize <= rows else {
    throw ModelError(
      .file, "\(path): the tokenizer has ids up to \(tokenizer.vocabularySize - 1), the model's vocabulary has \(rows) rows")
  }
}

/// Where a pretrained model's tokenizer and parameters are, and the small files that lie beside them.
package protocol ModelSource: Sendable {
  func loadTokenizer() throws -> Tokenizer

  /// The format of weights that are not what was trained, if there are any.
  var quantization: WeightFormat? { get }

  /// Whether there is an output layer for the model's labels, so that their names count.
  func hasHead(of model: Model) throws -> Bool

  /// The parameters of a model, all that are there of the shapes that it gives them.
  ///
  /// - Parameter skipped: parameters that are not used.
  func parameters(of model: Model, apartFrom skipped: Set<Int>) throws -> any ParameterSource

  /// The configuration and tokenizer files that every folder that is written gets too.
  func carriedFiles() throws -> [CarriedFile]
}

/// A bundle's parameters, dequantised, and the files of the folder that it was made from, if it carries them.
private struct BundleSource: ModelSource {
  let bundle: Bundle

  func loadTokenizer() throws -> Tokenizer { try bundle.readTokenizer() }

  var quantization: WeightFormat? {
    bundle.entries(.matrix).lazy.compactMap { WeightFormat(matrixLayout: $0.layout) }.first { !$0.rules.isExact }
  }

  func hasHead(of model: Model) -> Bool {
    model.blueprint.linears.filter(\.isOutput).allSatisfy { bundle.entry(.matrix, $0.name) != nil }
  }

  func parameters(of model: Model, apartFrom skipped: Set<Int>) -> any ParameterSource { BundleParameters(bundle, model.blueprint) }

  func carriedFiles() throws -> [CarriedFile] {
    let entries = bundle.entries(.sourceFile)
    guard !entries.isEmpty else {
      throw ModelError(
        .noSourceFiles,
        "\(bundle.path): the bundle does not carry its source folder's files and cannot be tuned from; pack it with --carry-source")
    }
    // A carried file is written by its name: one that leads out of the folder is not a name.
    return try entries.filter { !$0.name.utf8.contains(UInt8(ascii: "/")) && $0.name != ".." && !$0.name.isEmpty }.map {
      CarriedFile(name: $0.name, bytes: try bundle.copy(.sourceFile, $0.name))
    }
  }
}
