import LinearAlgebra
import Storage
import Testing

/// What no product writes by itself: marks memory behind or between results.
private let untouched: Float = -777.25

/// A result and, for each number, the largest error that rounding explains.
private struct Exact {
  var values: [Double]
  var bounds: [Double]

  /// Plain loops in Double: `beta · old + alpha · Σ a(row, inner) b(inner, column)`.
  init(
    rows: Int, columns: Int, inner: Int, old: [Float], alpha: Float = 1, beta: Float,
    _ a: (_ row: Int, _ inner: Int) -> Float, _ b: (_ inner: Int, _ column: Int) -> Float
  ) {
    values = []
    bounds = []
    for row in 0..<rows {
      for column in 0..<columns {
        var sum = 0.0
        var magnitude = 0.0
        for index in 0..<inner {
          let product = Double(a(row, index)) * Double(b(index, column))
          sum += product
          magnitude += abs(product)
        }
        let added = beta == 0 ? 0 : Double(beta) * Double(old[row * columns + column])
        values.append(Double(alpha) * sum + added)
        // Higham, Accuracy and Stability of Numerical Algorithms, 3.1: an error of at most n ulps of the magnitudes.
        bounds.append(Double(inner + 3) * 0x1p-24 * (Double(abs(alpha)) * magnitude + abs(added)))
      }
    }
  }

  /// Where `found` is further off than rounding explains.
  func difference(_ found: [Float]) -> Int? {
    values.indices.first { !(abs(Double(found[$0]) - values[$0]) <= bounds[$0]) }
  }
}

private struct Random {
  private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

  mutating func floats(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Float(state >> 40) / Float(1 << 23) - 1
    }
  }
}

@Suite struct ProductTests {
  private static let sizes = [
    (1, 1, 1), (1, 7, 3), (2, 3, 129), (3, 200, 45), (5, 17, 16), (16, 16, 16), (31, 33, 47), (33, 32, 1), (49, 1, 130),
    (64, 64, 64), (97, 135, 45), (130, 99, 45),
  ]
  private let blas: OpenBLAS

  init() throws { blas = try OpenBLAS() }

  /// Runs a product into a copy of `old` with room behind it; says if that was written to.
  private func result(_ old: [Float], _ product: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
    var memory = old + [Float](repeating: untouched, count: 64)
    memory.withUnsafeMutableBufferPointer { product($0.baseAddress!) }
    #expect(memory[old.count...].allSatisfy { $0 == untouched }, "written behind the result")
    return Array(memory[..<old.count])
  }

  @Test(arguments: 1...3) func productsOfALayer(threads: Int) {
    let products = MatrixProducts(blas, ThreadPool(threads: threads))
    for (M, N, K) in Self.sizes {
      var random = Random()
      let (x, w, dy) = (random.floats(M * K), random.floats(N * K), random.floats(M * N))
      let place = "M \(M) N \(N) K \(K) threads \(threads)"
      for beta: Float in [0, 1] {
        func old(_ count: Int) -> [Float] { beta == 0 ? [Float](repeating: .nan, count: count) : random.floats(count) }
        // Where nothing is added, what the result held is not read: it may be anything.
        let bias = beta == 0 ? nil : random.floats(N)
        let rows = bias.map { bias in (0..<M).flatMap { _ in bias } } ?? old(M * N)
        let forward = Exact(rows: M, columns: N, inner: K, old: rows, beta: beta) { x[$0 * K + $1] } _: { w[$1 * K + $0] }
        let foundY = result([Float](repeating: .nan, count: M * N)) { products.forward(x, w, bias: bias, $0, M: M, N: N, K: K) }
        #expect(forward.difference(foundY) == nil, "forward \(place), bias \(bias != nil)")

        let dx = old(M * K)
        let input = Exact(rows: M, columns: K, inner: N, old: dx, beta: beta) { dy[$0 * N + $1] } _: { w[$0 * K + $1] }
        let foundDX = result(dx) { products.inputGradient(dy, w, $0, M: M, N: N, K: K, beta: beta) }
        #expect(input.difference(foundDX) == nil, "input gradient \(place) beta \(beta)")

        let dw = old(N * K)
        let weight = Exact(rows: N, columns: K, inner: M, old: dw, beta: beta) { dy[$1 * N + $0] } _: { x[$0 * K + $1] }
        let foundDW = result(dw) { products.weightGradient(dy, x, $0, M: M, N: N, K: K, beta: beta) }
        #expect(weight.difference(foundDW) == nil, "weight gradient \(place) beta \(beta)")
      }
    }
  }

  /// Training resumes to the same bits on the same number of threads.
  @Test(arguments: 1...3) func theSameBitsForTheSameThreads(threads: Int) {
    let (M, N, K) = (101, 77, 135)
    var random = Random()
    let (x, w, dy, dw) = (random.floats(M * K), random.floats(N * K), random.floats(M * N), random.floats(N * K))
    var first: [[UInt32]]?
    for _ in 0..<4 {
      let products = MatrixProducts(blas, ThreadPool(threads: threads))
      for _ in 0..<5 {
        let found = [
          result([Float](repeating: 0, count: M * N)) { products.forward(x, w, $0, M: M, N: N, K: K) },
          result([Float](repeating: 0, count: M * K)) { products.inputGradient(dy, w, $0, M: M, N: N, K: K, beta: 0) },
          result(dw) { products.weightGradient(dy, x, $0, M: M, N: N, K: K, beta: 1) },
        ].map { $0.map(\.bitPattern) }
        #expect(first == nil || first == found)
        first = found
      }
    }
  }

  /// One head of attention: rows with others between them, either side transposed.
  @Test func smallProducts() {
    let products = MatrixProducts(blas, ThreadPool(threads: 1))
    for (m, n, k) in [(1, 1, 1), (3, 5, 2), (7, 7, 15), (17, 2, 33)] {
      for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
        for (alpha, beta) in [(1, 0), (0.25, 0), (1, 1), (-2, 0.5)] as [(Float, Float)] {
          var random = Random()
          let (aStride, bStride, cStride) = ((transposeA ? m : k) + 3, (transposeB ? k : n) + 1, n + 4)
          let a = random.floats((transposeA ? k : m) * aStride)
          let b = random.floats((transposeB ? n : k) * bStride)
          let old = beta == 0 ? [Float](repeating: .nan, count: m * n) : random.floats(m * n)
          var c = [Float](repeating: untouched, count: m * cStride)
          for row in 0..<m { c.replaceSubrange(row * cStride..<row * cStride + n, with: old[row * n..<(row + 1) * n]) }
          c.withUnsafeMutableBufferPointer {
            products.small(
              a, aStride, transposeA: transposeA, b, bStride, transposeB: transposeB, $0.baseAddress!, cStride, m: m, n: n,
              k: k, alpha: alpha, beta: beta)
          }
          let exact = Exact(rows: m, columns: n, inner: k, old: old, alpha: alpha, beta: beta) {
            a[transposeA ? $1 * aStride + $0 : $0 * aStride + $1]
          } _: {
            b[transposeB ? $1 * bStride + $0 : $0 * bStride + $1]
          }
          let place = "m \(m) n \(n) k \(k) transposed \(transposeA) \(transposeB) alpha \(alpha) beta \(beta)"
          let found = (0..<m).flatMap { c[$0 * cStride..<$0 * cStride + n] }
          #expect(exact.difference(found) == nil, "\(place)")
          let between = (0..<m).flatMap { c[$0 * cStride + n..<($0 + 1) * cStride] }
          #expect(between.allSatisfy { $0 == untouched }, "\(place): written between the rows")
        }
      }
    }
  }
}
