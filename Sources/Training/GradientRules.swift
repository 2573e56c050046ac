import Encoders
import Storage

/// The sum of embeddings: each token's gradient goes to the rows it was made of, but for a padding row.
struct GatherRule: GradientRule {
  let output: TapeNode
  let lookups: [Lookup]

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    let parameters = engine.parameters
    for lookup in lookups where parameters.isTrained[lookup.table.weight] {
      let table = lookup.table
      let (width, stride) = (table.width, output.width)
      let frozen = parameters.blueprint.parameters[table.weight].frozenRow
      parameters.touch(table, lookup.rows)
      // Threads take columns, so that each row's contributions come in the order of the tokens.
      let gradient = parameters.gradient(table.weight)
      let size = 64
      engine.threads.parallelFor((width + size - 1) / size) { index, _ in
        let first = index * size
        let count = min(size, width - first)
        for (token, row) in lookup.rows.enumerated() where Int(row) != frozen {
          engine.kernels.add(output.gradient + token * stride + lookup.column + first, count, gradient + Int(row) * width + first)
        }
      }
    }
  }
}

/// y = x · factor. Only this verb reads x: the gradient of y becomes that of x in place.
struct ScaleRule: GradientRule {
  let input: TapeNode
  let output: TapeNode
  let factor: Float

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    engine.forEachBlock(output.rows) { block in
      engine.kernels.scale(output.gradient + block.lowerBound * output.width, block.count * output.width, factor)
    }
    input.adoptGradient(of: output)
  }
}

/// y = x Wᵀ + b, and what adapters add to it.
struct LinearRule: GradientRule {
  let input: TapeNode
  let output: TapeNode
  let layer: Linear
  let adapters: [(adapter: LowRankAdapter, inner: PooledBuffer)]

  init(
    input: TapeNode, output: TapeNode, layer: Linear, adapters: [(adapter: LowRankAdapter, inner: PooledBuffer)]
  ) {
    (self.input, self.output, self.layer, self.adapters) = (input, output, layer, adapters)
    input.keepValues()
  }

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    let parameters = engine.parameters
    let gradient = output.gradient
    if layer.groups != nil {
      try engine.groupGradients(gradient, input, layer)
    } else if parameters.isTrained[layer.weights[0]] {
      try engine.products.weightGradient(
        gradient, input.values, parameters.gradient(layer.weights[0]), M: input.rows, N: layer.outputs,
        K: layer.inputs, beta: parameters.beginContribution(layer.weights) ? 0 : 1)
    }
    if let bias = layer.biases.first, parameters.isTrained[bias] {
      if parameters.beginContribution(layer.biases) {
        parameters.gradient(bias).update(repeating: 0, count: layer.outputs)
      }
      engine.addColumnSums(gradient, rows: input.rows, columns: layer.outputs, parameters.gradient(bias))
    }
    let contribution = try input.needsGradient ? input.contribution() : nil
    if let contribution, layer.groups != nil {
      engine.groupInputGradient(gradient, layer, contribution.gradient, rows: input.rows, adds: contribution.adds)
    } else if let contribution {
      engine.products.inputGradient(
        gradient, parameters.values(layer.weights[0]), contribution.gradient, M: input.rows, N: layer.outputs,
        K: layer.inputs, beta: contribution.adds ? 1 : 0)
    }
    for (adapter, inner) in adapters {
      try engine.adapterBackward(adapter, input.values, rows: input.rows, inner, gradient, toInput: contribution?.gradient)
    }
  }
}

/// y = f(x). Only this verb reads x: y is made again from it when the next verb's rule asks, which leaves f'(x) in its
/// place; and the gradient of y becomes that of x in place.
final class ActivationRule: GradientRule {
  private let input: TapeNode
  private let output: TapeNode
  private let activation: Activation
  private var inputIsSlope = false

  init(_ engine: TrainingEngine, input: TapeNode, output: TapeNode, activation: Activation) {
    (self.input, self.output, self.activation) = (input, output, activation)
    input.keepValues()
    output.rebuild = { [unowned self, unowned engine] values throws(OutOfMemory) in try makeValues(engine, values) }
  }

