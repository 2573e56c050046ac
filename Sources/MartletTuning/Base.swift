import Bundles
import Checkpoints
import Encoders
import JSON
import Packing
import Storage
import Tokenizers

/// Where fine-tuning starts: a Hugging Face folder, or a bundle that carries its folder's files.
struct Base {
  let path: String
  let configuration: JSONValue
  let tokenizer: Tokenizer
  /// The small files that every folder that is written gets too.
  let files: [CarriedFile]
  /// Whether the weights were int8 and have been dequantised.
  let isQuantized: Bool
  private let origin: Origin

  private enum Origin {
    case folder(CheckpointFolder)
    case bundle(Bundle)
    /// The configuration alone: all weights are to be drawn.
    case nothing
  }

  /// - Parameter hasWeights: false for a base of which only configuration and tokenizer are used.
  init(path: String, hasWeights: Bool = true) throws {
    self.path = path
    if isDirectory(path) {
      let folder = try CheckpointFolder(path: path)
      configuration = folder.configuration
      tokenizer = try loadTokenizer(folder)
      var files: [CarriedFile] = []
      for name in folder.carriedFileNames {
        if let bytes = try folder.read(name) { files.append(CarriedFile(name: name, bytes: bytes)) }
      }
      self.files = files
      isQuantized = false
      origin = hasWeights ? .folder(folder) : .nothing
    } else {
      let bundle = try Bundle(path: path)
      let entries = bundle.entries(.sourceFile)
      guard !entries.isEmpty else { throw PackingError.noSourceFiles(path: path) }
      configuration = try JSONValue(parsing: bundle.text(.configuration).utf8)
      tokenizer = try bundle.withBytes(.tokenizer) { try Tokenizer(compiled: $0) }
      var files: [CarriedFile] = []
      for entry in entries {
        // A carried file is written by its name: one that leads out of the folder is not a name.
        guard !entry.name.utf8.contains(UInt8(ascii: "/")), entry.name != "..", !entry.name.isEmpty else { continue }
        files.append(CarriedFile(name: entry.name, bytes: try bundle.copy(.sourceFile, entry.name)))
      }
      self.files = files
      isQuantized = hasWeights && bundle.entries.contains { $0.layout == .int8Panels }
      origin = hasWeights ? .bundle(bundle) : .nothing
    }
  }

  /// - Parameter withoutHead: whether the output layer is to be drawn, though the base has one; what lies before it stays, as the reference
  ///   library keeps it when the number of labels is another.
  func parameters(for model: Model, withoutHead: Bool) throws -> any ParameterSource {
    let head = withoutHead ? Set(model.blueprint.linears.filter(\.isOutput).flatMap { $0.weights + $0.biases }) : []
    let source: any ParameterSource = try parameters(for: model, apartFrom: head)
    return head.isEmpty ? source : PartOfParameters(source: source, without: Set(head.map { model.blueprint.parameters[$0].name }))
  }

  private func parameters(for model: Model, apartFrom skipped: Set<Int>) throws -> any ParameterSource {
    switch origin {
    case .folder(let folder):
      let parameters = try CheckpointParameters(folder, prefix: model.prefix, unread: model.unreadTensors)
      try parameters.checkShapes(model.blueprint, apartFrom: skipped)
      try parameters.requireEncoder(model.blueprint)
      return parameters
    case .bundle(let bundle): return BundleParameters(bundle, model.blueprint)
    case .nothing: return NoParameters()
    }
  }

  /// Whether the base has an output layer for these labels, so that its label names count.
  func hasHead(for model: Model) throws -> Bool {
    switch origin {
    case .folder(let folder):
      let parameters = try CheckpointParameters(folder, prefix: type(of: model.family).prefix)
      return model.blueprint.linears.filter(\.isOutput).allSatisfy { linear in
        linear.weights.allSatisfy { parameters.has(model.blueprint.parameters[$0]) }
      }
    case .bundle(let bundle):
      return model.blueprint.linears.filter(\.isOutput).allSatisfy { bundle.entry(.matrix, $0.name) != nil }
    case .nothing: return false
    }
  }
}

/// What another source has, but for some.
private struct PartOfParameters: ParameterSource {
  let source: any ParameterSource
  let without: Set<String>

  func read(_ parameter: Parameter, into values: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    try !without.contains(parameter.name) && source.read(parameter, into: values)
  }
}

/// A source of nothing: every parameter is drawn.
private struct NoParameters: ParameterSource {
  func read(_ parameter: Parameter, into values: UnsafeMutableBufferPointer<Float>) -> Bool { false }
}
