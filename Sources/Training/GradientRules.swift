import Encoders
import Storage

/// The sum of embeddings: each token's gradient goes to the rows it was made of, but for a padding row.
struct GatherRule: GradientRule {
  let output: TapeRows
  let lookups: [Lookup]

  func backward(_ engine: TrainingEngine) {
    let width = output.width
    let parameters = engine.parameters
    for lookup in lookups {
      let table = lookup.table
      let frozen = parameters.blueprint.parameters[table.weight].frozenRow
      var isTouched = [Bool](repeating: false, count: table.rows)
      for row in parameters.touched[table.index] { isTouched[Int(row)] = true }
      for row in lookup.rows where !isTouched[Int(row)] && Int(row) != frozen {
        isTouched[Int(row)] = true
        parameters.touched[table.index].append(row)
        parameters.everTouched[table.index][Int(row)] = true
      }
      // Threads take columns, so that each row's contributions come in the order of the tokens.
      let gradient = parameters.gradient(table.weight)
      let size = 64
      engine.threads.parallelFor((width + size - 1) / size) { index, _ in
        let first = index * size
        let count = min(size, width - first)
        for (token, row) in lookup.rows.enumerated() where Int(row) != frozen {
          engine.training.add(output.gradient + token * width + first, count, gradient + Int(row) * width + first)
        }
      }
    }
  }
}

/// y = x Wᵀ + b.
struct LinearRule: GradientRule {
  let input: TapeRows
  let output: TapeRows
  let layer: Linear

  func backward(_ engine: TrainingEngine) {
    let parameters = engine.parameters
    let gradient = output.gradient
    engine.products.weightGradient(
      gradient, input.values, parameters.gradient(layer.weights[0]), M: input.rows, N: layer.outputs, K: layer.inputs)
    if let bias = layer.biases.first {
      engine.addColumnSums(gradient, rows: input.rows, columns: layer.outputs, parameters.gradient(bias))
    }
    engine.contribute(to: input) { target, adds in
      engine.products.inputGradient(
        gradient, parameters.values(layer.weights[0]), target, M: input.rows, N: layer.outputs, K: layer.inputs,
        beta: adds ? 1 : 0)
    }
  }
}

/// y = f(x). The output's gradient becomes the input's in place: only this verb reads the input.
struct ActivationRule: GradientRule {
  let input: TapeRows
  let output: TapeRows
  let activation: Activation

  func backward(_ engine: TrainingEngine) {
    let width = input.width
    engine.forEachBlock(input.rows) { block in
      let start = block.lowerBound * width
      engine.training.activateBackward(
        input.values + start, block.count * width, activation.rawValue, output.gradient + start)
    }
    input.adoptGradient(of: output)
  }
}

/// y = normalise(dropout(x) + residual).
struct NormalizationRule: GradientRule {
  let input: TapeRows
  let residual: TapeRows?
  let output: TapeRows
  let normalization: Normalization
  let dropout: Dropout
  let normalized: PooledBuffer
  let inverseDeviations: PooledBuffer

  func backward(_ engine: TrainingEngine) {
    let width = output.width
    let parameters = engine.parameters
    // One partial sum of the parameters' gradients for each block of rows, added up in their order.
    let blockRows = 64
    let blocks = (output.rows + blockRows - 1) / blockRows
    let partial = engine.buffers.take(blocks * 2 * width)
    let sum = engine.buffers.take(output.count)
    engine.threads.parallelFor(blocks) { index, _ in
      let first = index * blockRows
      let rows = min(blockRows, output.rows - first)
      let weight = partial.values + index * 2 * width
      weight.update(repeating: 0, count: 2 * width)
      engine.training.normalizeBackward(
        output.gradient + first * width, normalized.values + first * width, inverseDeviations.values + first, rows,
        width, parameters.values(normalization.weight), sum.values + first * width, weight, weight + width)
    }
    for index in 0..<blocks {
      let weight = partial.values + index * 2 * width
      engine.training.add(weight, width, parameters.gradient(normalization.weight))
      engine.training.add(weight + width, width, parameters.gradient(normalization.bias))
    }
    for (rows, rate) in [(residual, 0), (input, dropout.rate)] {
      guard let rows else { continue }
      engine.contribute(to: rows) { target, adds in
        engine.forEachBlock(rows.rows) { block in
          let start = block.lowerBound * width
          engine.training.dropout(
            sum.values + start, block.count * width, rate, dropout.key, start, target + start, adds)
        }
      }
    }
  }
}

/// y = dropout(x), the same elements dropped as in the forward pass.
struct DropoutRule: GradientRule {
  let input: TapeRows
  let output: TapeRows
  let dropout: Dropout

  func backward(_ engine: TrainingEngine) {
    let width = input.width
    engine.contribute(to: input) { target, adds in
      engine.forEachBlock(input.rows) { block in
        let start = block.lowerBound * width
        engine.training.dropout(
          output.gradient + start, block.count * width, dropout.rate, dropout.key, start, target + start, adds)
      }
    }
  }
}

/// The first row of each text; all other rows get nothing.
struct FirstTokensRule: GradientRule {
  let input: TapeRows
  let output: TapeRows
  let starts: [Int]

  func backward(_ engine: TrainingEngine) {
    let width = input.width
    engine.contribute(to: input) { target, adds in
      if !adds { target.update(repeating: 0, count: input.count) }
      for (text, start) in starts.enumerated() {
        engine.training.add(output.gradient + text * width, width, target + start * width)
      }
    }
  }
}