  private func makeValues(_ engine: TrainingEngine, _ values: UnsafeMutablePointer<Float>) throws(OutOfMemory) {
    let source = try input.values
    engine.forEachBlock(input.rows) { block in
      let start = block.lowerBound * input.width
      engine.training.activateAndDerive(
        source + start, block.count * input.width, activation.rawValue, values + start)
    }
    inputIsSlope = true
  }

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    let width = input.width
    if !inputIsSlope { try makeValues(engine, engine.buffers.take(input.count).values) }
    let slope = try input.values
    engine.forEachBlock(input.rows) { block in
      let start = block.lowerBound * width
      engine.training.multiply(slope + start, block.count * width, output.gradient + start)
    }
    input.adoptGradient(of: output)
  }
}

/// y = f(a) · b with a the first half of each row of x and b the second. Only this verb reads x: y is made again from it
/// when the next verb's rule asks.
struct GateRule: GradientRule {
  private let input: TapeNode
  private let output: TapeNode
  private let activation: Activation

  init(_ engine: TrainingEngine, input: TapeNode, output: TapeNode, activation: Activation) {
    (self.input, self.output, self.activation) = (input, output, activation)
    input.keepValues()
    let width = output.width
    output.rebuild = { [unowned engine] values throws(OutOfMemory) in
      engine.gate(try input.values, input.rows, width, activation, values)
    }
  }

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    let width = output.width
    let (source, target) = (try input.values, try input.contribution().gradient)
    engine.forEachBlock(input.rows) { block in
      let start = block.lowerBound * width
      engine.training.gateBackward(
        source + 2 * start, block.count, width, activation.rawValue, output.gradient + start, target + 2 * start)
    }
  }
}

/// y = normalise(dropout(x) + residual); y is made again from the normalised rows.
struct NormalizationRule: GradientRule {
  let input: TapeNode
  let residual: TapeNode?
  let output: TapeNode
  let normalization: Normalization
  let dropout: Dropout
  let normalized: PooledBuffer
  let inverseDeviations: PooledBuffer

  init(
    _ engine: TrainingEngine, input: TapeNode, residual: TapeNode?, output: TapeNode, normalization: Normalization,
    dropout: Dropout, normalized: PooledBuffer, inverseDeviations: PooledBuffer
  ) {
    self.input = input
    self.residual = residual
    self.output = output
    self.normalization = normalization
    self.dropout = dropout
    self.normalized = normalized
    self.inverseDeviations = inverseDeviations
    let (rows, width) = (output.rows, output.width)
    output.rebuild = { [unowned engine] values throws(OutOfMemory) in
      engine.forEachBlock(rows) { block in
        let start = block.lowerBound * width
        engine.training.scaleAndShift(
          normalized.values + start, block.count, width, engine.parameters.values(normalization.weight),
          normalization.bias.map { engine.parameters.values($0) }, values + start)
      }
    }
  }

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    let width = output.width
    let parameters = engine.parameters
    // One partial sum of the parameters' gradients for each block of rows, added up in their order.
    let blockRows = 64
    let blocks = (output.rows + blockRows - 1) / blockRows
    let partial = try engine.buffers.take(blocks * 2 * width)
    // Where both are the same rows, the second contribution adds to the first.
    let toResidual = try residual.flatMap { residual throws(OutOfMemory) in
      try residual.needsGradient ? residual.contribution() : nil
    }
    let toInput = try input.needsGradient ? input.contribution() : nil
    engine.threads.parallelFor(blocks) { index, _ in
      let first = index * blockRows
      let rows = min(blockRows, output.rows - first)
      let start = first * width
      let weight = partial.values + index * 2 * width
      weight.update(repeating: 0, count: 2 * width)
      engine.training.normalizeBackward(
        output.gradient + start, normalized.values + start, inverseDeviations.values + first, rows, width,
        normalization.kind.rawValue, parameters.values(normalization.weight), dropout.rate, dropout.key, start, toInput.map { $0.gradient + start },
        toInput?.adds ?? false, toResidual.map { $0.gradient + start }, toResidual?.adds ?? false, weight, weight + width)
    }
    for (place, parameter) in normalization.parameters.enumerated()
    where parameters.isTrained[parameter] {
      let gradient = parameters.gradient(parameter)
      if parameters.beginContribution([parameter]) { gradient.update(repeating: 0, count: width) }
      for index in 0..<blocks { engine.kernels.add(partial.values + (2 * index + place) * width, width, gradient) }
    }
  }
}

