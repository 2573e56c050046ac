import Checkpoints
import Encoders
import JSON
import Storage
import Tasks

extension Trainer {
  /// Refuses an output folder that holds checkpoints of another run: they would be mistaken for this one's.
  package func requireOwnFolder() throws(TrainingError) {
    guard let outputFolder, origin != nil else { return }
    for (_, path) in wholeCheckpoints(in: outputFolder).reversed() {
      let state = try? JSONValue(parsing: readFile(path + "/" + CheckpointFile.run))
      guard let difference = difference(from: path, state, countsData: true) else { continue }
      throw .otherRun(
        path: path,
        what: "another run's checkpoint (\(difference)): go on from that run with --resume-from-checkpoint and its data, start anew here with "
          + "--overwrite-output-dir, or choose another --output-dir")
    }
  }

  /// Refuses a checkpoint whose weights mean something else than this run's, and warns of other training data.
  func requireSameRun(_ checkpoint: String, _ state: JSONValue) throws(TrainingError) {
    if let difference = difference(from: checkpoint, state, countsData: false) {
      throw .otherRun(
        path: checkpoint, what: "another run's checkpoint (\(difference)): give its data and base, or start anew in another --output-dir")
    }
    guard let origin else { return }
    guard let before = RunOrigin(state) else {
      return onEvent(.warning("\(checkpoint) is of an earlier version: nothing says from which data and base it was trained"))
    }
    if before.data != origin.data {
      onEvent(
        .warning(
          "resuming with another training set: \(before.texts) texts before, \(origin.texts) \(before.texts == origin.texts ? "others " : "")now; "
            + "what was learnt of the first stays, and the order of the texts is another"))
    }
    if before.maxLength != origin.maxLength {
      onEvent(.warning("resuming with another max_length: \(before.maxLength) before, \(origin.maxLength) now"))
    }
  }

  /// Why a checkpoint is of another run; nil where it is of this one, as far as it says.
  private func difference(from checkpoint: String, _ state: JSONValue?, countsData: Bool) -> String? {
    func task(_ configuration: JSONValue?) -> ClassificationTask? { configuration.flatMap { try? ClassificationTask(Settings($0)) } }
    if let before = task(try? JSONValue(parsing: readFile(checkpoint + "/config.json"))), let own = task(configuration), before != own {
      guard before.kind == own.kind else { return "\(before.kind.rawValue), where this is \(own.kind.rawValue)" }
      return "labels \(before.labels.excerpts(8)), where these are \(own.labels.excerpts(8))"
    }
    guard let origin else { return nil }
    guard let before = state.flatMap(RunOrigin.init) else { return countsData ? "an earlier version's, which does not say of which data" : nil }
    if let base = before.base, let own = origin.base, base != own { return "another base" }
    return countsData && before.data != origin.data ? "other training data, \(before.texts) texts where these are \(origin.texts)" : nil
  }
}
