import Storage

/// The verbs that only note which parameters they name: what each part of a model is made of.
package final class ParameterUse: Verbs {
  package typealias Rows = Void
  package typealias Operand = Void

  /// Places in `Blueprint.parameters`; what comes before the first layer belongs to the embeddings.
  package private(set) var embeddings: Set<Int> = []
  package private(set) var layers: [Set<Int>] = []
  package private(set) var head: Set<Int> = []
  private var isInLayer = false
  private let matrices: Set<Int>

  package init(_ family: some EncoderFamily) throws(OutOfMemory) {
    matrices = Set(family.blueprint.linears.flatMap { $0.weights + $0.biases })
    try family.forward(self)
  }

  /// The parameters of the embeddings and of the first layers.
  package func bottom(layers count: Int) -> Set<Int> { layers.prefix(count).reduce(embeddings) { $0.union($1) } }

  /// Whether what comes above the first layers reads none of their matrices. Embeddings of relative positions it may.
  package func hasOwnMatrices(layers count: Int) -> Bool {
    let above = layers.dropFirst(count).reduce(head) { $0.union($1) }
    return bottom(layers: count).intersection(matrices).isDisjoint(with: above)
  }

  private func note(_ parameters: [Int]) {
    if isInLayer {
      layers[layers.count - 1].formUnion(parameters)
    } else if layers.isEmpty {
      embeddings.formUnion(parameters)
    } else {
      head.formUnion(parameters)
    }
  }

  package func embed(_ embeddings: Embeddings) {
    let mapping = embeddings.wordMapping
    let tables = [embeddings.words, embeddings.positions, embeddings.tokenTypes, embeddings.taskTypes] + (mapping?.beside ?? [])
    self.embeddings.formUnion(tables.compactMap { $0?.weight } + (embeddings.normalization?.parameters ?? []))
    for layer in [mapping?.layer, embeddings.projection] { self.embeddings.formUnion(layer.map { $0.weights + $0.biases } ?? []) }
  }

  package func operand(_ rows: Void) {}
  package func linear(_ operand: Void, _ layer: Linear) { note(layer.weights + layer.biases) }
  package func linear(_ parts: [(operand: Void, layer: Linear)]) {
    for part in parts { note(part.layer.weights + part.layer.biases) }
  }
  package func linear(_ operand: Void, _ layer: Linear, _ activation: Activation) { note(layer.weights + layer.biases) }
  package func gated(_ operand: Void, _ layer: Linear, _ activation: Activation, dropout: Float) {
    note(layer.weights + layer.biases)
  }
  package func normalizeHeads(queryKeyValue: Void, _ shape: AttentionShape, queries: Normalization, keys: Normalization) {
    note(queries.parameters + keys.parameters)
  }
  package func attend(queryKeyValue: Void, _ shape: AttentionShape, queries: TokensRead) {
    if let bias = shape.relativeBias { note([bias.table.weight]) }
  }
  package func attend(queryKeyValue: Void, _ attention: DisentangledAttention, queries: TokensRead) {
    note([attention.table.weight] + attention.projection.weights + attention.projection.biases)
    note(attention.normalization?.parameters ?? [])
  }
  package func convolve(_ rows: Void, _ layer: Linear, _ activation: Activation, dropout: Float) {
    note(layer.weights + layer.biases)
  }
  package func residualNormalize(_ rows: Void, residual: Void, _ normalization: Normalization, dropout: Float) {
    note(normalization.parameters)
  }
  package func add(_ rows: Void, residual: Void, dropout: Float) {}
  package func normalize(_ rows: Void, _ normalization: Normalization) { note(normalization.parameters) }
  package func read(_ rows: Void, _ tokens: TokensRead) {}
  package func dense(_ rows: Void, _ layer: Linear, _ activation: Activation) { note(layer.weights + layer.biases) }
  package func dropout(_ rows: Void, _ rate: Float) {}

  package func layer(_ number: Int, _ rows: Void, of family: some EncoderFamily) throws(OutOfMemory) {
    layers.append([])
    isInLayer = true
    try family.layer(number, rows, self)
    isInLayer = false
  }
}
