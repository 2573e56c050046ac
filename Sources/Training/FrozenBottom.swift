import Encoders
import Inference
import Kernels
import Storage
import WeightFormats

/// The part of a model below all that is trained, on the inference engine in fp32: a fixed function of a batch, so without
/// dropout, of which nothing is kept for the backward pass.
final class FrozenBottom {
  /// The layers that belong to it, from the first on; the embeddings always do.
  let layers: Int
  let weights: FrozenWeights
  private let engine: InferenceEngine

  /// Enough rows for the kernels to run at full speed, and hidden states that hardly count beside the layers' above.
  private static let groupTokens = 64

  /// Nil for a model whose embeddings are trained.
  init?(
    of family: any EncoderFamily, _ parameters: ParameterStore, _ kernels: any KernelTable.Type, _ threads: ThreadPool
  ) throws {
    let use = try ParameterUse(family)
    let adapted = Set(parameters.adapters.flatMap(\.layer.weights))
    func isFrozen(layers: Int) -> Bool {
      let part = use.bottom(layers: layers)
      return use.hasOwnMatrices(layers: layers) && part.isDisjoint(with: adapted)
        && part.allSatisfy { !parameters.isTrained[$0] }
    }
    guard let layers = (0...use.layers.count).last(where: isFrozen) else { return nil }
    self.layers = layers
    let part = use.bottom(layers: layers)
    weights = try FrozenWeights(of: part, parameters)
    engine = try InferenceEngine(
      weights: ModelWeights(parameters.blueprint, of: part, from: weights), kernels: kernels, pool: threads,
      groupTokens: Self.groupTokens)
  }

  /// The hidden states before the first layer above.
  func hiddenStates(_ family: any EncoderFamily, _ batch: Batch, _ buffers: BufferPool) throws(OutOfMemory) -> TapeRows {
    let width = family.hiddenWidth
    let values = try buffers.take(batch.tokenCount * width)
    let rows = try engine.hiddenStates(family, before: layers, batch, values.values)
    return try TapeRows(TapeNode(rows: rows, width: width, needsGradient: false, pool: buffers, values: values))
  }
}

/// Some of a store's parameters in the layout of the inference engine's kernels. Matrices lie only here: the store gives
/// the memory of theirs back. Tables are read where they are; nothing writes to what is frozen, so threads may share it.
final class FrozenWeights: WeightProvider, @unchecked Sendable {
  struct Matrix {
    let layer: Linear
    fileprivate let block: AlignedBuffer
    /// Whether a checkpoint holds its weights the other way round.
    fileprivate let isTransposed: Bool
    fileprivate var shape: MatrixShape { MatrixShape(outputs: layer.outputs, inputs: layer.inputs) }

    /// The weight of a part of the layer, row-major as a checkpoint has it.
    func unpack(_ part: Int, into values: UnsafeMutablePointer<Float>) {
      let rows = layer.outputs(ofPart: part)
      guard layer.groups != nil || isTransposed else {
        return Float32Format.unpack(block.baseAddress, shape, outputs: rows, into: values)
      }
      // A row at a time: no memory is asked for while a checkpoint is written.
      let source = LinearPart(of: layer, part)
      withUnsafeTemporaryAllocation(of: Float.self, capacity: layer.inputs) { row in
        for output in rows {
          Float32Format.unpack(block.baseAddress, shape, outputs: output..<output + 1, into: row.baseAddress!)
          if isTransposed {
            for input in 0..<layer.inputs { values[input * rows.count + output - rows.lowerBound] = row[input] }
          } else {
            source.collect(row: row.baseAddress!, output: output - rows.lowerBound, into: values)
          }
        }
      }
    }
  }

  let matrices: [Matrix]
  /// By the place in the blueprint, the weight and then the bias of each.
  private let normalizations: [AlignedBuffer?]
  private let parameters: ParameterStore

  init(of part: Set<Int>, _ parameters: ParameterStore) throws(OutOfMemory) {
    self.parameters = parameters
    // All memory first: once the store has given its own back, nothing may be refused.
    var matrices: [Matrix] = []
    for layer in parameters.blueprint.linears where part.contains(layer.weights[0]) {
      let shape = MatrixShape(outputs: layer.outputs, inputs: layer.inputs)
      matrices.append(
        Matrix(
          layer: layer, block: try AlignedBuffer(byteCount: Float32Format.byteCount(shape)),
          isTransposed: parameters.parameters[layer.weights[0]].isTransposed))
    }
    var normalizations: [AlignedBuffer?] = []
    for normalization in parameters.blueprint.normalizations {
      guard part.contains(normalization.weight) else {
        normalizations.append(nil)
        continue
      }
      let vectors = try AlignedBuffer(count: 2 * normalization.width, of: Float.self)
      for (place, parameter) in normalization.parameters.enumerated() {
        (vectors.bound(to: Float.self) + place * normalization.width).update(
          from: parameters.values(parameter), count: normalization.width)
      }
      normalizations.append(vectors)
    }
    let scratch = try Self.scratch(matrices)
    for matrix in matrices {
      let layer = matrix.layer
      var weights = UnsafePointer(parameters.values(layer.weights[0]))
      if layer.groups != nil {
        for (number, weight) in layer.weights.enumerated() {
          let part = LinearPart(of: layer, number)
          part.spread(parameters.values(weight), into: scratch.bound(to: Float.self) + layer.outputs(ofPart: number).lowerBound * part.inputs)
        }
        weights = UnsafePointer(scratch.bound(to: Float.self))
      }
      Float32Format.pack(
        weights, bias: layer.biases.first.map { UnsafePointer(parameters.values($0)) }, matrix.shape,
        into: matrix.block.baseAddress)
      for weight in layer.weights { parameters.discardValues(weight) }
    }
    self.matrices = matrices
    self.normalizations = normalizations
  }

  /// Where the whole matrix of the largest layer in groups has room.
  private static func scratch(_ matrices: [Matrix]) throws(OutOfMemory) -> AlignedBuffer {
    let counts = matrices.map { $0.layer.groups == nil ? 0 : $0.layer.outputs * $0.layer.inputs }
    return try AlignedBuffer(count: counts.max() ?? 0, of: Float.self, zeroed: false)
  }

  func matrix(_ linear: Linear) -> (format: WeightFormat, bytes: UnsafeRawBufferPointer) {
    (.fp32, matrices.first { $0.layer.index == linear.index }!.block.bytes)
  }

  func table(_ table: Table) -> (format: WeightFormat, bytes: UnsafeRawBufferPointer, changes: TableChanges?) {
    (.fp32, UnsafeRawBufferPointer(parameters.buffer(table.weight, of: parameters.values)), nil)
  }

  func normalization(_ normalization: Normalization) -> UnsafeRawBufferPointer {
    normalizations[normalization.index]!.bytes
  }
}
