import Encoders
import Kernels
import Storage

/// What attention turns by and adds by the tokens' positions, made for the longest text so far.
struct PositionTables {
  struct Rotation {
    private let rotary: RotaryEmbedding
    private let headWidth: Int
    /// Positions.
    private let count: Int
    private let memory: AlignedBuffer
    /// `[count, headWidth / 2]` each.
    private let cosines, sines: UnsafePointer<Float>

    fileprivate init(_ rotary: RotaryEmbedding, count: Int, headWidth: Int) throws(OutOfMemory) {
      (self.rotary, self.headWidth, self.count) = (rotary, headWidth, count)
      let floats = count * (headWidth / 2)
      memory = try AlignedBuffer(count: 2 * floats, of: Float.self, zeroed: false)
      let values = memory.bound(to: Float.self)
      rotary.fill(values, values + floats, count: count, headWidth: headWidth)
      (cosines, sines) = (UnsafePointer(values), UnsafePointer(values + floats))
    }

    fileprivate func fits(_ rotary: RotaryEmbedding, headWidth: Int, count: Int = 0) -> Bool {
      self.rotary == rotary && self.headWidth == headWidth && self.count >= count
    }

    /// Turns rows of one head, which begin with that of the first of some positions.
    func turn(
      _ rows: UnsafeMutablePointer<Float>, _ stride: Int, _ positions: Range<Int>, _ kernels: any KernelTable.Type
    ) {
      let start = positions.lowerBound * (headWidth / 2)
      kernels.rotateRows(rows, stride, positions.count, headWidth, cosines + start, sines + start, 1)
    }
  }

  struct Biases {
    fileprivate let shape: AttentionShape
    fileprivate let reach: Int
    private let stride: Int
    private let isShared: Bool
    private let memory: AlignedBuffer

    fileprivate init(_ shape: AttentionShape, reach: Int, _ values: UnsafePointer<Float>?) throws(OutOfMemory) {
      self.shape = shape
      self.reach = reach
      stride = shape.biasStride(reach: reach)
      isShared = shape.biasRows == 1
      memory = try AlignedBuffer(count: shape.biasRows * stride, of: Float.self, zeroed: false)
      shape.fillBiases(memory.bound(to: Float.self), reach: reach, values)
    }

    /// The bias of distance 0, those of other distances around it.
    func ofHead(_ head: Int) -> UnsafePointer<Float> {
      UnsafePointer(memory.bound(to: Float.self) + (isShared ? 0 : head * stride) + reach)
    }
  }

  private var rotations: [Rotation] = []
  private var biases: [Biases] = []

  mutating func rotation(_ rotary: RotaryEmbedding, count: Int, headWidth: Int) throws(OutOfMemory) -> Rotation {
    if let known = rotations.first(where: { $0.fits(rotary, headWidth: headWidth, count: count) }) { return known }
    rotations.removeAll { $0.fits(rotary, headWidth: headWidth) }
    rotations.append(try Rotation(rotary, count: grown(count), headWidth: headWidth))
    return rotations[rotations.count - 1]
  }

  /// - Parameter gather: writes the given rows of a table.
  mutating func biases(
    _ shape: AttentionShape, reach: Int,
    gather: (_ table: Table, _ rows: UnsafePointer<Int32>, _ count: Int, _ out: UnsafeMutablePointer<Float>) -> Void
  ) throws(OutOfMemory) -> Biases {
    if let known = biases.first(where: { $0.shape.sharesBiases(with: shape) && $0.reach >= reach }) { return known }
    biases.removeAll { $0.shape.sharesBiases(with: shape) }
    var values: AlignedBuffer?
    if let table = shape.relativeBias?.table {
      let buffer = try AlignedBuffer(count: RelativeBias.bucketCount * table.width, of: Float.self, zeroed: false)
      let rows = (0..<Int32(RelativeBias.bucketCount)).map { $0 }
      gather(table, rows, rows.count, buffer.bound(to: Float.self))
      values = buffer
    }
    biases.append(try Biases(shape, reach: grown(reach), values.map { UnsafePointer($0.bound(to: Float.self)) }))
    return biases[biases.count - 1]
  }

  /// In steps, so that slowly growing texts do not ask for new tables each.
  private func grown(_ count: Int) -> Int { count.roundedUp(toMultipleOf: 128) }
}
