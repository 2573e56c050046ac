import Encoders
import Storage

/// All parameters of a model, with their gradients and AdamW's moments: four allocations of the same layout.
///
/// Parameters lie one after the other in the blueprint's order, so that the stacked parts of a layer (query, key,
/// value) form one matrix, the optimiser is a loop, and saving is a write.
package final class ParameterStore {
  package let blueprint: Blueprint
  /// The blueprint's parameters, and behind them those of the adapters.
  package let parameters: [Parameter]
  let adapters: [LowRankAdapter]
  let adapterSettings: LowRankSettings?
  /// Where each parameter starts, in floats.
  package let offsets: [Int]
  package let count: Int
  private let storage: [AlignedBuffer]

  package var values: UnsafeMutablePointer<Float> { storage[0].bound(to: Float.self) }
  package var gradients: UnsafeMutablePointer<Float> { storage[1].bound(to: Float.self) }
  package var firstMoments: UnsafeMutablePointer<Float> { storage[2].bound(to: Float.self) }
  package var secondMoments: UnsafeMutablePointer<Float> { storage[3].bound(to: Float.self) }

  /// Which parameters are trained; the others' gradients and moments are never touched and take no memory.
  package private(set) var isTrained: [Bool]

  /// For each table: the rows that have ever had a gradient; the others have no moments and only decay.
  package internal(set) var everTouched: [[Bool]]
  /// For each table: the rows that have a gradient in this step, each once.
  var touched: [[Int32]]
  /// Whether a parameter's gradient is still an earlier step's: the first contribution overwrites it.
  private var isStale: [Bool]

  package convenience init(_ blueprint: Blueprint) throws(OutOfMemory) { try self.init(blueprint, [], [], nil) }

  /// With adapters only they and the head are trained.
  package convenience init(_ blueprint: Blueprint, _ settings: LowRankSettings) throws {
    let (adapters, parameters) = try LowRankAdapter.make(settings, blueprint)
    try self.init(blueprint, adapters, parameters, settings)
    let head = blueprint.headParameters
    freeze(blueprint.parameters.indices.filter { !head.contains($0) })
  }

  private init(
    _ blueprint: Blueprint, _ adapters: [LowRankAdapter], _ ofAdapters: [Parameter], _ settings: LowRankSettings?
  ) throws(OutOfMemory) {
    self.blueprint = blueprint
    self.adapters = adapters
    adapterSettings = settings
    parameters = blueprint.parameters + ofAdapters
    var offsets: [Int] = []
    var count = 0
    for parameter in parameters {
      offsets.append(count)
      count += parameter.count
    }
    self.offsets = offsets
    self.count = count
    // Of each row of a table whether it has had a gradient, and what a step keeps of it.
    try requireMemory(blueprint.tables.reduce(0) { $0 + $1.rows }.memory(times: 8))
    var storage: [AlignedBuffer] = []
    for _ in 0..<4 { storage.append(try AlignedBuffer(count: count, of: Float.self)) }
    self.storage = storage
    everTouched = blueprint.tables.map { Array(repeating: false, count: $0.rows) }
    touched = blueprint.tables.map { _ in [] }
    isStale = Array(repeating: false, count: parameters.count)
    isTrained = Array(repeating: true, count: parameters.count)
  }

  /// Takes parameters out of training.
  package func freeze(_ parameters: some Sequence<Int>) { for parameter in parameters { isTrained[parameter] = false } }

  /// The trained parameters but for the tables: runs that lie together, and whether they decay.
  func denseRuns() -> [(start: Int, count: Int, decays: Bool)] {
    let tables = Set(blueprint.tables.map(\.weight))
    var runs: [(start: Int, count: Int, decays: Bool)] = []
    for (index, parameter) in parameters.enumerated() where isTrained[index] && !tables.contains(index) {
      if let last = runs.last, last.start + last.count == offsets[index], last.decays == parameter.decays {
        runs[runs.count - 1].count += parameter.count
      } else {
        runs.append((offsets[index], parameter.count, parameter.decays))
      }
    }
    return runs
  }

  /// A parameter's values, by its place in the blueprint; of a matrix in an engine's frozen bottom there are none.
  package func values(_ parameter: Int) -> UnsafeMutablePointer<Float> { values + offsets[parameter] }
  package func gradient(_ parameter: Int) -> UnsafeMutablePointer<Float> { gradients + offsets[parameter] }

  /// Gives the memory of a parameter's values back, which lie elsewhere from now on.
  func discardValues(_ parameter: Int) {
    let range = offsets[parameter]..<offsets[parameter] + parameters[parameter].count
    let stride = MemoryLayout<Float>.stride
    storage[0].discard(range.lowerBound * stride..<range.upperBound * stride)
  }

  package func buffer(_ parameter: Int, of storage: UnsafeMutablePointer<Float>) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: storage + offsets[parameter], count: parameters[parameter].count)
  }

  /// Reads all parameters from a source; those it lacks are drawn as the reference library draws them, adapters always.
  ///
  /// - Parameter seed: of the generator that draws; used for nothing else.
  /// - Returns: the names that were drawn.
  package func load(from source: some ParameterSource, seed: UInt32) throws -> [String] {
    var drawn: [String] = []
    var random = TorchRandom(seed: seed)
    for (index, parameter) in parameters.enumerated() {
      let values = buffer(index, of: self.values)
      if index < blueprint.parameters.count {
        if try source.read(parameter, into: values) { continue }
        drawn.append(parameter.name)
      }
      switch parameter.initialization {
      case .normal(let deviation): random.fillNormal(values, standardDeviation: deviation)
      case .uniform(let bound): random.fillUniform(values, bound: bound)
      case .sinusoids(let deviation):
        random.fillNormal(values, standardDeviation: deviation)
        fillSinusoids(values, width: parameter.shape[1])
      case .zeros: values.update(repeating: 0)
      case .ones: values.update(repeating: 1)
      case .truncatedNormal(let deviation, let cutoff):
        // Every weight is first drawn as other families' are.
        random.fillNormal(values, standardDeviation: deviation)
        random.fillTruncatedNormal(values, standardDeviation: deviation, cutoff: cutoff)
      }
      // Numbers are drawn in the order that a checkpoint has them in.
      if parameter.isTransposed {
        let drawn = try AlignedBuffer(count: parameter.count, of: Float.self, zeroed: false)
        drawn.bound(to: Float.self).update(from: self.values(index), count: parameter.count)
        withExtendedLifetime(drawn) {
          transpose(drawn.bound(to: Float.self), parameter.shape[1], parameter.shape[0], into: self.values(index))
        }
      }
      if let row = parameter.frozenRow {
        let width = parameter.shape[1]
        values[row * width..<(row + 1) * width].update(repeating: 0)
      }
    }
    return drawn
  }

  /// Begins a step. A table's gradient is zero but for the rows of the last step; others are cleared when they are
  /// written, or by `clearStaleGradients`.
  func clearGradients() {
    for index in isStale.indices { isStale[index] = isTrained[index] }
    for (index, table) in blueprint.tables.enumerated() {
      for row in touched[index] {
        (gradient(table.weight) + Int(row) * table.width).update(repeating: 0, count: table.width)
      }
      touched[index].removeAll(keepingCapacity: true)
      isStale[table.weight] = false
    }
  }

  /// Says whether what will now be written to the gradients of these parameters overwrites them rather than adds.
  func beginContribution(_ parameters: [Int]) -> Bool {
    let overwrites = isStale[parameters[0]]
    for parameter in parameters { isStale[parameter] = false }
    return overwrites
  }

  /// Notes rows of a table as having a gradient in this step.
  func touch(_ table: Table, _ rows: some Sequence<Int32>) {
    let frozen = parameters[table.weight].frozenRow
    var isTouched = [Bool](repeating: false, count: table.rows)
    for row in touched[table.index] { isTouched[Int(row)] = true }
    for row in rows where !isTouched[Int(row)] && Int(row) != frozen {
      isTouched[Int(row)] = true
      touched[table.index].append(row)
      everTouched[table.index][Int(row)] = true
    }
  }

  /// Clears the gradients that nothing has contributed to in this step.
  func clearStaleGradients() {
    for index in isStale.indices where isStale[index] {
      buffer(index, of: gradients).update(repeating: 0)
      isStale[index] = false
    }
  }
}

/// The columns of a matrix [rows, columns] as rows.
func transpose(_ matrix: UnsafePointer<Float>, _ rows: Int, _ columns: Int, into out: UnsafeMutablePointer<Float>) {
  for row in 0..<rows {
    for column in 0..<columns { out[column * rows + row] = matrix[row * columns + column] }
  }
}

/// Writes a row for each position; angles in Double, as the reference has them.
private func fillSinusoids(_ values: UnsafeMutableBufferPointer<Float>, width: Int) {
  for index in values.indices {
    let (position, channel) = index.quotientAndRemainder(dividingBy: width)
    let angle = Double(position) / Double.pow(10000, Double(channel / 2 * 2) / Double(width))
    values[index] = Float(channel % 2 == 0 ? Double.sin(angle) : Double.cos(angle))
  }
}
