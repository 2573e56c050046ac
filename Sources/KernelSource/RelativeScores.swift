import CVector

/// What relative positions add to the scores of disentangled attention (He et al., 2021), for one head of one text.
///
/// A product of tokens with all the positions' keys, or queries, has a column for each row of the table of relative
/// positions; a score wants the column of its own distance. Columns ascend with the distance, one step a token near the
/// diagonal and fewer beyond, so that 16 neighbours lie within 16 columns, and almost always in a row.
struct RelativeScores {
  /// Tokens by which a product of tokens and positions is made; its columns stay in the first-level cache.
  static let tokens = 12

  /// The column of each distance, `columns[0]` that of distance 0; 15 more than the largest may be read.
  let columns: UnsafePointer<Int32>
  /// Up to this distance, to either side, the columns are consecutive.
  let linear: Int
  /// Rows [tokens, stride] of products; the first is of the column `first`, a multiple of 64.
  let products: UnsafeMutablePointer<Float>
  let stride: Int

  /// The columns that distances from `lowest` to `highest` want: the first panel's start, and how many from there on.
  @inline(__always)
  private func window(_ lowest: Int, _ highest: Int) -> (first: Int, count: Int) {
    let first = Int(columns[lowest]) / 64 &* 64
    return (first, Int(columns[highest]) &+ 1 &- first)
  }

  /// Content to position for all keys of the queries from `first` on.
  ///
  /// - Parameter multiply: makes `products` of some queries from one on, by some positions from one on.
  @inline(__always)
  func addContentToPosition(
    _ scores: UnsafeMutablePointer<Float>, _ scoreStride: Int, _ first: Int, _ rows: Int, _ L: Int,
    _ multiply: (_ query: Int, _ count: Int, _ position: Int, _ positions: Int) -> Void
  ) {
    var row = 0
    while row < rows {
      let query = first &+ row
      let count = min(Self.tokens, rows &- row)
      let (start, width) = window(1 &- query &- count, L &- 1 &- query)
      multiply(query, count, start, width)
      addContentToPosition(scores + row &* scoreStride, scoreStride, query, count, L, start)
      row &+= count
    }
  }

  /// Position to content for all keys of the queries from `first` on.
  ///
  /// - Parameters:
  ///   - block: scratch memory, [tokens, 16].
  ///   - multiply: makes `products` of some keys from one on, by some positions from one on.
  @inline(__always)
  func addPositionToContent(
    _ scores: UnsafeMutablePointer<Float>, _ scoreStride: Int, _ first: Int, _ rows: Int, _ L: Int,
    _ block: UnsafeMutablePointer<Float>, _ multiply: (_ key: Int, _ count: Int, _ position: Int, _ positions: Int) -> Void
  ) {
    var key = 0
    while key < L {
      let count = min(Self.tokens, L &- key)
      let (start, width) = window(first &- key &- count &+ 1, first &+ rows &- 1 &- key)
      multiply(key, count, start, width)
      addPositionToContent(scores, scoreStride, first, rows, key, count, start, block)
      key &+= count
    }
  }

  /// Of one token's row of products those for 16 distances that ascend from `distance`.
  @inline(__always)
  private func gathered(_ row: UnsafePointer<Float>, _ distance: Int) -> Floats {
    let start = Int(columns[distance])
    let source = row + start
    if distance >= 0 &- linear && distance &+ 15 <= linear { return source.vector(0) }
    if Int(columns[distance &+ 15]) &- start < 16 {
      let indices = UnsafeRawPointer(columns + distance).loadUnaligned(as: Ints.self)
      return v_permute(source.vector(0), indices &- Ints(repeating: Int32(truncatingIfNeeded: start)))
    }
    var vector = Floats()
    for lane in 0..<16 { vector[lane] = row[Int(columns[distance &+ lane])] }
    return vector
  }

  /// Content to position: scores [rows, L] of the queries from `query` on, += q · (key of the position j - i).
  @inline(never)
  private func addContentToPosition(
    _ scores: UnsafeMutablePointer<Float>, _ scoreStride: Int, _ query: Int, _ rows: Int, _ L: Int, _ first: Int
  ) {
    for row in 0..<rows {
      let source = UnsafePointer(products + row &* stride - first)
      let target = scores + row &* scoreStride
      var token = 0
      while token < L {
        target.store(target.vector(token) + gathered(source, token &- query &- row), token)
        token &+= 16
      }
    }
  }

  /// Position to content: scores [rows, L] of the queries from `query` on, for `count` keys from `key` on (a multiple of
  /// 4), += k · (query of the position i - j). The products' rows are the keys: what is gathered is turned round.
  ///
  /// Writes rows up to a multiple of 16, and keys up to a multiple of 4.
  @inline(never)
  private func addPositionToContent(
    _ scores: UnsafeMutablePointer<Float>, _ scoreStride: Int, _ query: Int, _ rows: Int, _ key: Int, _ count: Int,
    _ first: Int, _ block: UnsafeMutablePointer<Float>
  ) {
    var row = 0
    while row < rows {
      for place in 0..<count {
        let source = UnsafePointer(products + place &* stride - first)
        block.store(gathered(source, query &+ row &- key &- place), place &* 16)
      }
      var place = 0
      while place < count {
        for column in 0..<4 {
          v_add_transposed4(
            block + place &* 16 + column &* 4, 16, scores + (row &+ column &* 4) &* scoreStride + key + place, scoreStride)
        }
        place &+= 4
      }
      row &+= 16
    }
  }
}
