import Storage

/// What a set's bytes that are no text come to.
extension RecordReader {
  /// What is wrong with the encoding of the bytes at hand, if something is.
  var encodingDoubt: String? {
    let bytes = UnsafeBufferPointer(rebasing: waiting[..<UTF8Repair.wholeScalars(waiting)])
    guard encodingName == TextEncoding.utf8.name, UTF8Repair.wellFormedPrefix(bytes) < bytes.count else { return nil }
    var evidence = ByteEvidence()
    evidence.add(bytes)
    return "some bytes are not UTF-8: \(evidence.guess)"
  }

  /// A problem if the bytes are not well-formed, in a set, where nothing is replaced.
  /// - Parameter field: where the bytes are in the row, for the message.
  func requireText(_ bytes: UnsafeBufferPointer<UInt8>, field: String) throws(RecordProblem) {
    let good = UTF8Repair.wellFormedPrefix(bytes)
    guard good < bytes.count else { return }
    invalidRecords += 1
    invalidBytes.add(framer.bytes)
    var before = bytes[max(0, good - 24)..<good]
    while let first = before.first, first & 0xC0 == 0x80 { before.removeFirst() }
    let context = before.isEmpty ? "" : ", after “\(String(decoding: before, as: UTF8.self).excerpt)”,"
    let what = encodingName == TextEncoding.utf8.name ? "0x" + String(bytes[good], radix: 16, uppercase: true) : "a byte"
    throw problem("byte \(good + 1) of \(field)\(context) is \(what), not \(encodingName)")
  }
}
