import Encoders
import Storage

/// What attention turns by and adds by the tokens' places, made for the longest text so far.
struct PlaceTables {
  struct Rotation {
    fileprivate let base: Float
    /// Places.
    fileprivate let count: Int
    private let memory: AlignedBuffer
    /// `[count, headWidth / 2]` each.
    let cosines, sines: UnsafePointer<Float>

    fileprivate init(_ rotary: RotaryEmbedding, count: Int, headWidth: Int) throws(OutOfMemory) {
      base = rotary.base
      self.count = count
      let floats = count * (headWidth / 2)
      memory = try AlignedBuffer(count: 2 * floats, of: Float.self, zeroed: false)
      let values = memory.bound(to: Float.self)
      rotary.fill(values, values + floats, count: count, headWidth: headWidth)
      (cosines, sines) = (UnsafePointer(values), UnsafePointer(values + floats))
    }
  }

  struct Biases {
    fileprivate let table: Int?
    fileprivate let window: Int?
    fileprivate let reach: Int
    private let stride: Int
    private let isShared: Bool
    private let memory: AlignedBuffer

    fileprivate init(
      _ attention: Attention, reach: Int, headWidth: Int, _ values: UnsafePointer<Float>?
    ) throws(OutOfMemory) {
      table = attention.relativeBias?.table.index
      window = attention.window
      self.reach = reach
      stride = attention.biasStride(reach: reach)
      isShared = attention.biasRows == 1
      memory = try AlignedBuffer(count: attention.biasRows * stride, of: Float.self, zeroed: false)
      attention.fillBiases(memory.bound(to: Float.self), reach: reach, headWidth: headWidth, values)
    }

    /// The bias of distance 0, those of other distances around it.
    func ofHead(_ head: Int) -> UnsafePointer<Float> {
      UnsafePointer(memory.bound(to: Float.self) + (isShared ? 0 : head * stride) + reach)
    }
  }

  private var rotations: [Rotation] = []
  private var biases: [Biases] = []

  mutating func rotation(_ rotary: RotaryEmbedding, count: Int, headWidth: Int) throws(OutOfMemory) -> Rotation {
    if let known = rotations.first(where: { $0.base == rotary.base && $0.count >= count }) { return known }
    rotations.removeAll { $0.base == rotary.base }
    rotations.append(try Rotation(rotary, count: grown(count), headWidth: headWidth))
    return rotations[rotations.count - 1]
  }

  /// - Parameter gather: writes the given rows of a table.
  mutating func biases(
    _ attention: Attention, reach: Int, headWidth: Int,
    gather: (_ table: Table, _ rows: UnsafePointer<Int32>, _ count: Int, _ out: UnsafeMutablePointer<Float>) -> Void
  ) throws(OutOfMemory) -> Biases {
    let table = attention.relativeBias?.table
    func fits(_ biases: Biases) -> Bool { biases.table == table?.index && biases.window == attention.window }
    if let known = biases.first(where: { fits($0) && $0.reach >= reach }) { return known }
    biases.removeAll(where: fits)
    var values: AlignedBuffer?
    if let table {
      let buffer = try AlignedBuffer(count: RelativeBias.bucketCount * table.width, of: Float.self, zeroed: false)
      let rows = (0..<Int32(RelativeBias.bucketCount)).map { $0 }
      gather(table, rows, rows.count, buffer.bound(to: Float.self))
      values = buffer
    }
    biases.append(
      try Biases(
        attention, reach: grown(reach), headWidth: headWidth, values.map { UnsafePointer($0.bound(to: Float.self)) }))
    return biases[biases.count - 1]
  }

  /// In steps, so that slowly growing texts do not ask for new tables each.
  private func grown(_ count: Int) -> Int { count.roundedUp(toMultipleOf: 128) }
}
