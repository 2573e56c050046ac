import Storage

/// The head of a model: which tokens it reads, and what makes logits of their states. Most have a linear layer with an activation
/// before the one that makes the logits.
package struct ClassificationHead: Sendable {
  package let tokens: TokensRead
  /// Of the states after the last layer, where layers normalise what they read and not what they make.
  private let inputNormalization: Normalization?
  /// The rate for what the head reads; nil where the reference drops nothing out there.
  private let inputDropout: Float?
  private let dense: Linear?
  private let activation: Activation
  private let denseNormalization: Normalization?
  /// The rate for what the last layer reads; nil where the reference drops nothing out there.
  private let dropout: Float?
  private let classifier: Linear

  package init(
    _ tokens: TokensRead, inputNormalization: Normalization? = nil, inputDropout: Float? = nil, dense: Linear? = nil,
    _ activation: Activation = .identity, denseNormalization: Normalization? = nil, dropout: Float? = nil, classifier: Linear
  ) {
    self.tokens = tokens
    self.inputNormalization = inputNormalization
    self.inputDropout = inputDropout
    self.dense = dense
    self.activation = activation
    self.denseNormalization = denseNormalization
    self.dropout = dropout
    self.classifier = classifier
  }

  /// Of the first token, with both layers.
  ///
  /// - Parameters:
  ///   - dense: the first layer's name in a checkpoint, of `width` inputs and outputs.
  ///   - classifier: the name of the layer that makes the logits.
  init(
    _ dense: String, _ activation: Activation, _ classifier: String, width: Int, labels: Int, inputDropout: Float? = nil,
    dropout: Float, in blueprint: inout Blueprint
  ) {
    self.init(
      .first, inputDropout: inputDropout, dense: blueprint.linear(dense, inputs: width, outputs: width, isHead: true), activation,
      dropout: dropout, classifier: blueprint.linear(classifier, inputs: width, outputs: labels, isOutput: true))
  }

  /// The logits, from the states that the last layer made.
  func forward<Engine: Verbs>(_ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    var rows = hidden
    if let inputNormalization { rows = try engine.normalize(rows, inputNormalization) }
    if !tokens.isOne { rows = try engine.read(rows, tokens) }
    if let inputDropout { rows = try engine.dropout(rows, inputDropout) }
    if let dense { rows = try engine.dense(rows, dense, activation) }
    if let denseNormalization { rows = try engine.normalize(rows, denseNormalization) }
    if let dropout { rows = try engine.dropout(rows, dropout) }
    return try engine.dense(rows, classifier, .identity)
  }
}
