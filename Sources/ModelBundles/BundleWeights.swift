import Bundles
import Encoders
import Inference
import Storage
import WeightFormats

/// The weights of a model as the sections of a bundle hold them.
package final class BundleWeights: WeightProvider, Sendable {
  package let bundle: Bundle
  /// The memory of tables that change rows of a base's.
  private let changes = Mutex<[ChangedRows]>([])

  package init(_ bundle: Bundle) { self.bundle = bundle }

  package func matrix(_ linear: Linear) throws -> (format: WeightFormat, bytes: UnsafeRawBufferPointer) {
    let entry = try entry(.matrix, linear.name, shape: [linear.outputs, linear.inputs])
    guard let format = WeightFormat(matrixLayout: entry.layout) else { throw unknownLayout(entry) }
    return (format, try bundle.bytes(entry.kind, entry.name))
  }

  package func table(_ table: Table) throws -> (format: WeightFormat, bytes: UnsafeRawBufferPointer, changes: TableChanges?) {
    let entry = try entry(.embedding, table.name, shape: [table.rows, table.width])
    guard let format = WeightFormat(tableLayout: entry.layout) else { throw unknownLayout(entry) }
    guard let rowBytes = format.rules.changeableRowBytes(TableShape(rows: table.rows, width: table.width)),
      let changed = try bundle.changedRows(entry.kind, entry.name, rowBytes: rowBytes, rowCount: table.rows)
    else { return (format, try bundle.bytes(entry.kind, entry.name), nil) }
    changes.withLock { $0.append(changed) }
    let changes = TableChanges(positions: changed.places.bound(to: Int32.self), rows: changed.rows.bound(to: Int8.self))
    return (format, try bundle.base!.bytes(entry.kind, entry.name), changes)
  }

  package func normalization(_ normalization: Normalization) throws -> UnsafeRawBufferPointer {
    let entry = try entry(.normalization, normalization.name, shape: [2, normalization.width])
    guard entry.layout == .float32 else { throw unknownLayout(entry) }
    return try bundle.bytes(entry.kind, entry.name)
  }

  /// Whether the bundle has every section of a head (a base bundle does not).
  package func has(_ linear: Linear) -> Bool { bundle.entry(.matrix, linear.name) != nil }

  package func has(_ normalization: Normalization) -> Bool { bundle.entry(.normalization, normalization.name) != nil }

  private func entry(_ kind: SectionKind, _ name: String, shape: [Int]) throws -> SectionEntry {
    guard let entry = bundle.entry(kind, name) else {
      throw ModelError(.file, "\(bundle.path): section \(name.excerpt) is missing")
    }
    guard entry.shape == shape else {
      throw ModelError(
        .file, "\(bundle.path): section \(name): expected shape \(shape) by the configuration, found \(entry.shape)")
    }
    return entry
  }

  private func unknownLayout(_ entry: SectionEntry) -> ModelError {
    ModelError(
      .file, "\(bundle.path): section \(entry.name): layout \(entry.layout.rawValue) is not one that this version knows")
  }
}
