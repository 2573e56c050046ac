import Encoders
import Storage
import WeightFormats

/// Weights for each handle of a blueprint, each matrix and table in a format of its own. The memory must stay as long as the provider does.
package protocol WeightProvider: AnyObject, Sendable {
  func matrix(_ linear: Linear) throws -> (format: WeightFormat, bytes: UnsafeRawBufferPointer)
  /// - Returns: `changes`: rows that lie elsewhere, if the format has that.
  func table(_ table: Table) throws -> (format: WeightFormat, bytes: UnsafeRawBufferPointer, changes: TableChanges?)
  /// The weight `[width]` followed by the bias `[width]`, fp32.
  func normalization(_ normalization: Normalization) throws -> UnsafeRawBufferPointer
}

/// Pointers to the weights of a model or of the bottom of one, ready for the kernels. Sizes have been checked.
package struct ModelWeights: @unchecked Sendable {
  struct Vectors {
    let weight: UnsafePointer<Float>
    let bias: UnsafePointer<Float>
    let epsilon: Float
    let width: Int
  }

  /// Nil for what a bottom of the model does not have.
  private let matrices: [ProductMatrix?]
  private let tables: [GatheredTable?]
  private let normalizations: [Vectors?]
  /// The logits of one text.
  let labelCount: Int
  let positionPanels = PositionPanelCache()
  private let owner: any WeightProvider
  /// Of formats that are turned into another one when a model is opened.
  private let memory: [AlignedBuffer]

  /// - Parameter parts: the parameters of the bottom of the model that is to run, nil for the whole model.
  package init(_ blueprint: Blueprint, of parts: Set<Int>? = nil, from provider: any WeightProvider) throws {
    owner = provider
    func isPart(_ parameter: Int) -> Bool { parts?.contains(parameter) ?? true }
    var memory: [AlignedBuffer] = []
    matrices = try blueprint.linears.map { linear in
      guard isPart(linear.weights[0]) else { return nil }
      let (format, bytes) = try provider.matrix(linear)
      let shape = MatrixShape(outputs: linear.outputs, inputs: linear.inputs)
      try requireSize(linear.name, bytes, format.rules.byteCount(shape))
      let opened = try format.rules.open(bytes.baseAddress!, shape)
      if let made = opened.memory { memory.append(made) }
      return opened.matrix
    }
    labelCount = blueprint.linears.last { $0.isOutput }?.outputs ?? 0
    tables = try blueprint.tables.map { table in
      guard isPart(table.weight) else { return nil }
      let (format, bytes, changes) = try provider.table(table)
      let shape = TableShape(rows: table.rows, width: table.width)
      try requireSize(table.name, bytes, format.rules.byteCount(shape))
      let opened = try format.rules.open(bytes.baseAddress!, shape, changes)
      if let made = opened.memory { memory.append(made) }
      return opened.table
    }
    self.memory = memory
    normalizations = try blueprint.normalizations.map { normalization in
      guard isPart(normalization.weight) else { return nil }
      let bytes = try provider.normalization(normalization)
      try requireSize(normalization.name, bytes, normalization.width * 8)
      let values = bytes.baseAddress!.assumingMemoryBound(to: Float.self)
      return Vectors(
        weight: values, bias: values + normalization.width, epsilon: normalization.epsilon, width: normalization.width)
    }
  }

  subscript(_ linear: Linear) -> ProductMatrix { matrices[linear.index]! }
  subscript(_ table: Table) -> GatheredTable { tables[table.index]! }
  subscript(_ normalization: Normalization) -> Vectors { normalizations[normalization.index]! }
}
