import Storage

/// Rows on the tape: values [rows, width] and, in the backward pass, their gradient.
///
/// The buffers return to the engine's pool when the last rule that needs them has run.
package final class TapeRows {
  package let rows: Int
  package let width: Int
  let buffer: PooledBuffer
  /// Nil until the first contribution; that one overwrites, later ones add.
  fileprivate(set) var gradientBuffer: PooledBuffer?

  init(rows: Int, width: Int, buffer: PooledBuffer) {
    self.rows = rows
    self.width = width
    self.buffer = buffer
  }

  package var count: Int { rows * width }
  package var values: UnsafeMutablePointer<Float> { buffer.values }
  /// The gradient; there is one when a later verb has contributed.
  var gradient: UnsafeMutablePointer<Float> { gradientBuffer!.values }
  var hasGradient: Bool { gradientBuffer != nil }

  /// Takes over the gradient of rows that will not be asked for theirs again.
  func adoptGradient(of other: TapeRows) {
    precondition(gradientBuffer == nil && other.count == count)
    gradientBuffer = other.gradientBuffer
  }

  /// Memory for a first contribution, which must overwrite all of it.
  func beginGradient(_ pool: BufferPool) -> UnsafeMutablePointer<Float> {
    let buffer = pool.take(count)
    gradientBuffer = buffer
    return buffer.values
  }
}

/// fp32 memory that is used again once nobody holds it.
final class PooledBuffer {
  fileprivate let memory: AlignedBuffer
  fileprivate init(_ memory: AlignedBuffer) { self.memory = memory }
  var values: UnsafeMutablePointer<Float> { memory.bound(to: Float.self) }
}

/// The buffers of one engine. It keeps a reference to each; one that nobody else holds serves the next request of
/// about its size.
final class BufferPool {
  private var buffers: [PooledBuffer] = []

  func take(_ count: Int) -> PooledBuffer {
    let byteCount = count * MemoryLayout<Float>.stride
    var best: Int?
    for index in buffers.indices where buffers[index].memory.byteCount >= byteCount {
      guard best.map({ buffers[index].memory.byteCount < buffers[$0].memory.byteCount }) ?? true else { continue }
      if isKnownUniquelyReferenced(&buffers[index]) { best = index }
    }
    // A buffer much larger than asked for would be missing where it is needed.
    if let best, buffers[best].memory.byteCount <= 2 * byteCount + 4096 { return buffers[best] }
    // One that is too small gives way, so that the pool does not grow with every new size of batch.
    if let index = buffers.indices.first(where: { isKnownUniquelyReferenced(&buffers[$0]) && buffers[$0].memory.byteCount < byteCount && buffers[$0].memory.byteCount * 2 >= byteCount }) {
      buffers.remove(at: index)
    }
    let buffer = PooledBuffer(AlignedBuffer(byteCount: byteCount, zeroed: false))
    buffers.append(buffer)
    return buffer
  }
}
