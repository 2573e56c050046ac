import Encoders
import Kernels
import LinearAlgebra
import Storage

/// What a verb leaves on the tape: how to pass its result's gradient on to what it read.
protocol GradientRule {
  func backward(_ engine: TrainingEngine)
}

/// The verbs in fp32, recording one gradient rule each on a linear tape that `backward` runs in reverse.
///
/// Rows come into being only together with their rule (`record`), so a verb without one does not compile. Rows that
/// several verbs read, and parameters that several layers share, add up their contributions.
package final class TrainingEngine: Verbs {
  package typealias Rows = TapeRows
  package typealias Operand = TapeRows

  /// Keeps only the input of each layer, which runs a second time in the backward pass.
  package var checkpointsGradients = false
  package let parameters: ParameterStore
  let kernels: any KernelTable.Type
  let training: any TrainingKernelTable.Type
  let products: MatrixProducts
  let threads: ThreadPool
  /// The adapters of each linear layer of the blueprint.
  private let adapters: [[LowRankAdapter]]
  /// The kernels that OpenBLAS chose.
  let blasCoreName: String
  let buffers = BufferPool()
  /// What runs the part of the model below all that is trained, when there is one.
  private(set) var bottom: FrozenBottom?

  private(set) var batch = Batch()
  private var tape: [any GradientRule] = []
  /// Whether the pass is for training: dropout is on, and gradients are wanted.
  private var trains = false
  /// Whether rules go on the tape.
  private var records = false
  private var dropoutSeed: UInt64 = 0
  private var verbNumber: UInt64 = 0
  /// Turns all dropout off (evaluation, or `--dropout 0`).
  package var dropoutIsOff = false

  /// Rows of one block of elementwise work; partial sums are made by block, so their order does not depend on the
  /// number of threads.
  private static let blockRows = 32

  package init(
    parameters: ParameterStore, blas: OpenBLAS, threads: ThreadPool, instructionSet: InstructionSet
  ) throws(InstructionSetError) {
    self.parameters = parameters
    adapters = parameters.blueprint.linears.map { layer in parameters.adapters.filter { $0.layer.index == layer.index } }
    self.threads = threads
    kernels = try instructionSet.kernels()
    training = try instructionSet.trainingKernels()
    products = MatrixProducts(blas, threads)
    blasCoreName = blas.coreName
  }

  // MARK: Forward and backward

  /// The logits `[texts, labels]` of a batch.
  ///
  /// - Parameter dropoutKey: made from the seed and the step; nil for evaluation: no dropout, nothing recorded.
  package func forward(_ family: any EncoderFamily, _ batch: Batch, dropoutKey: UInt64?) -> TapeRows {
    self.batch = batch
    tape.removeAll(keepingCapacity: true)
    verbNumber = 0
    trains = dropoutKey != nil
    records = trains
    dropoutSeed = dropoutKey ?? 0
    guard let bottom else { return family.forward(self) }
    return family.forward(bottom.hiddenStates(family, batch, buffers), from: bottom.layers, self)
  }

  /// Gives the part of a model below all that is trained to the inference engine: the embeddings and as many layers as
  /// have no parameter that is trained or shared with what comes above, and no adapter.
  package func freezeBottom(of family: any EncoderFamily) throws {
    // What is in it stays frozen, and its values are no longer in the store.
    guard bottom == nil else { return }
    bottom = try FrozenBottom(of: family, parameters, kernels, threads)
  }

  /// Adds the gradients of all parameters.
  ///
  /// - Parameter gradient: of the loss with respect to the logits `[texts, labels]`.
  package func backward(_ logits: TapeRows, gradient: [Float]) {
    precondition(gradient.count == logits.count && trains)
    logits.node.contribution().gradient.update(from: gradient, count: gradient.count)
    runTape(to: 0)
  }

  private func runTape(to count: Int) { while tape.count > count { tape.removeLast().backward(self) } }

  /// Runs verbs a second time, recording, and then their rules. What the last verb makes must have its gradient.
  func replay(_ verbNumber: UInt64, _ body: () -> Void) {
    let count = tape.count
    self.verbNumber = verbNumber
    records = true
    body()
    runTape(to: count)
  }

  /// Makes the rows of a verb together with its rule.
  func record(rows: Int, width: Int, _ rule: (TapeNode) -> some GradientRule) -> TapeRows {
    let node = TapeNode(rows: rows, width: width, needsGradient: trains, pool: buffers)
    if records { tape.append(rule(node)) }
    return TapeRows(node)
  }

  /// The dropout of the next verb: its rate (0 when off) and its key.
  func nextDropout(_ rate: Float) -> Dropout {
    verbNumber += 1
    guard trains, !dropoutIsOff, rate > 0 else { return Dropout(rate: 0, key: 0) }
    return Dropout(rate: rate, key: mix(dropoutSeed, verbNumber))
  }

  // MARK: Verbs

  package func embed(_ embeddings: Embeddings, dropout rate: Float) -> TapeRows {
    let tokens = batch.tokenCount
    var positions: [Int32] = []
    positions.reserveCapacity(tokens)
    embeddings.appendPositions(of: 0..<batch.textCount, in: batch, to: &positions)
    let lookups = [
      (embeddings.words, batch.ids), (embeddings.positions, positions), (embeddings.tokenTypes, batch.tokenTypes),
    ].compactMap { table, rows in table.map { Lookup(table: $0, rows: rows) } }
    let sum = gather(lookups)
    let projected = embeddings.projection.map { linear(sum, $0) } ?? sum
    // The reference normalises first and drops out after.
    return dropout(normalize(projected, embeddings.normalization), rate)
  }

  package func operand(_ rows: TapeRows) -> TapeRows { rows }

  package func linear(_ operand: TapeRows, _ layer: Linear) -> TapeRows {
    let adapters = self.adapters[layer.index]
    let inner = adapters.map { buffers.take(operand.rows * $0.rank) }
    let output = record(rows: operand.rows, width: layer.outputs) {
      LinearRule(input: operand.node, output: $0, layer: layer, adapters: Array(zip(adapters, inner)))
    }
    products.forward(
      operand.values, parameters.values(layer.weights[0]), bias: layer.biases.first.map { parameters.values($0) },
      output.values, M: operand.rows, N: layer.outputs, K: layer.inputs)
    for (adapter, inner) in zip(adapters, inner) { addAdapter(adapter, operand, inner, output.values) }
    return output
  }

  package func linear(_ operand: TapeRows, _ layer: Linear, _ activation: Activation) -> TapeRows {
    activate(linear(operand, layer), activation)
  }

  /// f(x), of rows that nothing else reads.
  func activate(_ inner: TapeRows, _ activation: Activation) -> TapeRows {
    guard activation != .identity else { return inner }
    let output = record(rows: inner.rows, width: inner.width) {
      ActivationRule(self, input: inner.node, output: $0, activation: activation)
    }
    forEachBlock(inner.rows) { block in
      let start = block.lowerBound * inner.width
      training.activateCopy(
        inner.values + start, block.count * inner.width, activation.rawValue, output.values + start)
    }
    return output
  }

  package func gated(_ operand: TapeRows, _ layer: Linear, _ activation: Activation, dropout rate: Float) -> TapeRows {
    let inner = linear(operand, layer)
    let output = record(rows: inner.rows, width: inner.width / 2) {
      GateRule(self, input: inner.node, output: $0, activation: activation)
    }
    gate(inner.values, inner.rows, output.width, activation, output.values)
    return dropout(output, rate)
  }

  package func attend(queryKeyValue: TapeRows, _ attention: Attention, queries: Queries) -> TapeRows {
    let width = queryKeyValue.width / 3
    let step = AttentionStep(attention, width: width, queries: queries, dropout: nextDropout(attention.dropout), self)
    let context = record(rows: queries == .firstTokens ? batch.textCount : queryKeyValue.rows, width: width) {
      AttentionRule(input: queryKeyValue.node, output: $0, step: step)
    }
    step.forward(self, queryKeyValue.values, context.values)
    return context
  }

  package func residualNormalize(
    _ rows: TapeRows, residual: TapeRows, _ normalization: Normalization, dropout rate: Float
  ) -> TapeRows {
    normalize(rows, residual: residual, normalization, nextDropout(rate))
  }

  package func add(_ rows: TapeRows, residual: TapeRows, dropout rate: Float) -> TapeRows {
    let dropout = nextDropout(rate)
    let output = record(rows: rows.rows, width: rows.width) {
      SumRule(input: rows.node, residual: residual.node, output: $0, dropout: dropout)
    }
    forEachBlock(rows.rows) { block in
      let start = block.lowerBound * rows.width
      let count = block.count * rows.width
      (output.values + start).update(from: residual.values + start, count: count)
      training.dropout(rows.values + start, count, dropout.rate, dropout.key, start, output.values + start, true)
    }
    return output
  }

  package func normalize(_ rows: TapeRows, _ normalization: Normalization) -> TapeRows {
    normalize(rows, residual: nil, normalization, Dropout(rate: 0, key: 0))
  }

  package func meanTokens(_ rows: TapeRows) -> TapeRows {
    let starts = batch.starts
    let output = record(rows: batch.textCount, width: rows.width) {
      MeanTokensRule(input: rows.node, output: $0, starts: starts)
    }
    for text in 0..<batch.textCount {
      let mean = output.values + text * rows.width
      mean.update(repeating: 0, count: rows.width)
      for token in starts[text]..<starts[text + 1] { kernels.add(rows.values + token * rows.width, rows.width, mean) }
      kernels.scale(mean, rows.width, 1 / Float(starts[text + 1] - starts[text]))
    }
    return output
  }

  package func firstTokens(_ rows: TapeRows) -> TapeRows {
    let starts = Array(batch.starts.dropLast())
    let output = record(rows: starts.count, width: rows.width) {
      FirstTokensRule(input: rows.node, output: $0, starts: starts)
    }
    for (text, start) in starts.enumerated() {
      (output.values + text * rows.width).update(from: rows.values + start * rows.width, count: rows.width)
    }
    return output
  }

  package func dense(_ rows: TapeRows, _ layer: Linear, _ activation: Activation) -> TapeRows {
    linear(rows, layer, activation)
  }

  package func dropout(_ rows: TapeRows, _ rate: Float) -> TapeRows {
    let dropout = nextDropout(rate)
    guard dropout.rate > 0 else { return rows }
    let output = record(rows: rows.rows, width: rows.width) {
      DropoutRule(input: rows.node, output: $0, dropout: dropout)
    }
    forEachBlock(rows.rows) { block in
      let start = block.lowerBound * rows.width
      training.dropout(
        rows.values + start, block.count * rows.width, dropout.rate, dropout.key, start, output.values + start, false)
    }
    return output
  }

  package func layer(_ number: Int, _ rows: TapeRows, of family: some EncoderFamily) -> TapeRows {
    guard records && checkpointsGradients else { return family.layer(number, rows, self) }
    let verbsBefore = verbNumber
    records = false
    let output = family.layer(number, rows, self)
    records = true
    tape.append(
      LayerRule(input: rows.node, output: output.node, number: number, family: family, verbNumber: verbsBefore))
    return output
  }

  // MARK: Shared by verbs and rules

  /// The sum of rows of tables, as many of each.
  func gather(_ lookups: [Lookup]) -> TapeRows {
    let (count, width) = (lookups[0].rows.count, lookups[0].table.width)
    let sum = record(rows: count, width: width) { GatherRule(output: $0, lookups: lookups) }
    forEachBlock(count) { block in
      for (place, lookup) in lookups.enumerated() {
        lookup.rows.withUnsafeBufferPointer {
          kernels.gatherFloatRows(
            $0.baseAddress! + block.lowerBound, block.count, parameters.values(lookup.table.weight), width,
            sum.values + block.lowerBound * width, width, place > 0)
        }
      }
    }
    return sum
  }

  func normalize(
    _ rows: TapeRows, residual: TapeRows?, _ normalization: Normalization, _ dropout: Dropout
  ) -> TapeRows {
    let width = rows.width
    let normalized = buffers.take(rows.count)
    let deviations = buffers.take(rows.rows)
    let output = record(rows: rows.rows, width: width) {
      NormalizationRule(
        self, input: rows.node, residual: residual?.node, output: $0, normalization: normalization, dropout: dropout,
        normalized: normalized, inverseDeviations: deviations)
    }
    forEachBlock(rows.rows) { block in
      let start = block.lowerBound * width
      training.normalizeForward(
        rows.values + start, residual.map { UnsafePointer($0.values + start) }, block.count, width,
        parameters.values(normalization.weight), normalization.bias.map { parameters.values($0) }, normalization.epsilon,
        dropout.rate, dropout.key, start, normalized.values + start, deviations.values + block.lowerBound,
        output.values + start)
    }
    return output
  }

  /// f(a) · b of rows [rows, 2 width].
  func gate(
    _ rows: UnsafePointer<Float>, _ count: Int, _ width: Int, _ activation: Activation, _ out: UnsafeMutablePointer<Float>
  ) {
    forEachBlock(count) { block in
      for row in block {
        let (source, target) = (rows + 2 * row * width, out + row * width)
        training.activateCopy(source, width, activation.rawValue, target)
        training.multiply(source + width, width, target)
      }
    }
  }

  func forEachBlock(_ rows: Int, _ body: (Range<Int>) -> Void) {
    let size = Self.blockRows
    threads.parallelFor((rows + size - 1) / size) { index, _ in body(index * size..<min(rows, (index + 1) * size)) }
  }

  /// The sums of the columns of x [rows, columns], added to `sums`, on all threads; each in the order of the rows.
  func addColumnSums(_ x: UnsafePointer<Float>, rows: Int, columns: Int, _ sums: UnsafeMutablePointer<Float>) {
    let size = 64
    threads.parallelFor((columns + size - 1) / size) { index, _ in
      let first = index * size
      training.addColumnSums(x + first, columns, rows, min(size, columns - first), sums + first)
    }
  }
}

/// The dropout of one verb in one step.
struct Dropout: Sendable {
  let rate: Float
  let key: UInt64
}

/// A key from two numbers: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
package func mix(_ first: UInt64, _ second: UInt64) -> UInt64 {
  var x = first &+ second &* 0x9E37_79B9_7F4A_7C15
  x = (x ^ x >> 30) &* 0xBF58_476D_1CE4_E5B9
  x = (x ^ x >> 27) &* 0x94D0_49BB_1331_11EB
  return x ^ x >> 31
}

/// Which rows of a table a batch reads.
struct Lookup {
  let table: Table
  let rows: [Int32]
}
