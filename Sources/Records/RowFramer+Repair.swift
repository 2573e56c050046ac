import Storage

/// Makes a row well-formed UTF-8. The spare buffer is swapped with the row's when something has to be replaced.
extension RowFramer {
  /// After a cut: drops the beginning of a scalar at the end of the row.
  mutating func endAtWholeScalar() {
    guard dropped > 0 else { return }
    let kept = bytes.withUnsafeBufferPointer { UTF8Repair.wholeScalars($0) }
    dropped += bytes.count - kept
    bytes.removeSubrange(kept...)
  }

  /// Repairs a row that is one field; returns how many U+FFFD were put in.
  mutating func repairRow(scratch: inout [UInt8]) -> Int {
    let isWellFormed = bytes.withUnsafeBufferPointer { UTF8Repair.isWellFormed($0) }
    guard !isWellFormed else { return 0 }
    scratch.removeAll(keepingCapacity: true)
    let replacements = bytes.withUnsafeBufferPointer { UTF8Repair.append($0, to: &scratch) }
    swap(&scratch, &bytes)
    return replacements
  }

  /// Repairs field by field: the end of one field and the start of the next must not be read as one sequence.
  mutating func repairFields(scratch: inout [UInt8]) -> Int {
    var allWellFormed = true
    for index in fields.indices {
      let (begin, end) = (fields[index].start, fields[index].end)
      let isWellFormed = bytes[begin..<end].withUnsafeBufferPointer { UTF8Repair.isWellFormed($0) }
      guard !isWellFormed else { continue }
      endAtWholeScalar(field: index)
      allWellFormed = false
    }
    guard !allWellFormed else { return 0 }
    scratch.removeAll(keepingCapacity: true)
    var replacements = 0
    for index in fields.indices {
      let begin = scratch.count
      replacements += bytes[fields[index].start..<fields[index].end].withUnsafeBufferPointer {
        UTF8Repair.append($0, to: &scratch)
      }
      fields[index] = FieldRange(start: begin, end: scratch.count)
    }
    swap(&scratch, &bytes)
    return replacements
  }

  /// After cuts: drops the beginnings of scalars at the ends of fields.
  mutating func endFieldsAtWholeScalars() {
    guard dropped > 0 else { return }
    for index in fields.indices { endAtWholeScalar(field: index) }
  }

  private mutating func endAtWholeScalar(field index: Int) {
    let (begin, end) = (fields[index].start, fields[index].end)
    guard dropped > 0 && end - begin == maximumFieldBytes else { return }
    fields[index].end = begin + bytes[begin..<end].withUnsafeBufferPointer { UTF8Repair.wholeScalars($0) }
  }
}
