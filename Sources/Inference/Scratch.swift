import Storage

/// fp32 memory of each thread, for what a step or a task makes on its way: a block of rows before it is quantised, the
/// attention of one head.
struct Scratch {
  private var buffers: [AlignedBuffer]
  /// Of the buffers, which would be retained whenever they are asked: once for each head of each text.
  private var addresses: [UnsafeMutablePointer<Float>]

  init(threads: Int) throws(OutOfMemory) {
    buffers = []
    for _ in 0..<threads { buffers.append(try AlignedBuffer(byteCount: 0)) }
    addresses = buffers.map { $0.bound(to: Float.self) }
  }

  /// The memory of a thread, 64-byte aligned.
  subscript(thread: Int) -> UnsafeMutablePointer<Float> { addresses[thread] }

  mutating func reserve(_ floats: Int) throws(OutOfMemory) {
    let byteCount = floats * MemoryLayout<Float>.stride
    for index in buffers.indices where buffers[index].byteCount < byteCount {
      buffers[index] = try AlignedBuffer(byteCount: byteCount, zeroed: false)
      addresses[index] = buffers[index].bound(to: Float.self)
    }
  }
}
