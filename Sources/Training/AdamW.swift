import Encoders
import Storage

/// AdamW (Loshchilov and Hutter, 2017) over a parameter store, with PyTorch's arithmetic and the Trainer's rules of
/// what is decayed.
///
/// A table's row that never had a gradient has moments of zero and is only decayed, which is what the whole update
/// comes to.
package struct AdamW: Sendable {
  package var beta1: Float
  package var beta2: Float
  package var epsilon: Float
  package var weightDecay: Float

  package init(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0.01) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// Floats of one task: large enough to be worth a thread, small enough to share out evenly.
  private static let chunk = 1 << 16

  /// The L2 norm of all gradients together; the sums of chunks are added in their order, whatever the threads.
  package func gradientNorm(_ engine: TrainingEngine) throws(OutOfMemory) -> Double {
    let store = engine.parameters
    store.clearStaleGradients()
    var runs: [Range<Int>] = []
    for (start, count, _) in store.denseRuns() {
      for first in stride(from: start, to: start + count, by: Self.chunk) {
        runs.append(first..<min(start + count, first + Self.chunk))
      }
    }
    for table in store.blueprint.tables {
      for row in store.touched[table.index].sorted() {
        let start = store.offsets[table.weight] + Int(row) * table.width
        runs.append(start..<start + table.width)
      }
    }
    let sums = try AlignedBuffer(count: runs.count, of: Double.self)
    let results = sums.bound(to: Double.self)
    engine.threads.parallelFor((runs.count + 15) / 16) { index, _ in
      for run in index * 16..<min(runs.count, index * 16 + 16) {
        results[run] = engine.training.sumOfSquares(store.gradients + runs[run].lowerBound, runs[run].count)
      }
    }
    return (0..<runs.count).reduce(0) { $0 + results[$1] }.squareRoot()
  }

  /// One update with the gradients as they stand, times `gradientScale`.
  ///
  /// - Parameter step: from 1.
  package func update(_ engine: TrainingEngine, step: Int, learningRate: Float, gradientScale: Float) {
    let stepSize = Float(Double(learningRate) / (1 - power(Double(beta1), step)))
    let correction = Float((1 - power(Double(beta2), step)).squareRoot())
    let decay = Float(1 - Double(learningRate) * Double(weightDecay))
    update(engine) { store, start, count, decays in
      engine.training.adamW(
        store.values + start, store.gradients + start, store.firstMoments + start, store.secondMoments + start, count,
        gradientScale, decays ? decay : 1, stepSize, beta1, beta2, epsilon, correction)
    } untouched: { store, start, count, decays in
      if decays { engine.kernels.scale(store.values + start, count, decay) }
    }
  }

  /// Goes through the same memory as an update and changes nothing: tells the time and the memory that one takes.
  package func rehearse(_ engine: TrainingEngine) {
    update(engine) { store, start, count, _ in
      engine.training.adamW(
        store.values + start, store.gradients + start, store.firstMoments + start, store.secondMoments + start, count,
        1, 1, 0, 1, 1, epsilon, 1)
    } untouched: { store, start, count, _ in
      engine.kernels.scale(store.values + start, count, 1)
    }
  }

  /// Calls `body` for all trained floats in pieces, on all threads; `untouched` for rows of tables without moments.
  private func update(
    _ engine: TrainingEngine, _ body: (_ store: ParameterStore, _ start: Int, _ count: Int, _ decays: Bool) -> Void,
    untouched: (_ store: ParameterStore, _ start: Int, _ count: Int, _ decays: Bool) -> Void
  ) {
    let store = engine.parameters
    store.clearStaleGradients()
    var tasks: [Task] = []
    for run in store.denseRuns() {
      for first in stride(from: 0, to: run.count, by: Self.chunk) {
        tasks.append(
          Task(start: run.start + first, count: min(Self.chunk, run.count - first), decays: run.decays, table: nil))
      }
    }
    for table in store.blueprint.tables where store.isTrained[table.weight] {
      let decays = store.blueprint.parameters[table.weight].decays
      let rows = max(1, Self.chunk / table.width)
      for first in stride(from: 0, to: table.rows, by: rows) {
        tasks.append(Task(start: first, count: min(rows, table.rows - first), decays: decays, table: table))
      }
    }
    engine.threads.parallelFor(tasks.count) { index, _ in
      let task = tasks[index]
      guard let table = task.table else { return body(store, task.start, task.count, task.decays) }
      // Neighbouring rows of one kind are one run.
      let kinds = store.everTouched[table.index]
      var first = task.start
      while first < task.start + task.count {
        var end = first + 1
        while end < task.start + task.count, kinds[end] == kinds[first] { end += 1 }
        let start = store.offsets[table.weight] + first * table.width
        (kinds[first] ? body : untouched)(store, start, (end - first) * table.width, task.decays)
        first = end
      }
    }
  }

  private struct Task {
    let start: Int
    let count: Int
    let decays: Bool
    let table: Table?
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, base, exponent) = (1.0, base, exponent)
    while exponent > 0 {
      if exponent & 1 == 1 { result *= base }
      base *= base
      exponent >>= 1
    }
    return result
  }
}
