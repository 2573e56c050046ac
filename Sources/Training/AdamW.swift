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

  /// The L2 norm of all gradients together.
  package func gradientNorm(_ engine: TrainingEngine) -> Double {
    let store = engine.parameters
    var total = 0.0
    let tables = Set(store.blueprint.tables.map(\.weight))
    for (index, parameter) in store.blueprint.parameters.enumerated() where !tables.contains(index) {
      total += engine.training.sumOfSquares(store.gradient(index), parameter.count)
    }
    for table in store.blueprint.tables {
      for row in store.touched[table.index].sorted() {
        total += engine.training.sumOfSquares(store.gradient(table.weight) + Int(row) * table.width, table.width)
      }
    }
    return total.squareRoot()
  }

  /// One update with the gradients as they stand, times `gradientScale`.
  ///
  /// - Parameter step: from 1.
  package func update(_ engine: TrainingEngine, step: Int, learningRate: Float, gradientScale: Float) {
    let store = engine.parameters
    let (training, threads) = (engine.training, engine.threads)
    let stepSize = Float(Double(learningRate) / (1 - power(Double(beta1), step)))
    let correction = Float((1 - power(Double(beta2), step)).squareRoot())
    var tasks: [Task] = []
    let tables = Dictionary(uniqueKeysWithValues: store.blueprint.tables.map { ($0.weight, $0) })
    for (index, parameter) in store.blueprint.parameters.enumerated() {
      let decay = parameter.decays ? Float(1 - Double(learningRate) * Double(weightDecay)) : 1
      if let table = tables[index] {
        let rows = max(1, Self.chunk / table.width)
        for first in stride(from: 0, to: table.rows, by: rows) {
          tasks.append(Task(start: first, count: min(rows, table.rows - first), decay: decay, table: table))
        }
      } else {
        for first in stride(from: 0, to: parameter.count, by: Self.chunk) {
          tasks.append(
            Task(
              start: store.offsets[index] + first, count: min(Self.chunk, parameter.count - first), decay: decay,
              table: nil))
        }
      }
    }
    func apply(_ start: Int, _ count: Int, _ decay: Float) {
      training.adamW(
        store.values + start, store.gradients + start, store.firstMoments + start, store.secondMoments + start, count,
        gradientScale, decay, stepSize, beta1, beta2, epsilon, correction)
    }
    threads.parallelFor(tasks.count) { index, _ in
      let task = tasks[index]
      guard let table = task.table else { return apply(task.start, task.count, task.decay) }
      for row in task.start..<task.start + task.count {
        let start = store.offsets[table.weight] + row * table.width
        if store.everTouched[table.index][row] {
          apply(start, table.width, task.decay)
        } else {
          training.scale(store.values + start, table.width, task.decay)
        }
      }
    }
  }

  private struct Task {
    let start: Int
    let count: Int
    let decay: Float
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
