import Checkpoints
import JSON
import Storage

extension Trainer {
  func save() throws {
    guard let outputFolder else { return }
    let path = "\(outputFolder)/checkpoint-\(state.step)"
    do { try write(path) } catch { throw TrainingError.checkpointNotWritten(path: path, why: "\(error)") }
    onEvent(.checkpoint(path: path))
    try removeOldCheckpoints(outputFolder)
  }

  private func write(_ path: String) throws {
    let folder = try AtomicFolder(path: path)
    try engine.writeModel(into: folder.temporaryPath, configuration: configuration, files: files, base: base)
    state.checksum = store.checksum
    try store.writeMoments(to: folder.temporaryPath + "/" + CheckpointFile.optimizer)
    for (name, json) in [
      (CheckpointFile.arguments, circumstances), (CheckpointFile.run, runState),
      (CheckpointFile.trainerState, trainerState),
    ] {
      var file = try AtomicFile(path: folder.temporaryPath + "/" + name)
      try file.write(json.text(indent: 2, sortedKeys: true) + "\n")
      try file.commit()
    }
    try folder.commit()
  }

  /// Keeps the checkpoint just written, the best one, and the newest others up to the limit.
  private func removeOldCheckpoints(_ folder: String) throws {
    guard arguments.saveTotalLimit > 0 else { return }
    var kept: Set = [state.step]
    if arguments.loadBestModelAtEnd || arguments.saveStrategy == .best, state.bestStep > 0 { kept.insert(state.bestStep) }
    let others = wholeCheckpoints(in: folder).filter { !kept.contains($0.step) }
    for old in others.dropLast(max(0, arguments.saveTotalLimit - kept.count)) { try removeFolder(old.path) }
  }

  /// `trainer_state.json`, with the keys of the reference library.
  package var trainerState: JSONValue {
    let best = state.bestStep > 0 && outputFolder != nil && arguments.loadBestModelAtEnd
    return [
      "best_global_step": best ? .integer(Int64(state.bestStep)) : .null,
      "best_metric": best ? state.bestMetric.map { .number($0) } ?? .null : .null,
      "best_model_checkpoint": best ? .string("\(outputFolder!)/checkpoint-\(state.bestStep)") : .null,
      "epoch": .number(epoch), "eval_steps": .integer(Int64(evalInterval)),
      "global_step": .integer(Int64(state.step)), "is_hyper_param_search": false, "is_local_process_zero": true,
      "is_world_process_zero": true, "log_history": .array(state.logHistory.map { .object($0) }),
      "logging_steps": .integer(Int64(loggingInterval)), "max_steps": .integer(Int64(totalSteps)),
      "num_input_tokens_seen": .integer(Int64(state.tokensSeen)),
      "num_train_epochs": .integer(Int64(Int(saturating: arguments.numTrainEpochs.rounded(.up)))),
      "save_steps": .integer(Int64(saveInterval)), "stateful_callbacks": [:], "total_flos": 0.0,
      "train_batch_size": .integer(Int64(arguments.perDeviceTrainBatchSize)), "trial_name": nil, "trial_params": nil,
    ]
  }

  /// Where the run stands, what it is a run of, and when this was written, by which the newest checkpoint is found.
  private var runState: JSONValue {
    var object = state.json.object ?? JSONObject()
    for (key, value) in origin?.json ?? [] { object[key] = value }
    object[CheckpointFile.writtenKey] = .number(Machine.wallClockSeconds())
    return .object(object)
  }

  /// What a run's bits depend on: its arguments, and what computes.
  private var circumstances: JSONValue {
    var object = arguments.json.object!
    object["thread_count"] = .integer(Int64(engine.threads.threadCount))
    object["instruction_set"] = .string(engine.kernels.instructionSet.rawValue)
    object["openblas_kernels"] = .string(engine.blasCoreName)
    return .object(object)
  }

  /// Takes up the newest checkpoint of the output folder that is whole; one that is not gets a warning.
  package func restoreNewest() throws {
    guard let outputFolder else { throw TrainingError.noCheckpoint(path: "") }
    for (_, path) in wholeCheckpoints(in: outputFolder).reversed() {
      do {
        return try restore(path)
      } catch let error as TrainingError {
        guard case .brokenCheckpoint = error else { throw error }
        onEvent(.warning("\(error); taking the one before it"))
      }
    }
    throw TrainingError.noCheckpoint(path: outputFolder)
  }

  /// Takes up a checkpoint folder.
  package func restore(_ checkpoint: String) throws {
    func broken(_ what: String) -> TrainingError { .brokenCheckpoint(path: checkpoint, what: what) }
    func read(_ name: String) throws(TrainingError) -> JSONValue {
      do { return try JSONValue(parsing: readFile(checkpoint + "/" + name)) } catch { throw broken("\(name): \(error)") }
    }
    guard let history = try read(CheckpointFile.trainerState)["log_history"]?.array?.compactMap(\.object) else {
      throw broken("\(CheckpointFile.trainerState): log_history is missing")
    }
    let run = try read(CheckpointFile.run)
    guard let state = RunState(run, logHistory: history) else { throw broken("\(CheckpointFile.run): a value is missing") }
    try requireSameRun(checkpoint, run)
    let before = try read(CheckpointFile.arguments)
    // Earlier versions recorded fewer.
    for (key, value) in circumstances.object!.entries where TrainingArgument.named(key)?.changesRun ?? true {
      guard let before = before[key], before != value else { continue }
      onEvent(.warning("resuming with another \(key): \(before.description) before, \(value.description) now"))
    }
    do { try store.restore(from: checkpoint, checksum: state.checksum) } catch let error as CheckpointError { throw broken("\(error)") }
    self.state = state
  }
}
