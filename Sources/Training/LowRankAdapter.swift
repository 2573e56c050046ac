import Encoders
import JSON
import Storage

/// What LoRA (Hu et al., 2021) adds to the projections: y += x Aᵀ Bᵀ · alpha / rank, of which A and B are trained and
/// the projection itself is not.
package struct LowRankSettings: Sendable, Equatable {
  /// More than any layer of an encoder has use for.
  static let mostRank = 4096

  package var rank: Int
  package var alpha: Double
  /// The last parts of the names of the layers: `query`, `value`, `dense`, ….
  package var targets: [String]

  package init(rank: Int, alpha: Double, targets: [String]) {
    self.rank = rank
    self.alpha = alpha
    self.targets = targets
  }

  var scale: Float { Float(alpha / Double(rank)) }
}

/// The adapter of one part of a linear layer.
struct LowRankAdapter: Sendable {
  let layer: Linear
  /// The index of its weight among those of the layer.
  let part: Int
  /// Places in `ParameterStore.parameters`: A [rank, inputs], B [outputs of the part, rank].
  let down: Int
  let up: Int
  let rank: Int
  let scale: Float

  var outputs: Int { layer.partOutputs[part] }
  var firstOutput: Int { layer.outputs(ofPart: part).lowerBound }

  /// The adapters of a model, in the order of its layers, and their parameters, which come behind the model's own.
  static func make(
    _ settings: LowRankSettings, _ blueprint: Blueprint
  ) throws(TrainingError) -> (adapters: [LowRankAdapter], parameters: [Parameter]) {
    guard (1...LowRankSettings.mostRank).contains(settings.rank) else {
      throw .argument("lora-rank: expected 1 to \(LowRankSettings.mostRank), found \(settings.rank)")
    }
    var adapters: [LowRankAdapter] = []
    var parameters: [Parameter] = []
    var found: Set<String> = []
    for layer in blueprint.linears where !layer.isHead {
      for (part, weight) in layer.weights.enumerated() {
        let name = String(blueprint.parameters[weight].name.dropLast(".weight".count))
        guard let target = settings.targets.first(where: { name == $0 || name.hasSuffix("." + $0) }) else { continue }
        found.insert(target)
        guard layer.groups == nil else {
          throw .argument("lora-targets: expected layers whose outputs read every input, found \(name): tune without adapters")
        }
        let first = blueprint.parameters.count + parameters.count
        let adapter = LowRankAdapter(
          layer: layer, part: part, down: first, up: first + 1, rank: settings.rank, scale: settings.scale)
        parameters.append(
          Parameter(
            name: name + ".lora_A.weight", shape: [settings.rank, layer.inputs],
            initialization: .uniform(bound: 1 / Float(layer.inputs).squareRoot())))
        parameters.append(
          Parameter(name: name + ".lora_B.weight", shape: [adapter.outputs, settings.rank], initialization: .zeros))
        adapters.append(adapter)
      }
    }
    for target in settings.targets where !found.contains(target) {
      throw .argument("lora-targets: no layer of the encoder is called \(target)")
    }
    return (adapters, parameters)
  }
}

extension TrainingEngine {
  /// Adds an adapter's share of x [rows, inputs] to y [rows, outputs of the layer].
  ///
  /// - Parameter inner: becomes x Aᵀ [rows, rank], which the backward pass wants.
  func addAdapter(
    _ adapter: LowRankAdapter, _ x: UnsafePointer<Float>, rows: Int, _ inner: PooledBuffer, _ y: UnsafeMutablePointer<Float>
  ) {
    let stride = adapter.layer.outputs
    products.forward(
      x, parameters.values(adapter.down), inner.values, M: rows, N: adapter.rank, K: adapter.layer.inputs)
    forEachBlock(rows) { block in
      products.small(
        inner.values + block.lowerBound * adapter.rank, adapter.rank, parameters.values(adapter.up), adapter.rank,
        transposeB: true, y + block.lowerBound * stride + adapter.firstOutput, stride, m: block.count,
        n: adapter.outputs, k: adapter.rank, alpha: adapter.scale, beta: 1)
    }
  }

  /// - Parameters:
  ///   - inner: what `addAdapter` left.
  ///   - gradient: of the layer's output [rows, outputs].
  ///   - toInput: the gradient of x, which is added to; nil when nobody wants it.
  func adapterBackward(
    _ adapter: LowRankAdapter, _ x: UnsafePointer<Float>, rows: Int, _ inner: PooledBuffer, _ gradient: UnsafePointer<Float>,
    toInput: UnsafeMutablePointer<Float>?
  ) throws(OutOfMemory) {
    let (rank, stride) = (adapter.rank, adapter.layer.outputs)
    let upstream = gradient + adapter.firstOutput
    let dInner = try buffers.take(rows * rank)
    forEachBlock(rows) { block in
      products.small(
        upstream + block.lowerBound * stride, stride, parameters.values(adapter.up), rank,
        dInner.values + block.lowerBound * rank, rank, m: block.count, n: rank, k: adapter.outputs,
        alpha: adapter.scale)
    }
    let overwritesUp = parameters.beginContribution([adapter.up])
    forEachBlock(adapter.outputs) { block in
      products.small(
        upstream + block.lowerBound, stride, transposeA: true, inner.values, rank,
        parameters.gradient(adapter.up) + block.lowerBound * rank, rank, m: block.count, n: rank, k: rows,
        alpha: adapter.scale, beta: overwritesUp ? 0 : 1)
    }
    products.weightGradient(
      dInner.values, x, parameters.gradient(adapter.down), M: rows, N: rank, K: adapter.layer.inputs,
      beta: parameters.beginContribution([adapter.down]) ? 0 : 1)
    if let toInput {
      products.inputGradient(
        dInner.values, parameters.values(adapter.down), toInput, M: rows, N: rank, K: adapter.layer.inputs, beta: 1)
    }
  }

  /// W + B A · alpha / rank of an adapter's part of its layer [outputs of the part, inputs], as a checkpoint has it.
  func mergeWeight(_ adapter: LowRankAdapter, into values: UnsafeMutablePointer<Float>) {
    let weight = adapter.layer.weights[adapter.part]
    let inputs = adapter.layer.inputs
    guard !parameters.parameters[weight].isTransposed else {
      transpose(parameters.values(weight), adapter.outputs, inputs, into: values)
      return products.small(
        parameters.values(adapter.down), inputs, transposeA: true, parameters.values(adapter.up), adapter.rank, transposeB: true,
        values, adapter.outputs, m: inputs, n: adapter.outputs, k: adapter.rank, alpha: adapter.scale, beta: 1)
    }
    values.update(from: parameters.values(weight), count: adapter.outputs * inputs)
    products.small(
      parameters.values(adapter.up), adapter.rank, parameters.values(adapter.down), inputs, values, inputs,
      m: adapter.outputs, n: inputs, k: adapter.rank, alpha: adapter.scale, beta: 1)
  }
}
