import CVector

/// A tile of a product: up to six rows by some vectors of one panel's outputs, advanced over all rows.
protocol RowTile {
  /// Makes the first rows. `rows` and `vectors` are constants at every call, so that a smaller tile costs nothing for
  /// what it lacks.
  func multiply(_ rows: Int, _ vectors: Int)

  mutating func advance(_ rows: Int)
}

extension RowTile {
  // The smaller tiles are functions of their own: too much code in one, and nothing is inlined into it any more.
  @inline(never) private func five(_ isWide: Bool) { isWide ? multiply(5, 4) : multiply(5, 2) }
  @inline(never) private func four(_ isWide: Bool) { isWide ? multiply(4, 4) : multiply(4, 2) }
  @inline(never) private func three(_ isWide: Bool) { isWide ? multiply(3, 4) : multiply(3, 2) }
  @inline(never) private func two(_ isWide: Bool) { isWide ? multiply(2, 4) : multiply(2, 2) }
  @inline(never) private func one(_ isWide: Bool) { isWide ? multiply(1, 4) : multiply(1, 2) }

  /// All M rows. Tiles of one or two rows wait for their own sums: seven rows are four and three, eight four and four.
  @inline(__always)
  private mutating func multiplyAll(_ M: Int, _ vectors: Int) {
    let isWide = vectors == 4
    var left = M
    while left > 8 || left == 6 {
      multiply(6, vectors)
      advance(6)
      left &-= 6
    }
    if left == 4 || left > 6 {
      four(isWide)
      advance(4)
      left &-= 4
    }
    switch left {
    case 1: one(isWide)
    case 2: two(isWide)
    case 3: three(isWide)
    case 4: four(isWide)
    case 5: five(isWide)
    default: break
    }
  }

  @inline(never) mutating func multiplyWide(_ M: Int) { multiplyAll(M, 4) }
  @inline(never) mutating func multiplyNarrow(_ M: Int) { multiplyAll(M, 2) }
}

// Weights of a large model come from memory, and with few rows they are all that the time goes into. While the tiles of
// a panel are multiplied, the next panel is fetched at an even pace: with BERT-base 16 tokens take 3.4 ms instead of 4.5.

/// Bytes to move on for each 256 bytes of a panel that a tile reads, for M rows in tiles of six and a panel read in so
/// many passes.
@inline(__always)
func prefetchStep(_ M: Int, passes: Int) -> Int {
  let tiles = max(1, (M &+ 5) / 6) &* passes
  return (256 &+ tiles &- 1) / tiles
}

/// Fetches up to two lines: with fewer than three tiles a panel there are more, which the processor finds by itself.
@inline(__always)
func prefetch(_ ahead: inout UnsafeRawPointer, _ step: Int) {
  v_prefetch(ahead)
  v_prefetch(ahead + 64)
  ahead += step
}
