/// The type of a tensor's elements, by its name in a safetensors header.
package enum ElementType: String, CaseIterable, Sendable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case bool = "BOOL"
  case float8E5M2 = "F8_E5M2"
  case float8E4M3 = "F8_E4M3"

  /// Bytes of one element.
  package var byteCount: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool, .float8E5M2, .float8E4M3: 1
    }
  }
}

extension ElementType {
  /// Converts every `stride`th element of `source` to float32 until the target is full; false for what is no floating point type.
  func convert(_ source: UnsafeRawBufferPointer, stride: Int, into target: UnsafeMutableBufferPointer<Float>) -> Bool {
    switch self {
    case .float32:
      guard stride != 1 else {
        UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
        return true
      }
      for index in target.indices { target[index] = Float(bitPattern: source.element(index * stride)) }
    case .float16: for index in target.indices { target[index] = Float(Float16(bitPattern: source.element(index * stride))) }
    case .bfloat16: for index in target.indices { target[index] = Float(bfloatBits: source.element(index * stride)) }
    case .float64: for index in target.indices { target[index] = Float(Double(bitPattern: source.element(index * stride))) }
    default: return false
    }
    return true
  }
}

extension UnsafeRawBufferPointer {
  @inline(__always)
  fileprivate func element<T: FixedWidthInteger & BitwiseCopyable>(_ index: Int) -> T {
    T(littleEndian: loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self))
  }
}

extension Float {
  /// The value of bfloat16 bits: the upper half of a float32.
  @inline(__always)
  init(bfloatBits bits: UInt16) { self.init(bitPattern: UInt32(bits) << 16) }
}
