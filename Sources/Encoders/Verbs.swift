import Storage

/// The functions between layers. One definition each: the kernels implement exactly these.
package enum Activation: Int32, Sendable, CaseIterable {
  case identity = 0
  /// `x Φ(x)` with the exact error function (Hendrycks and Gimpel, 2016).
  case gelu = 1
  /// GELU by its tanh approximation (`gelu_new`).
  case geluTanh = 2
  case relu = 3
  case tanh = 4
  case silu = 5

  /// The activation that a `config.json` names in `hidden_act`. The reference has several spellings of the same functions,
  /// which differ in how they are rounded; `gelu_10` (clipped) and `quick_gelu` (a sigmoid) are others.
  package init?(configurationName name: String) {
    switch name {
    case "gelu", "gelu_python": self = .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_fast", "gelu_accurate": self = .geluTanh
    case "relu": self = .relu
    case "tanh": self = .tanh
    case "silu", "swish": self = .silu
    default: return nil
    }
  }
}

/// How a family turns ids into the first hidden states: the sum of a row of each table, normalised.
package struct Embeddings: Sendable {
  package let words: Table
  /// Nil if the family encodes positions elsewhere (rotary, relative bias).
  package let positions: Table?
  /// Nil in a family without token types.
  package let tokenTypes: Table?
  /// A table of which every token takes the first row (ERNIE's task types: callers name none).
  package let taskTypes: Table?
  /// What the words' rows go through before the other tables' are added.
  package let wordMapping: WordMapping?
  /// What the words' rows are multiplied by before the other tables' are added (BigBird); nil for nothing.
  package let wordScale: Float?
  /// What the sum goes through before it is normalised, where tables are narrower than hidden states.
  package let projection: Linear?
  /// Nil in a family whose layers normalise what they read.
  package let normalization: Normalization?
  /// What the normalised rows go through, where they are narrower than hidden states (ELECTRA, ALBERT).
  package let expansion: Linear?
  /// The row of `positions` that a text's first token takes.
  package let firstPosition: Int
  /// A token that is not counted: wherever it stands it takes the row before the first (RoBERTa's padding, which a text
  /// may spell out).
  package let uncountedToken: Int32?
  /// Whether the reference drops out before it normalises (BigBird), and not after.
  package let dropsOutFirst: Bool
  /// The rate, in training.
  package let dropout: Float

  /// A linear layer of each word's row.
  package struct WordMapping: Sendable {
    package let layer: Linear
    /// Tables whose first rows lie beside the word's (RoCBERT's shapes and pronunciations: callers name none).
    package var beside: [Table] = []
    /// Whether the row of the next word lies before the word's and that of the word before behind it, zeros at the ends of a text
    /// (MobileBERT).
    package var readsNeighbours = false
  }

  package init(
    words: Table, positions: Table? = nil, tokenTypes: Table? = nil, taskTypes: Table? = nil, wordMapping: WordMapping? = nil,
    wordScale: Float? = nil, projection: Linear? = nil, normalization: Normalization? = nil, expansion: Linear? = nil, firstPosition: Int = 0,
    uncountedToken: Int32? = nil, dropsOutFirst: Bool = false, dropout: Float
  ) {
    self.words = words
    self.positions = positions
    self.tokenTypes = tokenTypes
    self.taskTypes = taskTypes
    self.wordMapping = wordMapping
    self.wordScale = wordScale
    self.projection = projection
    self.normalization = normalization
    self.expansion = expansion
    self.firstPosition = firstPosition
    self.uncountedToken = uncountedToken
    self.dropsOutFirst = dropsOutFirst
    self.dropout = dropout
  }

  /// Appends the row of `positions` for each token of some texts of a batch.
  package func appendPositions(of texts: Range<Int>, in batch: Batch, to positions: inout [Int32]) {
    for text in texts {
      var next = Int32(firstPosition)
      for token in batch.starts[text]..<batch.starts[text + 1] {
        guard batch.ids[token] != uncountedToken else {
          positions.append(Int32(firstPosition - 1))
          continue
        }
        positions.append(next)
        next += 1
      }
    }
  }
}

