import Kernels

/// A table as its rows are gathered: a case for each kernel. The memory is somebody else's.
package enum GatheredTable {
  case int8(Int8Table)
  case float32(FloatTable)
}

/// int8 rows with a scale each.
package struct Int8Table {
  let values: UnsafePointer<Int8>
  package let scales: UnsafePointer<Float>
  let width: Int
  let changes: TableChanges?

  /// The integers of a row.
  func row(_ row: Int) -> UnsafePointer<Int8> {
    guard let changes, changes.positions[row] >= 0 else { return values + row * width }
    return changes.rows + Int(changes.positions[row]) * width
  }
}

package struct FloatTable {
  let values: UnsafePointer<Float>
  let width: Int

  package init(values: UnsafePointer<Float>, width: Int) {
    self.values = values
    self.width = width
  }
}

/// The rows of a table that lie elsewhere, on the same scales: what a delta changes of its base's table.
package struct TableChanges: @unchecked Sendable, Equatable {
  /// For each row of the table: -1, or its position among the changed rows.
  package let positions: UnsafePointer<Int32>
  package let rows: UnsafePointer<Int8>

  package init(positions: UnsafePointer<Int32>, rows: UnsafePointer<Int8>) {
    self.positions = positions
    self.rows = rows
  }
}

extension GatheredTable {
  /// The rows of some indices: `[count, width]`, set or added, `stride` floats from one to the next.
  package func gather(
    _ indices: UnsafePointer<Int32>, _ count: Int, _ kernels: any KernelTable.Type, into out: UnsafeMutablePointer<Float>,
    stride: Int, adds: Bool
  ) {
    switch self {
    case .int8(let table) where table.changes == nil:
      kernels.gatherInt8Rows(indices, count, table.values, table.scales, table.width, out, stride, adds)
    case .int8(let table):
      // Each row is the first of a table of its own.
      var first: Int32 = 0
      for index in 0..<count {
        let row = Int(indices[index])
        kernels.gatherInt8Rows(&first, 1, table.row(row), table.scales + row, table.width, out + index * stride, stride, adds)
      }
    case .float32(let table): kernels.gatherFloatRows(indices, count, table.values, table.width, out, stride, adds)
    }
  }
}
