/// A part of a layer whose outputs read a group of the inputs each.
///
/// A checkpoint and an optimiser hold the weights that there are, `[outputs, inputs / groups]`; inference runs the whole matrix
/// `[outputs, inputs]`, with zeros where an output does not read an input, which add nothing to any sum.
package struct LinearPart: Sendable {
  package let outputs, inputs, groups: Int

  package init(of linear: Linear, _ part: Int) {
    outputs = linear.partOutputs[part]
    inputs = linear.inputs
    groups = linear.groups?[part] ?? 1
  }

  /// The weights that there are.
  package var count: Int { outputs * groupInputs }
  package var groupInputs: Int { inputs / groups }
  package var groupOutputs: Int { outputs / groups }

  private func firstInput(_ output: Int) -> Int { output / groupOutputs * groupInputs }

  /// Writes the whole matrix.
  package func spread(_ weights: UnsafePointer<Float>, into matrix: UnsafeMutablePointer<Float>) {
    matrix.update(repeating: 0, count: outputs * inputs)
    for output in 0..<outputs {
      (matrix + output * inputs + firstInput(output)).update(from: weights + output * groupInputs, count: groupInputs)
    }
  }

  /// Takes the weights that there are out of the whole matrix.
  package func collect(_ matrix: UnsafePointer<Float>, into weights: UnsafeMutablePointer<Float>) {
    for output in 0..<outputs { collect(row: matrix + output * inputs, output: output, into: weights) }
  }

  /// The same of one row of the matrix.
  package func collect(row: UnsafePointer<Float>, output: Int, into weights: UnsafeMutablePointer<Float>) {
    (weights + output * groupInputs).update(from: row + firstInput(output), count: groupInputs)
  }
}
