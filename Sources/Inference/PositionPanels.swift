import Encoders
import Storage
import WeightFormats

/// The keys and queries of relative positions of one layer's attention, in kernel layout: texts do not change them.
final class PositionPanels: Sendable {
  /// The tokens of the longest text that they are for.
  let length: Int
  /// The rows of the table that such texts take.
  let rows: Int
  /// Of the panels of one head's keys or queries, in bytes.
  private let headBytes: Int
  /// For each head its keys and its queries.
  private let panels: AlignedBuffer
  private let queriesOffset: Int
  private let columns: AlignedBuffer
  private let hasKeys, hasQueries: Bool

  /// - Parameters:
  ///   - projected: [rows, stride], the positions' keys and queries side by side as the projection has them.
  ///   - range: the rows of the table.
  init(
    _ attention: DisentangledAttention, length: Int, range: Range<Int>, _ projected: UnsafePointer<Float>, stride: Int,
    _ form: OperandForm
  ) throws(OutOfMemory) {
    self.length = length
    rows = range.count
    let (heads, width) = (attention.shape.heads, attention.shape.headWidth)
    let (format, shape) = (form == .quantized ? WeightFormat.int8 : .fp32, MatrixShape(outputs: rows, inputs: width))
    headBytes = format.rules.byteCount(shape)
    (hasKeys, hasQueries) = (attention.firstKey != nil, attention.firstQuery != nil)
    queriesOffset = hasKeys ? heads * headBytes : 0
    panels = try AlignedBuffer(byteCount: queriesOffset + (hasQueries ? heads * headBytes : 0))
    let head = try AlignedBuffer(count: rows * width, of: Float.self, zeroed: false)
    let values = head.bound(to: Float.self)
    for number in 0..<heads {
      // The keys the other way round: along a row of scores the distance i - j falls.
      if let first = attention.firstKey {
        for row in 0..<rows {
          let source = projected + row * stride + first + number * width
          (values + (rows - 1 - row) * width).update(from: source, count: width)
        }
        format.rules.pack(values, bias: nil, shape, onGridOf: nil, into: panels.baseAddress + number * headBytes)
      }
      if let first = attention.firstQuery {
        for row in 0..<rows {
          let source = projected + row * stride + first + number * width
          (values + row * width).update(from: source, count: width)
        }
        format.rules.pack(values, bias: nil, shape, onGridOf: nil, into: panels.baseAddress + queriesOffset + number * headBytes)
      }
    }
    columns = try AlignedBuffer(count: 2 * Self.columnCount(length), of: Int32.self)
    let keys = columns.bound(to: Int32.self)
    for column in 0..<Self.columnCount(length) {
      let distance = min(column - length + 1, length - 1)
      keys[column] = Int32(range.upperBound - 1 - attention.positions.row(-distance))
      keys[Self.columnCount(length) + column] = Int32(attention.positions.row(distance) - range.lowerBound)
    }
  }

  /// Distances from `1 - length` to `length - 1`, and 15 more that a vector may read.
  private static func columnCount(_ length: Int) -> Int { 2 * length + 14 }

  func keys(head: Int) -> UnsafeRawPointer? {
    hasKeys ? UnsafeRawPointer(panels.baseAddress + head * headBytes) : nil
  }
  func queries(head: Int) -> UnsafeRawPointer? {
    hasQueries ? UnsafeRawPointer(panels.baseAddress + queriesOffset + head * headBytes) : nil
  }

  /// The columns of j - i and of i - j among keys and queries, from distance 0 on.
  var keyColumns: UnsafePointer<Int32> { UnsafePointer(columns.bound(to: Int32.self) + length - 1) }
  var queryColumns: UnsafePointer<Int32> { keyColumns + Self.columnCount(length) }
}

/// The panels of all layers of one model, shared by its engines: made when a text first needs them, for texts of a power of
/// two of tokens, so that short texts pay for few rows and long ones at most twice.
final class PositionPanelCache: Sendable {
  private let layers = Mutex<[PositionPanels?]>([])

  /// - Parameter make: makes the panels for texts of that many tokens.
  func panels(
    layer: Int, length: Int, _ make: (_ length: Int) throws(OutOfMemory) -> PositionPanels
  ) throws(OutOfMemory) -> PositionPanels {
    try layers.withLock { layers throws(OutOfMemory) in
      while layers.count <= layer { layers.append(nil) }
      if let found = layers[layer], found.length >= length { return found }
      var enough = 32
      while enough < length { enough *= 2 }
      let made = try make(enough)
      layers[layer] = made
      return made
    }
  }
}
