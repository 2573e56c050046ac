import Encoders
import ModelBundles

extension PretrainedModel {
  /// - Parameter withoutHead: whether the output layer is to be drawn, though the base has one; what lies before it stays, as the reference
  ///   library keeps it when the number of labels is another.
  func startingParameters(for model: Model, withoutHead: Bool) throws -> any ParameterSource {
    let head = withoutHead ? Set(model.blueprint.linears.filter(\.isOutput).flatMap { $0.weights + $0.biases }) : []
    let parameters = try source.parameters(of: model, apartFrom: head)
    return head.isEmpty ? parameters : PartOfParameters(source: parameters, without: Set(head.map { model.blueprint.parameters[$0].name }))
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
struct NoParameters: ParameterSource {
  func read(_ parameter: Parameter, into values: UnsafeMutableBufferPointer<Float>) -> Bool { false }
}
