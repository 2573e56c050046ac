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

  init(name: String, elementType: ElementType, shape: [Int], elementCount: Int, file: MappedFile, offset: Int) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.elementCount = elementCount
    self.file = file
    self.offset = offset
  }

  /// The elements, little-endian and row-major, at any address; valid as long as `file` lives.
  package var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + elementCount * elementType.byteCount])
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
      let source = bytes
      switch elementType {
      case .float32:
        UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
      case .float16:
        for index in target.indices { target[index] = Float(halfBits: source.element(index)) }
      case .bfloat16:
        for index in target.indices { target[index] = Float(bfloatBits: source.element(index)) }
      case .float64:
        for index in target.indices { target[index] = Float(Double(bitPattern: source.element(index))) }
      default:
        return false
      }
      return true
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

extension UnsafeRawBufferPointer {
  @inline(__always)
  fileprivate func element<T: FixedWidthInteger & BitwiseCopyable>(_ index: Int) -> T {
    T(littleEndian: loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self))
  }
}
