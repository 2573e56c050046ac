import Encoders
import Storage

extension TrainingEngine {
  package func normalizeHeads(
    queryKeyValue: TapeRows, _ shape: AttentionShape, queries: Normalization, keys: Normalization
  ) throws(OutOfMemory) -> TapeRows {
    let parts = [(shape.queries, queries), (shape.keys, keys)]
    var kept: [HeadNormalizationRule.Part] = []
    for (columns, normalization) in parts {
      kept.append(
        HeadNormalizationRule.Part(
          columns: columns, normalization: normalization, normalized: try buffers.take(queryKeyValue.rows * columns.count),
          inverseDeviations: try buffers.take(queryKeyValue.rows * columns.count / shape.headWidth)))
    }
    let output = try record(rows: queryKeyValue.rows, width: queryKeyValue.width) {
      HeadNormalizationRule(input: queryKeyValue.node, output: $0, values: shape.values, parts: kept)
    }
    let (source, target) = (try queryKeyValue.values, try output.values)
    forEachBlock(queryKeyValue.rows) { block in
      for row in block {
        let start = row * shape.columns
        (target + start + shape.values.lowerBound).update(from: source + start + shape.values.lowerBound, count: shape.values.count)
        for part in kept {
          let (normalization, first) = (part.normalization, start + part.columns.lowerBound)
          training.normalizeForward(
            source + first, nil, part.heads, normalization.width, normalization.kind.rawValue,
            parameters.values(normalization.weight), normalization.bias.map { parameters.values($0) }, normalization.epsilon, 0, 0,
            0, part.normalized.values + row * part.columns.count, part.inverseDeviations.values + row * part.heads, target + first)
        }
      }
    }
    return output
  }
}

/// Queries and keys normalised head by head, beside values as they are. Only this verb reads what it is made of, and it writes all
/// of its gradient.
struct HeadNormalizationRule: GradientRule {
  /// The heads in some columns, of queries or of keys.
  struct Part {
    let columns: Range<Int>
    let normalization: Normalization
    /// `[rows, columns]` and `[rows, heads]`.
    let normalized, inverseDeviations: PooledBuffer

    var heads: Int { columns.count / normalization.width }
  }

  let input: TapeNode
  let output: TapeNode
  let values: Range<Int>
  let parts: [Part]

  func backward(_ engine: TrainingEngine) throws(OutOfMemory) {
    let (upstream, target) = (output.gradient, try input.contribution().gradient)
    let width = output.width
    engine.forEachBlock(output.rows) { block in
      for row in block {
        let first = row * width + values.lowerBound
        (target + first).update(from: upstream + first, count: values.count)
      }
    }
    for part in parts { try backward(part, upstream, target, engine) }
  }

  private func backward(
    _ part: Part, _ upstream: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ engine: TrainingEngine
  ) throws(OutOfMemory) {
    let (parameters, normalization) = (engine.parameters, part.normalization)
    let width = normalization.width
    // One partial sum of the parameters' gradients for each block of rows, added up in their order.
    let blockRows = 64
    let blocks = (output.rows + blockRows - 1) / blockRows
    let partial = try engine.buffers.take(blocks * 2 * width)
    engine.threads.parallelFor(blocks) { index, _ in
      let weight = partial.values + index * 2 * width
      weight.update(repeating: 0, count: 2 * width)
      for row in index * blockRows..<min(output.rows, (index + 1) * blockRows) {
        let first = row * output.width + part.columns.lowerBound
        engine.training.normalizeBackward(
          upstream + first, part.normalized.values + row * part.columns.count, part.inverseDeviations.values + row * part.heads,
          part.heads, width, normalization.kind.rawValue, parameters.values(normalization.weight), 0, 0, 0, target + first, false,
          nil, false, weight, weight + width)
      }
    }
    for (place, parameter) in normalization.parameters.enumerated() where parameters.isTrained[parameter] {
      let gradient = parameters.gradient(parameter)
      if parameters.beginContribution([parameter]) { gradient.update(repeating: 0, count: width) }
      for index in 0..<blocks { engine.kernels.add(partial.values + (2 * index + place) * width, width, gradient) }
    }
  }
}
