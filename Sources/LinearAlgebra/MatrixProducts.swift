import Storage

/// The three products of a linear layer and its gradients, over OpenBLAS and a pool of threads.
///
/// Each thread computes a block of the result of its own; the summed dimension is never split, so that the result
/// depends on the number of threads only through the shape of the blocks.
package struct MatrixProducts: Sendable {
  private let blas: OpenBLAS
  private let pool: ThreadPool

  package init(_ blas: OpenBLAS, _ pool: ThreadPool) {
    self.blas = blas
    self.pool = pool
  }

  private static let rowMajor: Int32 = 101
  private static let plain: Int32 = 111
  private static let transposed: Int32 = 112

  /// y [M, N] = x [M, K] wᵀ + bias, w [N, K], bias [N] or nil.
  package func forward(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil,
    _ y: UnsafeMutablePointer<Float>, M: Int, N: Int, K: Int
  ) {
    split(M, N) { rows, columns in
      let block = y + rows.lowerBound * N + columns.lowerBound
      // The product adds to its bias, which its thread has just put there.
      if let bias {
        for row in 0..<rows.count { (block + row * N).update(from: bias + columns.lowerBound, count: columns.count) }
      }
      blas.sgemm(
        Self.rowMajor, Self.plain, Self.transposed, Int32(rows.count), Int32(columns.count), Int32(K), 1,
        x + rows.lowerBound * K, Int32(K), w + columns.lowerBound * K, Int32(K), bias == nil ? 0 : 1, block, Int32(N))
    }
  }

  /// dx [M, K] = beta · dx + dy [M, N] w, w [N, K].
  package func inputGradient(
    _ dy: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, M: Int, N: Int, K: Int,
    beta: Float
  ) {
    split(M, K) { rows, columns in
      blas.sgemm(
        Self.rowMajor, Self.plain, Self.plain, Int32(rows.count), Int32(columns.count), Int32(N), 1,
        dy + rows.lowerBound * N, Int32(N), w + columns.lowerBound, Int32(K), beta,
        dx + rows.lowerBound * K + columns.lowerBound, Int32(K))
    }
  }

  /// dw [N, K] = beta · dw + dyᵀ x, dy [M, N], x [M, K].
  package func weightGradient(
    _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ dw: UnsafeMutablePointer<Float>, M: Int, N: Int, K: Int,
    beta: Float
  ) {
    split(N, K) { rows, columns in
      blas.sgemm(
        Self.rowMajor, Self.transposed, Self.plain, Int32(rows.count), Int32(columns.count), Int32(M), 1,
        dy + rows.lowerBound, Int32(N), x + columns.lowerBound, Int32(K), beta,
        dw + rows.lowerBound * K + columns.lowerBound, Int32(K))
    }
  }

  /// One small product on the calling thread: c [m, n] = alpha · op(a) op(b) + beta · c, row-major with strides.
  package func small(
    _ a: UnsafePointer<Float>, _ aStride: Int, transposeA: Bool = false, _ b: UnsafePointer<Float>, _ bStride: Int,
    transposeB: Bool = false, _ c: UnsafeMutablePointer<Float>, _ cStride: Int, m: Int, n: Int, k: Int,
    alpha: Float = 1, beta: Float = 0
  ) {
    blas.sgemm(
      Self.rowMajor, transposeA ? Self.transposed : Self.plain, transposeB ? Self.transposed : Self.plain, Int32(m),
      Int32(n), Int32(k), alpha, a, Int32(aStride), b, Int32(bStride), beta, c, Int32(cStride))
  }

  /// Cuts a result along its longer side into one block for each thread, in multiples of 16.
  private func split(_ rows: Int, _ columns: Int, _ body: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void) {
    let threads = pool.threadCount
    let longer = max(rows, columns)
    let share = ((longer + threads - 1) / threads).roundedUp(toMultipleOf: 16)
    pool.parallelFor((longer + share - 1) / share) { index, _ in
      let block = index * share..<min(longer, (index + 1) * share)
      if rows >= columns { body(block, 0..<columns) } else { body(0..<rows, block) }
    }
  }
}
