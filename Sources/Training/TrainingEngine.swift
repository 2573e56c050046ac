import Encoders
import Kernels
import LinearAlgebra
import Storage

/// What a verb leaves on the tape: how to pass its result's gradient on to what it read.
protocol GradientRule {
  func backward(_ engine: TrainingEngine) throws(OutOfMemory)
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
  let adapters: [[LowRankAdapter]]
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
  package func forward(_ family: any EncoderFamily, _ batch: Batch, dropoutKey: UInt64?) throws(OutOfMemory) -> TapeRows {
    self.batch = batch
    tape.removeAll(keepingCapacity: true)
    verbNumber = 0
    trains = dropoutKey != nil
    records = trains
    dropoutSeed = dropoutKey ?? 0
    return try clearingTapeIfRefused { () throws(OutOfMemory) in
      guard let bottom else { return try family.forward(self) }
      return try family.forward(bottom.hiddenStates(family, batch, buffers), from: bottom.layers, self)
    }
  }

  /// What is on the tape holds memory, and is for nothing once a verb or a rule was refused its own.
  private func clearingTapeIfRefused<Result>(_ body: () throws(OutOfMemory) -> Result) throws(OutOfMemory) -> Result {
    do throws(OutOfMemory) { return try body() } catch {
      tape.removeAll(keepingCapacity: true)
      throw error
    }
  }

  /// Gives the part of a model below all that is trained to the inference engine: the embeddings and as many layers as
  /// have no parameter that is trained, no adapter, and no matrix that what comes above reads.
  package func freezeBottom(of family: any EncoderFamily) throws {
    // What is in it stays frozen, and its values are no longer in the store.
    guard bottom == nil else { return }
    bottom = try FrozenBottom(of: family, parameters, kernels, threads)
  }

  /// Adds the gradients of all parameters.
  ///
  /// - Parameter gradient: of the loss with respect to the logits `[texts, labels]`.
  package func backward(_ logits: TapeRows, gradient: [Float]) throws(OutOfMemory) {
    assert(gradient.count == logits.count && trains, "one gradient for each logit of a pass that trains")
    try clearingTapeIfRefused { () throws(OutOfMemory) in
      try logits.node.contribution().gradient.update(from: gradient, count: gradient.count)
      try runTape(to: 0)
    }
  }

  private func runTape(to count: Int) throws(OutOfMemory) {
    while tape.count > count { try tape.removeLast().backward(self) }
  }

  /// Runs verbs a second time, recording, and then their rules. What the last verb makes must have its gradient.
  func replay(_ verbNumber: UInt64, _ body: () throws(OutOfMemory) -> Void) throws(OutOfMemory) {
    let count = tape.count
    self.verbNumber = verbNumber
    records = true
    try body()
    try runTape(to: count)
  }

  /// Makes the rows of a verb together with its rule.
  func record(
    rows: Int, width: Int, _ rule: (TapeNode) -> some GradientRule
  ) throws(OutOfMemory) -> TapeRows {
    let node = try TapeNode(rows: rows, width: width, needsGradient: trains, pool: buffers)
    if records { tape.append(rule(node)) }
    return TapeRows(node)
  }

  /// The dropout of the next verb: its rate (0 when off) and its key.
  func nextDropout(_ rate: Float) -> Dropout {
    verbNumber += 1
    guard trains, !dropoutIsOff, rate > 0 else { return Dropout(rate: 0, key: 0) }
    return Dropout(rate: rate, key: mix(dropoutSeed, verbNumber))
  }

  package func layer(_ number: Int, _ rows: TapeRows, of family: some EncoderFamily) throws(OutOfMemory) -> TapeRows {
    guard records && checkpointsGradients else { return try family.layer(number, rows, self) }
    let verbsBefore = verbNumber
    records = false
    let output = try family.layer(number, rows, self)
    records = true
    tape.append(
      LayerRule(input: rows.node, output: output.node, number: number, family: family, verbNumber: verbsBefore))
    return output
  }

  // MARK: Work for all threads

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
