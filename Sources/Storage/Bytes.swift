#if canImport(Glibc)
  import Glibc
#endif

extension UnsafeRawPointer {
  /// Where a byte stands first among so many, nil if it does not.
  @inlinable
  package func firstOffset(of byte: UInt8, count: Int) -> Int? {
    memchr(self, Int32(byte), count).map { UnsafeRawPointer($0) - self }
  }

  /// Whether so many bytes are those of another place.
  @inlinable
  package func isEqual(to other: UnsafeRawPointer, count: Int) -> Bool { memcmp(self, other, count) == 0 }
}

extension Double {
  /// The number that a text of JSON's or C's form stands for, rounded to nearest; infinite where it is too large.
  package init(decimal text: String) { self = strtod(text, nil) }
}
