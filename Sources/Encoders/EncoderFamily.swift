import JSON
import Storage

/// An encoder family with a classification head: its parameters and its forward pass over the verbs, in three parts:
/// embeddings, layers, head.
package protocol EncoderFamily: Sendable {
  /// The value of `model_type` in `config.json`.
  static var modelType: String { get }
  /// The architecture that a checkpoint with this head names in `config.json`.
  static var architecture: String { get }
  /// Other model types that are the same model under another name, or nearly.
  static var relatives: [String: RelativeModel] { get }
  /// The prefix of the encoder's parameters in a checkpoint with a head; one without a head may omit it.
  static var prefix: String { get }
  /// Parts of names of tensors that a checkpoint may have and the model does not read, besides what many families' checkpoints have.
  static var unreadTensors: [String] { get }
  /// The last parts of the names of the layers that adapters go to unless others are asked for: queries and values.
  static var adapterTargets: [String] { get }

  var blueprint: Blueprint { get }
  /// The widest hidden state `[tokens, hiddenWidth]`.
  var hiddenWidth: Int { get }
  /// What there are positions for: the longest text in tokens, special tokens included.
  var maximumLength: Int { get }
  /// The longest text that is served, where the reference reads longer ones in another way; `Int.max` for most families.
  var longestText: Int { get }
  /// The number of token types (segments) that the embeddings know; `Int.max` for a family that takes any and ignores it.
  var tokenTypeCount: Int { get }

  init(_ settings: Settings, labels: Int) throws(ConfigurationError)

  /// From which row of the table of positions on tokens count.
  static var positionCounting: PositionCounting { get }

  var layerCount: Int { get }
  /// Which tokens' states the head reads.
  var tokensRead: TokensRead { get }

  /// The hidden states before the first layer, of the batch that the engine holds.
  func embed<Engine: Verbs>(_ engine: Engine) throws(OutOfMemory) -> Engine.Rows

  /// The hidden states after a layer, from those before it: of every token, but after the last layer of the one of each text that
  /// the head reads, if it is one.
  func layer<Engine: Verbs>(_ number: Int, _ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows

  /// The logits, from the hidden states after the last layer: a row for each text, or for each token where every one is read.
  func classify<Engine: Verbs>(_ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows
}

/// What a checkpoint of another model type calls what it shares with a family.
package struct RelativeModel: Sendable {
  /// The architecture that a checkpoint with a head names in `config.json`.
  package let architecture: String
  /// The prefix of the encoder's parameters; nil for the family's own.
  package var prefix: String?
}

extension EncoderFamily {
  package static var relatives: [String: RelativeModel] { [:] }
  package static var unreadTensors: [String] { [] }
  package static var adapterTargets: [String] { ["query", "value"] }
  package var longestText: Int { .max }

  /// The prefix of the encoder's parameters in a checkpoint of a model type.
  package static func prefix(of modelType: String) -> String { relatives[modelType]?.prefix ?? prefix }

  package static var positionCounting: PositionCounting { .fromZero }

  /// The logits of the batch that the engine holds.
  package func forward<Engine: Verbs>(_ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try classify(hiddenStates(before: layerCount, engine), engine)
  }

  /// What the embeddings and the layers before one make of the batch that the engine holds.
  package func hiddenStates<Engine: Verbs>(before layer: Int, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try run(0..<layer, embed(engine), engine)
  }

  /// The logits, from the hidden states before a layer.
  package func forward<Engine: Verbs>(
    _ hidden: consuming Engine.Rows, from layer: Int, _ engine: Engine
  ) throws(OutOfMemory) -> Engine.Rows {
    try classify(run(layer..<layerCount, hidden, engine), engine)
  }

  /// The hidden states after some layers. Those before are let go of, so that their memory serves the layers.
  private func run<Engine: Verbs>(
    _ layers: Range<Int>, _ hidden: consuming Engine.Rows, _ engine: Engine
  ) throws(OutOfMemory) -> Engine.Rows {
    for number in layers { hidden = try engine.layer(number, hidden, of: self) }
    return hidden
  }
}
