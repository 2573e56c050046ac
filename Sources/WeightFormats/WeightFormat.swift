import Storage

/// How weights are kept in a bundle. Each matrix and each table of a bundle has a format of its own.
///
/// The raw value is the name that `pack --weights` takes.
package enum WeightFormat: String, CaseIterable, Sendable {
  case int8, fp32, fp16

  package var rules: any WeightFormatRules.Type {
    switch self {
    case .int8: Int8Format.self
    case .fp32: Float32Format.self
    case .fp16: Float16Format.self
    }
  }

  /// The format whose matrices have that layout; nil if there is none.
  package init?(matrixLayout layout: LayoutNumber) {
    guard let format = Self.allCases.first(where: { $0.rules.matrixLayout == layout }) else { return nil }
    self = format
  }

  /// The format whose tables have that layout; nil if there is none.
  package init?(tableLayout layout: LayoutNumber) {
    guard let format = Self.allCases.first(where: { $0.rules.tableLayout == layout }) else { return nil }
    self = format
  }
}

/// `[outputs, inputs]` of a linear layer.
package struct MatrixShape: Sendable, Equatable {
  package let outputs, inputs: Int

  package init(outputs: Int, inputs: Int) {
    self.outputs = outputs
    self.inputs = inputs
  }
}

/// `[rows, width]` of an embedding table.
package struct TableShape: Sendable, Equatable {
  package let rows, width: Int

  package init(rows: Int, width: Int) {
    self.rows = rows
    self.width = width
  }
}

/// All that one weight format is. A block is the bytes of one matrix or table as a section of a bundle holds them, 64-byte aligned.
package protocol WeightFormatRules {
  /// The numbers of its layouts in a bundle's index, once given never changed, and what `inspect` calls them.
  static var matrixLayout: LayoutNumber { get }
  static var tableLayout: LayoutNumber { get }
  static var layoutNames: [LayoutNumber: String] { get }
  /// Whether most bytes are small signed integers, which shrink as bit planes.
  static var holdsSmallIntegers: Bool { get }

  /// Whether weights come back as they were.
  static var isExact: Bool { get }
  /// The largest magnitude of a weight.
  static var largestMagnitude: Float { get }
  /// Whether weights can be put on the grid of other weights (a delta's on its base's), so that few bytes differ.
  static var hasGrid: Bool { get }

  // MARK: A matrix

  static func byteCount(_ shape: MatrixShape) -> Int

  /// Quantises a matrix and lays it out.
  ///
  /// - Parameters:
  ///   - weights: [outputs, inputs], row-major.
  ///   - bias: [outputs], or nil for zeros.
  ///   - base: a block of the same shape on whose grid the weights are to be; nil for a grid of their own. Of no effect
  ///     without `hasGrid`.
  ///   - block: `byteCount(shape)` bytes of zeros.
  static func pack(
    _ weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, _ shape: MatrixShape, onGridOf base: UnsafeRawPointer?,
    into block: UnsafeMutableRawPointer)

  /// The weights of some outputs, row-major.
  static func unpack(_ block: UnsafeRawPointer, _ shape: MatrixShape, outputs: Range<Int>, into weights: UnsafeMutablePointer<Float>)

  /// [outputs]
  static func bias(_ block: UnsafeRawPointer, _ shape: MatrixShape) -> UnsafePointer<Float>

  // MARK: A table

  static func byteCount(_ shape: TableShape) -> Int

  /// Quantises a table `[rows, width]` and lays it out; for the parameters see above.
  static func pack(
    _ values: UnsafePointer<Float>, _ shape: TableShape, onGridOf base: UnsafeRawPointer?, into block: UnsafeMutableRawPointer)

  /// The values of some rows, row-major; for `changes` see `open`.
  static func unpack(
    _ block: UnsafeRawPointer, _ shape: TableShape, _ changes: TableChanges?, rows: Range<Int>, into values: UnsafeMutablePointer<Float>)

  /// The bytes of a row, in a format whose tables may have some rows elsewhere (`TableChanges`); nil in one of which a delta's table is
  /// rebuilt as a whole when it is opened.
  static func changeableRowBytes(_ shape: TableShape) -> Int?

  // MARK: Running

  /// The matrix as a product reads it: the block in place, or memory that is made for it.
  static func open(_ block: UnsafeRawPointer, _ shape: MatrixShape) throws(OutOfMemory) -> (matrix: ProductMatrix, memory: AlignedBuffer?)

  /// The table as rows are gathered from it.
  ///
  /// - Parameter changes: the rows that lie elsewhere; nil without `changeableRowBytes`.
  static func open(
    _ block: UnsafeRawPointer, _ shape: TableShape, _ changes: TableChanges?
  ) throws(OutOfMemory) -> (table: GatheredTable, memory: AlignedBuffer?)
}
