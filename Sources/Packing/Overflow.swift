import Checkpoints
import Encoders
import Sessions
import Storage

/// The tensor whose products are the largest that a model may come to, where they may be too large for fp32.
package struct LargestTensor: Sendable, Equatable, CustomStringConvertible {
  package let name: String
  package let magnitude: Float

  package var description: String { "tensor \(name): holds values up to \(magnitude)" }

  /// What a product may come to before the model is looked at: two such in a row, their squares and the sum of a row of those are
  /// still finite. Trained models stay below a millionth of it.
  private static let bound = 1e12

  /// What a layer reads is at most what a normalisation gives: √width times its largest weight, and its largest bias. So no output of
  /// the layer is over inputs times that times its largest weight.
  ///
  /// - Parameter magnitude: the largest magnitude in a parameter, by its place in the blueprint.
  init?(_ blueprint: Blueprint, magnitude: (Int) -> Float) {
    func largest(_ parameter: Int?) -> Double { Double(parameter.map(magnitude) ?? 0) }
    let normalized = blueprint.normalizations.map { largest($0.weight) * Double($0.width).squareRoot() + largest($0.bias) }
    let operand = max(1, normalized.max() ?? 1)
    var products: [(parameter: Int, bound: Double)] = []
    for linear in blueprint.linears {
      for weight in linear.weights { products.append((weight, largest(weight) * Double(linear.inputs) * operand)) }
      for bias in linear.biases { products.append((bias, largest(bias))) }
    }
    products += blueprint.tables.map { ($0.weight, largest($0.weight)) }
    for (normalization, bound) in zip(blueprint.normalizations, normalized) { products.append((normalization.weight, bound)) }
    // A large operand makes all products large: the tensor to name is the one that is large by itself.
    guard let worst = products.map(\.bound).max(), worst > Self.bound,
      let parameter = blueprint.parameters.indices.max(by: { magnitude($0) < magnitude($1) })
    else { return nil }
    name = blueprint.parameters[parameter].name
    self.magnitude = magnitude(parameter)
  }
}

/// Runs a few texts through a model with such a tensor, in fp32 and packed.
///
/// - Returns: what to say of it where their logits are finite.
/// - Throws: `PackingError.overflow` where they are not.
package func requireFiniteLogits(
  _ folder: CheckpointFolder, _ options: PackingOptions, _ suspect: LargestTensor, isBase: Bool
) throws -> String {
  let texts = ["", "a stirring , funny and finally transporting film", "0 1 2 3 4 5 6 7 8 9 ( a b c d e f g h i j k ) ! ? . : é ß 中"]
  for weights in isBase ? [] : Set([options.weights, .fp32]).sorted(by: { $0.rawValue < $1.rawValue }) {
    var options = options
    options.weights = weights
    if weights == .fp32 { options.base = nil }
    let session = try LoadedModel(pack(folder, options: options).open(), threads: 1).makeSession()
    for text in texts { try session.append(text, pair: nil) }
    try session.run()
    let count = texts.indices.count { !session.isFinite($0) }
    guard count == 0 else { throw PackingError.overflow(suspect, texts: count, of: texts.count, weights: weights) }
  }
  return "\(suspect): its products may overflow, and a text of whose logits one is not a finite number is an error record"
}
