
/// Many texts end to end in one block: a training set of a hundred thousand reviews is two allocations.
package struct TextColumn: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  package init() {}

  package init(_ texts: [String]) {
    for text in texts { append(text.utf8) }
  }

  package var count: Int { ends.count }

  /// Makes sure of the memory that appending so many bytes may take: growing arrays are there twice for a moment.
  package func requireRoom(for byteCount: Int) throws(OutOfMemory) {
    if bytes.count + byteCount > bytes.capacity { try requireMemory((bytes.count + byteCount).memory(times: 2)) }
    if ends.count == ends.capacity { try requireMemory(ends.count.memory(times: 2 * MemoryLayout<Int>.stride)) }
  }

  /// Takes the room for so many bytes at once, if it is there to be had: it costs nothing while it is untouched, and a growing array is there
  /// twice for a moment.
  package mutating func reserve(_ byteCount: Int) {
    guard byteCount <= Machine.physicalMemory / 2, (try? requireMemory(byteCount.memory(times: 1))) != nil else { return }
    bytes.reserveCapacity(byteCount)
  }

  package mutating func append(_ text: some Collection<UInt8>) {
    bytes.append(contentsOf: text)
    ends.append(bytes.count)
  }

  private func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

  package func byteCount(_ index: Int) -> Int { range(index).count }

  /// The text without a copy.
  package subscript(index: Int) -> ArraySlice<UInt8> { bytes[range(index)] }

  package func string(_ index: Int) -> String { String(decoding: self[index], as: UTF8.self) }

  package func withBytes<Result, Failure: Error>(
    _ index: Int, _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try self[index].withUnsafeBufferPointer(body)
  }
}

extension TextColumn {
  /// - Parameter rows: in ascending order, each once.
  package func without(_ rows: [Int]) -> TextColumn {
    var kept = TextColumn()
    var next = rows[...]
    for index in 0..<count {
      if next.first == index { next.removeFirst() } else { kept.append(self[index]) }
    }
    return kept
  }
}
