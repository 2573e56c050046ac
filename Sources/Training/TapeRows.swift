import Storage

/// Rows [rows, width] as a model's forward pass holds them. When it lets go of them, what the backward pass will not
/// read or can make again goes back to the engine's pool.
package final class TapeRows {
  let node: TapeNode

  init(_ node: TapeNode) { self.node = node }

  deinit { node.endForward() }

  package var rows: Int { node.rows }
  package var width: Int { node.width }
  package var count: Int { node.count }
  package var values: UnsafeMutablePointer<Float> { get throws(OutOfMemory) { try node.values } }
}

/// Rows as the rules on the tape hold them: values as long as they are needed and, in the backward pass, their gradient.
///
/// The buffers return to the engine's pool when the last rule that needs them has run.
final class TapeNode {
  let rows: Int
  let width: Int
  /// Whether any parameter behind these rows is trained.
  let needsGradient: Bool
  private let pool: BufferPool
  private var buffer: PooledBuffer?
  /// Nil until the first contribution; that one overwrites, later ones add.
  private(set) var gradientBuffer: PooledBuffer?
  private var isReadBackward = false
  /// Makes the values again, from what is kept anyway.
  var rebuild: ((UnsafeMutablePointer<Float>) throws(OutOfMemory) -> Void)?

  /// - Parameter values: what the rows hold, nil for memory to be filled.
  init(rows: Int, width: Int, needsGradient: Bool, pool: BufferPool, values: PooledBuffer? = nil) throws(OutOfMemory) {
    self.rows = rows
    self.width = width
    self.needsGradient = needsGradient
    self.pool = pool
    if let values { buffer = values } else { buffer = try pool.take(rows * width) }
  }

  var count: Int { rows * width }

  var values: UnsafeMutablePointer<Float> {
    get throws(OutOfMemory) {
      if let buffer { return buffer.values }
      let made = try pool.take(count)
      try rebuild!(made.values)
      buffer = made
      return made.values
    }
  }

  /// A rule will read the values in the backward pass.
  func keepValues() { isReadBackward = true }

  fileprivate func endForward() {
    if !isReadBackward || rebuild != nil { buffer = nil }
  }

  /// The gradient; there is one when a later verb has contributed.
  var gradient: UnsafeMutablePointer<Float> { gradientBuffer!.values }

  /// Takes over the gradient of rows that will not be asked for theirs again.
  func adoptGradient(of other: TapeNode) {
    precondition(gradientBuffer == nil && other.count == count)
    gradientBuffer = other.gradientBuffer
  }

  /// The memory of the gradient for a contribution, which adds when there has been one and overwrites all of it else.
  func contribution() throws(OutOfMemory) -> (gradient: UnsafeMutablePointer<Float>, adds: Bool) {
    if let gradientBuffer { return (gradientBuffer.values, true) }
    let buffer = try pool.take(count)
    gradientBuffer = buffer
    return (buffer.values, false)
  }
}

/// fp32 memory that is used again once nobody holds it.
final class PooledBuffer {
  fileprivate let memory: AlignedBuffer
  fileprivate init(_ memory: AlignedBuffer) { self.memory = memory }
  var values: UnsafeMutablePointer<Float> { memory.bound(to: Float.self) }
}

/// The buffers of one engine. It keeps a reference to each; the smallest that nobody else holds and that is large enough
/// serves the next request. A smaller batch asks for as many buffers as a larger one, so once the largest has been
/// there, the memory stays.
final class BufferPool {
  private var buffers: [PooledBuffer] = []

  func take(_ count: Int) throws(OutOfMemory) -> PooledBuffer {
    let byteCount = count * MemoryLayout<Float>.stride
    var best: Int?
    for index in buffers.indices where buffers[index].memory.byteCount >= byteCount {
      guard best.map({ buffers[index].memory.byteCount < buffers[$0].memory.byteCount }) ?? true else { continue }
      if isKnownUniquelyReferenced(&buffers[index]) { best = index }
    }
    if let best { return buffers[best] }
    // One that is too small gives way, so that the pool does not grow with every new size of batch.
    if let index = buffers.indices.first(where: { isKnownUniquelyReferenced(&buffers[$0]) && buffers[$0].memory.byteCount < byteCount && buffers[$0].memory.byteCount * 2 >= byteCount }) {
      buffers.remove(at: index)
    }
    let buffer = try PooledBuffer(AlignedBuffer(byteCount: byteCount, zeroed: false))
    buffers.append(buffer)
    return buffer
  }
}
