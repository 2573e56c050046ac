import JSON
import Tasks

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

  /// Parts of names of tensors that its checkpoints may have without a use.
  package var unreadTensors: [String] { type(of: family).unreadTensors }

  private static let families: [any EncoderFamily.Type] = [
    Bert.self, DistilBert.self, Roberta.self, Electra.self, Albert.self, MPNet.self, Deberta.self, ModernBert.self, Luke.self,
    BigBird.self, SqueezeBert.self, GPT2.self, Qwen3.self, MobileBert.self,
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
    return max(1, count - (family?.positionCounting.firstPosition(settings) ?? 0))
  }

  /// Far more than texts are classified with; beyond it memory would be asked for that no machine of ours has.
  private static let maximumParameters = 1 << 34

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
