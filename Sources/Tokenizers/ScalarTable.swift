/// A small number for every Unicode scalar value, in two stages: pages of 256 scalars, equal pages kept once.
package struct ScalarTable: Sendable, Equatable {
  package static let pageSize = 256
  package static let pageCount = 0x110000 / pageSize

  /// For each run of 256 scalars, which page of `values` holds it.
  let pages: [UInt16]
  let values: [UInt16]

  /// Nil unless every page that is named exists.
  package init?(pages: [UInt16], values: [UInt16]) {
    guard pages.count == Self.pageCount, values.count % Self.pageSize == 0,
      pages.allSatisfy({ Int($0) < values.count / Self.pageSize })
    else { return nil }
    self.pages = pages
    self.values = values
  }

  subscript(scalar: UInt32) -> UInt16 {
    @inline(__always) get { values[Int(pages[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)] }
  }

  /// The fewest UTF-8 bytes of any scalar that uses a page, for each page; 4 for a page without users.
  func shortestEncodings() -> [Int] {
    var shortest = Array(repeating: 4, count: values.count / Self.pageSize)
    for (index, page) in pages.enumerated() {
      shortest[Int(page)] = min(shortest[Int(page)], encodedLength(UInt32(index * Self.pageSize)))
    }
    return shortest
  }
}
