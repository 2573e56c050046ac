import Tokenizers

/// From a value for each code point: equal pages are kept once.
extension ScalarTable {
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
      if let number = pages.last, next.elementsEqual(content) {
        pages.append(number)
        continue
      }
      content = Array(next)
      let number = known[content] ?? UInt16(known.count)
      if known.updateValue(number, forKey: content) == nil { values += content }
      pages.append(number)
    }
    self.init(pages: pages, values: values)!
  }
}
