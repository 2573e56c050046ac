import Encoders
import Kernels
import Storage

/// How a linear layer's weights lie in memory; `PanelLayout` has the details.
package enum MatrixForm: Sendable, Equatable { case int8Panels, float32Panels }

/// How an embedding table lies in memory: int8 rows followed by a scale for each row, some rows of which may be elsewhere,
/// or fp32 rows.
package enum TableForm: Sendable, Equatable {
  case int8Rows
  case changedInt8Rows(TableChanges)
  case float32
}

/// The rows of an int8 table that another table holds, on the same scales.
package struct TableChanges: @unchecked Sendable, Equatable {
  /// For each row of the table: -1, or its place among the changed rows.
  package let places: UnsafePointer<Int32>
  package let rows: UnsafePointer<Int8>

  package init(places: UnsafePointer<Int32>, rows: UnsafePointer<Int8>) {
    self.places = places
    self.rows = rows
  }
}

/// Weights in kernel layout for each handle of a blueprint. The memory must stay as long as the provider does.
package protocol WeightProvider: AnyObject, Sendable {
  func matrix(_ linear: Linear) throws -> (form: MatrixForm, bytes: UnsafeRawBufferPointer)
  func table(_ table: Table) throws -> (form: TableForm, bytes: UnsafeRawBufferPointer)
  /// The weight `[width]` followed by the bias `[width]`, fp32.
  func normalization(_ normalization: Normalization) throws -> UnsafeRawBufferPointer
}

/// A section that does not have the size that its shape asks for.
package struct WeightSizeError: Error, CustomStringConvertible, Sendable, Equatable {
  package let name: String
  package let expected: Int
  package let found: Int

  package init(name: String, expected: Int, found: Int) {
    self.name = name
    self.expected = expected
    self.found = found
  }

  package var description: String { "weights of \(name.excerpt): expected \(expected) bytes, found \(found)" }
}

/// A layer of the encoder in another form than the layers before it: one layer's output would not be the next one's
/// operand.
package struct WeightFormError: Error, CustomStringConvertible, Sendable, Equatable {
  package let name: String
  package let expected: MatrixForm
  package let found: MatrixForm

  package init(name: String, expected: MatrixForm, found: MatrixForm) {
    self.name = name
    self.expected = expected
    self.found = found
  }

  package var description: String {
    "weights of \(name.excerpt): expected \(expected) as in the layers before, found \(found)"
  }
}

/// Pointers to the weights of a model or of the bottom of one, ready for the kernels. Sizes and forms have been checked.
package struct ModelWeights: @unchecked Sendable {
  struct Matrix {
    let form: MatrixForm
    let layout: PanelLayout
    let base: UnsafeRawPointer

    /// int8 only.
    var scales: UnsafePointer<Float> { (base + layout.scalesOffset).assumingMemoryBound(to: Float.self) }
  }

  struct EmbeddingTable {
    let form: TableForm
    let base: UnsafeRawPointer
    let rows: Int
    let width: Int
  }

  struct Vectors {
    let weight: UnsafePointer<Float>
    let bias: UnsafePointer<Float>
    let epsilon: Float
    let width: Int
  }

  /// Nil for what a bottom of the model does not have.
  private let matrices: [Matrix?]
  private let tables: [EmbeddingTable?]
  private let normalizations: [Vectors?]
  /// Whether the encoder's layers are int8 (each layer of the head has a form of its own).
  let isInt8: Bool
  /// The logits of one text.
  let labelCount: Int
  let positionPanels = PositionPanelCache()
  private let owner: any WeightProvider

  /// - Parameter parts: the parameters of the bottom of the model that is to run, nil for the whole model.
  package init(_ blueprint: Blueprint, of parts: Set<Int>? = nil, from provider: any WeightProvider) throws {
    owner = provider
    func isPart(_ parameter: Int) -> Bool { parts?.contains(parameter) ?? true }
    matrices = try blueprint.linears.map { linear in
      guard isPart(linear.weights[0]) else { return nil }
      let (form, bytes) = try provider.matrix(linear)
      let layout = PanelLayout(outputs: linear.outputs, inputs: linear.inputs, isInt8: form == .int8Panels)
      try Self.check(linear.name, bytes, layout.byteCount)
      return Matrix(form: form, layout: layout, base: bytes.baseAddress!)
    }
    labelCount = blueprint.linears.last { $0.isOutput }?.outputs ?? 0
    var form: MatrixForm?
    for linear in blueprint.linears where !linear.isHead {
      guard let found = matrices[linear.index]?.form else { continue }
      let expected = form ?? found
      guard found == expected else { throw WeightFormError(name: linear.name, expected: expected, found: found) }
      form = expected
    }
    isInt8 = form == .int8Panels
    tables = try blueprint.tables.map { table in
      guard isPart(table.weight) else { return nil }
      let (form, bytes) = try provider.table(table)
      let expected = form == .float32 ? table.rows * table.width * 4 : Grid.rowsByteCount(rows: table.rows, width: table.width)
      try Self.check(table.name, bytes, expected)
      return EmbeddingTable(form: form, base: bytes.baseAddress!, rows: table.rows, width: table.width)
    }
    normalizations = try blueprint.normalizations.map { normalization in
      guard isPart(normalization.weight) else { return nil }
      let bytes = try provider.normalization(normalization)
      try Self.check(normalization.name, bytes, normalization.width * 8)
      let values = bytes.baseAddress!.assumingMemoryBound(to: Float.self)
      return Vectors(
        weight: values, bias: values + normalization.width, epsilon: normalization.epsilon, width: normalization.width)
    }
  }

  subscript(_ linear: Linear) -> Matrix { matrices[linear.index]! }
  subscript(_ table: Table) -> EmbeddingTable { tables[table.index]! }
  subscript(_ normalization: Normalization) -> Vectors { normalizations[normalization.index]! }

  private static func check(_ name: String, _ bytes: UnsafeRawBufferPointer, _ expected: Int) throws {
    guard bytes.count == expected else { throw WeightSizeError(name: name, expected: expected, found: bytes.count) }
  }
}
