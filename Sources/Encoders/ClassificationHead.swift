import Storage

/// The head of most families, on the row of a text's first token: a linear layer, an activation, the layer that makes the
/// logits.
package struct ClassificationHead: Sendable {
  private let dense, classifier: Linear
  private let activation: Activation
  /// The rate for what the head reads; nil where the reference drops nothing out there.
  private let inputDropout: Float?
  /// The rate between the two layers.
  private let dropout: Float

  /// - Parameters:
  ///   - dense: the first layer's name in a checkpoint, of `width` inputs and outputs.
  ///   - classifier: the name of the layer that makes the logits.
  init(
    _ dense: String, _ activation: Activation, _ classifier: String, width: Int, labels: Int, inputDropout: Float? = nil,
    dropout: Float, in blueprint: inout Blueprint
  ) {
    self.dense = blueprint.linear(dense, inputs: width, outputs: width, isHead: true)
    self.classifier = blueprint.linear(classifier, inputs: width, outputs: labels, isOutput: true)
    (self.activation, self.inputDropout, self.dropout) = (activation, inputDropout, dropout)
  }

  /// The logits `[texts, labels]`.
  func forward<Engine: Verbs>(_ rows: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    let input = try inputDropout.map { rate throws(OutOfMemory) in try engine.dropout(rows, rate) } ?? rows
    return try engine.dense(engine.dropout(engine.dense(input, dense, activation), dropout), classifier, .identity)
  }
}
