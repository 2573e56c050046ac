import Checkpoints
import Encoders
import JSON
import Storage

/// Where a run stands between two steps: with the parameters and moments, all that its continuation depends on.
///
/// Dropout and the order of the data are functions of the seed, the step and the epoch, so there is no generator to
/// save.
struct RunState: Sendable, Equatable {
  var step = 0
  /// The sum of the losses of all steps, and of the steps since the last log.
  var totalLoss = 0.0
  var loggedLoss = 0.0
  var lossesSinceLog = 0
  var tokensSeen = 0
  var bestMetric: Double?
  var bestStep = 0
  var evaluationsWithoutImprovement = 0
  var logHistory: [JSONObject] = []
  /// Of the parameters and moments that lie beside it.
  var checksum: UInt64 = 0

  /// The part that `trainer_state.json` has no place for. Numbers read back to the same bits.
  var json: JSONValue {
    [
      "global_step": .integer(Int64(step)), "total_loss": .number(totalLoss), "logged_loss": .number(loggedLoss),
      "losses_since_log": .integer(Int64(lossesSinceLog)), "tokens_seen": .integer(Int64(tokensSeen)),
      "best_metric": bestMetric.map { .number($0) } ?? .null, "best_step": .integer(Int64(bestStep)),
      "evaluations_without_improvement": .integer(Int64(evaluationsWithoutImprovement)),
      "checksum": .string(String(checksum, radix: 16)),
    ]
  }

  init() {}

  init?(_ json: JSONValue, logHistory: [JSONObject]) {
    guard let step = json["global_step"]?.int, let total = json["total_loss"]?.double,
      let logged = json["logged_loss"]?.double, let losses = json["losses_since_log"]?.int,
      let tokens = json["tokens_seen"]?.int, let bestStep = json["best_step"]?.int,
      let waiting = json["evaluations_without_improvement"]?.int,
      let checksum = json["checksum"]?.string.flatMap({ UInt64($0, radix: 16) })
    else { return nil }
    // Counts that more can be added to: what a run never reaches was not written by one.
    guard [step, losses, tokens, bestStep, waiting].allSatisfy({ (0...1 << 53).contains($0) }) else { return nil }
    self.step = step
    totalLoss = total
    loggedLoss = logged
    lossesSinceLog = losses
    tokensSeen = tokens
    bestMetric = json["best_metric"]?.double
    self.bestStep = bestStep
    evaluationsWithoutImprovement = waiting
    self.checksum = checksum
    self.logHistory = logHistory
  }
}

/// The names of a checkpoint's files besides the model's own.
enum CheckpointFile {
  static let optimizer = "optimizer.safetensors"
  static let run = "martlet_state.json"
  /// When a checkpoint was written, in seconds since 1970.
  static let writtenKey = "written"
  static let arguments = "training_args.json"
  /// The folder of an adapter.
  static let adapter = "adapter"
  /// Written last: a folder that has it is whole.
  static let trainerState = "trainer_state.json"
}

extension TrainingEngine {
  /// The model's parameters as tensors to write, by their names in the checkpoint, with adapters merged; valid while the
  /// engine is there.
  package var modelTensors: [OutputTensor] {
    let store = parameters
    var tensors = store.tensors(store.values, Array(store.blueprint.parameters.indices))
    func replace(_ weight: Int, _ make: @escaping (UnsafeMutablePointer<Float>) -> Void) {
      tensors[weight] = OutputTensor(name: store.parameters[weight].name, shape: store.parameters[weight].storedShape, make: make)
    }
    for (weight, parameter) in store.blueprint.parameters.enumerated() where parameter.isTransposed {
      replace(weight) { transpose(store.values(weight), parameter.shape[0], parameter.shape[1], into: $0) }
    }
    for adapter in store.adapters {
      replace(adapter.layer.weights[adapter.part]) { self.mergeWeight(adapter, into: $0) }
    }
    for matrix in bottom?.weights.matrices ?? [] {
      for (part, weight) in matrix.layer.weights.enumerated() { replace(weight) { matrix.unpack(part, into: $0) } }
    }
    return tensors
  }

  /// Writes the model's files, and adapters in the form of the PEFT library, in a folder of their own: transformers puts an adapter
  /// that lies beside a model on that model, and here it is merged already.
  package func writeModel(into folder: String, configuration: JSONValue, files: [CarriedFile], base: String) throws {
    try writeCheckpointFiles(into: folder, configuration: configuration, tensors: modelTensors, files: files)
    guard let settings = parameters.adapterSettings else { return }
    try makeDirectory(folder + "/" + CheckpointFile.adapter)
    try parameters.writeAdapter(into: folder + "/" + CheckpointFile.adapter, settings, base: base)
  }
}

extension ParameterStore {
  fileprivate func tensors(
    _ storage: UnsafeMutablePointer<Float>, _ indices: [Int], prefix: String = ""
  ) -> [OutputTensor] {
    indices.map { index in
      OutputTensor(
        name: prefix + parameters[index].name, shape: parameters[index].shape,
        values: UnsafeBufferPointer(buffer(index, of: storage)))
    }
  }

