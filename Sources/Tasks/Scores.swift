import Storage

/// The index of the largest value; of equal values the lowest index, as NumPy and PyTorch on a CPU do. Needs one value at least.
package func argmax(_ values: UnsafeBufferPointer<Float>) -> Int {
  precondition(!values.isEmpty, "argmax of nothing")
  var best = 0
  for index in 1..<max(values.count, 1) where values[index] > values[best] { best = index }
  return best
}

package func argmax(_ values: [Float]) -> Int { values.withUnsafeBufferPointer { argmax($0) } }

/// `exp(l/T) / Σ exp(l/T)`, computed in Double and rounded once; `probabilities` has at least as many elements as `logits`.
package func softmax(
  _ logits: UnsafeBufferPointer<Float>, into probabilities: UnsafeMutableBufferPointer<Float>, temperature: Double = 1
) {
  guard !logits.isEmpty else { return }
  precondition(probabilities.count >= logits.count, "softmax into a shorter buffer")
  let shift = Double(logits[argmax(logits)])
  var sum = 0.0
  for logit in logits { sum += Double.exp((Double(logit) - shift) / temperature) }
  for index in logits.indices {
    probabilities[index] = Float(Double.exp((Double(logits[index]) - shift) / temperature) / sum)
  }
}

package func softmax(_ logits: [Float], temperature: Double = 1) -> [Float] {
  [Float](unsafeUninitializedCapacity: logits.count) { output, count in
    logits.withUnsafeBufferPointer { softmax($0, into: output, temperature: temperature) }
    count = logits.count
  }
}

/// `1 / (1 + exp(-x/T))`, computed in Double and rounded once.
package func sigmoid(_ x: Float, temperature: Double = 1) -> Float { Float(1 / (1 + Double.exp(-Double(x) / temperature))) }

/// `-log softmax(logits)[target]` in Double, by log-sum-exp.
package func crossEntropy(logits: UnsafeBufferPointer<Float>, target: Int) -> Double {
  let shift = Double(logits[argmax(logits)])
  var sum = 0.0
  for logit in logits { sum += Double.exp(Double(logit) - shift) }
  return Double.log(sum) + shift - Double(logits[target])
}

package func crossEntropy(logits: [Float], target: Int) -> Double {
  logits.withUnsafeBufferPointer { crossEntropy(logits: $0, target: target) }
}

/// Mean over the labels of one record of `-(t·log σ(l) + (1-t)·log(1-σ(l)))`, in the form that neither overflows nor cancels:
/// `max(l, 0) - l·t + log(1 + exp(-|l|))`, which is what `torch.nn.BCEWithLogitsLoss` computes.
package func binaryCrossEntropy(logits: UnsafeBufferPointer<Float>, targets: UnsafeBufferPointer<Float>) -> Double {
  precondition(logits.count == targets.count && !logits.isEmpty, "one target for each logit")
  var sum = 0.0
  for index in logits.indices {
    let logit = Double(logits[index])
    sum += max(logit, 0) - logit * Double(targets[index]) + Double.log(onePlus: Double.exp(-abs(logit)))
  }
  return sum / Double(logits.count)
}

/// `numerator / denominator`, and 0 where nothing was counted: scikit-learn's `zero_division=0`.
func ratio(_ numerator: Int, _ denominator: Int) -> Double {
  denominator == 0 ? 0 : Double(numerator) / Double(denominator)
}
