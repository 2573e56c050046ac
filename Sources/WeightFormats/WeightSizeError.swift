import Storage

/// A section that does not have the size that its shape asks for.
package struct WeightSizeError: Error, CustomStringConvertible, Sendable, Equatable {
  package let name: String
  package let expected: Int
  package let found: Int

  package init(name: String, expected: Int, found: Int) {
    self.name = name
    self.expected = expected
    self.found = found
  }

  package var description: String { "weights of \(name.excerpt): expected \(expected) bytes, found \(found)" }
}

/// Throws unless a section's bytes are as many as its shape asks for.
package func requireSize(_ name: String, _ bytes: UnsafeRawBufferPointer, _ expected: Int) throws(WeightSizeError) {
  guard bytes.count == expected else { throw WeightSizeError(name: name, expected: expected, found: bytes.count) }
}
