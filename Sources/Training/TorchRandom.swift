import Storage

/// The random numbers of PyTorch's generator on the processor: MT19937 (Matsumoto and Nishimura, 1998) and what
/// PyTorch makes of them, so that the order of the data and new weights are the reference library's.
package struct TorchRandom: Sendable {
  private var state: [UInt32]
  private var index = 624
  /// The second number of a pair that a tensor of fewer than 16 elements left over; the next such tensor starts with it.
  private var keptNormal: Double?

  package init(seed: UInt32) {
    state = [seed]
    state.reserveCapacity(624)
    for place in 1..<624 {
      let last = state[place - 1]
      state.append(1_812_433_253 &* (last ^ last >> 30) &+ UInt32(place))
    }
  }

  package mutating func next() -> UInt32 {
    if index == 624 { refill() }
    var y = state[index]
    index += 1
    y ^= y >> 11
    y ^= y << 7 & 0x9D2C_5680
    y ^= y << 15 & 0xEFC6_0000
    return y ^ y >> 18
  }

  private mutating func refill() {
    for place in 0..<624 {
      let y = state[place] & 0x8000_0000 | state[(place + 1) % 624] & 0x7FFF_FFFF
      state[place] = state[(place + 397) % 624] ^ y >> 1 ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
    }
    index = 0
  }

  /// `torch.randperm(count)`.
  package mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for place in 0..<max(0, count - 1) {
      let other = place + Int(next()) % (count - place)
      order.swapAt(place, other)
    }
    return order
  }

  /// `tensor.normal_(0, standardDeviation)` for 16 elements or more: blocks of 16 uniform numbers, turned by
  /// Box and Muller's transform; a remainder draws the last 16 anew. Fewer elements are drawn in Double, one by one.
  package mutating func fillNormal(_ values: UnsafeMutableBufferPointer<Float>, standardDeviation: Float) {
    guard values.count >= 16 else {
      fillFewNormal(values, standardDeviation: standardDeviation)
      return
    }
    for index in values.indices { values[index] = uniform() }
    var start = 0
    while start + 16 <= values.count {
      transform(values.baseAddress! + start, standardDeviation)
      start += 16
    }
    if start < values.count {
      let last = values.baseAddress! + values.count - 16
      for index in 0..<16 { last[index] = uniform() }
      transform(last, standardDeviation)
    }
  }

  /// `torch.nn.init.trunc_normal_(tensor, 0, standardDeviation, ±cutoff · standardDeviation)` for a cutoff that leaves more
  /// than 0.3 of the normal distribution: as long as any element lies beyond, as many are drawn as there are elements.
  package mutating func fillTruncatedNormal(
    _ values: UnsafeMutableBufferPointer<Float>, standardDeviation: Float, cutoff: Float
  ) {
    let bound = Float(Double(cutoff) * Double(standardDeviation))
    fillNormal(values, standardDeviation: standardDeviation)
    while values.contains(where: { abs($0) > bound }) {
      var others = [Float](repeating: 0, count: values.count)
      others.withUnsafeMutableBufferPointer { fillNormal($0, standardDeviation: standardDeviation) }
      for index in values.indices where abs(values[index]) > bound { values[index] = others[index] }
    }
  }

  /// `tensor.uniform_(-bound, bound)`.
  package mutating func fillUniform(_ values: UnsafeMutableBufferPointer<Float>, bound: Float) {
    for index in values.indices { values[index] = uniform() * (2 * bound) - bound }
  }

  private mutating func uniform() -> Float { Float(next() & 0xFF_FFFF) * 0x1p-24 }

  /// Rounded to nearest, as in PyTorch; `Float.pi` is rounded towards zero.
  private static let fullTurn = Float(2 * Double.pi)

  private func transform(_ block: UnsafeMutablePointer<Float>, _ standardDeviation: Float) {
    for index in 0..<8 {
      let radius = (-2 * Float.log(1 - block[index])).squareRoot()
      let angle = Self.fullTurn * block[index + 8]
      block[index] = radius * Float.cos(angle) * standardDeviation
      block[index + 8] = radius * Float.sin(angle) * standardDeviation
    }
  }

  /// PyTorch's path for fewer than 16 elements: Box and Muller in Double, the second number of each pair kept for the next.
  private mutating func fillFewNormal(_ values: UnsafeMutableBufferPointer<Float>, standardDeviation: Float) {
    for index in values.indices {
      if let normal = keptNormal {
        values[index] = Float(normal * Double(standardDeviation))
        keptNormal = nil
        continue
      }
      let first = uniform53()
      let second = uniform53()
      let radius = (-2 * Double.log(onePlus: -second)).squareRoot()
      let angle = 2 * Double.pi * first
      keptNormal = radius * Double.sin(angle)
      values[index] = Float(radius * Double.cos(angle) * Double(standardDeviation))
    }
  }

  private mutating func uniform53() -> Double {
    let high = UInt64(next())
    let low = UInt64(next())
    return Double((high << 32 | low) & ((1 << 53) - 1)) * 0x1p-53
  }
}
