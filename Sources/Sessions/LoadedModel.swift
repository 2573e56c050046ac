import Bundles
import Encoders
import Inference
import Kernels
import ModelBundles
import Storage
import Tokenizers

/// A bundle's model, ready to run: what its sessions share. The weights stay where the bundle has them.
package final class LoadedModel: Sendable {
  package let model: Model
  package let bundle: Bundle
  package let tokenizer: Tokenizer
  package let limit: LengthLimit
  /// Whether texts are HTML, as the model's configuration says.
  package let readsHTML: Bool
  /// The one whose kernels are used.
  package var instructionSet: InstructionSet { kernels.instructionSet }

  private let weights: ModelWeights
  private let kernels: any KernelTable.Type
  private let pool: ThreadPool
  private let temperature: Double

  /// - Parameters:
  ///   - pool: the threads that sessions share.
  ///   - calibrated: whether logits are divided by the bundle's temperature before they become scores.
  ///   - instructionSet: the name of one to use in place of the one that `MARTLET_ISA` or the machine chooses.
  /// - Throws: `ModelError`, `BundleError`, `ConfigurationError`, `InstructionSetError`, `JSONError`, `OutOfMemory`, `TokenizerError`.
  package init(_ bundle: Bundle, pool: ThreadPool, calibrated: Bool = false, instructionSet: String? = nil) throws {
    self.bundle = bundle
    self.pool = pool
    // Not as a `PretrainedModel`, which brings what reads parameters back: nothing that classifies does.
    model = try Model(configuration: bundle.readConfiguration())
    tokenizer = try bundle.readTokenizer()
    kernels = try (instructionSet.map(InstructionSet.selected(named:)) ?? InstructionSet.selected()).kernels()
    try requireRows(of: model, for: tokenizer, bundle.path)
    limit = try LengthLimit(model.family, tokenizer: tokenizer.maximumLength, configuration: model.configuration)
    readsHTML = try HTMLSetting.isOn(model.configuration)
    let provider = BundleWeights(bundle)
    if let output = model.blueprint.linears.first(where: { $0.isOutput && !provider.has($0) }) {
      throw ModelError(.noHead, "\(bundle.path): no classification head (\(output.name)): a base to fine-tune, not a classifier")
    }
    weights = try ModelWeights(model.blueprint, from: provider)
    temperature = calibrated ? try Calibration(bundle).temperature : 1
  }

  /// - Parameter threads: the cores that the process may use if nil.
  package convenience init(_ bundle: Bundle, threads: Int?) throws {
    try self.init(bundle, pool: ThreadPool(threads: threads ?? Machine.availableCores))
  }

  /// Working memory of one caller's own. Use it from one thread at a time.
  package func makeSession() throws(OutOfMemory) -> Session {
    try Session(
      model: model, tokenizer: tokenizer, limit: limit, readsHTML: readsHTML, temperature: temperature,
      engine: InferenceEngine(weights: weights, kernels: kernels, pool: pool))
  }
}
