import Checkpoints
import Encoders
import JSON
import Kernels
import LinearAlgebra
import Storage
import Tasks
import TestSupport
import Training

/// SplitMix64 (Steele, Lea and Flood, 2014), so that a failure can be repeated from its seed.
struct Generator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return mixed(state, 0)
  }

  mutating func floats(_ count: Int, _ range: ClosedRange<Float> = -1...1) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }
}

func readJSON(_ name: String) throws -> JSONValue { try JSONValue(parsing: readFile(fixture(name))) }

extension JSONValue {
  var doubles: [Double] { array!.map { $0.double! } }
  var ints: [Int] { array!.map { $0.int! } }
}

/// The L2 norm.
func norm(_ values: some Sequence<Double>) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

extension ParameterStore {
  /// A parameter's values, gradients or moments, by the storage they lie in.
  func array(_ parameter: Int, of storage: UnsafeMutablePointer<Float>) -> [Float] { Array(buffer(parameter, of: storage)) }

  /// All of them, bit for bit.
  func bits(of storage: UnsafeMutablePointer<Float>) -> [UInt32] { (0..<count).map { storage[$0].bitPattern } }

  func index(of name: String) -> Int { blueprint.parameters.firstIndex { $0.name == name }! }
}

/// The weights of a folder of the fixtures.
final class FixtureWeights: ParameterSource {
  private var lookup: TensorLookup

  init(_ folder: String) throws {
    lookup = TensorLookup(try CheckpointWeights(folder: fixture(folder)), modelPrefix: Bert.prefix)
  }

  func read(_ parameter: Parameter, into values: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    guard let tensor = lookup.find(parameter.name) else { return false }
    try (parameter.isTransposed ? tensor.transposed : tensor).readFloat32(into: values)
    return true
  }
}

/// Nothing: all parameters are drawn.
final class NoWeights: ParameterSource {
  func read(_ parameter: Parameter, into values: UnsafeMutableBufferPointer<Float>) -> Bool { false }
}

/// A model of the fixtures; its configuration as it is but for `changes`.
func tinyModel(_ folder: String = "tiny-bert", task: ClassificationTask? = nil, changes: [String: JSONValue] = [:]) throws -> Model {
  var configuration = try readJSON(folder + "/config.json").object!
  for (key, value) in changes { configuration[key] = value }
  return try Model(configuration: .object(configuration), task: task)
}

func makeEngine(
  _ store: ParameterStore, threads: Int = 2, _ instructionSet: InstructionSet = InstructionSet.supported[0]
) throws -> TrainingEngine {
  try TrainingEngine(
    parameters: store, blas: OpenBLAS(), threads: ThreadPool(threads: threads), instructionSet: instructionSet)
}

/// An engine that holds a model with the weights of a folder of the fixtures.
func tinyEngine(
  _ model: Model, folder: String = "tiny-bert", threads: Int = 2, _ instructionSet: InstructionSet = InstructionSet.supported[0]
) throws -> TrainingEngine {
  let store = try ParameterStore(model.blueprint)
  _ = try store.load(from: FixtureWeights(folder), seed: 42)
  return try makeEngine(store, threads: threads, instructionSet)
}

func makeBatch(_ examples: some Sequence<TrainingExample>) -> Batch {
  var batch = Batch()
  for example in examples { batch.append(example.ids, tokenTypes: example.tokenTypes) }
  return batch
}

/// Texts of these lengths, of random tokens.
func randomBatch(_ lengths: [Int], vocabulary: Int, tokenTypes: Int = 2, _ random: inout Generator) -> Batch {
  var batch = Batch()
  for length in lengths {
    batch.append(
      (0..<length).map { _ in Int32.random(in: 0..<Int32(vocabulary), using: &random) },
      tokenTypes: (0..<length).map { _ in Int32.random(in: 0..<Int32(tokenTypes), using: &random) })
  }
  return batch
}

extension OutputTensor {
  /// The values as they would be written.
  var array: [Float] {
    get throws {
      var array: [Float] = []
      try withValues { array = Array($0) }
      return array
    }
  }
}

extension TrainingEngine {
  /// Forward, loss and backward of one batch.
  func lossAndGradients(_ model: Model, _ examples: [TrainingExample], _ loss: Loss, dropoutKey: UInt64 = 0) throws -> Double {
    let logits = try forward(model.family, makeBatch(examples), dropoutKey: dropoutKey)
    var gradient: [Float] = []
    let value = try loss.evaluate(
      UnsafeBufferPointer(start: logits.values, count: logits.count), examples.map(\.target), gradient: &gradient
    ).value
    try backward(logits, gradient: gradient)
    return value
  }

  func rows(_ family: any EncoderFamily, _ batch: Batch, dropoutKey: UInt64?) throws -> [Float] {
    let rows = try forward(family, batch, dropoutKey: dropoutKey)
    return try Array(UnsafeBufferPointer(start: rows.values, count: rows.count))
  }
}

/// What `tiny-bert-training.json` says, or a family's `reference.json`.
struct TrainingFixture {
  let json: JSONValue
  let examples: [TrainingExample]

  init() throws { self.init(try readJSON("tiny-bert-training.json")) }

  init(_ json: JSONValue) {
    self.json = json
    examples = json["examples"]!.array!.map { example in
      TrainingExample(
        ids: example["input_ids"]!.ints.map(Int32.init), target: .label(example["label"]!.int!))
    }
  }

  var steps: [JSONValue] { json["steps"]!.array! }

  func batch(_ step: Int) -> [TrainingExample] { steps[step]["batch"]!.ints.map { examples[$0] } }

  /// The settings of the run, every step logged, nothing evaluated.
  var arguments: TrainingArguments {
    let settings = json["settings"]!
    var arguments = TrainingArguments()
    arguments.seed = UInt32(settings["seed"]!.int!)
    arguments.learningRate = settings["learning_rate"]!.double!
    arguments.weightDecay = settings["weight_decay"]!.double!
    arguments.maxGradNorm = settings["max_grad_norm"]!.double!
    arguments.numTrainEpochs = settings["num_train_epochs"]!.double!
    arguments.perDeviceTrainBatchSize = settings["per_device_train_batch_size"]!.int!
    arguments.adamBeta1 = settings["adam_beta1"]!.double!
    arguments.adamBeta2 = settings["adam_beta2"]!.double!
    arguments.adamEpsilon = settings["adam_epsilon"]!.double!
    arguments.dropout = 0
    arguments.loggingSteps = 1
    arguments.evalStrategy = .no
    return arguments
  }
}
