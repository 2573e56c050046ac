/// A small number for every Unicode scalar value, in two stages: pages of 256 scalars, equal pages kept once.
struct ScalarTable: Sendable, Equatable {
  static let pageSize = 256
  static let pageCount = 0x110000 / pageSize

  /// For each run of 256 scalars, which page of `values` holds it.
  let pages: [UInt16]
  let values: [UInt16]

  /// - Parameter dense: a value for each of the 0x110000 code points.
  init(dense: [UInt16]) {
    precondition(dense.count == Self.pageCount * Self.pageSize)
    var known: [[UInt16]: UInt16] = [:]
    var pages: [UInt16] = []
    var values: [UInt16] = []
    for page in 0..<Self.pageCount {
      let content = Array(dense[page * Self.pageSize..<(page + 1) * Self.pageSize])
      if let place = known[content] {
        pages.append(place)
      } else {
        let place = UInt16(known.count)
        known[content] = place
        pages.append(place)
        values += content
      }
    }
    self.pages = pages
    self.values = values
  }

  /// Nil unless every page that is named exists.
  init?(pages: [UInt16], values: [UInt16]) {
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
