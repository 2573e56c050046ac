import Bundles
import Checkpoints
import Encoders
import ModelBundles
import Storage
import Tokenizers
import WeightFormats

extension PretrainedModel {
  /// - Parameter path: as it was named, for messages; the folder's own if nil.
  package init(_ folder: CheckpointFolder, named path: String? = nil) {
    self.init(path: path ?? folder.path, configuration: folder.configuration, source: FolderSource(folder: folder))
  }

  /// Opens a folder or a bundle.
  ///
  /// - Throws: `BundleError`, `CheckpointError`, `JSONError`.
  package init(path: String) throws {
    if isDirectory(path) { try self.init(CheckpointFolder(path: path), named: path) } else { try self.init(Bundle(path: path)) }
  }
}

private struct FolderSource: ModelSource {
  let folder: CheckpointFolder

  func loadTokenizer() throws -> Tokenizer { try readTokenizer(folder) }

  var quantization: WeightFormat? { nil }

  func hasHead(of model: Model) throws -> Bool {
    let parameters = try CheckpointParameters(folder, prefix: model.prefix, unread: model.unreadTensors)
    return model.blueprint.linears.filter(\.isOutput).allSatisfy { linear in
      linear.weights.allSatisfy { parameters.has(model.blueprint.parameters[$0]) }
    }
  }

  func parameters(of model: Model, apartFrom skipped: Set<Int>) throws -> any ParameterSource {
    let parameters = try CheckpointParameters(folder, prefix: model.prefix, unread: model.unreadTensors)
    try parameters.checkShapes(model.blueprint, apartFrom: skipped)
    try parameters.requireEncoder(model.blueprint)
    return parameters
  }

  func carriedFiles() throws -> [CarriedFile] {
    try folder.carriedFileNames.compactMap { name in try folder.read(name).map { CarriedFile(name: name, bytes: $0) } }
  }
}
