import Checkpoints
import Encoders
import JSON
import Storage

#if canImport(Glibc)
  import Glibc
#endif

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

  /// The part that `trainer_state.json` has no place for. Numbers read back to the same bits.
  var json: JSONValue {
    [
      "global_step": .integer(Int64(step)), "total_loss": .number(totalLoss), "logged_loss": .number(loggedLoss),
      "losses_since_log": .integer(Int64(lossesSinceLog)), "tokens_seen": .integer(Int64(tokensSeen)),
      "best_metric": bestMetric.map { .number($0) } ?? .null, "best_step": .integer(Int64(bestStep)),
      "evaluations_without_improvement": .integer(Int64(evaluationsWithoutImprovement)),
    ]
  }

  init() {}

  init?(_ json: JSONValue, logHistory: [JSONObject]) {
    guard let step = json["global_step"]?.int, let total = json["total_loss"]?.double,
      let logged = json["logged_loss"]?.double, let losses = json["losses_since_log"]?.int,
      let tokens = json["tokens_seen"]?.int, let bestStep = json["best_step"]?.int,
      let waiting = json["evaluations_without_improvement"]?.int
    else { return nil }
    self.step = step
    totalLoss = total
    loggedLoss = logged
    lossesSinceLog = losses
    tokensSeen = tokens
    bestMetric = json["best_metric"]?.double
    self.bestStep = bestStep
    evaluationsWithoutImprovement = waiting
    self.logHistory = logHistory
  }
}

/// The names of a checkpoint's files besides the model's own.
enum CheckpointFile {
  static let optimizer = "optimizer.safetensors"
  static let run = "martlet_state.json"
  static let arguments = "training_args.json"
  /// Written last: a folder that has it is whole.
  static let trainerState = "trainer_state.json"
}

extension ParameterStore {
  /// The parameters as tensors to write, by their names in the checkpoint.
  package var tensors: [OutputTensor] { tensors(values, prefix: "") }

  private func tensors(_ storage: UnsafeMutablePointer<Float>, prefix: String) -> [OutputTensor] {
    blueprint.parameters.indices.map { index in
      OutputTensor(
        name: prefix + blueprint.parameters[index].name, shape: blueprint.parameters[index].shape,
        values: UnsafeBufferPointer(buffer(index, of: storage)))
    }
  }

  /// The moments of what is trained.
  func writeMoments(to path: String) throws {
    func moments(_ storage: UnsafeMutablePointer<Float>, _ prefix: String) -> [OutputTensor] {
      tensors(storage, prefix: prefix).enumerated().filter { isTrained[$0.offset] }.map(\.element)
    }
    try writeSafetensors(moments(firstMoments, "exp_avg.") + moments(secondMoments, "exp_avg_sq."), to: path)
  }

  /// Reads parameters and moments back, and finds the rows that have moments.
  func restore(from folder: String) throws {
    for (file, storage, prefix) in [
      ("model.safetensors", values, ""), (CheckpointFile.optimizer, firstMoments, "exp_avg."),
      (CheckpointFile.optimizer, secondMoments, "exp_avg_sq."),
    ] {
      let tensors = try SafetensorsFile(path: folder + "/" + file)
      for (index, parameter) in blueprint.parameters.enumerated() where prefix.isEmpty || isTrained[index] {
        guard let tensor = tensors[prefix + parameter.name], tensor.shape == parameter.shape else {
          throw TrainingError.brokenCheckpoint(path: folder, what: "\(file): tensor \(parameter.name) is missing or of another shape")
        }
        try tensor.readFloat32(into: buffer(index, of: storage))
      }
    }
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
package func wholeCheckpoints(in folder: String) -> [(step: Int, path: String)] {
  let names = (try? listDirectory(folder)) ?? []
  return names.compactMap { name in
    guard name.hasPrefix("checkpoint-"), let step = Int(name.dropFirst("checkpoint-".count)),
      isWholeCheckpoint(folder + "/" + name)
    else { return nil }
    return (step, folder + "/" + name)
  }.sorted { $0.step < $1.step }
}
