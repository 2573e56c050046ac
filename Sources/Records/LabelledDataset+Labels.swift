import Storage
import Tasks

extension LabelledDataset: LabelledRecords {
  /// The targets of the records, one each, after those that the reading leaves out are gone.
  ///
  /// - Throws: `RecordsError.badRows` with all labels that cannot be read, unless bad rows may be missing.
  package mutating func targets(_ reading: LabelReading) throws -> [TrainingTarget] {
    let found = try reading.targets(of: self)
    let bad = found.bad.map(\.row)
    // Rows that are left out on purpose are no bad ones.
    leaveOut(found.bad)
    guard !found.leftOut.isEmpty else {
      try requireSound(skippingBadRows: skipsBadRows)
      return found.targets
    }
    var passed = 0
    removeRows(
      found.leftOut.map { row in
        while passed < bad.count, bad[passed] < row { passed += 1 }
        return row - passed
      })
    try requireSound(skippingBadRows: skipsBadRows)
    return found.targets
  }
}
