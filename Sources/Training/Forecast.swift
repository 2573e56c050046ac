import Encoders
import Storage

/// What a run will take.
package struct Forecast: Sendable {
  /// The highest resident memory of the process.
  package let peakBytes: Int
  /// Steps, evaluations and checkpoints from where the run stands to its end.
  package let seconds: Double
}

extension Trainer {
  /// Foretells memory and time by a rehearsal: steps that change nothing, on the largest batch and on a middling one of
  /// those to come. What the optimiser will touch beyond that is counted.
  package func forecast() throws(OutOfMemory) -> Forecast {
    let batches = try batchesToCome()
    let byTokens = batches.tokens.indices.sorted { batches.tokens[$0] < batches.tokens[$1] }
    guard let largest = byTokens.last else { return Forecast(peakBytes: Machine.peakResidentBytes(), seconds: 0) }
    let middle = byTokens[byTokens.count / 2]
    _ = try rehearse(batches.examples(largest))  // The first time is spent on getting memory.
    let most = try rehearse(batches.examples(largest))
    let some = try rehearse(batches.examples(middle))
    let steps = Double(totalSteps - state.step)
    let total = Double(batches.tokens.reduce(0, +))
    let (large, small) = (Double(batches.tokens[largest]), Double(batches.tokens[middle]))
    // A step is a constant (the optimiser) and a share of its tokens; alike batches cannot tell them apart.
    let perToken = large > 1.2 * small ? max(0, (most - some) / (large - small)) : most / large
    let constant = large > 1.2 * small ? max(0, some - perToken * small) : 0
    var seconds = Double(batches.tokens.count) * constant + total * perToken
    seconds *= steps / max(1, Double(batches.steps))
    seconds += try evaluationSeconds() * Double(evaluationsToCome)
    seconds += Double(checkpointsToCome) * Double(checkpointBytes) / Self.diskBytesPerSecond
    let peak = max(Machine.peakResidentBytes(), (Machine.residentBytes() ?? 0) + bytesToCome(rehearsed: batches.examples(largest)))
    store.clearGradients()
    return Forecast(peakBytes: peak, seconds: seconds)
  }

  /// A modest disk, synced.
  private static let diskBytesPerSecond = 5e8

  /// The batches of the steps of at most one epoch from here on, which stand for all.
  private func batchesToCome() throws(OutOfMemory) -> (tokens: [Int], steps: Int, examples: (Int) -> [TrainingExample]) {
    let size = arguments.perDeviceTrainBatchSize
    let perStep = size * arguments.gradientAccumulationSteps
    let steps = max(0, min(stepsPerEpoch, totalSteps - state.step))
    var orders: [Int: [Int]] = [:]
    var batches: [[Int]] = []
    for step in state.step..<state.step + steps {
      let epoch = step / stepsPerEpoch
      if orders[epoch] == nil { orders[epoch] = try dataOrder(epoch) }
      let order = orders[epoch, default: []]
      let first = step % stepsPerEpoch * perStep
      let last = min(order.count, first + perStep)
      for start in stride(from: first, to: last, by: size) { batches.append(Array(order[start..<min(last, start + size)])) }
    }
    let tokens = batches.map { $0.reduce(0) { $0 + training[$1].ids.count } }
    return (tokens, steps, { batches[$0].map { self.training[$0] } })
  }

  /// The seconds of a step with gradients of zero and an update that changes nothing.
  private func rehearse(_ examples: [TrainingExample]) throws(OutOfMemory) -> Double {
    let start = Machine.monotonicSeconds()
    let ever = store.everTouched
    try requireMemory(arrayBytes)
    store.clearGradients()
    let logits = try engine.forward(model.family, makeBatch(examples), dropoutKey: 0)
    try engine.backward(logits, gradient: [Float](repeating: 0, count: logits.count))
    _ = try optimizer.gradientNorm(engine)
    // Rows that only the rehearsal touched would get moments.
    store.everTouched = ever
    optimizer.rehearse(engine)
    return Machine.monotonicSeconds() - start
  }

  private func evaluationSeconds() throws(OutOfMemory) -> Double {
    guard !validation.isEmpty else { return 0 }
    let size = arguments.perDeviceEvalBatchSize
    let first = max(0, min(validation.count / 2, validation.count - size))
    let examples = validation[first..<min(validation.count, first + size)]
    let tokens = examples.reduce(0) { $0 + $1.ids.count }
    let start = Machine.monotonicSeconds()
    _ = try engine.forward(model.family, makeBatch(examples), dropoutKey: nil)
    let seconds = Machine.monotonicSeconds() - start
    return seconds * Double(validation.reduce(0) { $0 + $1.ids.count }) / Double(tokens)
  }

  private func timesToCome(every steps: Int) -> Int {
    steps > 0 ? totalSteps / steps - state.step / steps + (totalSteps % steps > 0 ? 1 : 0) : 1
  }

  private var evaluationsToCome: Int {
    switch arguments.evalStrategy {
    case .no: 0
    case .epoch: timesToCome(every: stepsPerEpoch)
    case .steps: timesToCome(every: evalInterval)
    }
  }

  private var checkpointsToCome: Int {
    switch arguments.saveStrategy {
    case .no: 0
    case .steps: timesToCome(every: saveInterval)
    case .epoch: timesToCome(every: stepsPerEpoch)
    case .best: evaluationsToCome
    }
  }

  private var checkpointBytes: Int {
    let trained = store.parameters.indices.filter { store.isTrained[$0] }.reduce(0) { $0 + store.parameters[$1].count }
    return 4 * (store.count + 2 * trained)
  }

  /// Memory of gradients and moments of table rows that the run will touch and the rehearsal has not.
  private func bytesToCome(rehearsed examples: [TrainingExample]) -> Int {
    store.blueprint.tables.filter { store.isTrained[$0.weight] && $0.index == 0 }.reduce(0) { bytes, table in
      func pages(_ examples: [TrainingExample]) -> Set<Int> {
        let rows = examples.reduce(into: Set<Int32>()) { $0.formUnion($1.ids) }
        return Set(rows.flatMap { row in Int(row) * table.width / 1024...((Int(row) + 1) * table.width - 1) / 1024 })
      }
      let all = pages(training)
      return bytes + 4096 * (3 * all.count - all.intersection(pages(examples)).count)
    }
  }
}
