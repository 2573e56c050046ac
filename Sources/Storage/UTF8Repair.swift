/// Well-formed UTF-8 out of any bytes: one U+FFFD for each maximal subpart of an ill-formed sequence (The Unicode Standard, section 3.9,
/// "U+FFFD Substitution of Maximal Subparts"), which is what Python's `errors="replace"` does.
package enum UTF8Repair {
  package static func isWellFormed(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool { firstFault(bytes) == nil }

  /// The length of the well-formed prefix.
  package static func wellFormedPrefix(_ bytes: UnsafeBufferPointer<UInt8>) -> Int { firstFault(bytes)?.lowerBound ?? bytes.count }

  /// The first maximal subpart of an ill-formed sequence; nil if there is none.
  private static func firstFault(_ bytes: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
    do throws(UTF8.ValidationError) {
      _ = try UTF8Span(validating: bytes.span)
      return nil
    } catch {
      return error.byteOffsets
    }
  }

  /// Appends the bytes, repaired; returns how many U+FFFD were put in.
  @discardableResult
  package static func append(_ bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) -> Int {
    var rest = bytes
    var replacements = 0
    while let fault = firstFault(rest) {
      output.append(contentsOf: UnsafeBufferPointer(rebasing: rest[..<fault.lowerBound]))
      output.append(contentsOf: [0xEF, 0xBF, 0xBD])
      replacements += 1
      rest = UnsafeBufferPointer(rebasing: rest[fault.upperBound...])
    }
    output.append(contentsOf: rest)
    return replacements
  }

  /// How many bytes to keep of a text that was cut at `count` so that no scalar is split. Only bytes that begin a well-formed
  /// sequence and run into the cut are dropped, at most three.
  package static func wholeScalars(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    let count = bytes.count
    for back in 1...3 where back <= count {
      let lead = bytes[count - back]
      if lead & 0xC0 == 0x80 { continue }
      let needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1
      return needed > back ? count - back : count
    }
    return count
  }
}
