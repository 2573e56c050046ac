import CVector
import Storage
import WeightFormats

/// The hidden states of a batch, or the operand of its next product, in memory that is used again.
///
/// The engine's pool holds one reference to each; as soon as no verb, no step that waits and no local variable holds
/// another, the memory serves the next verb that asks for that many bytes.
package final class Activations {
  fileprivate var buffer: AlignedBuffer {
    didSet { address = buffer.baseAddress }
  }
  /// Of the buffer, which would be retained for each time it is asked.
  private var address: UnsafeMutableRawPointer
  fileprivate(set) var rows = 0
  fileprivate(set) var width = 0
  /// For hidden states: the same rows quantised, once a product has wanted that.
  var operand: Activations?
  /// For what a product made: the form of its operand.
  var productForm = OperandForm.float32
  /// Whether the memory holds quantised rows followed by their scales, or fp32 rows.
  fileprivate(set) var isQuantized = false
  /// Bytes from one quantised row to the next.
  fileprivate(set) var stride = 0

  fileprivate init(byteCount: Int) throws(OutOfMemory) {
    buffer = try AlignedBuffer(byteCount: byteCount, zeroed: false)
    address = buffer.baseAddress
  }

  /// fp32 rows, `[rows, width]`.
  var values: UnsafeMutablePointer<Float> {
    assert(!isQuantized)
    return address.assumingMemoryBound(to: Float.self)
  }

  /// Quantised rows, `stride` bytes apart, in the form of the kernels in use.
  var quantized: UnsafeMutableRawPointer {
    assert(isQuantized)
    return address
  }

  /// The scale of each quantised row.
  var scales: UnsafeMutablePointer<Float> {
    assert(isQuantized)
    return (address + rows * stride).assumingMemoryBound(to: Float.self)
  }
}

extension Activations: ProductOperand {
  package func floatRows(_ rows: Range<Int>) -> FloatRows {
    FloatRows(values: values + rows.lowerBound * width, stride: width, count: rows.count, width: width)
  }

  package func quantizedRows(_ rows: Range<Int>) -> QuantizedRows {
    QuantizedRows(
      values: quantized + rows.lowerBound * stride, scales: scales + rows.lowerBound, stride: stride, count: rows.count, width: width)
  }
}

/// The activations of one engine. After the first few batches of a size it allocates nothing.
struct ActivationPool {
  private var all: [Activations] = []

  mutating func hidden(rows: Int, width: Int) throws(OutOfMemory) -> Activations {
    let activations = try take(byteCount: rows * width * MemoryLayout<Float>.stride)
    activations.rows = rows
    activations.width = width
    activations.isQuantized = false
    activations.productForm = .float32
    return activations
  }

  mutating func quantized(rows: Int, width: Int, stride: Int) throws(OutOfMemory) -> Activations {
    let activations = try take(byteCount: rows * stride + rows * MemoryLayout<Float>.stride)
    activations.rows = rows
    activations.width = width
    activations.stride = stride
    activations.isQuantized = true
    return activations
  }

  /// The smallest free buffer that is large enough; the largest free one grows when none is.
  private mutating func take(byteCount: Int) throws(OutOfMemory) -> Activations {
    var fitting: Int?
    var growing: Int?
    for index in all.indices where isKnownUniquelyReferenced(&all[index]) {
      all[index].operand = nil
      let size = all[index].buffer.byteCount
      if size >= byteCount, fitting.map({ size < all[$0].buffer.byteCount }) ?? true { fitting = index }
      if growing.map({ size > all[$0].buffer.byteCount }) ?? true { growing = index }
    }
    if let fitting { return all[fitting] }
    if let growing {
      all[growing].buffer = try AlignedBuffer(byteCount: byteCount, zeroed: false)
      return all[growing]
    }
    let activations = try Activations(byteCount: byteCount)
    all.append(activations)
    return activations
  }
}