/// The dozen operations that every encoder is written in. An engine implements them: `Inference` fused, in int8 or
/// fp32; `Training` in fp32, each with its gradient rule.
///
/// The texts of a batch lie end to end without padding: `rows` has one row for each token of all texts, or one for each text where
/// one token of each is read (`TokensRead`). The engine holds the batch (ids, token types, where each text starts).
/// A model is a sequence of verbs and names no implementation. Each verb may be refused the memory for what it makes; the engine is
/// usable again after that, for another batch.
package protocol Verbs: AnyObject {
  /// Hidden states `[rows, width]` in fp32.
  associatedtype Rows
  /// Hidden states in the form that the next product wants (int8 with a scale for each row, in a quantised engine).
  associatedtype Operand

  /// Sums the tables' rows for each token, normalises, drops out, all but `expansion`: `[tokens, width]`.
  func embed(_ embeddings: Embeddings) throws(OutOfMemory) -> Rows

  /// The hidden states as an operand; free when the verb that made them has prepared it.
  func operand(_ rows: Rows) throws(OutOfMemory) -> Operand

  /// `x Wᵀ + b`: `[rows, outputs]`.
  func linear(_ operand: Operand, _ layer: Linear) throws(OutOfMemory) -> Rows

  /// Layers of different rows, their outputs side by side: `[rows, all their outputs]`.
  func linear(_ parts: [(operand: Operand, layer: Linear)]) throws(OutOfMemory) -> Rows

  /// `f(x Wᵀ + b)`, ready for the next product: `[rows, outputs]`.
  func linear(_ operand: Operand, _ layer: Linear, _ activation: Activation) throws(OutOfMemory) -> Operand

  /// A gated linear unit (Shazeer, 2020): `dropout(f(u) · v)`, u the first half of the layer's outputs and v the second:
  /// `[rows, outputs / 2]`.
  func gated(_ operand: Operand, _ layer: Linear, _ activation: Activation, dropout: Float) throws(OutOfMemory) -> Operand

  /// Normalises each head's query and key, all heads by the same: `[tokens, shape.columns]`.
  ///
  /// - Parameter queryKeyValue: used up.
  func normalizeHeads(
    queryKeyValue: Rows, _ shape: AttentionShape, queries: Normalization, keys: Normalization
  ) throws(OutOfMemory) -> Rows

  /// Attention of tokens to the tokens of their own text.
  ///
  /// - Parameters:
  ///   - queryKeyValue: `[tokens, shape.columns]`. Used up: no other verb may read it.
  ///   - shape: how.
  ///   - queries: the tokens that attend: every one, or one of each text.
  /// - Returns: the context of these tokens: `[tokens or texts, shape.contextWidth]`.
  func attend(queryKeyValue: Rows, _ shape: AttentionShape, queries: TokensRead) throws(OutOfMemory) -> Operand

  /// The same of the hidden states themselves, `[tokens, width]`, with the layer that makes their queries, keys and values: for
  /// engines that need not make them all.
  func attend(_ rows: Rows, through queryKeyValue: Linear, _ shape: AttentionShape, queries: TokensRead) throws(OutOfMemory) -> Operand

  /// Attention by content and by relative position apart; for the rest see above.
  func attend(queryKeyValue: Rows, _ attention: DisentangledAttention, queries: TokensRead) throws(OutOfMemory) -> Operand

  /// `f(dropout(x Wᵀ + b))`, x of each token its neighbours' values side by side, zeros beyond the ends of its text:
  /// `[tokens, outputs]`.
  ///
  /// - Parameter layer: of `Blueprint.convolution`.
  func convolve(_ rows: Rows, _ layer: Linear, _ activation: Activation, dropout: Float) throws(OutOfMemory) -> Rows

  /// `normalise(dropout(rows) + residual)`.
  ///
  /// - Parameter rows: used up.
  func residualNormalize(_ rows: Rows, residual: Rows, _ normalization: Normalization, dropout: Float) throws(OutOfMemory) -> Rows

  /// `dropout(rows) + residual`, where a layer normalises its input and not its result.
  ///
  /// - Parameter rows: used up.
  func add(_ rows: Rows, residual: Rows, dropout: Float) throws(OutOfMemory) -> Rows

  func normalize(_ rows: Rows, _ normalization: Normalization) throws(OutOfMemory) -> Rows

  /// The rows `[tokens, width]` of the tokens that are read, or their mean: `[tokens or texts, width]`.
  func read(_ rows: Rows, _ tokens: TokensRead) throws(OutOfMemory) -> Rows

  /// A layer of the head, on one row for each text: `f(x Wᵀ + b)`.
  func dense(_ rows: Rows, _ layer: Linear, _ activation: Activation) throws(OutOfMemory) -> Rows

  func dropout(_ rows: Rows, _ rate: Float) throws(OutOfMemory) -> Rows

  /// One layer of the encoder, by its number. Engines that do something by the layer (run it again in the
  /// backward pass) do it here.
  func layer(_ number: Int, _ rows: Rows, of family: some EncoderFamily) throws(OutOfMemory) -> Rows
}

extension Verbs {
  package func layer(_ number: Int, _ rows: Rows, of family: some EncoderFamily) throws(OutOfMemory) -> Rows {
    try family.layer(number, rows, self)
  }

  package func attend(
    _ rows: Rows, through queryKeyValue: Linear, _ shape: AttentionShape, queries: TokensRead
  ) throws(OutOfMemory) -> Operand {
    try attend(queryKeyValue: linear(rows, queryKeyValue), shape, queries: queries)
  }

  package func linear(_ rows: Rows, _ layer: Linear) throws(OutOfMemory) -> Rows {
    try linear(operand(rows), layer)
  }
  package func linear(_ rows: Rows, _ layer: Linear, _ activation: Activation) throws(OutOfMemory) -> Operand {
    try linear(operand(rows), layer, activation)
  }
}
