import ArgumentParser
import Bundles
import Checkpoints
import Decompression
import Encoders
import JSON
import Martlet
import ModelBundles
import ModelFolders
import Packing
import Records
import Storage
import Tasks
import Tokenizers
import WeightFormats

extension OutputFormat: ExpressibleByArgument {}
extension WeightFormat: ExpressibleByArgument {}

struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads to use (default: the cores that the process may use).")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads: expected 1 to 1024, found \(threads)") }
  }
}

struct LengthOptions: ParsableArguments {
  @Option(
    help: """
      Cut texts at this many tokens, special tokens included: at most as many as the model has positions for (default: the \
      limit that `martlet inspect` shows).
      """)
  var maxLength: Int?

  func validate() throws {
    if let maxLength, maxLength < 3 { throw ValidationError("--max-length: expected at least 3, found \(maxLength)") }
  }
}

/// What labels of data mean.
struct LabelArguments: ParsableArguments {
  @Option(
    name: spellings("problem-type"),
    help: "single_label_classification, multi_label_classification or regression (default: told from the labels, or what the model is).")
  var problemType: String?

  @Option(
    name: spellings("label-map"), parsing: .upToNextOption,
    help: "Names for the labels of the data: 1,2=negative 3=neutral 4,5=positive; LABEL= leaves its records out.")
  var labelMap: [String] = []

  @Option(name: spellings("positive-label"), help: "Of two labels the one that f1, precision and recall are of (default: the second).")
  var positiveLabel: String?

  func validate() throws {
    do { _ = try kind } catch { throw ValidationError("\(error)") }
  }

  private var kind: ClassificationTask.Kind? {
    get throws { try problemType.map { try ClassificationTask.Kind(named: $0, option: "--problem-type") } }
  }

  /// The targets of a data set for a model; what was understood is said.
  func targets(_ dataset: inout LabelledDataset, for task: ClassificationTask) throws -> [TrainingTarget] {
    let options = LabelOptions(kind: try kind, map: try LabelMap(parsing: labelMap))
    let reading = try readingLabels(of: [dataset]) { try LabelReading(task, of: [dataset], options) }
    for note in reading.notes { writeNote("\(dataset.name): \(note)") }
    let targets = try dataset.targets(reading)
    if dataset.badRows.count > 0 { writeNote("left out: \(dataset.badRows)") }
    return targets
  }
}

struct ModelArgument: ParsableArguments {
  @Argument(
    help: """
      A .martlet bundle, or a Hugging Face folder (then in fp32): also one of the Hugging Face cache (models--ORG--NAME), of \
      sentence-transformers, or a LoRA adapter of PEFT.
      """)
  var model: String

  @Option(
    help: """
      The bundle that MODEL is a delta of (default: the one beside it, by the name that MODEL holds), or the folder that an adapter \
      was made for (default: the one that it names).
      """)
  var base: String?

  @Flag(help: "Skip comparing the bundle's checksums when it is opened.")
  var skipChecksums = false

  @Flag(help: "Read the bundle into memory instead of mapping it, for a file that may become shorter while it is in use.")
  var noMap = false

  func openBundle() throws -> Bundle {
    try Bundle(path: model, base: base, verifyChecksums: !skipChecksums, isMapped: !noMap)
  }

  /// Opens a bundle; a folder is packed to an fp32 bundle in memory first.
  func open(threads: Int?, calibrated: Bool = false) throws -> Classifier {
    if !isDirectory(model) {
      return try Classifier(
        contentsOf: model, base: base, threads: threads, verifyChecksums: !skipChecksums, isMapped: !noMap, calibrated: calibrated)
    }
    guard !calibrated else { throw CommandError("\(model): a folder has no calibration: pack it with --validation DATA") }
    let folder = try openFolder()
    let packed = try packInFloat32(folder)
    guard !packed.isBase else {
      let architecture = folder.configuration["architectures"]?.array?.first?.string ?? "nothing of its class"
      throw CommandError(
        "\(folder.path): no classification head, config.json says \(architecture.excerpt): a base to fine-tune (martlet tune), not a classifier")
    }
    return try Classifier(bundle: packed.writeToMemory(), threads: threads)
  }

  /// A folder's bundle in memory, in fp32.
  func packInMemory() throws -> Bundle { try packInFloat32(openFolder()).writeToMemory() }

  private func packInFloat32(_ folder: CheckpointFolder) throws -> PackedModel {
    var options = PackingOptions()
    options.weights = .fp32
    return try naming(model) { try pack(folder, options: options) }
  }

  func openFolder() throws -> CheckpointFolder { try CheckpointFolder(path: model, base: base) }

  func validate() throws {
    if let base, isDirectory(model) && !isDirectory(base) {
      throw ValidationError("--base: \(model) is a folder: expected the folder that it is an adapter for, found \(base)")
    }
  }
}

/// Runs `body` and names the file or folder in errors that only say what is wrong inside it.
func naming<Result: ~Copyable>(_ path: String, _ body: () throws -> Result) throws -> Result {
  do { return try body() } catch {
    switch error {
    case is ConfigurationError, is TokenizerError, is JSONError, ModelFolderError.shape, PackingError.notFinite, PackingError.overflow:
      throw CommandError("\(path): \(error)")
    default: throw error
    }
  }
}

/// The tokenizer of MODEL, the length at which it cuts and whether texts are HTML, without loading weights.
func loadTokenizerAndLimit(_ argument: ModelArgument) throws -> (Tokenizer, LengthLimit, readsHTML: Bool) {
  let path = argument.model
  return try naming(path) {
    let model = try isDirectory(path) ? PretrainedModel(argument.openFolder()) : PretrainedModel(argument.openBundle())
    let tokenizer = try model.source.loadTokenizer()
    return (tokenizer, try lengthLimit(model.configuration, tokenizer), readsHTML: try HTMLSetting.isOn(model.configuration))
  }
}

/// Also of a family that is not served: its tokenizer may be.
private func lengthLimit(_ configuration: JSONValue, _ tokenizer: Tokenizer) throws -> LengthLimit {
  if let model = try? Model(configuration: configuration) {
    return try LengthLimit(model.family, tokenizer: tokenizer.maximumLength, configuration: configuration)
  }
  return try LengthLimit(
    positions: Model.positions(configuration) ?? .max, tokenizer: tokenizer.maximumLength, configuration: configuration)
}
