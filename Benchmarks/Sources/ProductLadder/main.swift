import LinearAlgebra
import Measuring
import Storage

// The matrix products of a training step as training runs them, beside OpenBLAS's own best in the same run: large square
// products of all three kinds, through the same pool.
//
//   swift run -c release --package-path Benchmarks ProductLadder

/// y = x Wᵀ, dx = dy W, dW = dyᵀ x, for x [M, K], W [N, K], y [M, N].
enum Product: String, CaseIterable {
  case forward = "y = x Wᵀ"
  case inputGradient = "dx = dy W"
  case weightGradient = "dW = dyᵀ x"
}

struct Ladder {
  let products: MatrixProducts

  /// Operations a second.
  func rate(_ product: Product, _ M: Int, _ N: Int, _ K: Int) -> Double {
    let (x, w, y) = (random(M * K, seed: 1), random(N * K, seed: 2), random(M * N, seed: 3))
    let bias = random(N, seed: 4)
    let (xs, ws, ys) = (x.bound(to: Float.self), w.bound(to: Float.self), y.bound(to: Float.self))
    let time = seconds {
      switch product {
      case .forward: products.forward(xs, ws, bias: bias.bound(to: Float.self), ys, M: M, N: N, K: K)
      case .inputGradient: products.inputGradient(ys, ws, xs, M: M, N: N, K: K, beta: 0)
      case .weightGradient: products.weightGradient(ys, xs, ws, M: M, N: N, K: K, beta: 0)
      }
    }
    return Double(2 * M * N * K) / time
  }

  /// The best of large square products.
  func peak() -> Double {
    [1024, 2048].flatMap { size in Product.allCases.map { rate($0, size, size, size) } }.max()!
  }
}

/// Outputs and inputs of the linear layers.
let models: [(name: String, layers: [(name: String, N: Int, K: Int)])] = [
  (
    "MiniLM-L6",
    [("query, key, value", 1152, 384), ("attention output", 384, 384), ("intermediate", 1536, 384), ("output", 384, 1536)]
  ),
  (
    "BERT-base",
    [("query, key, value", 2304, 768), ("attention output", 768, 768), ("intermediate", 3072, 768), ("output", 768, 3072)]
  ),
]

let blas = try OpenBLAS()
print("\(Machine.processorName), OpenBLAS \(blas.coreName)\(blas.forcedCoreName == nil ? "" : ", forced")")
for threads in [1, 2] {
  let ladder = Ladder(products: MatrixProducts(blas, ThreadPool(threads: threads)))
  let before = ladder.peak()
  var lines: [(text: String, rate: Double)] = []
  for model in models {
    // 16 texts of 128 tokens; 32 and 16 sentences of SST-2.
    for tokens in [2048, 840, 420] {
      for layer in model.layers {
        for product in Product.allCases {
          let shape = padded("\(tokens) x \(layer.N) x \(layer.K)", 18)
          lines.append(
            (
              "  \(padded(model.name, 11))\(padded(layer.name, 19))\(padded(product.rawValue, 15))\(shape)",
              ladder.rate(product, tokens, layer.N, layer.K)
            ))
        }
      }
    }
  }
  let peak = max(before, ladder.peak())
  print("\n\(threads) thread\(threads > 1 ? "s" : ""): OpenBLAS's best \(fixed(peak / 1e9, 0, 0)) GFLOP/s")
  for line in lines { print("\(line.text)\(fixed(line.rate / 1e9, 0, 6)) GFLOP/s \(fixed(100 * line.rate / peak, 1, 6)) %") }
  let shares = lines.map { 100 * $0.rate / peak }.sorted()
  print("  least \(fixed(shares[0], 1, 0)) %, median \(fixed(shares[shares.count / 2], 1, 0)) %, \(shares.count { $0 < 80 }) of \(shares.count) below 80 %")
}