  private var trained: [Int] { parameters.indices.filter { isTrained[$0] } }

  fileprivate func writeAdapter(into folder: String, _ settings: LowRankSettings, base: String) throws {
    try writeSafetensors(
      tensors(values, trained, prefix: AdapterFile.prefix), to: folder + "/" + AdapterFile.weights)
    // PEFT takes every module whose name ends so: the last part alone (`dense`) would be of other layers too.
    let head = Set(blueprint.linears.filter(\.isHead).map { $0.name.hasPrefix("classifier.") ? "classifier" : $0.name })
    let configuration: JSONValue = [
      "peft_type": "LORA", "task_type": "SEQ_CLS", "base_model_name_or_path": .string(base), "bias": "none",
      "r": .integer(Int64(settings.rank)), "lora_alpha": .number(settings.alpha), "lora_dropout": 0.0,
      "target_modules": .array(settings.targets.map { .string($0) }), "fan_in_fan_out": .bool(adapters.contains { parameters[$0.layer.weights[$0.part]].isTransposed }), "inference_mode": true,
      "modules_to_save": .array(head.sorted().map { .string($0) }),
    ]
    var file = try AtomicFile(path: folder + "/" + AdapterFile.configuration)
    try file.write(configuration.text(indent: 2, sortedKeys: true) + "\n")
    try file.commit()
  }

  /// The moments of what is trained.
  func writeMoments(to path: String) throws {
    try writeSafetensors(
      tensors(firstMoments, trained, prefix: "exp_avg.") + tensors(secondMoments, trained, prefix: "exp_avg_sq."),
      to: path)
  }

  /// A checksum of what is trained and of its moments.
  var checksum: UInt64 {
    var hash = XXH64()
    for storage in [values, firstMoments, secondMoments] {
      for index in trained { hash.update(UnsafeRawBufferPointer(buffer(index, of: storage))) }
    }
    return hash.digest()
  }

  /// Reads what is trained and its moments back, and finds the rows that have moments.
  ///
  /// - Parameter checksum: nil for parameters alone.
  func restore(from folder: String, checksum expected: UInt64?) throws {
    func broken(_ what: String) -> TrainingError { .brokenCheckpoint(path: folder, what: what) }
    // Earlier versions wrote adapters beside the model.
    let adapterFolder = isDirectory(folder + "/" + CheckpointFile.adapter) ? CheckpointFile.adapter + "/" : ""
    var parts = [
      adapters.isEmpty ? ("model.safetensors", values, "") : (adapterFolder + AdapterFile.weights, values, AdapterFile.prefix)
    ]
    if expected != nil {
      parts += [
        (CheckpointFile.optimizer, firstMoments, "exp_avg."), (CheckpointFile.optimizer, secondMoments, "exp_avg_sq."),
      ]
    }
    for (file, storage, prefix) in parts {
      let tensors = try SafetensorsFile(path: folder + "/" + file)
      for index in trained {
        let parameter = parameters[index]
        // The model's tensors are as every other program wants them, moments as they are here.
        let isModels = prefix.isEmpty
        guard let tensor = tensors[prefix + parameter.name], tensor.shape == (isModels ? parameter.storedShape : parameter.shape) else {
          throw broken("\(file): tensor \(parameter.name) is missing or of another shape")
        }
        try (isModels && parameter.isTransposed ? tensor.transposed : tensor).readFloat32(into: buffer(index, of: storage))
      }
    }
    guard let expected else { return }
    guard checksum == expected else { throw broken("the weights or moments are not those that were written") }
    for table in blueprint.tables where isTrained[table.weight] {
      // The square of a tiny gradient may be zero where the gradient is not.
      let (first, second) = (firstMoments + offsets[table.weight], secondMoments + offsets[table.weight])
      for row in 0..<table.rows {
        everTouched[table.index][row] = (row * table.width..<(row + 1) * table.width).contains { first[$0] != 0 || second[$0] != 0 }
      }
    }
  }
}

package func isWholeCheckpoint(_ folder: String) -> Bool { fileExists(folder + "/" + CheckpointFile.trainerState) }

/// The checkpoints below an output folder, oldest first: their steps and paths. Whole ones only.
///
/// By when they were written, as they say themselves: after a run of many steps another of few may have written to the same folder. Those
/// of earlier versions, which do not say, come first.
package func wholeCheckpoints(in folder: String) -> [(step: Int, path: String)] {
  let names = (try? listDirectory(folder)) ?? []
  return names.compactMap { name -> (written: Double, step: Int, path: String)? in
    guard name.hasPrefix("checkpoint-"), let step = Int(name.dropFirst("checkpoint-".count)),
      isWholeCheckpoint(folder + "/" + name)
    else { return nil }
    let state = try? JSONValue(parsing: readFile(folder + "/" + name + "/" + CheckpointFile.run))
    return (state?[CheckpointFile.writtenKey]?.double ?? 0, step, folder + "/" + name)
  }.sorted { ($0.written, $0.step) < ($1.written, $1.step) }.map { ($0.step, $0.path) }
}
