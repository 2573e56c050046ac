import JSON
import Storage
import Tasks

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

  /// The row of the table of positions that a text's first token takes, also where other settings are refused.
  static func firstPosition(_ settings: Settings) -> Int

  var layerCount: Int { get }

  /// The hidden states before the first layer, of the batch that the engine holds.
  func embed<Engine: Verbs>(_ engine: Engine) throws(OutOfMemory) -> Engine.Rows

  /// The hidden states after a layer, from those before it.
  func layer<Engine: Verbs>(_ number: Int, _ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows

  /// The logits `[texts, labels]`, from the hidden states after the last layer.
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
  package static var adapterTargets: [String] { ["query", "value"] }
  package var longestText: Int { .max }

  /// The prefix of the encoder's parameters in a checkpoint of a model type.
  package static func prefix(of modelType: String) -> String { relatives[modelType]?.prefix ?? prefix }

  package static func firstPosition(_ settings: Settings) -> Int { 0 }

  /// The logits `[texts, labels]` of the batch that the engine holds.
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

/// A model as its configuration describes it: the family, its task, the JSON it was read from.
package struct Model: Sendable {
  package let family: any EncoderFamily
  /// The value of `model_type` in the configuration.
  package let modelType: String
  package let task: ClassificationTask
  package let configuration: JSONValue

  package var blueprint: Blueprint { family.blueprint }
  /// The architecture that a checkpoint with this head names in `config.json`.
  package var architecture: String {
    let family = type(of: family)
    return family.relatives[modelType]?.architecture ?? family.architecture
  }
  /// The prefix of the encoder's parameters in a checkpoint with a head; one without a head may omit it.
  package var prefix: String { type(of: family).prefix(of: modelType) }

  private static let families: [any EncoderFamily.Type] = [
    Bert.self, DistilBert.self, Roberta.self, Electra.self, Albert.self, MPNet.self, Deberta.self, ModernBert.self, Luke.self,
    BigBird.self, SqueezeBert.self,
  ]

  /// The values of `model_type` that are served.
  package static let modelTypes = families.flatMap { [$0.modelType] + $0.relatives.keys.sorted() }

  /// What there are positions for, also of a model that is not served, as far as its configuration tells.
  package static func positions(_ configuration: JSONValue) -> Int? {
    guard let count = configuration["max_position_embeddings"]?.int, count > 0, let settings = try? Settings(configuration) else {
      return nil
    }
    let name = configuration["model_type"]?.string ?? ""
    let family = families.first { $0.modelType == name || $0.relatives[name] != nil }
    return max(1, count - (family?.firstPosition(settings) ?? 0))
  }

  /// Far more than any encoder has; beyond it memory would be asked for that no machine of ours has.
  private static let maximumParameters = 1 << 32

  /// - Parameter task: what to answer in place of what the configuration says (a new head).
  package init(configuration: JSONValue, task: ClassificationTask? = nil) throws(ConfigurationError) {
    let settings = try Settings(configuration)
    let name = try settings.string("model_type", default: "")
    guard let family = Self.families.first(where: { $0.modelType == name || $0.relatives[name] != nil }) else {
      throw .unknownFamily(name.isEmpty ? "none" : name, known: Self.modelTypes)
    }
    modelType = name
    self.configuration = configuration
    if let task { self.task = task } else { self.task = try ClassificationTask(settings) }
    self.family = try family.init(settings, labels: self.task.labels.count)
    let parameters = self.family.blueprint.parameters.reduce(0) { $0 + $1.count }
    guard parameters <= Self.maximumParameters else {
      throw .tooLarge(parameters: parameters, limit: Self.maximumParameters)
    }
  }
}
