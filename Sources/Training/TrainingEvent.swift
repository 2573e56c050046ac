import JSON
import Tasks

/// A text, tokenised, and its target.
package struct TrainingExample: Sendable {
  package let ids: [Int32]
  /// The token type (segment) of each token; empty for all 0.
  package let tokenTypes: [Int32]
  package let target: TrainingTarget

  package init(ids: [Int32], tokenTypes: [Int32] = [], target: TrainingTarget) {
    self.ids = ids
    self.tokenTypes = tokenTypes
    self.target = target
  }
}

/// What the training loop tells while it runs; it prints nothing itself.
package enum TrainingEvent: Sendable {
  /// After each step: steps done, of all, the step's loss, the learning rate it used, its tokens.
  case step(done: Int, total: Int, epoch: Double, loss: Double, learningRate: Double, tokens: Int)
  /// An entry of the log history (`loss`, `eval_loss`, `train_runtime`, …) with its values in order.
  case log(JSONObject)
  case checkpoint(path: String)
  case warning(String)
}

/// Why training could not start or go on.
package enum TrainingError: Error, CustomStringConvertible, Sendable, Equatable {
  case emptyDataSet
  case lossNotFinite(step: Int, value: String)
  case unknownMetric(String, known: [String])
  case unknownSchedule(String)
  case noCheckpoint(path: String)
  case brokenCheckpoint(path: String, what: String)
  case otherRun(path: String, what: String)
  case checkpointNotWritten(path: String, why: String)
  case argument(String)

  package var description: String {
    switch self {
    case .emptyDataSet: "training data: expected at least one text, found none"
    case .lossNotFinite(let step, let value):
      "step \(step): the loss is \(value); lower the learning rate; earlier checkpoints are intact"
    case .unknownMetric(let name, let known):
      "metric-for-best-model: expected one of \(known.joined(separator: ", ")), found \(name)"
    case .unknownSchedule(let name):
      "lr-scheduler-type: expected one of \(ScheduleKind.allCases.map(\.rawValue).joined(separator: ", ")), found \(name)"
    case .noCheckpoint(let path): "\(path): no whole checkpoint to resume from"
    case .brokenCheckpoint(let path, let what), .otherRun(let path, let what): "\(path): \(what)"
    case .checkpointNotWritten(let path, let why): "\(path) was not written: \(why); earlier checkpoints are intact"
    case .argument(let what): what
    }
  }
}
