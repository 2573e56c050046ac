import Checkpoints
import Encoders
import Storage

/// The parameters of a Hugging Face folder.
package final class CheckpointParameters: ParameterSource {
  private let weights: CheckpointWeights
  private var lookup: TensorLookup
  /// The class that the folder was saved from, for messages, if it is not a sequence classifier.
  private let architecture: String?

  package init(_ folder: CheckpointFolder, prefix: String, unread: [String] = []) throws(CheckpointError) {
    weights = try folder.openWeights()
    lookup = TensorLookup(weights, modelPrefix: prefix, unread: unread)
    architecture = folder.configuration["architectures"]?.array?.first?.string.flatMap { $0.hasSuffix("ForSequenceClassification") ? nil : $0 }
  }

  package func has(_ parameter: Parameter) -> Bool { lookup.find(parameter.name) != nil }

  /// Refuses tensors of other shapes than the configuration gives them, and an adapter that was made for another model.
  /// - Parameter skipped: parameters that are not used.
  package func checkShapes(_ blueprint: Blueprint, apartFrom skipped: Set<Int> = []) throws {
    for (index, parameter) in blueprint.parameters.enumerated() where !skipped.contains(index) { _ = try tensor(parameter) }
    try lookup.requireWholeAdapter()
  }

  private func tensor(_ parameter: Parameter) throws -> Tensor? {
    guard let tensor = lookup.find(parameter.name) else { return nil }
    let update = lookup.update(of: parameter.name)?.shape ?? parameter.shape
    for (found, expected) in [(tensor.shape, parameter.storedShape), (update, parameter.shape)] where found != expected {
      throw ModelFolderError.shape(name: parameter.name, expected: expected, found: found)
    }
    return parameter.isTransposed ? tensor.transposed : tensor
  }

  package func read(_ parameter: Parameter, into values: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    guard let tensor = try tensor(parameter) else { return false }
    try tensor.readFloat32(into: values)
    try lookup.update(of: parameter.name)?.add(to: values)
    return true
  }

  /// The names that the model has no use for, known leftovers (buffers, pre-training heads) aside.
  package var unexpected: [String] { lookup.unexpected }

  /// What to say of parameters that the folder does not have: which, and what it has instead.
  package func refusal(missing parameters: [Int], of blueprint: Blueprint) -> ModelFolderError {
    .missingParameters(
      path: weights.folder, names: parameters.map { blueprint.parameters[$0].name }, count: blueprint.parameters.count, unused: unused,
      architecture: architecture)
  }

  private var unused: [String] { lookup.unexpected + lookup.ignored }

  /// Refuses a folder that lacks more than half of the encoder, counted in parameters or in their values: what would be trained
  /// is not what was pretrained. A head may be missing, and a layer, which are drawn anew.
  package func requireEncoder(_ blueprint: Blueprint) throws {
    let encoder = blueprint.parameters.indices.filter { !blueprint.headParameters.contains($0) }
    let missing = encoder.filter { !has(blueprint.parameters[$0]) }
    func values(_ parameters: [Int]) -> Int { parameters.reduce(0) { $0 + blueprint.parameters[$1].count } }
    guard missing.count * 2 > encoder.count || values(missing) * 2 > values(encoder) else { return }
    throw ModelFolderError.missingEncoder(
      path: weights.folder, names: missing.map { blueprint.parameters[$0].name }, count: encoder.count, unused: unused)
  }
}
