import Encoders
import ModelFolders
import Storage

/// The parameters of a folder in fp32, read when they are asked for, so that one section's are in memory at a time.
final class FolderParameters {
  private let blueprint: Blueprint
  private let source: CheckpointParameters
  /// The indices in the blueprint of the parameters that the folder does not have.
  let missing: [Int]
  /// The largest magnitude of each parameter that has been read; 0 of others.
  private(set) var largestMagnitudes: [Float]

  init(_ blueprint: Blueprint, _ source: CheckpointParameters) {
    self.blueprint = blueprint
    self.source = source
    missing = blueprint.parameters.indices.filter { !source.has(blueprint.parameters[$0]) }
    largestMagnitudes = [Float](repeating: 0, count: blueprint.parameters.count)
  }

  /// The weight and the bias of a normalisation, zeros where there is none.
  func vectors(_ normalization: Normalization) throws -> AlignedBuffer {
    let vectors = try AlignedBuffer(count: 2 * normalization.width, of: Float.self)
    for (part, index) in normalization.parameters.enumerated() {
      try read(index, into: vectors.bound(to: Float.self) + part * normalization.width)
    }
    return vectors
  }

  /// The matrix of a layer `[outputs, inputs]`.
  func matrix(_ linear: Linear) throws -> AlignedBuffer {
    let weights = try concatenated(linear.weights)
    guard linear.groups != nil else { return weights }
    let matrix = try AlignedBuffer(count: linear.outputs * linear.inputs, of: Float.self, zeroed: false)
    var (source, target) = (UnsafePointer(weights.bound(to: Float.self)), matrix.bound(to: Float.self))
    for part in linear.weights.indices {
      let part = LinearPart(of: linear, part)
      part.spread(source, into: target)
      source += part.count
      target += part.outputs * part.inputs
    }
    return matrix
  }

  /// Parameters one after the other.
  func concatenated(_ indices: [Int]) throws -> AlignedBuffer {
    let whole = try AlignedBuffer(count: indices.reduce(0) { $0 + blueprint.parameters[$1].count }, of: Float.self, zeroed: false)
    var offset = 0
    for index in indices {
      try read(index, into: whole.bound(to: Float.self) + offset)
      offset += blueprint.parameters[index].count
    }
    return whole
  }

  private func read(_ index: Int, into target: UnsafeMutablePointer<Float>) throws {
    let parameter = blueprint.parameters[index]
    let values = UnsafeMutableBufferPointer(start: target, count: parameter.count)
    _ = try source.read(parameter, into: values)
    guard values.allSatisfy(\.isFinite) else { throw PackingError.notFinite(name: parameter.name) }
    largestMagnitudes[index] = values.reduce(0) { max($0, $1.magnitude) }
  }
}
