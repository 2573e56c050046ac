import Storage

/// What is common to the formats, and lines.
extension RecordReader {
  func interpretLine() throws(RecordProblem) {
    framer.endAtWholeScalar()
    count(dropped: framer.dropped)
    try repairRow()
    swap(&pending.text, &framer.bytes)
    pending.input.form = options.keepsInput ? .text : .none
  }

  /// Sees to it that a row of one field is well-formed.
  func repairRow() throws(RecordProblem) {
    guard options.isSet else { return count(replacements: framer.repairRow(scratch: &scratch)) }
    try framer.bytes.withUnsafeBufferPointer { bytes throws(RecordProblem) in try requireText(bytes, field: "the line") }
  }

  /// Sees to it that each field of a table's row is well-formed.
  func repairFields() throws(RecordProblem) {
    guard options.isSet else { return count(replacements: framer.repairFields(scratch: &scratch)) }
    framer.endFieldsAtWholeScalars()
    try framer.bytes.withUnsafeBufferPointer { bytes throws(RecordProblem) in
      for (column, field) in framer.fields.enumerated() {
        try requireText(UnsafeBufferPointer(rebasing: bytes[field.start..<field.end]), field: "column \(column + 1)")
      }
    }
  }

  /// Appends a well-formed text, cut at the bound. What is there already is another part of the same text.
  func take(_ bytes: UnsafeBufferPointer<UInt8>, into target: inout [UInt8]) {
    if !target.isEmpty, !bytes.isEmpty { target.append(0x20) }
    guard bytes.count > options.maximumTextBytes else {
      target.append(contentsOf: bytes)
      return
    }
    let kept = UTF8Repair.wholeScalars(UnsafeBufferPointer(rebasing: bytes[..<options.maximumTextBytes]))
    target.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[..<kept]))
    count(dropped: bytes.count - kept)
  }

  /// Says once for a source of which fields the text is made.
  func noteJoined(_ names: [String]) {
    note("the text is \(names.map { "`\($0.excerpt)`" }.joined(separator: " and ")), joined by a blank (--text-field)")
  }
}
