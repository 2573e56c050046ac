import CVector

extension Kernel {
  /// y += x, `count` floats.
  @inline(never)
  package static func add(_ x: UnsafePointer<Float>, _ count: Int, _ y: UnsafeMutablePointer<Float>) {
    forEachVector(count) { index, lanes in
      store(load(y, index, lanes) + load(x, index, lanes), y, index, lanes)
    }
  }

  /// x *= factor, `count` floats.
  @inline(never)
  package static func scale(_ x: UnsafeMutablePointer<Float>, _ count: Int, _ factor: Float) {
    forEachVector(count) { index, lanes in
      store(load(x, index, lanes) * Floats(repeating: factor), x, index, lanes)
    }
  }

  /// The gate of a linear unit (Shazeer, 2020): out [M, N] = the first N of each row of x · the N behind them.
  ///
  /// - Parameters:
  ///   - x: [M, 2N], `xStride` floats from one row to the next.
  ///   - out: [M, N], `outStride` floats from one row to the next; may be the first half of `x`.
  @inline(never)
  package static func gateRows(
    _ x: UnsafePointer<Float>, _ xStride: Int, _ M: Int, _ N: Int, _ out: UnsafeMutablePointer<Float>, _ outStride: Int
  ) {
    for row in 0..<M {
      let values = x + row &* xStride
      let target = out + row &* outStride
      var column = 0
      while column &+ 16 <= N {
        target.store(values.vector(column) * values.vector(N &+ column), column)
        column &+= 16
      }
      while column < N {
        target[column] = values[column] * values[N &+ column]
        column &+= 1
      }
    }
  }

  /// A rotary position embedding (Su et al., 2021) of one head, in place: channels d and d + D/2 of token m turn by the
  /// m-th row's d-th angle.
  ///
  /// - Parameters:
  ///   - rows: [M, D], D even, `stride` floats from one token to the next.
  ///   - cosines, sines: [M, D/2].
  ///   - direction: 1, or -1 to turn back.
  @inline(never)
  package static func rotateRows(
    _ rows: UnsafeMutablePointer<Float>, _ stride: Int, _ M: Int, _ D: Int, _ cosines: UnsafePointer<Float>,
    _ sines: UnsafePointer<Float>, _ direction: Float
  ) {
    let half = D / 2
    let sign = Floats(repeating: direction)
    for row in 0..<M {
      let first = rows + row &* stride
      let second = first + half
      var channel = 0
      while channel &+ 16 <= half {
        let sine = sines.vector(row &* half &+ channel) * sign
        let turned = turn(first.vector(channel), second.vector(channel), cosines.vector(row &* half &+ channel), sine)
        first.store(turned.0, channel)
        second.store(turned.1, channel)
        channel &+= 16
      }
      while channel < half {
        let cosine = Floats(repeating: cosines[row &* half &+ channel])
        let sine = Floats(repeating: sines[row &* half &+ channel]) * sign
        let turned = turn(Floats(repeating: first[channel]), Floats(repeating: second[channel]), cosine, sine)
        first[channel] = turned.0[0]
        second[channel] = turned.1[0]
        channel &+= 1
      }
    }
  }

  @inline(__always)
  private static func turn(_ x: Floats, _ y: Floats, _ cosine: Floats, _ sine: Floats) -> (Floats, Floats) {
    (v_fma(x, cosine, Floats() - y * sine), v_fma(y, cosine, x * sine))
  }

  /// Adds to the scores [M, L] of a text's queries what belongs to each distance of key and query.
  ///
  /// - Parameters:
  ///   - scores: rows `stride` floats apart, with room for a multiple of 16.
  ///   - bias: the bias of distance 0 (key at the place of the query of row 0); those of distances from 1 - M to L - 1,
  ///     rounded up to a multiple of 16, lie around it.
  @inline(never)
  package static func addBias(
    _ scores: UnsafeMutablePointer<Float>, _ stride: Int, _ M: Int, _ L: Int, _ bias: UnsafePointer<Float>
  ) {
    let padded = (L &+ 15) / 16 &* 16
    for row in 0..<M {
      let target = scores + row &* stride
      forEachVector(padded) { index, _ in target.store(target.vector(index) + bias.vector(index &- row), index) }
    }
  }
}
