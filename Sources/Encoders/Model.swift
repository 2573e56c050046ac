import JSON

/// An encoder family with a classification head: its parameters and its forward pass over the verbs.
package protocol EncoderFamily: Sendable {
  /// The value of `model_type` in `config.json`.
  static var modelType: String { get }
  /// The architecture that a checkpoint with this head names in `config.json`.
  static var architecture: String { get }
  /// The prefix of the encoder's parameters in a checkpoint with a head; one without a head may omit it.
  static var prefix: String { get }

  var blueprint: Blueprint { get }
  /// The widest hidden state `[tokens, hiddenWidth]`.
  var hiddenWidth: Int { get }
  /// The longest text in tokens, special tokens included.
  var maximumLength: Int { get }
  /// The number of token types (segments) that the embeddings know.
  var tokenTypeCount: Int { get }

  init(_ settings: Settings, labels: Int) throws(ConfigurationError)

  /// The logits `[texts, labels]` of the batch that the engine holds.
  func forward<Engine: Verbs>(_ engine: Engine) -> Engine.Rows
}

/// A family whose forward pass asks the engine for its layers, one after the other from number 0 (`Verbs.layer`).
package protocol LayeredFamily: EncoderFamily {
  var layerCount: Int { get }

  /// The hidden states after a layer, from those before it.
  func layer<Engine: Verbs>(_ number: Int, _ hidden: Engine.Rows, _ engine: Engine) -> Engine.Rows
}

/// A model as its configuration describes it: the family, its labels, the JSON it was read from.
package struct Model: Sendable {
  package let family: any EncoderFamily
  package let labels: LabelConfiguration
  package let configuration: JSONValue

  package var blueprint: Blueprint { family.blueprint }

  private static let families: [any EncoderFamily.Type] = [Bert.self]

  /// - Parameter labels: the labels to use instead of the ones that the configuration names (a new head).
  package init(configuration: JSONValue, labels: LabelConfiguration? = nil) throws(ConfigurationError) {
    let settings = try Settings(configuration)
    let name = try settings.string("model_type", default: "")
    guard let family = Self.families.first(where: { $0.modelType == name }) else {
      throw .unknownFamily(name.isEmpty ? "none" : name, known: Self.families.map { $0.modelType })
    }
    self.configuration = configuration
    if let labels { self.labels = labels } else { self.labels = try LabelConfiguration(settings) }
    self.family = try family.init(settings, labels: self.labels.names.count)
  }
}