/// y = dropout(x), the same elements dropped as in the forward pass.
struct DropoutRule: GradientRule {
  let input: TapeNode
  let output: TapeNode
  let dropout: Dropout

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    try engine.passGradient(of: output, to: input, dropout)
  }
}

/// y = dropout(x) + residual.
struct SumRule: GradientRule {
  let input: TapeNode
  let residual: TapeNode
  let output: TapeNode
  let dropout: Dropout

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    try engine.passGradient(of: output, to: input, dropout)
    try engine.passGradient(of: output, to: residual, Dropout(rate: 0, key: 0))
  }
}

extension TrainingEngine {
  /// Passes the gradient of some rows on to those that they are but for dropout, if these want one.
  fileprivate func passGradient(of output: TapeNode, to input: TapeNode, _ dropout: Dropout) throws(OutOfMemory) {
    guard input.needsGradient else { return }
    let (target, adds) = try input.contribution()
    forEachBlock(output.rows) { block in
      let start = block.lowerBound * output.width
      training.dropout(
        output.gradient + start, block.count * output.width, dropout.rate, dropout.key, start, target + start, adds)
    }
  }
}

/// Rows side by side. Only this verb reads them.
struct SideBySideRule: GradientRule {
  let inputs: [TapeNode]
  let output: TapeNode

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    var column = 0
    for input in inputs {
      let target = try input.contribution().gradient
      for row in 0..<input.rows {
        (target + row * input.width).update(from: output.gradient + row * output.width + column, count: input.width)
      }
      column += input.width
    }
  }
}

/// The mean of each text's rows: each gets an equal share.
struct MeanRule: GradientRule {
  let input: TapeNode
  let output: TapeNode
  let starts: [Int]

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    let width = input.width
    guard input.needsGradient else { return }
    let (target, adds) = try input.contribution()
    if !adds { target.update(repeating: 0, count: input.count) }
    for text in 0..<output.rows {
      let share = output.gradient + text * width
      engine.kernels.scale(share, width, 1 / Float(starts[text + 1] - starts[text]))
      for token in starts[text]..<starts[text + 1] { engine.kernels.add(share, width, target + token * width) }
    }
  }
}

/// One row of each text; all other rows get nothing.
struct SelectionRule: GradientRule {
  let input: TapeNode
  let output: TapeNode
  let tokens: [Int]

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    let width = input.width
    guard input.needsGradient else { return }
    let (target, adds) = try input.contribution()
    if !adds { target.update(repeating: 0, count: input.count) }
    for (text, token) in tokens.enumerated() {
      engine.kernels.add(output.gradient + text * width, width, target + token * width)
    }
  }
}

/// A layer of which only the input was kept: it runs again, recording, and then its own rules run.
struct LayerRule<Family: EncoderFamily>: GradientRule {
  let input: TapeNode
  let output: TapeNode
  let number: Int
  let family: Family
  /// The verbs that came before, so that dropout draws the same.
  let verbNumber: UInt64

  init(input: TapeNode, output: TapeNode, number: Int, family: Family, verbNumber: UInt64) {
    (self.input, self.output, self.number, self.family, self.verbNumber) = (input, output, number, family, verbNumber)
    input.keepValues()
  }

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    try engine.replay(verbNumber) { () throws(OutOfMemory) in
      let again = try family.layer(number, TapeRows(input), engine)
      again.node.adoptGradient(of: output)
    }
  }
}
