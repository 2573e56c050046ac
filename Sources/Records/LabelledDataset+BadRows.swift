import Storage
import Tasks

/// Runs what reads the labels of data sets at all. What it throws is told together with the rows of the sets that cannot be read.
package func readingLabels<Result>(of sets: [LabelledDataset], _ body: () throws -> Result) throws -> Result {
  do { return try body() } catch let error as LabelError {
    let bad = sets.filter { $0.badRows.count > 0 && !$0.skipsBadRows }.map(\.badRows)
    guard !bad.isEmpty else { throw error }
    throw RecordsError.badRows(bad, besides: error)
  }
}

/// Runs each step, also after one that found bad rows; the bad rows of all are one error.
package func gatheringBadRows(_ steps: [() throws -> Void]) throws {
  var found: [BadRows] = []
  for step in steps {
    do { try step() } catch RecordsError.badRows(let rows, besides: nil) { found += rows }
  }
  guard found.isEmpty else { throw RecordsError.badRows(found, besides: nil) }
}

/// What happens to rows that cannot be used.
extension LabelledDataset {
  /// Throws what is wrong with the rows that were left out, all at once, unless they may be missing; and if no row is left.
  package func requireSound(skippingBadRows: Bool) throws(RecordsError) {
    guard badRows.count == 0 || skippingBadRows && count > 0 else { throw .badRows([badRows], besides: nil) }
  }

  /// Leaves out rows that were found to be bad after they were read, for their labels say, and counts them among the bad ones.
  /// - Parameter found: rows in ascending order, each once, with what is wrong with it.
  package mutating func leaveOut(_ found: [(row: Int, message: String)]) {
    guard !found.isEmpty else { return }
    badRows.merge(found.map { problem(at: $0.row, $0.message) }, files: files)
    removeRows(found.map(\.row))
  }

  /// These rows as data of their own. Rows that were left out are of those that they are taken from.
  /// - Parameter rows: in ascending order, each once.
  package func part(_ rows: [Int]) -> LabelledDataset {
    var part = self
    part.badRows = BadRows()
    let kept = Set(rows)
    part.removeRows((0..<count).filter { !kept.contains($0) })
    return part
  }

  /// Goes on without these rows.
  /// - Parameter rows: in ascending order, each once.
  package mutating func removeRows(_ rows: [Int]) {
    guard !rows.isEmpty else { return }
    texts = texts.without(rows)
    pairs = pairs?.without(rows)
    if labels.count > 0 { labels = labels.without(rows) }
    var next = rows[...]
    var index = -1
    places.removeAll { _ in
      index += 1
      guard next.first == index else { return false }
      next.removeFirst()
      return true
    }
  }
}
