import Encoders
import Storage

/// Products of layers whose outputs read a group of the inputs each: a small product for each group, on weights as the checkpoint
/// has them.
extension TrainingEngine {
  /// Calls `body` for each group of each part of a layer: its weights `[groupOutputs, groupInputs]`, by the parameter and the first
  /// float in it, its first output and its first input.
  private func forEachGroup(
    _ layer: Linear,
    _ body: (_ part: LinearPart, _ weight: Int, _ start: Int, _ firstOutput: Int, _ firstInput: Int) -> Void
  ) {
    for (number, weight) in layer.weights.enumerated() {
      let part = LinearPart(of: layer, number)
      for group in 0..<part.groups {
        body(
          part, weight, group * part.groupOutputs * part.groupInputs, layer.outputs(ofPart: number).lowerBound + group * part.groupOutputs,
          group * part.groupInputs)
      }
    }
  }

  /// y [rows, outputs] = x Wᵀ + b.
  func multiplyGroups(
    _ x: UnsafePointer<Float>, _ layer: Linear, _ y: UnsafeMutablePointer<Float>, rows: Int
  ) {
    forEachBlock(rows) { block in
      let (x, y) = (x + block.lowerBound * layer.inputs, y + block.lowerBound * layer.outputs)
      if let bias = layer.biases.first {
        for row in 0..<block.count { (y + row * layer.outputs).update(from: parameters.values(bias), count: layer.outputs) }
      }
      forEachGroup(layer) { part, weight, start, firstOutput, firstInput in
        products.small(
          x + firstInput, layer.inputs, parameters.values(weight) + start, part.groupInputs, transposeB: true, y + firstOutput,
          layer.outputs, m: block.count, n: part.groupOutputs, k: part.groupInputs, beta: layer.biases.isEmpty ? 0 : 1)
      }
    }
  }

  /// dW = dyᵀ x of each group whose part is trained; threads take groups.
  func groupGradients(_ dy: UnsafePointer<Float>, _ input: TapeNode, _ layer: Linear) throws(OutOfMemory) {
    guard parameters.isTrained[layer.weights[0]] else { return }
    let overwrites = parameters.beginContribution(layer.weights)
    let x = try input.values
    var groups: [(part: LinearPart, gradient: UnsafeMutablePointer<Float>, firstOutput: Int, firstInput: Int)] = []
    forEachGroup(layer) { part, weight, start, firstOutput, firstInput in
      groups.append((part, parameters.gradient(weight) + start, firstOutput, firstInput))
    }
    threads.parallelFor(groups.count) { index, _ in
      let group = groups[index]
      products.small(
        dy + group.firstOutput, layer.outputs, transposeA: true, x + group.firstInput, layer.inputs, group.gradient,
        group.part.groupInputs, m: group.part.groupOutputs, n: group.part.groupInputs, k: input.rows, beta: overwrites ? 0 : 1)
    }
  }

  /// dx [rows, inputs] = dy W, added to what is there if `adds`.
  func groupInputGradient(
    _ dy: UnsafePointer<Float>, _ layer: Linear, _ dx: UnsafeMutablePointer<Float>, rows: Int, adds: Bool
  ) {
    forEachBlock(rows) { block in
      let (dy, dx) = (dy + block.lowerBound * layer.outputs, dx + block.lowerBound * layer.inputs)
      if !adds { dx.update(repeating: 0, count: block.count * layer.inputs) }
      forEachGroup(layer) { part, weight, start, firstOutput, firstInput in
        products.small(
          dy + firstOutput, layer.outputs, parameters.values(weight) + start, part.groupInputs, dx + firstInput, layer.inputs,
          m: block.count, n: part.groupInputs, k: part.groupOutputs, beta: 1)
      }
    }
  }
}
