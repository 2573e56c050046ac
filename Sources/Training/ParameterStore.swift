import Encoders
import Storage

/// All parameters of a model, with their gradients and AdamW's moments: four allocations of the same layout.
///
/// Parameters lie one after the other in the blueprint's order, so that the stacked parts of a layer (query, key,
/// value) form one matrix, the optimiser is a loop, and saving is a write.
package final class ParameterStore {
  package let blueprint: Blueprint
  /// Where each parameter starts, in floats.
  package let offsets: [Int]
  package let count: Int
  private let storage: [AlignedBuffer]

  package var values: UnsafeMutablePointer<Float> { storage[0].bound(to: Float.self) }
  package var gradients: UnsafeMutablePointer<Float> { storage[1].bound(to: Float.self) }
  package var firstMoments: UnsafeMutablePointer<Float> { storage[2].bound(to: Float.self) }
  package var secondMoments: UnsafeMutablePointer<Float> { storage[3].bound(to: Float.self) }

  /// For each table: the rows that have ever had a gradient; the others have no moments and only decay.
  package internal(set) var everTouched: [[Bool]]
  /// For each table: the rows that have a gradient in this step, each once.
  var touched: [[Int32]]

  package init(_ blueprint: Blueprint) {
    self.blueprint = blueprint
    var offsets: [Int] = []
    var count = 0
    for parameter in blueprint.parameters {
      offsets.append(count)
      count += parameter.count
    }
    self.offsets = offsets
    self.count = count
    storage = (0..<4).map { _ in AlignedBuffer(count: count, of: Float.self) }
    everTouched = blueprint.tables.map { Array(repeating: false, count: $0.rows) }
    touched = blueprint.tables.map { _ in [] }
  }

  /// A parameter's values, by its place in the blueprint.
  package func values(_ parameter: Int) -> UnsafeMutablePointer<Float> { values + offsets[parameter] }
  package func gradient(_ parameter: Int) -> UnsafeMutablePointer<Float> { gradients + offsets[parameter] }

  package func buffer(_ parameter: Int, of storage: UnsafeMutablePointer<Float>) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: storage + offsets[parameter], count: blueprint.parameters[parameter].count)
  }

  /// Reads all parameters from a source; those it lacks are drawn as the reference library draws them.
  ///
  /// - Parameter seed: of the generator that draws; used for nothing else.
  /// - Returns: the names that were drawn.
  package func load(from source: some ParameterSource, seed: UInt32) throws -> [String] {
    var drawn: [String] = []
    var random = TorchRandom(seed: seed)
    for (index, parameter) in blueprint.parameters.enumerated() {
      let values = buffer(index, of: self.values)
      if try source.read(parameter, into: values) { continue }
      drawn.append(parameter.name)
      switch parameter.initialization {
      case .normal(let deviation):
        random.fillNormal(values, standardDeviation: deviation)
        if let row = parameter.frozenRow {
          let width = parameter.shape[1]
          values[row * width..<(row + 1) * width].update(repeating: 0)
        }
      case .zeros: values.update(repeating: 0)
      case .ones: values.update(repeating: 1)
      }
    }
    return drawn
  }

  /// Sets all gradients to zero. A table's are zero but for the rows of the last step.
  func clearGradients() {
    var dense = Set(blueprint.parameters.indices)
    for (index, table) in blueprint.tables.enumerated() {
      dense.remove(table.weight)
      for row in touched[index] {
        (gradient(table.weight) + Int(row) * table.width).update(repeating: 0, count: table.width)
      }
      touched[index].removeAll(keepingCapacity: true)
    }
    for index in dense { buffer(index, of: gradients).update(repeating: 0) }
  }
}
