import Storage

// What the ladders share.

/// Seconds of one call: the best of several rounds, each long enough for the clock.
package func seconds(_ body: () -> Void) -> Double {
  body()
  var calls = 1
  while true {
    let start = Machine.monotonicSeconds()
    for _ in 0..<calls { body() }
    if Machine.monotonicSeconds() - start > 0.005 { break }
    calls *= 2
  }
  return (0..<9).map { _ in
    let start = Machine.monotonicSeconds()
    for _ in 0..<calls { body() }
    return (Machine.monotonicSeconds() - start) / Double(calls)
  }.min()!
}

/// Numbers from -1 to 1, the same for the same seed.
package func random(_ count: Int, seed: UInt64) -> AlignedBuffer {
  let buffer = try! AlignedBuffer(count: count, of: Float.self)
  var state = seed
  for index in 0..<count {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    buffer.bound(to: Float.self)[index] = Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
  }
  return buffer
}

/// A number with so many digits after the point, at least `width` wide.
package func fixed(_ value: Double, _ digits: Int, _ width: Int) -> String {
  let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
  let units = Int((value * scale).rounded())
  let whole = "\(units / Int(scale))"
  let text = digits == 0 ? whole : whole + "." + String(String(units % Int(scale) + Int(scale)).dropFirst())
  return String(repeating: " ", count: max(0, width - text.utf8.count)) + text
}

/// A text at least `width` wide.
package func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.utf8.count)) }
