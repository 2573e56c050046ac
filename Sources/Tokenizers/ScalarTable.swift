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
    var content: [UInt16] = []
    for page in 0..<Self.pageCount {
      let next = dense[page * Self.pageSize..<(page + 1) * Self.pageSize]
      // Most pages are the one before once more: to compare is much faster than to hash.
      if let place = pages.last, next.elementsEqual(content) {
        pages.append(place)
        continue
      }
      content = Array(next)
      let place = known[content] ?? UInt16(known.count)
      if known.updateValue(place, forKey: content) == nil { values += content }
      pages.append(place)
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
