import Checkpoints
import Encoders

/// The parameters of a Hugging Face folder.
package final class CheckpointParameters: ParameterSource {
  private let weights: CheckpointWeights
  private var lookup: TensorLookup

  package init(_ folder: CheckpointFolder, prefix: String) throws(CheckpointError) {
    weights = try folder.openWeights()
    lookup = TensorLookup(weights, modelPrefix: prefix)
  }

  package func has(_ parameter: Parameter) -> Bool { lookup.find(parameter.name) != nil }

  /// Refuses tensors of other shapes than the configuration gives them.
  package func checkShapes(_ blueprint: Blueprint) throws {
    for parameter in blueprint.parameters { _ = try tensor(parameter) }
  }

  private func tensor(_ parameter: Parameter) throws -> Tensor? {
    guard let tensor = lookup.find(parameter.name) else { return nil }
    guard tensor.shape == parameter.shape else {
      throw PackingError.shape(name: parameter.name, expected: parameter.shape, found: tensor.shape)
    }
    return tensor
  }

  package func read(_ parameter: Parameter, into values: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    guard let tensor = try tensor(parameter) else { return false }
    try tensor.readFloat32(into: values)
    return true
  }

  /// The names that the model has no use for, known leftovers (buffers, pre-training heads) aside.
  package var unexpected: [String] { lookup.unexpected }
}
