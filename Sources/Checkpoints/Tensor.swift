import Storage

/// A tensor of a mapped file; it keeps the file mapped.
package struct Tensor: Sendable {
  package let name: String
  package let elementType: ElementType
  /// Outermost first; empty for a single value.
  package let shape: [Int]
  /// The product of the shape.
  package let elementCount: Int

  /// The file that holds the tensor.
  package let file: MappedFile
  private let offset: Int
  /// In elements, as many as dimensions.
  private let strides: [Int]

  /// - Parameters:
  ///   - offset: of the first element, from the start of the file.
  ///   - strides: elements from one index of a dimension to the next; row-major without them. The caller has checked that
  ///     every element lies inside the file.
  init(
    name: String, elementType: ElementType, shape: [Int], elementCount: Int, file: MappedFile, offset: Int, strides: [Int]? = nil
  ) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.elementCount = elementCount
    self.file = file
    self.offset = offset
    let rowMajor = rowMajorStrides(shape)
    self.strides = strides ?? rowMajor
    // The stride of a dimension of one index, or of anything without elements, is never taken.
    isRowMajor = elementCount == 0 || zip(shape, zip(self.strides, rowMajor)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
  }

  /// Whether the elements lie end to end in the order of their indices.
  package let isRowMajor: Bool

  /// The same elements with the dimensions in the opposite order.
  package var transposed: Tensor {
    Tensor(
      name: name, elementType: elementType, shape: shape.reversed(), elementCount: elementCount, file: file, offset: offset,
      strides: strides.reversed())
  }

  /// The elements, little-endian, at any address; valid as long as `file` lives. Nil unless they are in row-major order.
  package var bytes: UnsafeRawBufferPointer? { isRowMajor ? run(at: 0, elementCount) : nil }

  /// So many elements end to end, from that element of the storage on.
  private func run(at element: Int, _ count: Int) -> UnsafeRawBufferPointer {
    let start = offset + element * elementType.byteCount
    return UnsafeRawBufferPointer(rebasing: file.bytes[start..<start + count * elementType.byteCount])
  }

  /// Converts all elements to float32: F32 as they are, F16 and BF16 exactly, F64 rounded to nearest.
  ///
  /// - Parameter target: room for exactly `elementCount` elements.
  /// - Throws: when the elements are integers, or the count differs.
  package func readFloat32(into target: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    guard target.count == elementCount else {
      throw CheckpointError(
        path: file.path, fault: .shape(tensor: name, expected: [target.count], found: shape))
    }
    let isFloatingPoint = withExtendedLifetime(file) {
      if isRowMajor { return elementType.convert(run(at: 0, elementCount), stride: 1, into: target) }
      let rowLength = shape.last!, stride = strides.last!
      var isFloatingPoint = true
      for (row, start) in RowStarts(shape: shape.dropLast(), strides: strides.dropLast()).enumerated() {
        let target = UnsafeMutableBufferPointer(rebasing: target[row * rowLength..<(row + 1) * rowLength])
        isFloatingPoint = elementType.convert(run(at: start, (rowLength - 1) * stride + 1), stride: stride, into: target)
        guard isFloatingPoint else { break }
      }
      return isFloatingPoint
    }
    guard isFloatingPoint else {
      throw CheckpointError(path: file.path, fault: .notFloatingPoint(tensor: name, found: elementType))
    }
  }

  /// All elements as float32.
  package func readFloat32() throws(CheckpointError) -> [Float] {
    var values = [Float](repeating: 0, count: elementCount)
    var failure: CheckpointError?
    values.withUnsafeMutableBufferPointer { target in
      do throws(CheckpointError) { try readFloat32(into: target) } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }
}

/// Where the rows of a tensor start, in elements, in row-major order of their indices.
private struct RowStarts: Sequence, IteratorProtocol {
  let shape: ArraySlice<Int>
  let strides: ArraySlice<Int>
  private var indices: [Int]
  private var start: Int? = 0

  init(shape: ArraySlice<Int>, strides: ArraySlice<Int>) {
    (self.shape, self.strides) = (shape, strides)
    indices = shape.map { _ in 0 }
  }

  mutating func next() -> Int? {
    guard let current = start else { return nil }
    var following = current
    for dimension in indices.indices.reversed() {
      indices[dimension] += 1
      following += strides[dimension]
      if indices[dimension] < shape[dimension] {
        start = following
        return current
      }
      following -= indices[dimension] * strides[dimension]
      indices[dimension] = 0
    }
    start = nil
    return current
  }
}

private func rowMajorStrides(_ shape: [Int]) -> [Int] {
  var strides = shape
  var step = 1
  for dimension in shape.indices.reversed() {
    strides[dimension] = step
    step &*= shape[dimension]
  }
  return strides
}
